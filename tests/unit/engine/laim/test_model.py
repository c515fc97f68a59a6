"""The whole model on the tiny checkpoint: sound in, events out."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import laim_fixture
import numpy as np
import pytest
import torch

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.errors import EngineError, ModelLoadError
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    Decision,
    EngineEvent,
    EngineFailed,
    ReplyDelta,
    ReplyFinal,
    SoundAlert,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.interaction import Instruction, InteractionModel
from everlisten.engine.laim import briefs as briefs_module
from everlisten.engine.laim.config import LaimConfig, Policy, Scripted
from everlisten.engine.laim.memory import next_measure
from everlisten.engine.laim.model import AudioInteractionModel
from everlisten.engine.laim.parts import SYSTEM_FILE, LaimParts, load_parts
from everlisten.engine.laim.session import LaimState
from everlisten.engine.laim.spoken import SpeechError
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_END, Emotion

ALL = Instruction(translate_to="zh", assistant="warn")


def every_fifth(lane: str, chunk: int) -> Scripted:
    return Scripted(6 if chunk % 5 == 4 else 0, Emotion.NORMAL)


SCRIPTED = LaimConfig(script=every_fifth)


@pytest.fixture(scope="module")
def checkpoint(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("model"))
    # The tiny tokenizer takes a token for every letter: half a window has no room for our own.
    (folder / SYSTEM_FILE).write_text("You listen and help.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def parts(checkpoint: Path) -> LaimParts:
    return load_parts(
        checkpoint, device="cpu", precision="auto", eager=False, config=LaimConfig(), lanes=3
    )


@pytest.fixture
def build(parts: LaimParts) -> Iterator[Callable[..., AudioInteractionModel]]:
    made: list[AudioInteractionModel] = []

    def model(config: LaimConfig = SCRIPTED) -> AudioInteractionModel:
        made.append(AudioInteractionModel.of_parts(parts, config))
        return made[-1]

    yield model
    for each in made:
        each.close()


def sound(count: int, *, first: int = 0, seed: int = 3) -> list[AudioChunk]:
    chunks = []
    for index in range(first, first + count):
        random = np.random.default_rng([seed, index])
        samples = random.standard_normal((2, CHUNK_SAMPLES)).astype(np.float32)
        samples *= np.float32([[0.1], [0.02]])
        chunks.append(
            AudioChunk(
                index=index,
                sources=(SourceName.MIC, SourceName.SYSTEM),
                samples=samples,
                captured_s=0.0,
            )
        )
    return chunks


def listen(
    model: InteractionModel[LaimState], state: LaimState, chunks: Sequence[AudioChunk]
) -> list[EngineEvent]:
    """As an engine that keeps up does."""
    events: list[EngineEvent] = []
    for chunk in chunks:
        events += model.step(chunk, state)
        while model.busy(state):
            events += model.advance(state)
    return events


def of(events: Sequence[EngineEvent], *kinds: type[EngineEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kinds)]


def by_lane(events: Sequence[EngineEvent], lane: str) -> list[EngineEvent]:
    kinds: dict[str, tuple[type[EngineEvent], ...]] = {
        "captions": (CaptionPartial, CaptionFinal),
        "translation": (TranslationPartial, TranslationFinal),
        "assistant": (ReplyDelta, ReplyFinal, SoundAlert),
    }
    return [
        one
        for one in events
        if isinstance(one, kinds[lane]) or (isinstance(one, Decision) and one.lane == lane)
    ]


def assert_alike(one: Sequence[EngineEvent], other: Sequence[EngineEvent]) -> None:
    """The same events; scores may differ in rounding, since passes had other shapes."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert type(a) is type(b)
        numbers = {"score", "confidence"} & {field.name for field in dataclasses.fields(a)}
        for name in numbers:
            assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-4)
        assert dataclasses.replace(a, **{n: 0.0 for n in numbers}) == dataclasses.replace(
            b, **{n: 0.0 for n in numbers}
        )


