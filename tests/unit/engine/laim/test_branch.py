"""The branch hears on while the assistant speaks, and interrupts it for an urgent reply."""

from __future__ import annotations

from dataclasses import replace

import laim_rig
import pytest
import torch
from laim_rig import RARELY, Rig

from everlisten.engine.laim.config import LaimConfig, Policy, Scripted
from everlisten.engine.laim.outcomes import Began, Ended, Question, Word
from everlisten.engine.laim.schedule import Seat
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_BEGIN, Emotion

LONG = 120


def script(**speaks: Emotion) -> LaimConfig:
    """The assistant speaks after chunk 5 for long, and after those named for 3 words."""
    emotions = {int(name.removeprefix("chunk_")): emotion for name, emotion in speaks.items()}

    def decide(lane: str, chunk: int) -> Scripted:
        if chunk == 5:
            return Scripted(LONG, Emotion.NORMAL)
        return Scripted(3, emotions[chunk]) if chunk in emotions else Scripted(0)

    return LaimConfig(script=decide)


def speaking(config: LaimConfig) -> tuple[Rig, Seat]:
    """A rig whose assistant has just begun its long reply."""
    rig = Rig(config, lanes=1)
    seat = rig.seat(interruptible=True)
    rig.listen(laim_rig.chunks(5))
    rig.hear(laim_rig.chunks(1, first=5))
    rig.work(5)
    assert seat.lane.reply is not None
    assert seat.branch is None
    return rig, seat


def test_the_branch_equals_a_fresh_run_without_the_reply() -> None:
    rig, seat = speaking(script())
    heard = laim_rig.chunks(30)
    for one in heard[6:]:
        rig.hear([one])
        rig.work(2)
    assert seat.lane.reply is not None
    assert seat.branch is not None
    turns = seat.branch.lane.context.turns
    assert [turn.number for turn in turns] == [-1, *range(30)]
    assert all(turn.tail == [KEEP_SILENCE] for turn in turns[1:])

    fresh = Rig(replace(rig.config, script=lambda lane, chunk: Scripted(0)), lanes=1)
    fresh.seat()
    fresh.listen(heard)
    torch.testing.assert_close(
        laim_rig.scores(seat.branch.decided),
        laim_rig.scores(fresh.decisions()[6:]),
        atol=1e-4,
        rtol=0,
    )


@pytest.mark.parametrize("together", [1, 7])
def test_an_urgent_sound_interrupts_and_the_reply_is_forgotten(together: int) -> None:
    rig, seat = speaking(script(chunk_12=Emotion.URGENT))
    heard = laim_rig.chunks(20)
    for first in range(6, 20, together):
        rig.hear(heard[first : first + together])
        rig.work()
    rig.settle()
    outcomes = rig.said["assistant"]
    began = [one for one in outcomes if isinstance(one, Began)]
    assert began == [Began(5, Emotion.NORMAL), Began(12, Emotion.URGENT)]
    first_words = outcomes[outcomes.index(began[0]) : outcomes.index(began[1])]
    assert 0 < sum(isinstance(one, Word) for one in first_words) < LONG
    assert sum(isinstance(one, Ended) for one in first_words) == 1
    decided = [one.heard.index for one in rig.decisions()]
    assert decided == list(range(20))
    assert [one.heard.index for one in rig.decisions() if one.speak] == [5, 12]
    turns = seat.lane.context.turns
    assert [turn.number for turn in turns] == [-1, *range(20)]
    assert turns[6].tail == [KEEP_SILENCE]
    assert turns[13].tail[:2] == [TEXT_BEGIN, Emotion.URGENT]
    assert sorted(rig.slots.free) == sorted({0, 1, 2} - {seat.lane.context.slot})


def test_after_an_interruption_the_lane_is_as_if_it_had_never_spoken_before() -> None:
    rig, seat = speaking(script(chunk_9=Emotion.URGENT))
    heard = laim_rig.chunks(16)
    rig.hear(heard[6:12])
    rig.settle()
    rig.listen(heard[12:])
    readings = laim_rig.replay(seat.lane.context.turns)
    rows = laim_rig.assistant_rows(seat.lane.context.turns)[1:]
    fresh = torch.tensor([readings[row].score + RARELY for row in rows], dtype=torch.float64)
    # Chunks 6 to 8 were decided by the branch, 10 on by the lane that it became.
    for chunk in (*range(6, 16),):
        (decided,) = [one for one in rig.decisions() if one.heard.index == chunk]
        assert decided.score == pytest.approx(float(fresh[chunk].sigmoid()), abs=1e-4)


