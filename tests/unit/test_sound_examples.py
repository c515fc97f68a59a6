"""Every sound that is warned about has an example, with credits, and it raises that alert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ
from everlisten.engine.alerts.catalogue import URGENT_REPLY, shipped_alerts
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.detector import SoundDetector
from everlisten.engine.sounds.model import SoundModel

TAIL_S = 4.0
"""Silence after it, as in a test of the settings window."""
SOUNDS = [sound for sound in shipped_alerts() if sound != URGENT_REPLY]


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "assets" / "sounds" / "examples"


@pytest.fixture(scope="module")
def listed(folder: Path) -> dict[str, dict[str, Any]]:
    entries = yaml.safe_load((folder / "examples.yaml").read_text("utf-8"))["examples"]
    return {entry["sound"]: entry for entry in entries}


@pytest.fixture(scope="module")
def detector() -> SoundDetector:
    return SoundDetector(SoundModel(), AlertPolicy())


def test_every_sound_has_one_and_it_is_credited(
    repository: Path, folder: Path, listed: dict[str, dict[str, Any]]
) -> None:
    assert sorted(listed) == sorted(SOUNDS)
    assert sorted(path.stem for path in folder.glob("*.flac")) == sorted(SOUNDS)
    notice = (repository / "NOTICE").read_text("utf-8")
    for entry in listed.values():
        if "file" in entry:
            assert entry["author"] in notice
            assert entry["licence"] in notice
        else:
            assert entry.keys() == {"sound", "seed"}


@pytest.mark.parametrize("sound", SOUNDS)
def test_the_example_raises_its_alert(folder: Path, detector: SoundDetector, sound: str) -> None:
    samples, rate_hz = soundfile.read(folder / f"{sound}.flac", dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ
    assert 1.0 < len(samples) / rate_hz < 10.0
    test = detector.for_test(sound)
    state = test.new_state("s", test=True)
    heard = np.pad(samples, (0, round(TAIL_S * rate_hz)))
    told = []
    for index in range(len(heard) // CHUNK_SAMPLES):
        chunk = heard[index * CHUNK_SAMPLES : (index + 1) * CHUNK_SAMPLES]
        events = test.step(chunk, index * CHUNK_S, (index + 1) * CHUNK_S, None, state)
        told += [event.sound for event in events if isinstance(event, SoundAlert)]
    assert set(told) == {sound}
