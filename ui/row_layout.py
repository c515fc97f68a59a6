"""The layout of one row of the timeline: pieces of text, card, icon, and what is at a point."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTextLayout

ACTIONS = ("play", "keep", "why")
"""What can be clicked in the row of an alert."""
SELECTABLE = ("text", "translation", "heading")


@dataclass(slots=True)
class TextBlock:
    """One piece of text that can be selected."""

    part: str
    """text, translation, heading, reason, note, speaker or separator; or the name of an action."""
    text: str
    layout: QTextLayout
    position: QPointF
    tail: int
    """Where the unstable tail begins."""

    @property
    def rect(self) -> QRectF:
        """Where it stands in the row."""
        return self.layout.boundingRect().translated(self.position)

    @property
    def reach(self) -> QRectF:
        """Where a click means it: the text with some room around it."""
        rect = self.rect
        rect.setWidth(self.natural_width)
        return rect.adjusted(-6, -4, 6, 4)

    def letter_at(self, point: QPointF) -> int:
        """The gap between letters nearest to `point`, which is relative to the row."""
        inside = point - self.position
        last = self.layout.lineCount() - 1
        for at in range(last + 1):
            line = self.layout.lineAt(at)
            if inside.y() < line.y() + line.height() or at == last:
                cursor = line.xToCursor(inside.x())
                return cursor[0] if isinstance(cursor, tuple) else cursor
        return 0

    @property
    def natural_width(self) -> float:
        """Width of the longest line."""
        lines = (self.layout.lineAt(at) for at in range(self.layout.lineCount()))
        return max((line.naturalTextWidth() for line in lines), default=0.0)


@dataclass(slots=True)
class RowLayout:
    """Everything that a row shows, relative to its top left corner."""

    height: int = 0
    blocks: list[TextBlock] = field(default_factory=list)
    card: QRectF | None = None
    rule: QRectF | None = None
    """Left and right end of a separator's line."""
    icon: QRectF | None = None
    time_right: float = 0.0
    revision: int = -1

    def block_at(self, point: QPointF) -> TextBlock | None:
        """The selectable block nearest to `point`, if the point is in the row's text area."""
        for block in self.blocks:
            if block.part in SELECTABLE:
                reach = block.rect.adjusted(-6, -4, 10_000, 4)
                beside = [b for b in self.blocks if b.position.x() > block.position.x() + 40]
                if beside and block.part == "text":
                    reach.setRight(min(b.position.x() for b in beside) - 8)
                if reach.contains(point):
                    return block
        return None

    def action_at(self, point: QPointF) -> str:
        """The name of the action at `point`, or ""."""
        for block in self.blocks:
            if block.part in ACTIONS and block.reach.contains(point):
                return block.part
        return ""

    def block(self, part: str) -> TextBlock | None:
        """The block of that name."""
        return next((block for block in self.blocks if block.part == part), None)
