"""The host's record of a cache slot."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from everlisten.engine.laim.context import Context, Turn, joined
from everlisten.engine.laim.tokens import CHUNK_TOKENS, KEEP_SILENCE, PAD, TEXT_BEGIN, TEXT_END

PREFIX = (1, 2, 3)


def chunk(number: int, *tail: int) -> Turn:
    features = torch.full((10, 2), float(number)) + torch.arange(10)[:, None] / 100
    turn = Turn.of_chunk(number, features)
    turn.tail += tail
    return turn


def record() -> Context:
    turns = [Turn(-1, PREFIX), chunk(0, KEEP_SILENCE), chunk(1, TEXT_BEGIN, 7, 8, TEXT_END)]
    turns += [Turn.of_question(1, (9,)), chunk(2)]
    return Context.of_turns(5, turns)


def test_rows_and_starts_count_every_token() -> None:
    context = record()
    assert context.starts == [0, 3, 16, 32, 37]
    assert context.rows == 49
    context.position = 40
    assert context.pending == 9


def test_all_rows_in_order() -> None:
    context = record()
    ids, sound = context.between(0, context.rows)
    expected = [*PREFIX, *CHUNK_TOKENS, KEEP_SILENCE, *CHUNK_TOKENS, TEXT_BEGIN, 7, 8, TEXT_END]
    expected += [*context.turns[3].head, *CHUNK_TOKENS]
    assert ids == expected
    features = joined(sound)
    assert features is not None
    assert (
        features[:, 0].tolist()
        == torch.cat([torch.arange(10) / 100 + n for n in range(3)]).tolist()
    )


@given(st.lists(st.integers(0, 49), min_size=1, max_size=6))
def test_any_cut_gives_the_same_rows(cuts: list[int]) -> None:
    context = record()
    bounds = [0, *sorted(cuts), context.rows]
    ids: list[int] = []
    sound: list[torch.Tensor] = []
    for begin, end in itertools.pairwise(bounds):
        part, heard = context.between(begin, end)
        assert sum(len(one) for one in heard) == part.count(PAD)
        ids += part
        sound += heard
    whole, features = context.between(0, context.rows)
    assert ids == whole
    assert torch.equal(torch.cat(sound), torch.cat(features))


def test_one_piece_is_not_copied() -> None:
    piece = torch.zeros(10, 2)
    assert joined([piece]) is piece
    assert joined([]) is None


def test_the_last_turn_grows() -> None:
    context = record()
    context.turns[-1].tail.append(KEEP_SILENCE)
    assert context.rows == 50
    context.append(chunk(3))
    assert context.starts[-1] == 50


def test_what_a_turn_is() -> None:
    assert chunk(0, KEEP_SILENCE).silent
    assert not chunk(0, TEXT_BEGIN, 7, TEXT_END).silent
    assert chunk(0, KEEP_SILENCE, 7, 8).continues
    assert not chunk(0, KEEP_SILENCE).continues
