"""A row of widgets that breaks into further rows where there is no room."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Left to right, then below; hidden widgets take no room."""

    def __init__(self, parent: QWidget | None = None, gap_px: int = 8) -> None:
        super().__init__(parent)
        self._parts: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(gap_px)

    def addItem(self, item: QLayoutItem) -> None:
        self._parts.append(item)

    def count(self) -> int:
        return len(self._parts)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._parts[index] if 0 <= index < len(self._parts) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._parts.pop(index) if 0 <= index < len(self._parts) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        shown = [part.sizeHint() for part in self._parts if not _hidden(part)]
        width = sum(size.width() + self.spacing() for size in shown)
        return QSize(width, max((size.height() for size in shown), default=0))

    def minimumSize(self) -> QSize:
        size = QSize()
        for part in self._parts:
            if not _hidden(part):
                size = size.expandedTo(part.minimumSize())
        return size

    def _place(self, rect: QRect, move: bool) -> int:
        """The height that is needed; with `move`, everything goes to its place."""
        x, y, row = rect.x(), rect.y(), 0
        for part in self._parts:
            if _hidden(part):
                continue
            size = part.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, row = rect.x(), y + row + self.spacing(), 0
            if move:
                part.setGeometry(QRect(QPoint(x, y), size.boundedTo(QSize(rect.width(), 9_999))))
            x += size.width() + self.spacing()
            row = max(row, size.height())
        return y + row - rect.y()


def _hidden(part: QLayoutItem) -> bool:
    """Hidden on purpose. A widget that was never shown also counts as hidden, but will be seen."""
    widget = part.widget()
    explicit = Qt.WidgetAttribute.WA_WState_ExplicitShowHide
    return widget is None or (widget.isHidden() and widget.testAttribute(explicit))
