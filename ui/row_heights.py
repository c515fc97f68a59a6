"""Heights of the rows of a list: a Fenwick tree, so that appending, changing a height and finding
the row at a scroll position cost O(log n) however long the list is.

A height is an estimate until the row was seen; `is_exact` tells.
"""

from __future__ import annotations

from collections.abc import Iterable


class RowHeights:
    """Heights in pixels, with running sums."""

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._tree: list[int] = [0]  # 1-based; node i sums i & -i rows ending with row i
        self._exact_in: list[int] = []
        self._generation = 1

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, row: int) -> int:
        return self._heights[row]

    def clear(self) -> None:
        """Forget every row."""
        self._heights.clear()
        self._exact_in.clear()
        self._tree[:] = [0]

    def extend(self, estimates: Iterable[int]) -> None:
        """Append rows with estimated heights."""
        for height in estimates:
            self._heights.append(height)
            self._exact_in.append(0)
            node = len(self._heights)
            total, child, stop = height, node - 1, node - (node & -node)
            while child > stop:
                total += self._tree[child]
                child -= child & -child
            self._tree.append(total)

    def truncate(self, count: int) -> list[int]:
        """Keep the first `count` rows; returns the heights of the others."""
        rest = self._heights[count:]
        del self._heights[count:], self._exact_in[count:], self._tree[count + 1 :]
        return rest

    def set_exact(self, row: int, height: int) -> int:
        """Note the measured height of a row; returns by how much it changed."""
        self._exact_in[row] = self._generation
        change = height - self._heights[row]
        if change:
            self._heights[row] = height
            node, size = row + 1, len(self._tree)
            while node < size:
                self._tree[node] += change
                node += node & -node
        return change

    def is_exact(self, row: int) -> bool:
        """True if the row was measured since the last `forget_exact`."""
        return self._exact_in[row] == self._generation

    def forget(self, row: int) -> None:
        """The row changed: its height is an estimate again."""
        self._exact_in[row] = 0

    def forget_exact(self) -> None:
        """The width or the font changed: every height is an estimate again. O(1)."""
        self._generation += 1

    def top(self, row: int) -> int:
        """Sum of the heights above `row`; `top(len(self))` is the height of all."""
        total = 0
        while row > 0:
            total += self._tree[row]
            row -= row & -row
        return total

    @property
    def total(self) -> int:
        """Height of all rows."""
        return self.top(len(self._heights))

    def row_at(self, y: int) -> int:
        """The row that covers pixel `y`: the last row for all below, the first for all above."""
        node, rest, step = 0, y, 1 << len(self._tree).bit_length()
        while step:
            further = node + step
            if further < len(self._tree) and self._tree[further] <= rest:
                node, rest = further, rest - self._tree[further]
            step >>= 1
        return max(0, min(node, len(self._heights) - 1))
