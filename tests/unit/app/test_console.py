"""What a person reads in the terminal, and what a program reads."""

import dataclasses
import io
import json

import pytest

from everlisten.app.console import ConsolePrinter, JsonPrinter, clock
from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import (
    AlertHealth,
    CaptionFinal,
    CaptionPartial,
    EngineFailed,
    EngineHealth,
    EngineState,
    EngineStateChanged,
    ReplyDelta,
    ReplyFinal,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
)

COMMON = {"session": "s", "source": SourceName.MIC}


def printed(events, **options):
    out, notes = io.StringIO(), io.StringIO()
    printer = ConsolePrinter(out, notes, **{"partials": "none", **options})
    for event in events:
        printer.show(event)
    printer.close()
    return out.getvalue(), notes.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00.0"), (61.25, "01:01.2"), (59.96, "01:00.0"), (3723.4, "1:02:03.4")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_finals_are_lines_with_their_translation_below():
    out, notes = printed(
        [
            CaptionPartial(id="a", stable="Guten", **COMMON),
            CaptionFinal(id="a", start_s=2.0, text="Guten Tag.", **COMMON),
            TranslationFinal(id="b", text="Good day.", **COMMON),
        ]
    )
    assert out == "[00:02.0] Guten Tag.\n          → Good day.\n"
    assert notes == ""


def test_speakers_are_named_where_there_are_two():
    out, _ = printed([CaptionFinal(id="a", text="Hello.", **COMMON)], label_speakers=True)
    assert out == "[00:00.0] You: Hello.\n"


def test_partials_in_place_leave_nothing_behind():
    out, _ = printed(
        [
            CaptionPartial(id="a", stable="Good ", unstable="mourning", **COMMON),
            CaptionFinal(id="a", text="Good morning.", **COMMON),
        ],
        partials="in place",
    )
    assert out == "… Good |mourning\r\x1b[K[00:00.0] Good morning.\n"


def test_notes_and_problems_go_elsewhere_and_a_problem_is_told_once():
    health = EngineHealth(id="h", session="s", problem="Captions are 3 s behind.")
    out, notes = printed(
        [
            EngineStateChanged(
                id="x", session="s", state=EngineState.READY, reason="Plays a file."
            ),
            health,
            health,
            EngineFailed(id="e", session="s", text="The disk is full; make room."),
        ]
    )
    assert out == ""
    assert notes.splitlines() == [
        "Plays a file.",
        "Captions are 3 s behind.",
        "The disk is full; make room.",
    ]


def test_alerts_show_their_advice():
    alert = SoundAlert(id="a", session="s", label="Smoke alarm", advice="Look!")
    out, _ = printed([alert, dataclasses.replace(alert, end_s=9.0)])
    assert out == "[00:00.0] ! Smoke alarm. Look!\n", "an event that goes on is shown once"


def test_an_alert_that_is_repeated_shows_again():
    alert = SoundAlert(id="a", session="s", label="Smoke alarm", advice="Look!")
    out, _ = printed([alert, dataclasses.replace(alert, level=1, end_s=9.0)])
    assert out.splitlines() == [
        "[00:00.0] ! Smoke alarm. Look!",
        "[00:00.0] ! still: Smoke alarm. Look!",
    ]


def test_other_sounds_stand_in_brackets_once():
    music = SoundHeard(id="m", session="s", sound="music", label="music", start_s=3.0)
    out, _ = printed([music, dataclasses.replace(music, end_s=9.0)])
    assert out == "[00:03.0] [music]\n"


def test_alerts_that_do_not_work_are_told_once():
    bad = AlertHealth(id="h", session="s", working=False, problem="Alerts are not working: why.")
    good = AlertHealth(id="h", session="s")
    out, notes = printed([good, bad, bad, good, good])
    assert out == ""
    assert notes.splitlines() == ["Alerts are not working: why.", "Alerts are working again."]


def test_replies_grow_in_place():
    out, _ = printed(
        [
            ReplyDelta(id="r", session="s", text="It is"),
            ReplyDelta(id="r", session="s", text=" a dog."),
            ReplyFinal(id="r", session="s", start_s=1.0, text="It is a dog."),
        ],
        partials="in place",
    )
    steps = ["… Everlisten: It is", "… Everlisten: It is a dog.", "[00:01.0] Everlisten: It is a"]
    assert out == "\r\x1b[K".join(steps) + " dog.\n"


def test_json_is_one_object_a_line():
    out = io.StringIO()
    printer = JsonPrinter(out)
    printer.show(CaptionFinal(id="a", text="two\nlines", **COMMON))
    printer.show(CaptionFinal(id="b", text="x", **COMMON))
    printer.close()
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == ["a", "b"]
