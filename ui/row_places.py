"""Where the rows of a timeline stand: measured when they come into sight, estimated before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF

from everlisten.ui.row_heights import RowHeights
from everlisten.ui.row_layout import TextBlock
from everlisten.ui.timeline_layout import RowLayouts
from everlisten.ui.timeline_model import TimelineModel


@dataclass(frozen=True, slots=True)
class TextPlace:
    """A letter in a block of a row."""

    row: int
    block: TextBlock
    letter: int


class RowPlaces:
    """Heights and layouts of the rows of one model, for one width."""

    def __init__(self, layouts: RowLayouts) -> None:
        self.layouts = layouts
        self.heights = RowHeights()
        self._model = TimelineModel()
        self._width = 0

    def __len__(self) -> int:
        return len(self.heights)

    def reset(self, model: TimelineModel, width: int) -> None:
        """Begin again with the rows of `model`."""
        self._model, self._width = model, width
        self.layouts.forget()
        self.layouts.set_speakers(model.speakers)
        self.heights.clear()
        self.heights.extend(self._estimates(0, model.rowCount()))

    def insert(self, first: int, last: int) -> None:
        """Rows were added; cheap at the end."""
        rest = self.heights.truncate(first)
        self.heights.extend(self._estimates(first, last + 1))
        self.heights.extend(rest)

    def remove(self, first: int, last: int) -> None:
        """Rows were taken away; cheap near the end."""
        rest = self.heights.truncate(first)
        self.heights.extend(rest[last - first + 1 :])
        self.layouts.forget()

    def measure_again(self, width: int) -> None:
        """Width, font or placement changed."""
        self._width = width
        self.heights.forget_exact()

    def measure(self, row: int) -> int:
        """Make the height of a row exact; returns by how much it changed."""
        if self.heights.is_exact(row):
            return 0
        height = self.layouts.of(self._model.row(row), self._width).height
        return self.heights.set_exact(row, height)

    def measure_between(self, top: int, bottom: int, anchor: int) -> tuple[bool, int]:
        """Measure the rows between two pixels.

        Returns:
            Whether a height changed, and by how much the rows before `anchor` grew.
        """
        changed, grown = False, 0
        for row, _ in self.between(top, bottom):
            change = self.measure(row)
            changed = changed or bool(change)
            grown += change if row < anchor else 0
        return changed, grown

    def between(self, top: int, bottom: int) -> Iterator[tuple[int, int]]:
        """(row, its top) of the rows between two pixels; heights may change on the way."""
        if not len(self.heights):
            return
        row = self.heights.row_at(top)
        y = self.heights.top(row)
        while row < len(self.heights) and y <= bottom:
            yield row, y
            y += self.heights[row]
            row += 1

    def text_at(self, x: int, y: int) -> TextPlace | None:
        """The letter at a point, pixels from the top of all rows; None beside the text."""
        if not 0 <= y < self.heights.total:
            return None
        row = self.heights.row_at(y)
        local = QPointF(x, y - self.heights.top(row))
        block = self.layouts.of(self._model.row(row), self._width).block_at(local)
        return TextPlace(row, block, block.letter_at(local)) if block is not None else None

    def action_at(self, x: int, y: int) -> tuple[int, str]:
        """(row, name) of the action of an alert at a point; (-1, "") where there is none."""
        if not 0 <= y < self.heights.total:
            return -1, ""
        row = self.heights.row_at(y)
        local = QPointF(x, y - self.heights.top(row))
        action = self.layouts.of(self._model.row(row), self._width).action_at(local)
        return (row, action) if action else (-1, "")

    def _estimates(self, start: int, end: int) -> Iterator[int]:
        rows = (self._model.row(at) for at in range(start, end))
        return (self.layouts.estimate(row, self._width) for row in rows)
