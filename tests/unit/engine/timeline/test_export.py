"""Exported files: the formats, times, labels, long captions and what a text may hold."""

import itertools
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import (
    AlertAcknowledged,
    CaptionFinal,
    CaptionPartial,
    ClipKept,
    EngineEvent,
    Question,
    ReplyFinal,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
)
from everlisten.engine.timeline import cues
from everlisten.engine.timeline.export import export_session, suffixes
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.records import SessionInfo
from everlisten.engine.timeline.store import TimelineStore

from .conftest import STARTED_AT, caption, started

INFO = SessionInfo(
    id="s1",
    title="Sunday 22 November, 17:05",
    started_at=datetime.fromisoformat(STARTED_AT),
    length_s=61.04,
    captions=2,
)
TWO_SIDES: list[EngineEvent] = [
    caption("Hello there.", start_s=1.04, id="u1"),
    caption("Guten Tag, wie geht es?", start_s=3.06, source=SourceName.SYSTEM, id="u2"),
    TranslationFinal(id="t2", session="s1", caption="u2", text="Good day, how are you?"),
    CaptionPartial(id="u3", session="s1", unstable="never final"),
]


def export(tmp_path: Path, name: str, events: list[EngineEvent]) -> str:
    export_session(INFO, events, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    return (tmp_path / name).read_text(encoding="utf-8")


def test_srt(tmp_path: Path) -> None:
    assert export(tmp_path, "o.srt", TWO_SIDES) == (
        "1\n00:00:01,000 --> 00:00:03,000\nYou: Hello there.\n\n"
        "2\n00:00:03,100 --> 00:00:05,100\nOthers: Guten Tag, wie geht es?\n"
        "Good day, how are you?\n"
    )


def test_a_typed_question_says_who_asked(tmp_path: Path) -> None:
    asked = Question(id="q1", session="s1", start_s=62.0, end_s=62.0, text="Who rang?")
    assert "[00:01:02.0] You asked: Who rang?\n" in export(tmp_path, "o.txt", [asked])


def test_vtt(tmp_path: Path) -> None:
    assert export(tmp_path, "o.VTT", TWO_SIDES) == (
        "WEBVTT - Sunday 22 November, 17:05\n\n"
        "00:00:01.000 --> 00:00:03.000\n<v You>Hello there.\n\n"
        "00:00:03.100 --> 00:00:05.100\n<v Others>Guten Tag, wie geht es?\n"
        "Good day, how are you?\n"
    )


def test_txt(tmp_path: Path) -> None:
    assert export(tmp_path, "o.txt", TWO_SIDES) == (
        "Sunday 22 November, 17:05\n2026-11-22 17:05:12 +0100\n\n"
        "[00:00:01.0] You: Hello there.\n"
        "[00:00:03.1] Others: Guten Tag, wie geht es?\n"
        "             Good day, how are you?\n"
    )


def test_json(tmp_path: Path) -> None:
    document = json.loads(export(tmp_path, "o.json", TWO_SIDES))
    assert document["session"]["started_at"] == STARTED_AT
    assert document["session"]["length_s"] == 61.0
    assert [event["type"] for event in document["events"]] == [
        "caption_final",
        "caption_final",
        "translation_final",
    ]
    assert document["events"][1]["start_s"] == 3.1


def test_one_source_needs_no_label(tmp_path: Path) -> None:
    assert "You" not in export(tmp_path, "o.srt", TWO_SIDES[:1])


def test_alerts_replies_and_lone_translations(tmp_path: Path) -> None:
    events: list[EngineEvent] = [
        ReplyFinal(id="r", session="s1", text="It is noon.", start_s=9.0, end_s=10.0),
        SoundAlert(id="a", session="s1", label="Smoke alarm", start_s=4.0, end_s=4.0),
        TranslationFinal(id="t", session="s1", caption="gone", text="Alone", start_s=2.0),
        caption("   ", start_s=1.0),
    ]
    text = export(tmp_path, "o.srt", events)
    assert text == (
        "1\n00:00:02,000 --> 00:00:02,100\nAlone\n\n"
        "2\n00:00:04,000 --> 00:00:04,100\n[Smoke alarm]\n\n"
        "3\n00:00:09,000 --> 00:00:10,000\nEverlisten: It is noon.\n"
    )


def test_other_sounds_stand_in_brackets(tmp_path: Path) -> None:
    events: list[EngineEvent] = [
        SoundHeard(id="h", session="s1", sound="music", label="music", start_s=2.0, end_s=8.0),
        AlertAcknowledged(id="a", session="s1", start_s=4.0),
        ClipKept(id="a", session="s1", path="a.flac", start_s=4.0),
    ]
    assert export(tmp_path, "o.srt", events) == "1\n00:00:02,000 --> 00:00:08,000\n[music]\n"
    (tmp_path / "txt").mkdir()
    assert export(tmp_path / "txt", "o.txt", events).endswith("\n[00:00:02.0] [music]\n")
    (tmp_path / "json").mkdir()
    document = json.loads(export(tmp_path / "json", "o.json", events))
    assert [event["type"] for event in document["events"]] == [
        "sound_heard",
        "alert_acknowledged",
        "clip_kept",
    ]


def test_empty_session(tmp_path: Path) -> None:
    for suffix in suffixes():
        (tmp_path / suffix[1:]).mkdir()
        export(tmp_path / suffix[1:], f"o{suffix}", [])


def test_text_that_means_something_to_the_format(tmp_path: Path) -> None:
    events: list[EngineEvent] = [caption("a --> b & <i>c</i>\n\n2\nd", start_s=0.0)]
    (tmp_path / "vtt").mkdir()
    assert "a --&gt; b &amp; &lt;i&gt;c&lt;/i&gt; 2 d\n" in export(
        tmp_path / "vtt", "o.vtt", events
    )
    (tmp_path / "srt").mkdir()
    srt = export(tmp_path / "srt", "o.srt", events)
    assert srt.count("-->") == 1
    assert srt.endswith("\na -> b & <i>c</i> 2 d\n")


def test_times_beyond_an_hour(tmp_path: Path) -> None:
    assert "01:00:59,900 --> 01:01:01,900" in export(
        tmp_path, "o.srt", [caption("late", start_s=3659.94)]
    )


@pytest.mark.parametrize("name", ["o.doc", "o", "o.srt.bak", ".srt"])
def test_unknown_suffix_names_the_allowed_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(TimelineError, match=r"must end in one of \.srt, \.vtt, \.txt, \.json$"):
        export_session(INFO, [], tmp_path / name)


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="cannot be written: No such file or directory"):
        export_session(INFO, [], tmp_path / "missing" / "o.srt")
    (tmp_path / "folder.srt").mkdir()
    with pytest.raises(TimelineError, match=r"folder\.srt cannot be written: Is a directory"):
        export_session(INFO, [], tmp_path / "folder.srt")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.srt"]


