"""A lane's outcomes as captions, translations, replies and alerts."""

from __future__ import annotations

import itertools
from pathlib import Path

import laim_fixture
import pytest
import torch

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    Decision,
    EngineEvent,
    ReplyDelta,
    ReplyFinal,
    SoundAlert,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.laim.outcomes import Began, Decided, Ended, Heard, Word
from everlisten.engine.laim.replies import Replies
from everlisten.engine.laim.text import StreamingDecoder, TextTokenizer
from everlisten.engine.laim.tokens import Emotion
from everlisten.engine.laim.transcript import Transcript
from everlisten.engine.laim.utterances import Clock

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    laim_fixture.write_tiny_tokenizer(path)
    return TextTokenizer.load(path)


@pytest.fixture
def clock() -> Clock:
    return Clock("s", first=0)


class Writer:
    """Feeds a writer what a lane does after each chunk."""

    def __init__(self, writer: Transcript | Replies, tokenizer: TextTokenizer) -> None:
        self.writer = writer
        self.tokenizer = tokenizer

    def chunk(
        self, index: int, text: str = "", *, mic: float = 1.0, score: float = 0.8
    ) -> list[EngineEvent]:
        """The lane hears a chunk, and writes `text` after it if there is one."""
        self.writer.clock.emitted_s = (index + 1) * 0.4
        heard = Heard(index, torch.zeros(10, 2), {MIC: mic, SYSTEM: 0.5})
        events = self.writer.write(Decided(heard, bool(text), score))
        return events + (self.said(index, text) if text else [])

    def said(self, index: int, text: str, emotion: Emotion = Emotion.NORMAL) -> list[EngineEvent]:
        """A whole reply."""
        outcomes = [Began(index, emotion), *map(Word, self.tokenizer.encode(text)), Ended()]
        return [event for outcome in outcomes for event in self.writer.write(outcome)]


@pytest.fixture
def captions(clock: Clock, tokenizer: TextTokenizer) -> Writer:
    transcript = Transcript("captions", clock, StreamingDecoder(tokenizer), language="en")
    return Writer(transcript, tokenizer)


@pytest.fixture
def translation(clock: Clock, tokenizer: TextTokenizer, captions: Writer) -> Writer:
    transcript = Transcript("translation", clock, StreamingDecoder(tokenizer), language="zh")
    assert isinstance(captions.writer, Transcript)
    transcript.captions = captions.writer
    captions.writer.translation = transcript
    return Writer(transcript, tokenizer)


@pytest.fixture
def replies(clock: Clock, tokenizer: TextTokenizer) -> Writer:
    policy = UrgentReplyPolicy()
    state = policy.new_state("s")
    writer = Replies("assistant", clock, StreamingDecoder(tokenizer), policy, state)
    return Writer(writer, tokenizer)


def finals(events: list[EngineEvent]) -> list[str]:
    return [one.text for one in events if isinstance(one, CaptionFinal | TranslationFinal)]


def test_chunks_make_one_utterance_until_two_are_silent(captions: Writer) -> None:
    events = captions.chunk(4, " hello") + captions.chunk(5) + captions.chunk(6, "world,")
    partials = [one for one in events if isinstance(one, CaptionPartial)]
    assert [one.text for one in partials][-1] == "hello world,"
    for earlier, later in itertools.pairwise(partials):
        assert later.stable.startswith(earlier.stable)
        assert later.unstable == ""
    assert finals(events) == []
    assert finals(captions.chunk(7)) == []
    (decision, final) = captions.chunk(8)
    assert isinstance(decision, Decision)
    assert isinstance(final, CaptionFinal)
    assert final.text == "hello world,"
    assert final.id == partials[0].id
    assert (final.start_s, final.end_s) == (pytest.approx(1.2), pytest.approx(2.8))
    assert final.confidence == pytest.approx(0.8)
    assert final.language == "en"
    assert final.emitted_s == pytest.approx(3.6)


def test_a_sentence_ends_an_utterance(captions: Writer) -> None:
    assert finals(captions.chunk(1, "hello.")) == ["hello."]
    events = captions.chunk(2, "world")
    assert finals(events) == []
    (partial,) = [one for one in events if isinstance(one, CaptionPartial)][-1:]
    assert partial.text == "world"
    assert partial.id == "s-captions-0-2"
    assert partial.start_s == pytest.approx(0.8)  # not before the end of the one before


