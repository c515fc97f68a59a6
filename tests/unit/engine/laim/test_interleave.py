"""Under `interleave`, rows that ride along equal the same rows fed one after the other."""

from __future__ import annotations

import laim_rig
import torch
from laim_rig import RARELY, Rig

from everlisten.engine.laim.config import LaimConfig, Policy
from everlisten.engine.laim.context import Context, Turn
from everlisten.engine.laim.outcomes import Decided, Word
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_BEGIN, TEXT_END

CONFIG = LaimConfig(policy=Policy.INTERLEAVE)


def overlapping(rig: Rig, count: int, passes: int = 3) -> None:
    """Chunks that do not wait for a reply's end."""
    for heard in laim_rig.chunks(count):
        rig.hear([heard])
        rig.work(passes)
        rig.schedule.forget(rig.seats, rig.slots)


def test_riding_rows_equal_rows_one_after_the_other() -> None:
    rig = Rig(CONFIG, lanes=1)
    seat = rig.seat(bias=RARELY + 1)
    overlapping(rig, 40)
    rig.settle()
    turns = seat.lane.context.turns
    assert sum(turn.continues for turn in turns) >= 5
    readings = laim_rig.replay(turns)
    rows = laim_rig.assistant_rows(turns)[1:]
    fresh = torch.tensor([readings[row].score for row in rows], dtype=torch.float64)
    decisions = rig.decisions()
    torch.testing.assert_close(
        laim_rig.scores(decisions), (fresh + RARELY + 1).sigmoid(), atol=1e-4, rtol=0
    )
    said, expected = words_and_what_chose_them(turns, readings)
    assert said == expected
    assert len(said) > 20


def words_and_what_chose_them(
    turns: list[Turn], readings: list[RowReading]
) -> tuple[list[int], list[int]]:
    """Text tokens of a record, and what the model says where each was chosen."""
    said, expected = [], []
    for start, turn in zip(Context.of_turns(0, turns).starts, turns, strict=True):
        first = start + len(turn.head)
        for index, token in enumerate(turn.tail):
            if index >= 2:
                said.append(token)
                expected.append(readings[first + index - 1].token)
            elif turn.continues and index == 1:
                # It was chosen before the chunk came in between.
                said.append(token)
                expected.append(readings[start - 1].token)
    return said, expected


def test_the_layout_of_a_ride() -> None:
    rig = Rig(CONFIG, lanes=1)
    seat = rig.seat(bias=50.0)
    first, second = laim_rig.chunks(2)
    rig.hear([first])
    rig.work(4)  # decision, emotion, two words
    assert seat.lane.reply is not None
    before = list(seat.lane.context.turns[-1].tail)
    rig.hear([second])
    rig.work()
    earlier, later = seat.lane.context.turns[-2:]
    assert earlier.tail == before[:-1]
    assert later.tail[:2] == [KEEP_SILENCE, before[-1]]
    assert len(later.tail) >= 3
    assert later.continues


def test_decisions_keep_coming_while_text_is_written() -> None:
    rig = Rig(CONFIG, lanes=1)
    seat = rig.seat(bias=50.0)
    rig.settle()
    overlapping(rig, 8, passes=4)
    assert [decided.heard.index for decided in rig.decisions()] == list(range(8))
    assert not seat.lane.waiting
    kinds = [type(outcome) for outcome in rig.said["assistant"]]
    first_word = kinds.index(Word)
    assert Decided in kinds[first_word:]


def test_a_decision_to_speak_while_speaking_begins_nothing() -> None:
    rig = Rig(CONFIG, lanes=1)
    seat = rig.seat(bias=50.0)
    overlapping(rig, 5, passes=4)
    reply = seat.lane.reply
    ids = seat.lane.context.between(0, seat.lane.context.rows)[0][len(laim_rig.PREFIX) :]
    begun, ended = ids.count(TEXT_BEGIN), ids.count(TEXT_END)
    assert begun - ended == (reply is not None)
    assert all(decided.speak for decided in rig.decisions())
