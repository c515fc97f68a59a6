"""A lane alone: the layout of what it feeds, and what it makes of what the model says."""

from __future__ import annotations

from pathlib import Path

import laim_rig
import numpy as np
import pytest
import torch
from laim_rig import Rig

from everlisten.engine.laim.checkpoint import load_checkpoint
from everlisten.engine.laim.config import LaimConfig, Policy, Scripted
from everlisten.engine.laim.context import Context, Turn, joined
from everlisten.engine.laim.outcomes import Began, Decided, Ended, Question, Word
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.tokens import (
    ASSISTANT,
    CHUNK_TOKENS,
    CONTROL_IDS,
    KEEP_SILENCE,
    TEXT_BEGIN,
    TEXT_END,
    TEXT_VOCABULARY,
    Emotion,
    user_block,
)


def ids_of(rig: Rig) -> list[int]:
    context = rig.seats[0].lane.context
    return context.between(0, context.rows)[0]


def test_the_record_is_laid_out_as_the_released_code_does(shared: Path) -> None:
    folder = shared / "fixtures" / "laim-tiny"
    expected = np.load(folder / "expected.npz")
    loaded = load_checkpoint(folder, device="cpu", precision="float32")
    features = torch.from_numpy(expected["features"]).view(8, 10, -1)
    bounds = np.cumsum([0, *expected["forced_lengths"]])
    turns = [Turn(-1, tuple(expected["prefix"].tolist()), pinned=True)]
    for index in range(8):
        turns.append(Turn.of_chunk(index, features[index]))
        turns[-1].tail += expected["forced"][bounds[index] : bounds[index + 1]].tolist()
    context = Context.of_turns(0, turns)
    step = LmStep(loaded.weights, slots=1, positions=256, lanes=1)
    scores = []
    for row in range(context.rows):
        ids, sound = context.between(row, row + 1)
        block = RowBlock(slot=0, position=row, tokens=ids, features=joined(sound), read=(0,))
        scores.append(step.forward([block])[0][0].score)
    special = expected["special_logits"][bounds[:-1]]
    decisions = [scores[row] for row in laim_rig.assistant_rows(turns)[1:]]
    assert decisions == pytest.approx((special[:, 1] - special[:, 0]).tolist(), abs=2e-3)


def test_silent_chunks_and_a_reply() -> None:
    rig = Rig(LaimConfig(script=lambda lane, chunk: Scripted(2 if chunk == 1 else 0)), lanes=1)
    rig.seat()
    rig.listen(laim_rig.chunks(3))
    words = [one.token for one in rig.said["assistant"] if isinstance(one, Word)]
    (began,) = [one for one in rig.said["assistant"] if isinstance(one, Began)]
    assert len(words) == 2
    assert ids_of(rig) == [
        *laim_rig.PREFIX,
        *CHUNK_TOKENS, KEEP_SILENCE,
        *CHUNK_TOKENS, TEXT_BEGIN, began.emotion, *words, TEXT_END,
        *CHUNK_TOKENS, KEEP_SILENCE,
    ]  # fmt: skip
    kinds = [type(one) for one in rig.said["assistant"]]
    assert kinds == [Decided, Decided, Began, Word, Word, Ended, Decided]


def test_a_silent_chunk_costs_thirteen_rows() -> None:
    rig = Rig(lanes=1)
    rig.seat(bias=-50.0)
    rig.listen(laim_rig.chunks(2))
    before = rig.schedule.done.rows, rig.schedule.done.passes
    rig.hear(laim_rig.chunks(1, first=2))
    rig.work()
    assert rig.schedule.done.rows - before[0] == 13
    assert rig.schedule.done.passes - before[1] == 1
    assert not rig.seats[0].busy


def test_a_typed_question() -> None:
    rig = Rig(LaimConfig(max_reply_tokens=5), lanes=1)
    seat = rig.seat(bias=-50.0)
    rig.listen(laim_rig.chunks(1))
    seat.lane.waiting.append(Question(0, (40, 41)))
    rig.settle()
    began, *words, ended = rig.said["assistant"][1:]
    assert isinstance(began, Began)
    assert isinstance(ended, Ended)
    said = [one.token for one in words if isinstance(one, Word)]
    question = [*user_block((40, 41)), ASSISTANT, TEXT_BEGIN, began.emotion, *said, TEXT_END]
    assert ids_of(rig)[-len(question) :] == question
    readings = laim_rig.replay(seat.lane.context.turns)
    first = seat.lane.context.rows - len(question) + len(user_block((40, 41))) + 1
    assert readings[first].emotion == began.emotion
    assert [readings[first + 1 + n].token for n in range(len(said))] == said


