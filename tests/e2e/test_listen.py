"""`everlisten listen`: the events that other programs read, and what they promise."""

import json
import os
import subprocess
import sys

import jiwer
import pytest
import yaml

from everlisten.app.bench.caption_measures import words_of
from everlisten.engine.events import URGENT_EVENTS, AlertHealth, SoundHeard

pytestmark = pytest.mark.e2e

MOST_OFF_S = 0.4
"""The issue's bar for the times of captions."""
ALERTS = {each.type for each in URGENT_EVENTS}
"""They do not wait for what goes to the disk first, so they may overtake it."""
SOUNDS = {SoundHeard.type, AlertHealth.type}
"""Of a thread beside that of the captions; in one order with them."""


@pytest.fixture(scope="module")
def segments(repository):
    scene = yaml.safe_load((repository / "assets" / "demo" / "scene.yaml").read_text("utf-8"))
    return [segment for segment in scene["segments"] if segment["kind"] == "speech"]


def listen(*args, folder=None):
    command = [sys.executable, "-m", "everlisten.app", "listen", *map(str, args), "--json"]
    own = {} if folder is None else {"EVERLISTEN_DATA_DIR": str(folder)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=True, env={**os.environ, **own}
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def scene_run(demo_scene, tmp_path_factory):
    """The whole scene, read once: its events and its subtitles."""
    folder = tmp_path_factory.mktemp("scene")
    events = listen(demo_scene, "--fast", "--srt", folder / "scene.srt", folder=folder / "data")
    return events, (folder / "scene.srt").read_text("utf-8")


def finals(events, kind="caption"):
    return [event for event in events if event["type"] == f"{kind}_final"]


def within(event, segment):
    middle = (event["start_s"] + event["end_s"]) / 2
    return segment["start_s"] <= middle <= segment["end_s"]


def test_the_demo_scene_as_events(scene_run, segments):
    events, _ = scene_run
    assert events[0]["type"] == "session"
    assert events[-1]["type"] == "end"
    assert len({event["session"] for event in events}) == 1
    assert len({event["id"] for event in finals(events)}) == len(finals(events))
    alerts = [event for event in events if event["type"] in ALERTS]
    others = [event for event in events if event["type"] not in ALERTS]
    assert {event["type"] for event in others} >= SOUNDS | {"caption_final", "end"}
    for told in (alerts, others):
        walls = [event["wall_s"] for event in told]
        assert walls == sorted(walls)
        assert walls[-1] > 0.0
    for segment in segments:
        spoken = [event for event in finals(events) if within(event, segment)]
        assert spoken, segment["transcript"]
        assert abs(spoken[0]["start_s"] - segment["start_s"]) <= MOST_OFF_S, segment
        assert abs(spoken[-1]["end_s"] - segment["end_s"]) <= MOST_OFF_S, segment
        assert {event["language"] for event in spoken} == {segment["language"]}
        translated = [event for event in finals(events, "translation") if within(event, segment)]
        assert bool(translated) is (segment["language"] != "en")
        assert {event["caption"] for event in translated} <= {event["id"] for event in spoken}
    said = " ".join(words_of(" ".join(segment["transcript"] for segment in segments)))
    read = " ".join(words_of(" ".join(event["text"] for event in finals(events))))
    assert jiwer.wer(said, read) <= 0.15
    # Music and silence are not captioned.
    assert all(any(within(event, segment) for segment in segments) for event in finals(events))


def test_partials_come_early_and_stable_words_stay(demo_scene):
    events = listen(demo_scene, "--language", "en", "--translate", "off", "--seconds", "13")
    first = next(event for event in events if event["type"] == "caption_partial")
    assert first["emitted_s"] < finals(events)[0]["end_s"] - 2.0
    stable = {}
    for event in events:
        if event["type"] == "caption_partial":
            assert event["stable"].startswith(stable.get(event["id"], ""))
            assert event["text"] == event["stable"] + event["unstable"]
            stable[event["id"]] = event["stable"]
        elif event["type"] == "caption_final":
            assert event["text"].startswith(stable.get(event["id"], "").rstrip())
    assert any(stable.values())
    assert not finals(events, "translation")


def test_subtitles_are_written(scene_run):
    _, subtitles = scene_run
    assert subtitles.startswith("1\n00:00:0")
    assert "printing" in subtitles