def test_three_lanes_end_to_end(build: Callable[..., AudioInteractionModel]) -> None:
    model = build()
    state = model.new_state(ALL, "s")
    events = listen(model, state, sound(12)) + list(model.flush(state))
    assert not model.busy(state)
    decisions = of(events, Decision)
    for lane in ("captions", "translation", "assistant"):
        spoken = [one for one in decisions if one.lane == lane]
        assert [one.speak for one in spoken] == [index % 5 == 4 for index in range(12)]
        assert all(0 < one.score < 1 for one in spoken)
    captions, translations, replies = (
        of(events, kind) for kind in (CaptionFinal, TranslationFinal, ReplyFinal)
    )
    assert len(captions) == len(translations) == len(replies) == 2
    assert [one.caption for one in translations] == [one.id for one in captions]
    assert {one.language for one in translations} == {"zh"}
    for reply in replies:
        deltas = [one.text for one in of(events, ReplyDelta) if one.id == reply.id]
        assert "".join(deltas) == reply.text
        assert len(deltas) >= 4
        assert (reply.lane, reply.emotion, reply.source) == ("assistant", "normal", SourceName.MIC)
    assert {one.session for one in events} == {"s"}


def test_text_streams_one_pass_at_a_time(build: Callable[..., AudioInteractionModel]) -> None:
    model = build()
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    listen(model, state, sound(4))
    passes = model.done.passes
    events = [list(model.step(sound(1, first=4)[0], state))]
    while model.busy(state):
        events.append(list(model.advance(state)))
    assert model.done.passes - passes == len(events) == 1 + 1 + 6
    assert [len(of(each, ReplyDelta)) for each in events] == [0, 0, 1, 1, 1, 1, 1, 1]


def test_chunks_do_not_wait_for_a_reply(build: Callable[..., AudioInteractionModel]) -> None:
    long = LaimConfig(script=lambda lane, chunk: Scripted(50 if chunk == 0 else 0, Emotion.NORMAL))
    model = build(long)
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    chunks = sound(12)
    for chunk in chunks:
        passes = model.done.passes
        model.step(chunk, state)
        assert model.done.passes == passes + 1  # taken in with one pass, whatever goes on
    lane = state.lanes["assistant"].seat.lane
    assert len(lane.waiting) == 11
    branch = state.lanes["assistant"].seat.branch
    assert branch is not None
    assert branch.decided[-1].heard.index == 11


def test_full_queues_hold_the_next_chunk_back(build: Callable[..., AudioInteractionModel]) -> None:
    config = LaimConfig(
        waiting_chunks=5, script=lambda lane, chunk: Scripted(50 if chunk == 0 else 0)
    )
    model = build(config)
    state = model.new_state(Instruction(), "s")
    events: list[EngineEvent] = []
    for chunk in sound(8):
        events += model.step(chunk, state)
        assert len(state.lanes["captions"].seat.lane.waiting) < 5
    events += model.flush(state)
    assert [round(one.start_s / 0.4) for one in of(events, Decision)] == list(range(8))


@pytest.mark.parametrize("policy", list(Policy))
def test_reset_equals_fresh(build: Callable[..., AudioInteractionModel], policy: Policy) -> None:
    config = LaimConfig(policy=policy, max_reply_tokens=8)
    talkative = dataclasses.replace(ALL, talkativeness=60.0)
    model, fresh = build(config), build(config)
    state, first = model.new_state(talkative, "s"), fresh.new_state(talkative, "s")
    listen(model, state, sound(30, seed=8))
    model.ask("what was that?", state)
    model.reset(state)
    again = listen(model, state, sound(30)) + list(model.flush(state))
    expected = listen(fresh, first, sound(30)) + list(fresh.flush(first))
    assert again == expected
    assert len(of(expected, ReplyFinal)) == 30


