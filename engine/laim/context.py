"""What a lane has in its context, row by row: the host's record of one cache slot.

A context is a list of turns. A turn is a chunk (or a typed question, or the prefix) and what the
model made of it. The slot holds the first `position` rows of the record; rows behind are pending
and go in with the next pass. Nothing behind `position` is ever attended to, so cutting back is
setting `position`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from everlisten.engine.laim.tokens import (
    ASSISTANT,
    CHUNK_TOKENS,
    KEEP_SILENCE,
    PAD,
    user_block,
)


@dataclass(slots=True, eq=False)
class Turn:
    """One chunk, question or prefix, and what followed.

    Attributes:
        number: Of the chunk in its session; of a question, the chunk it came after.
        head: Token ids that are given; PAD where `features` go.
        features: [10, D], or None in a turn without sound.
        pinned: Never forgotten.
        tail: Token ids that the model chose: KEEP_SILENCE, or TEXT_BEGIN, emotion, text, TEXT_END.
            Under the policy interleave a reply that goes on behind a chunk that came meanwhile
            stands behind that chunk's KEEP_SILENCE.
    """

    number: int
    head: tuple[int, ...]
    features: Tensor | None = None
    pinned: bool = False
    tail: list[int] = field(default_factory=list)

    @classmethod
    def of_chunk(cls, number: int, features: Tensor, *, pinned: bool = False) -> Turn:
        """A chunk of sound that nothing followed yet."""
        return cls(number, CHUNK_TOKENS, features, pinned)

    @classmethod
    def of_question(cls, number: int, text: Sequence[int]) -> Turn:
        """A typed question that nothing followed yet."""
        return cls(number, (*user_block(text), ASSISTANT))

    @property
    def rows(self) -> int:
        """Positions that the turn takes."""
        return len(self.head) + len(self.tail)

    @property
    def silent(self) -> bool:
        """Whether the lane said nothing."""
        return self.tail == [KEEP_SILENCE]

    @property
    def continues(self) -> bool:
        """Whether a reply that began in an earlier turn goes on here."""
        return len(self.tail) > 1 and self.tail[0] == KEEP_SILENCE


@dataclass(slots=True, eq=False)
class Context:
    """The record of one cache slot. Only the last turn may grow.

    Attributes:
        slot: Of the cache.
        turns: Oldest first; the first is the prefix. May be shared with another context.
        starts: Row at which each turn begins.
        position: Rows that the slot holds.
    """

    slot: int
    turns: list[Turn] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    position: int = 0

    @classmethod
    def of_turns(cls, slot: int, turns: Sequence[Turn]) -> Context:
        """A context of these turns, of which the slot holds nothing yet."""
        context = cls(slot)
        for turn in turns:
            context.append(turn)
        return context

    @property
    def rows(self) -> int:
        """Rows of the record."""
        return self.starts[-1] + self.turns[-1].rows if self.turns else 0

    @property
    def pending(self) -> int:
        """Rows that the slot does not hold yet."""
        return self.rows - self.position

    def append(self, turn: Turn) -> None:
        """Add a turn behind the others."""
        self.starts.append(self.rows)
        self.turns.append(turn)

    def between(self, begin: int, end: int) -> tuple[list[int], list[Tensor]]:
        """Rows `begin` to `end`: token ids, and the sound of the PAD rows among them in pieces."""
        tokens: list[int] = []
        sound: list[Tensor] = []
        if begin >= end:
            return tokens, sound
        for index in range(bisect_right(self.starts, begin) - 1, len(self.turns)):
            turn, start = self.turns[index], self.starts[index]
            if start >= end:
                break
            first, last = max(begin - start, 0), min(end - start, turn.rows)
            tokens += (*turn.head, *turn.tail)[first:last]
            sound += _sound_between(turn, first, last)
        return tokens, sound


def joined(sound: Sequence[Tensor]) -> Tensor | None:
    """Pieces of [n, D] as one, without a copy where there is one piece; None where there is none.

    Args:
        sound: Each [n, D].
    """
    if len(sound) < 2:
        return sound[0] if sound else None
    return torch.cat(tuple(sound))


def _sound_between(turn: Turn, first: int, last: int) -> list[Tensor]:
    """Embeddings of the PAD rows among rows `first` to `last` of a turn."""
    if turn.features is None:
        return []
    begin = turn.head.index(PAD)
    low, high = max(first - begin, 0), min(last - begin, len(turn.features))
    if low >= high:
        return []
    return [turn.features if high - low == len(turn.features) else turn.features[low:high]]
