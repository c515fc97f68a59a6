"""Several waiting chunks at once decide exactly as one by one."""

from __future__ import annotations

import laim_rig
import pytest
import torch
from laim_rig import RARELY, Rig

from everlisten.engine.laim.outcomes import Question, Word
from everlisten.engine.laim.tokens import KEEP_SILENCE


@pytest.mark.parametrize("bias", [-50.0, RARELY, 0.0])
@pytest.mark.parametrize("together", [2, 5, 8, 30])
def test_catching_up_equals_one_by_one(together: int, bias: float) -> None:
    heard = laim_rig.chunks(30)
    single, several = Rig(lanes=1), Rig(lanes=1)
    for rig in (single, several):
        rig.seat(bias=bias)
    single.listen(heard)
    for first in range(0, len(heard), together):
        several.hear(heard[first : first + together])
        several.settle()
    one, other = (rig.seats[0].lane.context for rig in (single, several))
    assert laim_rig.told(several.said["assistant"]) == laim_rig.told(single.said["assistant"])
    torch.testing.assert_close(
        laim_rig.scores(several.decisions()), laim_rig.scores(single.decisions()), atol=1e-4, rtol=0
    )
    assert other.between(0, other.rows)[0] == one.between(0, one.rows)[0]
    assert (other.position, other.rows) == (one.position, one.rows)
    if bias > RARELY:
        assert any(isinstance(outcome, Word) for outcome in single.said["assistant"])


def test_eight_chunks_in_one_pass() -> None:
    rig = Rig(lanes=1)
    rig.seat(bias=-50.0)
    rig.settle()
    rig.hear(laim_rig.chunks(8))
    before = rig.schedule.done.passes
    rig.work()
    assert len(rig.decisions()) == 8
    assert rig.schedule.done.passes == before + 1
    assert not rig.seats[0].busy


def test_chunks_behind_the_first_that_is_answered_wait_on() -> None:
    rig = Rig(lanes=1)
    seat = rig.seat(bias=50.0)
    rig.settle()
    heard = laim_rig.chunks(6)
    rig.hear(heard)
    rig.work()
    assert [decided.heard.index for decided in rig.decisions()] == [0]
    assert list(seat.lane.waiting) == heard[1:]
    assert seat.lane.context.turns[-1].number == 0


def test_a_question_keeps_its_place_among_the_chunks() -> None:
    rig = Rig(lanes=1)
    seat = rig.seat(bias=-50.0)
    rig.hear(laim_rig.chunks(3))
    seat.lane.waiting.append(Question(2, (40, 41)))
    rig.hear(laim_rig.chunks(3, first=3))
    rig.settle()
    turns = seat.lane.context.turns[1:]
    assert [turn.number for turn in turns] == [0, 1, 2, 2, 3, 4, 5]
    assert turns[3].features is None
    assert len(turns[3].tail) > 3
    assert all(turn.tail == [KEEP_SILENCE] for turn in (*turns[:3], *turns[4:]))
