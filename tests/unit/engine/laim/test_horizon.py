"""A window of chunks: what each row sees, however the rows come and wherever they go."""

from __future__ import annotations

import dataclasses
import itertools

import laim_rig
import pytest
import torch
from laim_reference import LogitStep
from laim_rig import Rig

from everlisten.engine.laim import tokens
from everlisten.engine.laim.horizon import Horizon
from everlisten.engine.laim.step import RowBlock
from everlisten.engine.laim.weights import LanguageModelWeights

CHUNKS = 3
PREFIX = (1, 2, 3)
TURN = (*tokens.CHUNK_TOKENS, tokens.KEEP_SILENCE)
REPLY = (*tokens.CHUNK_TOKENS, tokens.TEXT_BEGIN, tokens.Emotion.SAD, 7, tokens.TEXT_END)


def windowed() -> LanguageModelWeights:
    plain = laim_rig.weights()
    return dataclasses.replace(plain, size=dataclasses.replace(laim_rig.SIZE, window_chunks=CHUNKS))


def stream(turns: int) -> tuple[list[int], torch.Tensor]:
    """Token ids of a prefix and chunks of which every other one is answered, and their sound."""
    ids = list(PREFIX)
    for number in range(turns):
        ids += REPLY if number % 2 else TURN
    return ids, torch.cat([heard.features for heard in laim_rig.chunks(turns)])


def fed(step: LogitStep, slot: int, ids: list[int], sound: torch.Tensor, cuts: list[int]) -> None:
    """Feed what lies between the cuts."""
    for begin, end in itertools.pairwise(cuts):
        first, last = (ids[:cut].count(tokens.PAD) for cut in (begin, end))
        features = sound[first:last] if last > first else None
        step.forward(
            [RowBlock(slot=slot, position=begin, tokens=ids[begin:end], features=features)]
        )


def read(step: LogitStep, slot: int, position: int) -> torch.Tensor:
    """The logits of one more row."""
    block = RowBlock(slot=slot, position=position, tokens=(tokens.TEXT_BEGIN,), read=(0,))
    step.forward([block])
    return step.logits[0]


def new_step() -> LogitStep:
    return LogitStep(windowed(), slots=3, positions=512, lanes=1)


def test_a_window_holds_whole_chunks_with_what_was_said_in_them() -> None:
    horizon = Horizon(1, 2)
    ids = [*PREFIX, *TURN, *REPLY, *TURN]
    first, second, third = 3, 3 + len(TURN), 3 + len(TURN) + len(REPLY)
    wanted = [0] * 3 + [first] * (len(TURN) + len(REPLY)) + [second] * len(TURN)
    assert horizon.since(0, 0, ids) == wanted
    assert horizon.since(0, len(ids), TURN) == [third] * len(TURN)


def test_what_is_overwritten_is_forgotten() -> None:
    horizon = Horizon(1, 2)
    horizon.since(0, 0, [*PREFIX, *TURN, *TURN, *TURN])
    third = 3 + 2 * len(TURN)
    # From the third chunk's ASSISTANT row on, then from its first.
    assert horizon.since(0, third + 11, REPLY[11:]) == [3 + len(TURN)] * (len(REPLY) - 11)
    assert horizon.since(0, third, [tokens.USER]) == [3]


def test_a_copy_goes_on_by_itself() -> None:
    horizon = Horizon(2, 1)
    horizon.since(0, 0, [*PREFIX, *TURN, *TURN])
    second = 3 + len(TURN)
    horizon.copy(0, 1, second)
    assert horizon.since(1, second, [tokens.TEXT_BEGIN]) == [3]
    assert horizon.since(0, second + len(TURN), [tokens.TEXT_BEGIN]) == [second]


def test_without_a_window_everything_is_seen() -> None:
    assert Horizon(1, None).since(0, 0, [*PREFIX, *TURN, *TURN]) == [0] * (3 + 2 * len(TURN))


def test_what_lies_behind_the_window_changes_nothing() -> None:
    """Rows see `CHUNKS` chunks in each of two layers."""
    ids, sound = stream(8)
    reach = 2 * (CHUNKS - 1) + 1
    before = tokens.AUDIO_TOKENS * (8 - reach)
    for first, same in ((0, True), (before, False)):
        changed = sound.clone()
        changed[first : first + tokens.AUDIO_TOKENS] += 1.0
        one, other = new_step(), new_step()
        for step, heard in ((one, sound), (other, changed)):
            fed(step, 0, ids, heard, [0, 60, len(ids)])
        difference = read(one, 0, len(ids)) - read(other, 0, len(ids))
        assert (difference.abs().max() < 1e-5) == same


@pytest.mark.parametrize("size", [1, 5, 13, 104])
def test_any_cut_of_the_rows_gives_the_same(size: int) -> None:
    ids, sound = stream(8)
    whole, cut = new_step(), new_step()
    fed(whole, 0, ids, sound, [0, 70, len(ids)])
    fed(cut, 2, ids, sound, [*range(0, len(ids), size), len(ids)])
    torch.testing.assert_close(read(cut, 2, len(ids)), read(whole, 0, len(ids)), atol=1e-3, rtol=0)


def test_a_copied_slot_gives_the_same() -> None:
    ids, sound = stream(8)
    step = new_step()
    fed(step, 0, ids, sound, [0, 70, len(ids)])
    step.copy(0, 1, len(ids))
    torch.testing.assert_close(read(step, 1, len(ids)), read(step, 0, len(ids)))


def test_after_forgetting_the_chunks_in_the_window_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A windowed lane that forgets decides as one that never has to."""
    weights = windowed()
    monkeypatch.setattr(laim_rig, "weights", lambda: weights)
    heard = laim_rig.chunks(190)
    rig = Rig(lanes=1)
    rig.seat(bias=-50.0)
    rig.listen(heard)
    assert rig.schedule.done.evictions > 0
    fresh = Rig(lanes=1)
    fresh.seat(bias=-50.0)
    fresh.listen(heard[-20:])
    torch.testing.assert_close(
        laim_rig.scores(rig.decisions()[-10:]),
        laim_rig.scores(fresh.decisions()[-10:]),
        atol=0,
        rtol=1e-2,
    )