def test_a_long_utterance_ends_without_a_sentence(captions: Writer) -> None:
    events = [event for index in range(90) for event in captions.chunk(index, "hello")]
    ends = [one for one in events if isinstance(one, CaptionFinal)]
    assert ends
    assert 30.0 <= ends[0].end_s - ends[0].start_s <= 30.5


def test_characters_come_whole(captions: Writer) -> None:
    events = captions.chunk(1, "\u20ac")
    assert [one.text for one in events if isinstance(one, CaptionPartial)] == ["\u20ac"]


def test_an_utterance_without_text_makes_no_events(captions: Writer) -> None:
    heard = Heard(3, torch.zeros(10, 2), {MIC: 1.0})
    events = captions.writer.write(Decided(heard, True, 0.9)) + captions.writer.write(Ended())
    events += captions.chunk(4) + captions.chunk(5) + captions.writer.close()
    assert all(isinstance(one, Decision) for one in events)


def test_the_label_is_the_loudest_source_over_the_time(captions: Writer) -> None:
    captions.chunk(1, "hello", mic=0.1)
    captions.chunk(2, "world", mic=2.0)
    (final,) = captions.writer.close()
    assert final.source is MIC
    captions.chunk(5, "hello", mic=0.1)
    (final,) = captions.writer.close()
    assert final.source is SYSTEM


def test_every_chunk_has_a_decision(captions: Writer) -> None:
    events = captions.chunk(0) + captions.chunk(1, "hello", score=0.9)
    decisions = [one for one in events if isinstance(one, Decision)]
    assert [(one.speak, one.lane) for one in decisions] == [(False, "captions"), (True, "captions")]
    assert [one.score for one in decisions] == [0.8, 0.9]
    assert len({one.id for one in decisions}) == 2


