"""Every event survives the way to JSON and back."""

import dataclasses
import json

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import event_json
from everlisten.engine.events import (
    CaptionPartial,
    EngineState,
    EngineStateChanged,
    SessionStarted,
)


@pytest.mark.parametrize("cls", event_json.EVENT_TYPES.values(), ids=lambda cls: cls.type)
def test_round_trip(cls):
    event = cls(id="s-1", session="s", source=SourceName.MIC, start_s=1.25, end_s=2.5, wall_s=3.125)
    assert event_json.from_dict(json.loads(event_json.to_line(event))) == event


def test_the_types_that_the_command_line_promises():
    promised = {
        "session", "caption_partial", "caption_final", "translation_partial", "translation_final",
        "sound_alert", "question", "reply_delta", "reply_final", "decision", "health", "end",
        "state", "error", "alert_acknowledged", "sound_heard", "clip_kept", "alert_health",
    }  # fmt: skip
    assert set(event_json.EVENT_TYPES) == promised


def test_partials_carry_their_whole_text():
    event = CaptionPartial(id="a", session="s", stable="good ", unstable="morning")
    fields = event_json.to_dict(event)
    assert (fields["stable"], fields["unstable"], fields["text"]) == (
        "good ",
        "morning",
        "good morning",
    )


def test_a_line_is_one_line_whatever_is_said():
    event = SessionStarted(id="a", session="s", text="one\ntwo 警報")
    line = event_json.to_line(event)
    assert "\n" not in line
    assert "警報" in line


def test_source_is_left_out_where_there_is_none():
    event = EngineStateChanged(id="a", session="s", state=EngineState.READY)
    fields = event_json.to_dict(event)
    assert "source" not in fields
    assert fields["state"] == "ready"


def test_unknown_types_are_named():
    with pytest.raises(ValueError, match="unknown event type 'telegram'"):
        event_json.from_dict({"type": "telegram"})


def test_events_cannot_be_changed():
    event = SessionStarted(id="a", session="s")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.text = "x"
