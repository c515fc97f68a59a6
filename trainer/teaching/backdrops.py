"""Speech to hear the examples under: without it a sound is hardly known while somebody talks."""

from __future__ import annotations

import io
from functools import cache
from importlib import resources

import numpy as np
import soundfile

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples


@cache
def shipped_speech() -> tuple[Samples, ...]:
    """The spoken instructions that ship with the program, one after the other: float32 [T]."""
    folder = resources.files("everlisten.assets").joinpath("instructions")
    clips = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".flac"):
            samples, rate_hz = soundfile.read(io.BytesIO(file.read_bytes()), dtype="float32")
            assert rate_hz == SAMPLE_RATE_HZ, (file.name, rate_hz)
            clips.append(samples)
    speech: Samples = np.concatenate(clips)
    speech.flags.writeable = False
    return (speech,)
