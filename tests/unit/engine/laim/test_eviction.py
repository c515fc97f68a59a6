"""Forgetting: what stays, and that what stays is as if it had been heard alone."""

from __future__ import annotations

from dataclasses import replace

import laim_rig
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laim_rig import Rig

from everlisten.engine.laim.config import LaimConfig, Policy
from everlisten.engine.laim.context import Context, Turn
from everlisten.engine.laim.eviction import Rebuild, choose
from everlisten.engine.laim.outcomes import Word
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_BEGIN, TEXT_END

SMALL = LaimConfig(
    window=512, keep=256, reserve=130, recent_chunks=4, waiting_chunks=8, max_reply_tokens=40,
    max_question_tokens=20, max_instruction_chunks=4, max_system_tokens=16,
)  # fmt: skip


def turn(number: int, *tail: int, pinned: bool = False) -> Turn:
    made = Turn.of_chunk(number, torch.zeros(10, 2), pinned=pinned)
    made.tail += tail or (KEEP_SILENCE,)
    return made


def spoken(number: int, words: int = 10) -> Turn:
    return turn(number, TEXT_BEGIN, *range(1, words + 1), TEXT_END)


def numbers(turns: list[Turn]) -> list[int]:
    return [one.number for one in turns]


PREFIX = Turn(-1, tuple(range(10)), pinned=True)


def test_nothing_goes_that_fits() -> None:
    turns = [PREFIX, turn(0), spoken(1), turn(2)]
    assert choose(turns, sum(one.rows for one in turns), 1) == turns


def test_silent_turns_go_first_oldest_first() -> None:
    turns = [PREFIX, spoken(0), turn(1), turn(2), spoken(3), turn(4), turn(5)]
    rows = sum(one.rows for one in turns)
    assert numbers(choose(turns, rows - 1, 2)) == [-1, 0, 2, 3, 4, 5]
    assert numbers(choose(turns, rows - 14, 2)) == [-1, 0, 3, 4, 5]


def test_then_replies_oldest_first_then_what_is_recent() -> None:
    turns = [PREFIX, spoken(0), turn(1), spoken(2), turn(3), spoken(4), turn(5)]
    assert numbers(choose(turns, 90, 3)) == [-1, 2, 3, 4, 5]
    assert numbers(choose(turns, 65, 3)) == [-1, 3, 4, 5]
    assert numbers(choose(turns, 52, 3)) == [-1, 4, 5]
    assert numbers(choose(turns, 1, 3)) == [-1, 5]


def test_pinned_turns_stay() -> None:
    turns = [PREFIX, turn(0, pinned=True), spoken(1), turn(2), turn(3)]
    assert numbers(choose(turns, 1, 1)) == [-1, 0, 3]


def test_a_reply_that_went_on_behind_other_chunks_goes_as_a_whole() -> None:
    reply = [
        turn(0, TEXT_BEGIN, 5, 6),
        turn(1, KEEP_SILENCE, 7, 8),
        turn(2, KEEP_SILENCE, TEXT_END),
    ]
    turns = [PREFIX, *reply, spoken(3), turn(4)]
    rows = sum(one.rows for one in turns)
    assert numbers(choose(turns, rows - 1, 1)) == [-1, 3, 4]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 900),
    st.integers(1, 30),
)
def test_what_stays_fits_in_order_and_ends_with_the_last(
    made: list[tuple[int, bool]], keep: int, recent: int
) -> None:
    turns = [PREFIX]
    turns += [spoken(n, words) if words else turn(n, pinned=p) for n, (words, p) in enumerate(made)]
    kept = choose(turns, keep, recent)
    assert numbers(kept) == sorted(numbers(kept))
    assert kept[0] is PREFIX
    assert kept[-1] is turns[-1]
    stays = sum(one.rows for one in turns[:-1] if one.pinned) + turns[-1].rows
    assert sum(one.rows for one in kept) <= max(keep, stays)


def test_a_rebuild_follows_what_comes_meanwhile() -> None:
    live = Context.of_turns(0, [PREFIX, turn(0), turn(1), turn(2)])
    live.position = live.rows - 1
    rebuild = Rebuild.begin(live, 1, keep=40, recent=1)
    rebuild.fed(rebuild.block(live, 20))
    live.append(turn(3))
    live.position = live.rows - 1
    rebuild.follow(live)
    while not rebuild.whole(live):
        rebuild.fed(rebuild.block(live, 20))
    assert numbers(rebuild.context.turns) == [-1, 1, 2, 3]
    assert rebuild.context.pending == live.pending == 1


