"""How far back rows see, in models whose attention has a window of chunks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from everlisten.engine.laim.tokens import AUDIO_BEGIN


class Horizon:
    """Where the chunks of each cache slot begin.

    A window holds the row's own chunk, what is said after it included, and the chunks before it.
    It is the same from the first chunk to the last: what stands before the first chunk, such as the
    prefix, only sees itself.

    Args:
        slots: Of the cache.
        chunks: Of the window; None sees everything.
    """

    def __init__(self, slots: int, chunks: int | None) -> None:
        self._chunks = chunks
        self._begins: list[list[int]] = [[] for _ in range(slots)]

    def since(self, slot: int, position: int, tokens: Sequence[int]) -> list[int]:
        """The first position that each of these rows sees.

        Args:
            slot: Where the rows go.
            position: Of the first row; what the slot held from there on is overwritten.
            tokens: Ids of the rows.
        """
        if self._chunks is None:
            return [0] * len(tokens)
        begins = self._begins[slot]
        del begins[bisect_left(begins, position) :]
        seen = []
        for row, token in enumerate(tokens, position):
            if token == AUDIO_BEGIN:
                begins.append(row)
            seen.append(begins[-self._chunks :][0] if begins else 0)
        return seen

    def copy(self, source: int, target: int, length: int) -> None:
        """Slot `target` now holds the first `length` positions of `source`."""
        begins = self._begins[source]
        self._begins[target] = begins[: bisect_left(begins, length)]
