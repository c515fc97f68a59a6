"""A small window that drops down from a button and closes on Escape or a click elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget


class Popover(QFrame):
    """Made once by its button, opened and closed often."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName(name)
        self.content = QVBoxLayout(self)
        self.content.setContentsMargins(16, 12, 16, 16)
        self.content.setSpacing(8)

    def open_at(self, anchor: QWidget, above: bool = False) -> None:
        """Show it below (or above) `anchor`: in the window if it fits, always on the screen."""
        room = anchor.screen().availableGeometry()
        self.resize(self._wanted_size().boundedTo(room.size()))
        place = anchor.mapToGlobal(QPoint(0, anchor.height() + 4))
        if above:
            place = anchor.mapToGlobal(QPoint(0, -self.height() - 4))
        window = anchor.window().geometry()
        if place.x() + self.width() > window.right():
            place.setX(max(window.left(), place.x() + anchor.width() - self.width()))
        x = max(room.left(), min(place.x(), room.right() - self.width()))
        y = max(room.top(), min(place.y(), room.bottom() - self.height()))
        self.move(x, y)
        self.show()

    def _wanted_size(self) -> QSize:
        """Not through `adjustSize`, which squeezes a window into two thirds of the screen."""
        self.ensurePolished()
        size = self.sizeHint().expandedTo(self.minimumSize()).boundedTo(self.maximumSize())
        if self.content.hasHeightForWidth():
            size.setHeight(self.content.totalHeightForWidth(size.width()))
        return size
