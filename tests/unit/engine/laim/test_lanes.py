"""Lanes share their passes and nothing else."""

from __future__ import annotations

import laim_rig
import pytest
import torch
from laim_rig import Rig

from everlisten.engine.laim.config import LaimConfig, Policy, Scripted

BIASES = {"captions": 0.0, "translation": laim_rig.RARELY, "assistant": -1.0}
PREFIXES = {"captions": (1, 2, 3), "translation": (4, 5), "assistant": (6, 7, 8, 9)}
INSTRUCTIONS = {"captions": 3, "translation": 10, "assistant": 0}


def seat(rig: Rig, name: str) -> None:
    rig.seat(
        name,
        bias=BIASES[name],
        prefix=PREFIXES[name],
        instruction=laim_rig.chunks(INSTRUCTIONS[name], seed=5),
        interruptible=name == "assistant",
    )


def play(rig: Rig, first: int, count: int) -> None:
    """Chunks come faster than replies end; then everything is done."""
    for one in laim_rig.chunks(count, first=first):
        rig.hear([one])
        rig.work(3)
        rig.schedule.forget(rig.seats, rig.slots)


def alone(name: str, config: LaimConfig, count: int) -> Rig:
    rig = Rig(config, lanes=1)
    seat(rig, name)
    play(rig, 0, count)
    return rig


def assert_same(rig: Rig, other: Rig, name: str) -> None:
    assert laim_rig.told(rig.said[name]) == laim_rig.told(other.said[name])
    torch.testing.assert_close(
        laim_rig.scores(rig.decisions(name)),
        laim_rig.scores(other.decisions(name)),
        atol=1e-4,
        rtol=0,
    )


@pytest.mark.parametrize("policy", list(Policy))
def test_a_lane_among_three_is_the_same_as_alone(policy: Policy) -> None:
    config = LaimConfig(policy=policy, max_reply_tokens=12)
    rig = Rig(config)
    for name in BIASES:
        seat(rig, name)
    play(rig, 0, 60)
    for name in BIASES:
        assert_same(rig, alone(name, config, 60), name)
        assert len(rig.said[name]) > 60  # it spoke


def test_switching_one_lane_leaves_the_others_alone() -> None:
    config = LaimConfig(max_reply_tokens=12)
    steady, switched = Rig(config), Rig(config)
    for name in BIASES:
        seat(steady, name)
    play(steady, 0, 90)

    for name in ("captions", "assistant"):
        seat(switched, name)
    play(switched, 0, 30)
    seat(switched, "translation")
    play(switched, 30, 30)
    switched.seats.pop().leave(switched.slots)
    play(switched, 60, 30)
    assert_same(switched, steady, "captions")
    assert_same(switched, steady, "assistant")
    heard = [decided.heard.index for decided in switched.decisions("translation")]
    assert heard
    assert heard[0] == 30
    assert heard == list(range(30, 30 + len(heard)))


def test_every_slot_comes_back() -> None:
    rig = Rig(LaimConfig(max_reply_tokens=12))
    for name in BIASES:
        seat(rig, name)
    play(rig, 0, 70)
    for left in rig.seats:
        left.leave(rig.slots)
    assert sorted(rig.slots.free) == list(range(7))


def test_a_lane_that_speaks_does_not_hold_up_the_others() -> None:
    rig = Rig(LaimConfig(script=lambda lane, chunk: Scripted(99 if lane == "assistant" else 0)))
    rig.seat("captions")
    rig.seat("assistant")
    rig.settle()
    for one in laim_rig.chunks(10):
        rig.hear([one])
        rig.work()
    assert len(rig.decisions("captions")) == 10
    assert len(rig.decisions("assistant")) == 1


def test_positions_stay_in_the_window_whatever_is_said() -> None:
    config = LaimConfig(
        window=512, keep=256, reserve=100, recent_chunks=25, waiting_chunks=14,
        max_reply_tokens=90, max_question_tokens=20, max_instruction_chunks=4,
        max_system_tokens=16,
    )  # fmt: skip
    for policy in Policy:
        rig = Rig(LaimConfig(**{**_fields(config), "policy": policy}))
        for name, bias in (("captions", 50.0), ("translation", -1.0), ("assistant", 50.0)):
            rig.seat(name, bias=bias, interruptible=name == "assistant")
        random = torch.Generator().manual_seed(7)
        for one in laim_rig.chunks(90):
            rig.hear([one])
            rig.work(int(torch.randint(1, 40, (1,), generator=random)))
            rig.schedule.forget(rig.seats, rig.slots)
            while any(len(each.lane.waiting) >= config.waiting_chunks for each in rig.seats):
                rig.work()
            assert all(lane.context.rows <= 512 for each in rig.seats for lane in each.lanes)
        assert rig.schedule.done.furthest <= 512
        assert rig.schedule.done.evictions > 10


def _fields(config: LaimConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in LaimConfig.__dataclass_fields__}