def test_two_sessions_in_turn_are_as_if_each_were_alone(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model, alone = build(), build()
    one, other = model.new_state(ALL, "s"), model.new_state(Instruction(), "t")
    events: list[EngineEvent] = []
    for mine, theirs in zip(sound(25), sound(25, seed=8), strict=True):
        events += listen(model, one, [mine])
        listen(model, other, [theirs])
    expected = listen(alone, alone.new_state(ALL, "s"), sound(25))
    for lane in ("captions", "translation", "assistant"):
        assert_alike(by_lane(events, lane), by_lane(expected, lane))


def test_switching_the_translation_leaves_the_others_identical(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model, steady = build(), build()
    state, other = model.new_state(ALL, "s"), steady.new_state(ALL, "s")
    expected = listen(steady, other, sound(45))
    events = listen(model, state, sound(12))
    state.instruction = dataclasses.replace(ALL, translate_to=None, talkativeness=0.0)
    events += listen(model, state, sound(13, first=12))
    assert list(state.lanes) == ["captions", "assistant"]
    state.instruction = dataclasses.replace(ALL, translate_to="de")
    events += listen(model, state, sound(20, first=25))
    for lane in ("captions", "assistant"):
        assert_alike(by_lane(events, lane), by_lane(expected, lane))
    languages = [one.language for one in of(events, TranslationFinal)]
    assert languages == ["zh"] * 2 + ["de"] * 3
    heard = [one.start_s for one in of(events, Decision) if one.lane == "translation"]
    assert [round(start / 0.4) for start in heard] == [*range(12), *range(25, 45)]


def test_a_lane_switched_off_while_it_writes_finishes_its_text(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(ALL, "s")
    listen(model, state, sound(4))
    events = list(model.step(sound(1, first=4)[0], state))
    for _ in range(4):
        events += model.advance(state)
    state.instruction = Instruction(captions=False)
    events += model.advance(state)
    assert not state.lanes
    assert len(of(events, CaptionFinal)) == 1
    assert len(of(events, TranslationFinal)) == 1
    assert len(of(events, ReplyFinal)) == 1
    assert sorted(state.slots.free) == list(range(7))
    assert listen(model, state, sound(2, first=5)) == []


def test_talkativeness_moves_the_assistant_alone(
    build: Callable[..., AudioInteractionModel],
) -> None:
    runs = {}
    for bias in (-40.0, 0.0, 40.0):
        model = build(LaimConfig(max_reply_tokens=4))
        state = model.new_state(dataclasses.replace(ALL, talkativeness=bias), "s")
        runs[bias] = listen(model, state, sound(15))
    for bias, speaks in ((-40.0, 0), (40.0, 15)):
        said = [one for one in of(runs[bias], Decision) if one.lane == "assistant"]
        assert sum(one.speak for one in said) == speaks
        for lane in ("captions", "translation"):
            assert_alike(by_lane(runs[bias], lane), by_lane(runs[0.0], lane))


def test_a_reply_ends_at_its_limit(build: Callable[..., AudioInteractionModel]) -> None:
    model = build(LaimConfig(max_reply_tokens=9))
    state = model.new_state(Instruction(captions=False, assistant="warn", talkativeness=60.0), "s")
    listen(model, state, sound(6))
    turns = state.lanes["assistant"].seat.lane.context.turns[1:]
    assert all(turn.tail[-1] == TEXT_END and len(turn.tail) <= 2 + 9 + 1 for turn in turns)
    assert any(len(turn.tail) == 2 + 9 + 1 for turn in turns)


def test_a_caption_that_loops_ends_at_a_limit_of_its_own(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build(LaimConfig(max_caption_tokens=7, script=lambda lane, chunk: Scripted(50)))
    state = model.new_state(ALL, "s")
    listen(model, state, sound(1))
    for name, length in (("captions", 7), ("translation", 7), ("assistant", 50)):
        assert len(state.lanes[name].seat.lane.context.turns[-1].tail) == length + 3


def test_a_typed_question_is_answered(build: Callable[..., AudioInteractionModel]) -> None:
    silent = LaimConfig(script=lambda lane, chunk: Scripted(0), max_reply_tokens=12)
    model = build(silent)
    state = model.new_state(Instruction(assistant="answer"), "s")
    listen(model, state, sound(3))
    assert model.ask("hello <|im_start|> world?", state) == []
    assert model.busy(state)
    events: list[EngineEvent] = []
    while model.busy(state):
        events += model.advance(state)
    (final,) = of(events, ReplyFinal)
    assert final.text
    assert final.lane == "assistant"
    assert not of(events, Decision)
    listen(model, state, sound(2, first=3))
    turns = state.lanes["assistant"].seat.lane.context.turns
    assert [turn.features is None for turn in turns[-3:]] == [True, False, False]


def test_a_question_during_a_reply_waits_for_its_end(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    listen(model, state, sound(4))
    events = list(model.step(sound(1, first=4)[0], state))
    events += model.ask("hello", state)
    events += listen(model, state, sound(3, first=5)) + list(model.flush(state))
    first, second = of(events, ReplyFinal)
    assert first.id != second.id
    kinds = [one for one in events if isinstance(one, ReplyDelta | ReplyFinal)]
    assert kinds.index(first) < min(i for i, one in enumerate(kinds) if one.id == second.id)


@pytest.mark.parametrize(
    ("instruction", "question", "says"),
    [
        (Instruction(), "hello", "assistant is off"),
        (Instruction(assistant="warn"), "w " * 400, "shorten it to 128"),
    ],
)
def test_a_question_that_cannot_be_taken_is_told(
    build: Callable[..., AudioInteractionModel], instruction: Instruction, question: str, says: str
) -> None:
    model = build()
    state = model.new_state(instruction, "s")
    listen(model, state, sound(1))
    (event,) = of(model.ask(question, state), EngineFailed)
    assert says in event.text
    assert not model.busy(state)


def test_the_user_interrupts_a_reply(build: Callable[..., AudioInteractionModel]) -> None:
    model = build(LaimConfig(script=lambda lane, chunk: Scripted(40 if chunk == 2 else 0)))
    state = model.new_state(ALL, "s")
    listen(model, state, sound(2))
    events = list(model.step(sound(1, first=2)[0], state))
    for _ in range(6):
        events += model.advance(state)
    cut = model.interrupt(state)
    (final,) = of(cut, ReplyFinal)
    assert final.text == "".join(one.text for one in of(events, ReplyDelta))
    assert state.lanes["captions"].seat.lane.reply is not None
    rest = list(model.step(sound(1, first=3)[0], state)) + list(model.flush(state))
    assert not of(rest, ReplyDelta)
    assert of(rest, CaptionFinal)
    turn = state.lanes["assistant"].seat.lane.context.turns[3]
    assert turn.tail[-1] == TEXT_END
    assert model.interrupt(state) == []


def test_an_interruption_before_the_first_word_leaves_silence(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    listen(model, state, sound(4))
    model.step(sound(1, first=4)[0], state)
    assert model.interrupt(state) == []
    assert state.lanes["assistant"].seat.lane.context.turns[-1].tail == [KEEP_SILENCE]
    events = listen(model, state, sound(3, first=5))
    silent = build(LaimConfig(script=lambda lane, chunk: Scripted(0)))
    other = silent.new_state(Instruction(captions=False, assistant="warn"), "s")
    assert_alike(events, listen(silent, other, sound(8))[-3:])


def test_an_urgent_sound_interrupts_and_becomes_an_alert(
    build: Callable[..., AudioInteractionModel],
) -> None:
    def script(lane: str, chunk: int) -> Scripted:
        if chunk == 2:
            return Scripted(60, Emotion.NORMAL)
        return Scripted(5, Emotion.URGENT) if chunk == 4 else Scripted(0)

    model = build(LaimConfig(script=script))
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    events: list[EngineEvent] = []
    for chunk in sound(7):
        events += model.step(chunk, state)
        events += model.advance(state) if model.busy(state) else []
    events += model.flush(state)
    first, second = of(events, ReplyFinal)
    assert (first.emotion, second.emotion) == ("normal", "urgent")
    assert first.text == "".join(one.text for one in of(events, ReplyDelta) if one.id == first.id)
    (alert,) = of(events, SoundAlert)
    assert events.index(first) < events.index(alert) < events.index(second)
    assert alert.end_s == pytest.approx(2.0)
    decided = [round(one.start_s / 0.4) for one in of(events, Decision)]
    assert decided == list(range(7))


def test_urgent_replies_go_through_the_policy_of_the_program(parts: LaimParts) -> None:
    """What the user switched off for the sound thread is switched off here too."""
    policy = UrgentReplyPolicy(settings=AlertSettings(switched_off=frozenset({URGENT_REPLY})))
    config = LaimConfig(script=lambda lane, chunk: Scripted(5, Emotion.URGENT))
    model = AudioInteractionModel.of_parts(parts, config, policy)
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    events: list[EngineEvent] = []
    for chunk in sound(3):
        events += model.step(chunk, state)
    events += model.flush(state)
    model.close()
    assert any(one.emotion == "urgent" for one in of(events, ReplyFinal))
    assert of(events, SoundAlert) == []


def test_a_spoken_instruction_is_pinned_and_answered_with_silence(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(ALL, "s")
    while model.busy(state):
        assert model.advance(state) == []  # before there is any sound
    for name, chunks in (("captions", 5), ("translation", 5), ("assistant", 0)):
        turns = state.lanes[name].seat.lane.context.turns
        assert len(turns) >= 1 + chunks
        assert all(turn.pinned for turn in turns)
        assert all(turn.tail == [KEEP_SILENCE] and turn.number == -1 for turn in turns[1:])


def test_an_instruction_nobody_can_say_is_given_as_text(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_voice(text: str, language: str = "en") -> None:
        raise SpeechError("No voice is installed.")

    monkeypatch.setattr(briefs_module, "say", no_voice)
    model = build()
    state = model.new_state(Instruction(assistant="Tell me when the dog barks."), "s")
    events = listen(model, state, sound(2))
    (told,) = of(events, EngineFailed)
    assert told.text.startswith("No voice is installed.")
    typed = state.lanes["assistant"].seat.lane.context.turns[1]
    assert typed.pinned
    assert typed.features is None
    assert typed.tail == [KEEP_SILENCE]


def test_an_instruction_that_is_too_long_to_say_is_cut(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = np.full(40 * CHUNK_SAMPLES, 0.1, np.float32)
    monkeypatch.setattr(briefs_module, "say", lambda text, language: long)
    model = build()
    state = model.new_state(Instruction(captions=False, assistant="Say this."), "s")
    events = listen(model, state, sound(1))
    (told,) = of(events, EngineFailed)
    assert "16 s" in told.text
    assert "10 s" in told.text
    turns = state.lanes["assistant"].seat.lane.context.turns
    assert sum(turn.pinned for turn in turns) == 1 + 25


def test_dropped_chunks_end_what_was_written_down(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(Instruction(), "s")
    listen(model, state, sound(5))
    (chunk,) = sound(1, first=9)
    (final,) = of(model.step(chunk, state), CaptionFinal)
    assert final.end_s == pytest.approx(2.0)


def test_ids_are_unique_also_after_a_restart(build: Callable[..., AudioInteractionModel]) -> None:
    model = build()
    finals: list[EngineEvent] = []
    for first in (0, 40):
        state = model.new_state(ALL, "s")
        events = listen(model, state, sound(20, first=first))
        finals += of(events, CaptionFinal, TranslationFinal, ReplyFinal)
    assert len({one.id for one in finals}) == len(finals) >= 12


def test_ids_are_unique_also_after_a_lane_was_off(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build()
    state = model.new_state(ALL, "s")
    events = listen(model, state, sound(10))
    state.instruction = Instruction(captions=False)
    events += listen(model, state, sound(5, first=10))
    state.instruction = ALL
    events += listen(model, state, sound(15, first=15)) + list(model.flush(state))
    finals = of(events, CaptionFinal, TranslationFinal, ReplyFinal)
    assert len({one.id for one in finals}) == len(finals) == 15


def test_an_assistant_that_is_told_something_else_hears_what_waited(
    build: Callable[..., AudioInteractionModel],
) -> None:
    script = LaimConfig(
        script=lambda lane, chunk: Scripted(40 if chunk == 2 else 0), max_reply_tokens=40
    )
    model = build(script)
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    listen(model, state, sound(2))
    events = [event for chunk in sound(3, first=2) for event in model.step(chunk, state)]
    events += model.ask("hello", state)
    state.instruction = Instruction(captions=False, assistant="narrate")
    events += model.flush(state)
    assert [round(one.start_s / 0.4) for one in of(events, Decision)] == [2, 3, 4]
    cut, answer = of(events, ReplyFinal)
    assert cut.id != answer.id
    assert answer.start_s == pytest.approx(1.6)


def test_a_typed_question_may_hold_half_a_character(
    build: Callable[..., AudioInteractionModel],
) -> None:
    model = build(LaimConfig(script=lambda lane, chunk: Scripted(0), max_reply_tokens=4))
    state = model.new_state(Instruction(captions=False, assistant="warn"), "s")
    assert model.ask("hello \ud83d", state) == []
    model.flush(state)
    assert state.lanes["assistant"].seat.lane.context.turns[-1].features is None


def out_of_memory_at(
    monkeypatch: pytest.MonkeyPatch, calls: set[int], failing: list[int] | None = None
) -> None:
    """Make these calls of the real forward pass fail as a full GPU does."""
    forward, count = LmStep.forward, [0]

    def fails(self: LmStep, blocks: Sequence[RowBlock]) -> Any:
        count[0] += 1
        if count[0] in calls:
            if failing is not None:
                failing.append(count[0])
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, blocks)

    monkeypatch.setattr(LmStep, "forward", fails)


def test_a_full_gpu_gives_up_the_translation_and_loses_no_sound(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calm = build(), build()
    expected = listen(calm, calm.new_state(ALL, "s"), sound(40))
    failed: list[int] = []
    out_of_memory_at(monkeypatch, {35}, failed)
    state = model.new_state(ALL, "s")
    events = listen(model, state, sound(40))
    assert failed == [35]
    (told,) = of(events, EngineFailed)
    assert "no translation" in told.text
    assert list(state.lanes) == ["captions", "assistant"]
    for lane in ("captions", "assistant"):
        assert_alike(by_lane(events, lane), by_lane(expected, lane))
    stopped = by_lane(events, "translation")
    assert 0 < len(stopped) < len(by_lane(expected, "translation"))
    assert sorted(state.slots.free + [s.lane.context.slot for s in state.seats]) == list(range(5))


def test_a_gpu_that_stays_full_gives_up_one_thing_after_the_other(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build()
    state = model.new_state(dataclasses.replace(ALL, assistant="narrate"), "s")
    listen(model, state, sound(60))
    out_of_memory_at(monkeypatch, {5, 6, 30, 45})
    events = listen(model, state, sound(100, first=60))
    told = [one.text for one in of(events, EngineFailed)]
    given_up = ("no translation", "half as long", "half as long", "no captions")
    assert len(told) == 4
    assert all(each in sentence for each, sentence in zip(given_up, told, strict=True))
    assert list(state.lanes) == ["assistant"]
    assert model.config.window == 512
    said = [one for one in of(events, Decision) if one.lane == "assistant"]
    assert [round(one.start_s / 0.4) for one in said] == list(range(60, 160))
    lane = state.lanes["assistant"].seat.lane
    assert lane.context.rows <= 512


def test_when_nothing_is_left_to_give_up_the_error_says_so(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build()
    state = model.new_state(ALL, "s")
    with monkeypatch.context() as full:
        out_of_memory_at(full, set(range(1, 99)))
        with pytest.raises(EngineError, match="choose a lower precision"):
            listen(model, state, sound(1))
    # The program may close other things and start the engine again.
    assert of(listen(model, model.new_state(ALL, "s"), sound(1)), Decision)


def test_other_failures_are_no_lack_of_memory(
    build: Callable[..., AudioInteractionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: LmStep, blocks: Sequence[RowBlock]) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    model = build()
    monkeypatch.setattr(LmStep, "forward", broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        listen(model, model.new_state(ALL, "s"), sound(1))


def test_a_long_system_text_is_not_squeezed_into_a_small_window() -> None:
    refused = frozenset({"translation"})
    assert next_measure(refused, LaimConfig(), 100).config.window == 1024
    assert next_measure(refused, LaimConfig(), 200).refused == {"translation", "captions"}


def test_loading_from_the_folder(checkpoint: Path) -> None:
    model = AudioInteractionModel(checkpoint, device="cpu", config=SCRIPTED)
    assert model.precision_reason.endswith("it is used")
    events = listen(model, model.new_state(Instruction(), "s"), sound(7))
    assert len(of(events, CaptionFinal)) == 1
    model.close()


def test_a_loading_that_is_stopped_ends_before_the_weights(checkpoint: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(ModelLoadError, match="given up"):
        AudioInteractionModel(checkpoint, device="cpu", stop=stop)


def test_a_missing_tokenizer_is_told_by_name(shared: Path, tmp_path: Path) -> None:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelLoadError, match=r"tokenizer\.json is missing"):
        AudioInteractionModel(folder, device="cpu")


def test_a_system_text_of_ones_own(shared: Path, tmp_path: Path) -> None:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path)
    (folder / SYSTEM_FILE).write_text("hello world\n", encoding="utf-8")
    config = LaimConfig()
    parts = load_parts(
        folder, device="cpu", precision="float32", eager=True, config=config, lanes=1
    )
    assert parts.tokenizer.decode(parts.prefix[4:-1]) == "hello world"
    (folder / SYSTEM_FILE).write_text("w " * 300, encoding="utf-8")
    with pytest.raises(ModelLoadError, match=r"system_prompt\.txt.*shorten it to 256"):
        load_parts(folder, device="cpu", precision="float32", eager=True, config=config, lanes=1)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"window": 4096}, "window is 4096"),
        ({"keep": 600}, "keep is 600"),
        ({"reserve": 1100}, "reserve"),
        ({"waiting_chunks": 100}, "waiting"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        LaimConfig(**changes)


def test_half_a_window_is_whole_again() -> None:
    half = LaimConfig().halved()
    assert half is not None
    assert (half.window, half.keep, half.waiting_chunks) == (1024, 512, 32)
    quarter = half.halved()
    assert quarter is not None
    assert quarter.halved() is None