def test_a_translation_belongs_to_the_caption_that_is_written(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello")
    events = translation.chunk(1, "world")
    captions.chunk(2, "hello.")
    events += translation.chunk(2, "world") + translation.chunk(3) + translation.chunk(4)
    (final,) = [one for one in events if isinstance(one, TranslationFinal)]
    assert (final.caption, final.id) == ("s-captions-0-1", "s-captions-0-1-zh")
    assert final.text == "world world"
    assert final.language == "zh"


def test_a_pause_does_not_end_a_translation_whose_caption_goes_on(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello")
    translation.chunk(1, "world.")
    events = []
    for index in (2, 3, 4):
        captions.chunk(index, "hello")
        events += translation.chunk(index)
    assert finals(events) == []


def test_missing_sound_ends_an_utterance_after_its_last_reply(
    captions: Writer, translation: Writer
) -> None:
    writers = {captions.writer: " hello", translation.writer: "world"}
    for writer, text in writers.items():
        writer.write(Decided(Heard(1, torch.zeros(10, 2), {MIC: 1.0}), True, 0.8))
        for token in captions.tokenizer.encode(text):
            writer.write(Word(token))
    events = [one for writer in writers for one in writer.miss()]
    assert events == []
    for writer, text in writers.items():
        for token in captions.tokenizer.encode(text):
            writer.write(Word(token))
        events += writer.write(Ended())
    assert finals(events) == ["hello hello", "worldworld"]
    assert finals(captions.chunk(9, "again")) == []


def test_a_new_caption_ends_the_translation_of_the_one_before(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello.")
    translation.chunk(1, "world")
    captions.chunk(2, "hello")
    events = translation.chunk(2, "again")
    assert finals(events) == ["world"]
    last = events[-1]
    assert isinstance(last, TranslationPartial)
    assert (last.caption, last.text) == ("s-captions-0-2", "again")


def test_a_translation_that_comes_late_is_added_to_its_caption(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello.")
    assert finals(translation.chunk(1, "world.")) == ["world."]
    captions.chunk(2)
    events = translation.chunk(2, "world.")
    assert finals(events) == ["world. world."]
    assert events[-1].id == "s-captions-0-1-zh"


def test_a_translation_that_is_ahead_waits_for_its_caption(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello.")
    translation.chunk(1, "world.")
    ahead = translation.chunk(3, "again")  # the captions lane has not heard chunk 3 yet
    assert [type(one) for one in ahead] == [Decision]
    events = captions.chunk(3, "hello")
    kinds = [type(one) for one in events]
    assert kinds.index(CaptionPartial) < kinds.index(TranslationPartial)
    last = [one for one in events if isinstance(one, TranslationPartial)][-1]
    assert (last.caption, last.text) == ("s-captions-0-2", "again")


def test_a_translation_does_not_wait_longer_than_its_next_decision(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello.")
    assert [type(one) for one in translation.chunk(2, "world")] == [Decision]
    events = translation.chunk(3)
    assert [one.text for one in events if isinstance(one, TranslationPartial)][-1] == "world"
    assert isinstance(events[-1], Decision)


def test_where_the_captions_stay_silent_a_translation_does_not_wait(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1)
    assert isinstance(translation.chunk(1, "world")[-1], TranslationPartial)


def test_a_translation_long_after_the_last_caption_stands_alone(
    captions: Writer, translation: Writer
) -> None:
    captions.chunk(1, "hello.")
    captions.chunk(30)
    (final,) = [e for e in translation.chunk(30, "world.") if isinstance(e, TranslationFinal)]
    assert (final.caption, final.id) == ("", "s-translation-0-1")


def test_without_captions_a_translation_stands_alone(translation: Writer) -> None:
    assert isinstance(translation.writer, Transcript)
    translation.writer.captions = None
    (final,) = [e for e in translation.chunk(3, "world.") if isinstance(e, TranslationFinal)]
    assert (final.caption, final.id) == ("", "s-translation-0-1")


def test_a_reply_streams_and_ends_with_the_whole(replies: Writer) -> None:
    events = replies.chunk(7, " hello world")
    deltas = [one for one in events if isinstance(one, ReplyDelta)]
    (final,) = [one for one in events if isinstance(one, ReplyFinal)]
    assert "".join(one.text for one in deltas) == final.text == "hello world"
    assert len(deltas) > 1
    assert {one.id for one in deltas} == {final.id}
    assert (final.emotion, final.lane, final.source) == ("normal", "assistant", MIC)
    assert (final.start_s, final.end_s) == (pytest.approx(2.8), pytest.approx(3.2))


def test_an_urgent_reply_is_an_alert_before_its_first_word(replies: Writer) -> None:
    replies.chunk(7)
    heard = Heard(8, torch.zeros(10, 2), {MIC: 1.0})
    events = replies.writer.write(Decided(heard, True, 0.7))
    events += replies.said(8, "hello", Emotion.URGENT)
    assert [type(one) for one in events[:3]] == [Decision, SoundAlert, ReplyDelta]
    alert = events[1]
    assert isinstance(alert, SoundAlert)
    assert alert.source is MIC
    assert alert.confidence == pytest.approx(0.7)
    assert (alert.start_s, alert.end_s) == (pytest.approx(3.2), pytest.approx(3.6))


def test_an_urgent_answer_to_a_question_is_no_alert(replies: Writer) -> None:
    replies.chunk(7, "hello")
    events = replies.said(7, "hello", Emotion.URGENT)
    assert [type(one) for one in events][-1] is ReplyFinal
    assert not any(isinstance(one, SoundAlert) for one in events)
    assert events[-1].source is None


def test_ids_differ_after_an_engine_was_started_again(tokenizer: TextTokenizer) -> None:
    ids = set()
    for first in (0, 50):
        transcript = Transcript("captions", Clock("s", first), StreamingDecoder(tokenizer))
        writer = Writer(transcript, tokenizer)
        ids |= {one.id for one in writer.chunk(first, "hello.") + writer.chunk(first + 1, "hello.")}
    assert len(ids) == 8  # two decisions and two utterances of each


def test_an_urgent_answer_to_a_typed_question_is_no_alert(replies: Writer) -> None:
    replies.chunk(3)
    events = replies.said(3, "run", Emotion.URGENT)  # asked after a chunk that was passed over
    assert not any(isinstance(one, SoundAlert) for one in events)
    (final,) = [one for one in events if isinstance(one, ReplyFinal)]
    assert final.source is None