def test_a_reply_that_is_taken_back_is_taken_back_there_too() -> None:
    live = Context.of_turns(0, [PREFIX, turn(0)])
    live.append(turn(1, TEXT_BEGIN))
    live.position = live.rows
    rebuild = Rebuild.begin(live, 1, keep=1024, recent=1)
    rebuild.fed(rebuild.block(live, 104))
    assert rebuild.whole(live)
    live.turns[-1].tail[:] = [KEEP_SILENCE]
    live.position = live.rows - 1
    rebuild.follow(live)
    assert rebuild.context.position == live.rows - 1


@pytest.mark.parametrize("bias", [-50.0, laim_rig.RARELY, 50.0])
def test_after_forgetting_everything_is_as_if_only_the_rest_had_been_heard(bias: float) -> None:
    rig = Rig(SMALL, lanes=1)
    seat = rig.seat(bias=bias, instruction=laim_rig.chunks(3, seed=9))
    heard = laim_rig.chunks(90)
    rig.listen(heard[:60])
    assert rig.schedule.done.evictions >= 2
    while seat.lane.rebuild is None:  # the last ones are heard while it forgets once more
        rig.listen([heard[len(rig.decisions())]])
    last = seat.lane.context
    while seat.lane.context is last:
        rig.listen([heard[len(rig.decisions())]])
    kept = len(seat.lane.context.turns)
    begin = len(rig.said["assistant"])
    rig.listen(heard[len(rig.decisions()) :][:5])
    turns = seat.lane.context.turns
    readings = laim_rig.replay(turns)
    rows = laim_rig.assistant_rows(turns)[kept:]
    decisions = rig.decisions()[-5:]
    fresh = torch.tensor([readings[row].score + bias for row in rows], dtype=torch.float64)
    torch.testing.assert_close(laim_rig.scores(decisions), fresh.sigmoid(), atol=1e-4, rtol=0)
    assert [decided.speak for decided in decisions] == (fresh > 0).tolist()
    words = [one.token for one in rig.said["assistant"][begin:] if isinstance(one, Word)]
    context = Context.of_turns(0, turns)
    expected = []
    for start, one in list(zip(context.starts, turns, strict=True))[kept:]:
        # Words follow TEXT_BEGIN and the emotion; TEXT_END may have been forced by the limit.
        first = start + len(one.head) + 1
        said = [readings[row].token for row in range(first, start + one.rows - 1)]
        expected += [token for token in said if token != TEXT_END][: SMALL.max_reply_tokens]
    assert words == expected
    if bias > 0:
        assert words


@pytest.mark.parametrize("policy", list(Policy))
def test_forgetting_in_the_middle_of_a_reply(policy: Policy) -> None:
    rig = Rig(replace(SMALL, policy=policy), lanes=1)
    seat = rig.seat(bias=50.0)
    swaps = 0
    for heard in laim_rig.chunks(200):
        rig.hear([heard])
        rig.work(7)
        before, speaking = seat.lane.context, seat.lane.reply
        rig.schedule.forget(rig.seats, rig.slots)
        if seat.lane.context is before or speaking is None or not speaking.written:
            continue
        swaps += 1
        # What is said from here on is said in the new slot.
        words = len(rig.said["assistant"])
        rig.work(2)
        said = [one.token for one in rig.said["assistant"][words:] if isinstance(one, Word)]
        readings = laim_rig.replay(seat.lane.context.turns)
        ids = seat.lane.context.between(0, seat.lane.context.rows)[0]
        assert said
        for token in said:
            row = len(ids) - 1 - ids[::-1].index(token)
            assert readings[row - 1].token == token
        if swaps == 2:
            break
    assert swaps == 2


def test_the_instruction_and_the_prefix_are_never_forgotten() -> None:
    rig = Rig(SMALL, lanes=1)
    seat = rig.seat(instruction=laim_rig.chunks(4, seed=9))
    pinned = seat.lane.context.turns[:]
    rig.listen(laim_rig.chunks(150))
    assert rig.schedule.done.evictions >= 5
    assert seat.lane.context.turns[: len(pinned)] == pinned


def test_one_bounded_pass_of_forgetting_with_every_chunk() -> None:
    rig = Rig(SMALL, lanes=1)
    seat = rig.seat(bias=-50.0)
    for heard in laim_rig.chunks(100):
        rig.hear([heard])
        rig.work()
        before = rig.schedule.done.passes, rig.schedule.done.rows
        rig.schedule.forget(rig.seats, rig.slots)
        assert rig.schedule.done.passes - before[0] <= 1
        assert rig.schedule.done.rows - before[1] <= 104
        assert not seat.busy
    assert rig.schedule.done.evictions >= 4
    assert len(rig.slots.free) == 2 - (seat.lane.rebuild is not None)
