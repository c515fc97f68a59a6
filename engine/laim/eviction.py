"""Forgetting: which turns a lane keeps, and prefilling them again at fresh positions.

The kept turns are prefilled into a second cache slot, a bounded number of rows with every chunk,
while the lane goes on in the first. What the lane takes in meanwhile follows. Once the second slot
holds all that the first one does, it takes the first one's place. So the positions stay those that
the weights were trained on, and no stored key is ever rotated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from everlisten.engine.laim.context import Context, Turn, joined
from everlisten.engine.laim.step import RowBlock


def choose(turns: Sequence[Turn], keep: int, recent: int) -> list[Turn]:
    """The turns that stay, in order.

    Silent turns go first, oldest first; then replies, oldest first and each as a whole; the last
    `recent` turns only if that is not enough. Pinned turns and the last one always stay.

    Args:
        turns: Of a context.
        keep: Most rows that may stay.
        recent: Number of newest turns to spare.
    """
    older = range(max(0, len(turns) - recent))
    newer = range(len(older), len(turns) - 1)
    silent = ([index] for index in older if turns[index].silent)
    victims = [*silent, *_replies(turns, older), *([index] for index in newer)]
    rows = sum(turn.rows for turn in turns)
    gone: set[int] = set()
    for group in victims:
        if rows <= keep:
            break
        group = [index for index in group if not turns[index].pinned]
        rows -= sum(turns[index].rows for index in group)
        gone.update(group)
    return [turn for index, turn in enumerate(turns) if index not in gone]


def _replies(turns: Sequence[Turn], among: Iterable[int]) -> list[list[int]]:
    """Turns in which something was said, those of one reply together."""
    groups: list[list[int]] = []
    for index in among:
        if turns[index].silent:
            continue
        if turns[index].continues and groups:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


@dataclass(slots=True, eq=False)
class Rebuild:
    """A second context, on its way to replace a lane's.

    Attributes:
        context: Of the kept turns and those that followed.
        taken: Turns of the lane's context that are considered already.
    """

    context: Context
    taken: int

    @classmethod
    def begin(cls, live: Context, slot: int, keep: int, recent: int) -> Rebuild:
        """Choose what stays of `live`; it will be prefilled into `slot`."""
        kept = choose(live.turns, keep, recent)
        return cls(Context.of_turns(slot, kept), len(live.turns))

    def follow(self, live: Context) -> None:
        """Take over what happened to the lane's context meanwhile; call it after every change."""
        for turn in live.turns[self.taken :]:
            self.context.append(turn)
        self.taken = len(live.turns)
        # A reply that was taken back takes back the rows that were prefilled of it.
        self.context.position = min(self.context.position, self._end(live))

    def block(self, live: Context, max_rows: int) -> RowBlock:
        """The next rows to prefill."""
        begin = self.context.position
        tokens, sound = self.context.between(begin, min(begin + max_rows, self._end(live)))
        return RowBlock(
            slot=self.context.slot, position=begin, tokens=tokens, features=joined(sound), read=()
        )

    def fed(self, block: RowBlock) -> None:
        """The slot holds the block's rows now."""
        self.context.position = block.position + len(block.tokens)

    def whole(self, live: Context) -> bool:
        """Whether the slot holds all that the lane's slot does of the kept turns."""
        return self.context.position == self._end(live)

    def _end(self, live: Context) -> int:
        """Rows to prefill: what the lane's slot does not hold either comes with its next pass."""
        return self.context.rows - live.pending
