"""The spoken instructions that come with the program: `assets/instructions`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples

CAPTIONS = "captions"
"""Id of what tells a lane to write captions."""


@dataclass(frozen=True, slots=True)
class SpokenInstruction:
    """What a lane is told. `file` lies in `assets/instructions`."""

    id: str
    text: str
    file: str

    def load(self) -> Samples:
        """float32 [T] at 16 kHz, a new array."""
        import soundfile

        content = resources.files("everlisten.assets").joinpath("instructions", self.file)
        samples, rate_hz = soundfile.read(io.BytesIO(content.read_bytes()), dtype="float32")
        assert rate_hz == SAMPLE_RATE_HZ, (self.file, rate_hz)
        loaded: Samples = samples
        return loaded


@cache
def shipped_instructions() -> Mapping[str, SpokenInstruction]:
    """Every instruction by id."""
    source = resources.files("everlisten.assets").joinpath("instructions", "instructions.yaml")
    entries = yaml.safe_load(source.read_text("utf-8"))["instructions"]
    return MappingProxyType({entry["id"]: SpokenInstruction(**entry) for entry in entries})


def translation_text(language_name: str) -> str:
    """The instruction to translate, in the released samples' words."""
    return f"Convert spoken language audio into {language_name}."


def instruction_for(text: str) -> SpokenInstruction | None:
    """The clip with exactly these words, if there is one: then nothing needs to be spoken."""
    return next((spoken for spoken in shipped_instructions().values() if spoken.text == text), None)