def test_through_the_history(
    store: TimelineStore, history: TimelineHistory, tmp_path: Path
) -> None:
    store.commit([started(), caption("hello")])
    history.export("s1", tmp_path / "o.srt")
    assert "hello" in (tmp_path / "o.srt").read_text()
    with pytest.raises(TimelineError, match="no session 'nope'; 'everlisten history list'"):
        history.export("nope", tmp_path / "p.srt")


LONG = (
    "This is a long sentence that a person says without drawing breath, and so it goes on and on "
    "until it would fill the whole screen, which nobody could read while the film goes on."
)


def test_long_caption_becomes_cues_in_proportion() -> None:
    one = cues.Utterance(start_s=10.0, end_s=22.0, text=LONG)
    found = cues.cues(one)
    assert len(found) == 3
    assert all(1 <= len(cue.lines) <= 2 for cue in found)
    assert all(len(line) <= 42 for cue in found for line in cue.lines)
    assert " ".join(line for cue in found for line in cue.lines) == LONG
    assert (found[0].start_s, found[-1].end_s) == (10.0, 22.0)
    assert [cue.end_s for cue in found[:-1]] == [cue.start_s for cue in found[1:]]
    assert all(2.5 < cue.end_s - cue.start_s < 5.5 for cue in found)


def test_translation_of_a_long_caption_stays_beside_it() -> None:
    one = cues.Utterance(start_s=0.0, end_s=9.0, text=LONG, translation="Kurz.", speaker="You")
    assert [cue.translation for cue in cues.cues(one)] == [("Kurz.",)] * 3
    other = cues.Utterance(start_s=0.0, end_s=9.0, text="Short.", translation=LONG)
    assert [cue.lines for cue in cues.cues(other)] == [("Short.",)] * 3


def test_wide_characters_take_two_columns() -> None:
    lines = cues.wrap("今天天气很好,我们去公园散步吧。" * 3)
    assert all(len(line) <= 22 for line in lines)
    assert not any(line[0] in ",。" for line in lines)


def test_a_word_longer_than_a_line_is_broken() -> None:
    assert cues.wrap("x" * 100) == ["x" * 42, "x" * 42, "x" * 16]


texts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), max_size=60)
).map(" ".join)


@given(texts, st.integers(20, 50))
def test_wrap_loses_nothing(text: str, columns: int) -> None:
    text = " ".join(text.split())
    lines = cues.wrap(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(line.strip() for line in lines)
    assert not [line for line in lines if cues._width(line) > columns + 1]


@given(texts, texts, st.floats(0, 1e5), st.floats(0, 60), st.sampled_from(["", "You", "Others"]))
def test_cues_lose_nothing_and_never_run_backwards(
    text: str, translation: str, start_s: float, length_s: float, speaker: str
) -> None:
    event = CaptionFinal(id="c", session="s", start_s=start_s, end_s=start_s + length_s, text=text)
    translated = TranslationFinal(id="t", session="s", caption="c", text=translation)
    for one in cues.utterances([event, translated]):
        found = cues.cues(one)
        shown = "".join("".join(cue.lines) for cue in found)
        if len({cue.lines for cue in found}) == len(found):
            assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
        for cue in found:
            assert cue.end_s >= cue.start_s
            assert len(cue.lines) <= 2
            assert len(cue.translation) <= 2
        for earlier, later in itertools.pairwise(found):
            assert later.start_s == pytest.approx(earlier.end_s)