def test_a_long_question_goes_in_by_parts() -> None:
    rig = Rig(LaimConfig(max_reply_tokens=5), lanes=1)
    seat = rig.seat(bias=-50.0)
    seat.lane.waiting.append(Question(0, tuple(range(120))))
    passes = rig.schedule.done.passes
    rig.work()
    assert not rig.said["assistant"]
    rig.work()
    (began,) = rig.said["assistant"]
    assert isinstance(began, Began)
    assert rig.schedule.done.passes == passes + 2
    row = len(seat.lane.context.turns[0].head) + len(user_block(range(120))) + 1
    assert laim_rig.replay(seat.lane.context.turns)[row].emotion == began.emotion


@pytest.mark.parametrize("policy", list(Policy))
def test_nothing_inadmissible_enters_the_context(policy: Policy) -> None:
    rig = Rig(LaimConfig(policy=policy, max_reply_tokens=30), lanes=1)
    seat = rig.seat(bias=0.0)
    for heard in laim_rig.chunks(60):
        rig.hear([heard])
        rig.work(3)
    rig.settle()
    for turn in seat.lane.context.turns[1:]:
        control, *rest = turn.tail
        assert control in (KEEP_SILENCE, TEXT_BEGIN)
        if control == TEXT_BEGIN:
            assert Emotion(rest.pop(0))
        for token in rest:
            assert token == TEXT_END or token < TEXT_VOCABULARY
            assert token not in CONTROL_IDS
    assert sum(not turn.silent for turn in seat.lane.context.turns[1:]) > 5


def test_the_bias_moves_the_score() -> None:
    scores = []
    for bias in (-1.5, 0.0, 1.5):
        rig = Rig(LaimConfig(script=lambda lane, chunk: Scripted(0)), lanes=1)
        rig.seat(bias=bias)
        rig.listen(laim_rig.chunks(4))
        scores.append(laim_rig.scores(rig.decisions()).logit())
    torch.testing.assert_close(scores[0] + 1.5, scores[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(scores[2] - 1.5, scores[1], atol=1e-4, rtol=0)


def test_a_script_comes_after_the_models_own_decision() -> None:
    silent, free = Rig(LaimConfig(script=lambda lane, chunk: None), lanes=1), Rig(lanes=1)
    for rig in (silent, free):
        rig.seat()
        rig.listen(laim_rig.chunks(20))
    assert laim_rig.told(silent.said["assistant"]) == laim_rig.told(free.said["assistant"])
    forced = Rig(LaimConfig(script=lambda lane, chunk: Scripted(0)), lanes=1)
    forced.seat()
    forced.listen(laim_rig.chunks(1))
    assert forced.decisions()[0].score == free.decisions()[0].score


def test_cutting_a_reply_short() -> None:
    rig = Rig(LaimConfig(script=lambda lane, chunk: Scripted(30)), lanes=1)
    seat = rig.seat()
    rig.hear(laim_rig.chunks(1))
    rig.work(5)
    assert seat.lane.cut() == [Ended()]
    assert seat.lane.context.turns[-1].tail[-1] == TEXT_END
    assert not seat.busy
    assert seat.lane.cut() == []
    rig.listen(laim_rig.chunks(1, first=1))
    readings = laim_rig.replay(seat.lane.context.turns)
    row = laim_rig.assistant_rows(seat.lane.context.turns)[-1]
    fresh = torch.tensor(readings[row].score + laim_rig.RARELY).sigmoid()
    assert rig.decisions()[-1].score == pytest.approx(float(fresh), abs=1e-4)


def test_a_reply_taken_back_leaves_no_trace() -> None:
    rig = Rig(LaimConfig(script=lambda lane, chunk: Scripted(9 if chunk == 1 else 0)), lanes=1)
    seat = rig.seat()
    rig.hear(laim_rig.chunks(2))
    while seat.lane.reply is None or seat.lane.reply.emotion is None:
        rig.work()
    seat.lane.cut()
    rig.listen(laim_rig.chunks(1, first=2))
    never = Rig(LaimConfig(script=lambda lane, chunk: Scripted(0)), lanes=1)
    never.seat()
    never.listen(laim_rig.chunks(3))
    assert ids_of(rig) == ids_of(never)
    torch.testing.assert_close(
        laim_rig.scores(rig.decisions()), laim_rig.scores(never.decisions()), atol=1e-4, rtol=0
    )
