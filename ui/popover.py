"""A small window that drops down from a button and closes on Escape or a click elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
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
        self.adjustSize()
        place = anchor.mapToGlobal(QPoint(0, anchor.height() + 4))
        if above:
            place = anchor.mapToGlobal(QPoint(0, -self.height() - 4))
        window = anchor.window().geometry()
        if place.x() + self.width() > window.right():
            place.setX(max(window.left(), place.x() + anchor.width() - self.width()))
        room = anchor.screen().availableGeometry()
        x = max(room.left(), min(place.x(), room.right() - self.width()))
        y = max(room.top(), min(place.y(), room.bottom() - self.height()))
        self.move(x, y)
        self.show()