def test_what_is_not_urgent_waits_and_is_decided_after_the_reply() -> None:
    rig, seat = speaking(script(chunk_8=Emotion.SAD))
    rig.hear(laim_rig.chunks(6, first=6))
    rig.work(20)
    assert seat.branch is not None
    assert [one.speak for one in seat.branch.decided] == [False] * 6
    assert seat.lane.reply is not None
    rig.settle()
    assert seat.branch is None
    outcomes = rig.said["assistant"]
    assert sum(isinstance(one, Word) for one in outcomes) == LONG + 3
    assert [one for one in outcomes if isinstance(one, Began)][1] == Began(8, Emotion.SAD)
    assert [one.heard.index for one in rig.decisions()] == list(range(12))


def test_the_lane_goes_on_as_without_a_branch() -> None:
    def often(lane: str, chunk: int) -> Scripted:
        return Scripted(chunk * 7 % 20 if chunk % 3 == 0 else 0, Emotion.NORMAL)

    told = []
    for interruptible in (False, True):
        rig = Rig(LaimConfig(script=often), lanes=1)
        seat = rig.seat(interruptible=interruptible)
        branched = 0
        for one in laim_rig.chunks(40):
            rig.hear([one])
            rig.work(2)
            branched += seat.branch is not None
        rig.settle()
        assert (branched > 10) == interruptible
        told.append(laim_rig.told(rig.said["assistant"]))
    assert told[0] == told[1]


def test_an_urgent_reply_is_not_cut_by_the_same_alarm_going_on() -> None:
    alarm = LaimConfig(script=lambda lane, chunk: Scripted(20 if chunk >= 3 else 0, Emotion.URGENT))
    rig = Rig(alarm, lanes=1)
    seat = rig.seat(interruptible=True)
    for one in laim_rig.chunks(12):
        rig.hear([one])
        rig.work(2)
    assert seat.branch is None
    outcomes = rig.said["assistant"]
    assert sum(isinstance(one, Began) for one in outcomes) == 1
    rig.settle()
    assert sum(isinstance(one, Word) for one in outcomes) == 9 * 20


def test_a_question_cut_short_by_an_urgent_sound_is_not_in_the_context() -> None:
    rig = Rig(script(chunk_2=Emotion.URGENT), lanes=1)
    seat = rig.seat(interruptible=True)
    rig.hear(laim_rig.chunks(1))
    rig.settle()
    seat.lane.waiting.append(Question(0, (40, 41, 42)))
    rig.work(4)
    assert seat.lane.reply is not None
    rig.hear(laim_rig.chunks(3, first=1))
    rig.settle()
    turns = seat.lane.context.turns
    assert [turn.number for turn in turns] == [-1, 0, 1, 2, 3]
    assert all(turn.features is not None for turn in turns[1:])
    readings = laim_rig.replay(turns)
    last = laim_rig.assistant_rows(turns)[-1]
    fresh = torch.tensor(readings[last].score + RARELY).sigmoid()
    assert rig.decisions()[-1].score == pytest.approx(float(fresh), abs=1e-4)


def test_a_branch_that_fills_its_window_begins_again_where_the_lane_forgot() -> None:
    base = script(chunk_5=Emotion.NORMAL)
    config = replace(
        base, window=512, keep=256, reserve=130, recent_chunks=4, waiting_chunks=12,
        max_reply_tokens=60, max_question_tokens=20, max_instruction_chunks=2,
        max_system_tokens=16, script=lambda lane, chunk: Scripted(60 if chunk == 24 else 0),
    )  # fmt: skip
    rig = Rig(config, lanes=1)
    seat = rig.seat(interruptible=True)
    rig.listen(laim_rig.chunks(24))
    rig.hear(laim_rig.chunks(1, first=24))
    rig.work(2)
    room = rig.config.window - seat.lane.context.rows
    for one in laim_rig.chunks(room // 13 + 2, first=25):
        rig.hear([one])
        rig.work()
    assert seat.lane.reply is not None
    assert rig.schedule.done.evictions > 0
    rig.work(3)
    assert seat.branch is not None
    assert seat.branch.lane.context.turns[-1].number == 25 + room // 13 + 1
    assert rig.schedule.done.furthest <= rig.config.window
    rig.settle()
    assert len(rig.slots.free) == 2


def test_no_branch_where_chunks_ride_along() -> None:
    rig = Rig(replace(script(), policy=Policy.INTERLEAVE), lanes=1)
    seat = rig.seat(interruptible=True)
    for one in laim_rig.chunks(15):
        rig.hear([one])
        rig.work(2)
        assert seat.branch is None
