"""Builds the demo scene from the recordings that `scene.yaml` names, and a synthesised alarm.

    python assets/demo/build_scene.py SPEECH_AND_SOUNDS_FOLDER

Run by hand when the scene changes; the result is committed. The same input gives the same samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import yaml
from numpy.typing import NDArray

from everlisten.trainer.sounds.rhythms import Rhythm, patterned, piezo
from everlisten.trainer.sounds.rooms import room_response

SCENE = Path(__file__).with_name("scene.yaml")
SAMPLE_RATE_HZ = 16_000
FADE_S = 0.02
"""At both ends of a recording, so that a cut does not click."""
SPEECH_DBFS = -22.0
MUSIC_DBFS = -24.0
SOUND_DBFS = -22.0
ALARM_DBFS = -25.0
"""RMS of a whole recording; music is a little lower, because it has no pauses."""
ALARM_HZ = 3_100.0
ALARM_DISTANCE = 0.4
"""From the microphone (0) to the far end of the room (1)."""
PEAK_LIMIT = 0.89
"""-1 dBFS."""

Samples = NDArray[np.float64]


def read_clip(path: Path, from_s: float, to_s: float) -> Samples:
    """float64 [T] at 16 kHz, mono: `path` between two of its times."""
    samples, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    clip: Samples = mono[round(from_s * SAMPLE_RATE_HZ) : round(to_s * SAMPLE_RATE_HZ)]
    return clip


def level(clip: Samples, target_dbfs: float) -> Samples:
    """The clip at an RMS of `target_dbfs`, or lower where its peaks leave no room."""
    gain = 10 ** (target_dbfs / 20) / float(np.sqrt(np.mean(clip**2)))
    return clip * min(gain, PEAK_LIMIT / float(np.abs(clip).max()))


def fade(clip: Samples, seconds: float) -> Samples:
    """The clip with both ends faded."""
    length = round(seconds * SAMPLE_RATE_HZ)
    ramp = np.sin(np.linspace(0, np.pi / 2, length, endpoint=False)) ** 2
    envelope = np.ones(len(clip))
    envelope[:length] = ramp
    envelope[len(clip) - length :] = ramp[::-1]
    return clip * envelope


def segment_samples(segment: dict[str, Any], data: Path) -> Samples:
    """float64 [T]: one segment of the scene, as long as its times say."""
    length = round((segment["end_s"] - segment["start_s"]) * SAMPLE_RATE_HZ)
    if segment["kind"] == "silence":
        return np.zeros(length)
    if segment["kind"] == "alarm":
        return level(smoke_alarm(segment["seed"], length), ALARM_DBFS)
    clip = read_clip(data / segment["file"], segment["from_s"], segment["to_s"])
    assert len(clip) == length, (segment["file"], len(clip), length)
    target_dbfs = {"music": MUSIC_DBFS, "sound": SOUND_DBFS}.get(segment["kind"], SPEECH_DBFS)
    return fade(level(clip, target_dbfs), 1.0 if segment["kind"] == "music" else FADE_S)


def smoke_alarm(seed: int, length: int) -> Samples:
    """float64 [length]: two groups of ISO 8201's temporal-three, from a piezo buzzer in a room."""
    rng = np.random.default_rng(seed)
    rhythm = Rhythm(pulses=3, on_s=0.5, off_s=0.5, pause_s=1.5, groups=2)
    made = patterned(rng, rhythm, piezo(rng, ALARM_HZ), "smoke_alarm", "temporal-three")
    alarm = np.convolve(made.samples, room_response(rng, ALARM_DISTANCE))[:length]
    return np.pad(alarm, (0, length - len(alarm)))


def main() -> None:
    """Write `scene.flac` beside this file."""
    parser = argparse.ArgumentParser(description="Build the demo scene.")
    parser.add_argument("data", type=Path, help="folder that holds speech/ and sounds/")
    data = parser.parse_args().data
    scene = yaml.safe_load(SCENE.read_text(encoding="utf-8"))
    at_s = 0.0
    pieces = []
    for segment in scene["segments"]:
        assert segment["start_s"] == at_s, segment
        at_s = segment["end_s"]
        pieces.append(segment_samples(segment, data))
    samples = np.concatenate(pieces)
    soundfile.write(SCENE.with_name(scene["file"]), samples, SAMPLE_RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
