"""The demo scene is what its list of segments says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

SHARED_FIELDS = {"kind", "start_s", "end_s"}
SOURCE_FIELDS = SHARED_FIELDS | {"file", "from_s", "to_s", "source", "author", "licence"}
SPEECH_FIELDS = SOURCE_FIELDS | {"language", "speaker", "transcript"}
SOUND_FIELDS = SOURCE_FIELDS | {"sound"}
ALARM_FIELDS = SHARED_FIELDS | {"sound", "seed", "source", "author", "licence"}
ALERTS = ["doorbell", "dog_barking", "baby_crying", "smoke_alarm"]
LONGEST_S = 100.0
PAUSE_S = 1.9
"""At least so long nothing is heard before and after a sound that is warned about."""


@pytest.fixture(scope="module")
def segments(demo_scene: Path) -> list[dict[str, Any]]:
    scene = yaml.safe_load(demo_scene.with_name("scene.yaml").read_text(encoding="utf-8"))
    assert scene["file"] == demo_scene.name
    listed: list[dict[str, Any]] = scene["segments"]
    return listed


def test_segments_follow_each_other_to_the_end(
    demo_scene: Path, segments: list[dict[str, Any]]
) -> None:
    bounds = [0.0] + [segment["end_s"] for segment in segments]
    assert [segment["start_s"] for segment in segments] == bounds[:-1]
    assert soundfile.info(demo_scene).duration == pytest.approx(bounds[-1])


def test_segments_are_described_and_credited(segments: list[dict[str, Any]]) -> None:
    for segment in segments:
        match segment["kind"]:
            case "speech":
                wanted = SPEECH_FIELDS | ({"translation"} if segment["language"] != "en" else set())
            case "music":
                wanted = SOURCE_FIELDS
            case "sound":
                wanted = SOUND_FIELDS
            case "alarm":
                wanted = ALARM_FIELDS
            case _:
                wanted = SHARED_FIELDS
        assert segment.keys() == wanted


def test_scene_holds_english_another_language_music_and_silence(
    segments: list[dict[str, Any]],
) -> None:
    kinds = {segment["kind"] for segment in segments}
    assert kinds == {"speech", "music", "silence", "sound", "alarm"}
    assert {segment["language"] for segment in segments if "language" in segment} > {"en"}


def test_scene_holds_sounds_that_are_warned_about_with_room_around_them(
    segments: list[dict[str, Any]],
) -> None:
    assert [segment["sound"] for segment in segments if "sound" in segment] == ALERTS
    assert segments[-1]["end_s"] <= LONGEST_S
    for before, segment, after in zip(segments, segments[1:], segments[2:], strict=False):
        if "sound" in segment:
            for rest in (before, after):
                assert rest["kind"] == "silence"
                assert rest["end_s"] - rest["start_s"] >= PAUSE_S


def test_levels_are_those_of_ordinary_recordings(
    demo_scene: Path, segments: list[dict[str, Any]]
) -> None:
    samples, rate_hz = soundfile.read(demo_scene)
    assert np.abs(samples).max() < 0.9
    for segment in segments:
        part = samples[round(segment["start_s"] * rate_hz) : round(segment["end_s"] * rate_hz)]
        level_db = 20 * np.log10(np.sqrt(np.mean(part**2)) + 1e-9)
        if segment["kind"] == "silence":
            assert level_db < -100
        else:
            assert -28 < level_db < -18


def test_notice_credits_every_recording(repository: Path, segments: list[dict[str, Any]]) -> None:
    notice = (repository / "NOTICE").read_text(encoding="utf-8")
    for segment in segments:
        if "file" in segment:
            assert segment["source"].partition(",")[0] in notice
            assert segment["licence"] in notice
