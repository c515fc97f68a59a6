"""What can be done with an alert in the timeline: by click, by Enter, and in the row's menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from everlisten.ui.timeline_view import TimelineView


class AlertActions(QObject):
    """Watches the mouse over a view. The reasons are shown here; sound is the window's business."""

    wanted = Signal(str, str)
    """"play" or "keep", and the id of the alert."""

    def __init__(self, view: TimelineView) -> None:
        super().__init__(view)
        self._view = view
        self._pressed: tuple[int, str] = (-1, "")
        view.viewport().installEventFilter(self)

    def over(self, point: QPoint) -> bool:
        """Whether a click here does something."""
        return bool(self._view.action_at(point)[1])

    def run(self, row: int, action: str) -> None:
        """Do what was clicked, if the row offers it."""
        if not 0 <= row < self._view.timeline.rowCount():
            return
        shown = self._view.timeline.row(row)
        if action not in dict(shown.actions):
            return
        if action == "why":
            self._view.timeline.expand(shown)
        else:
            self.wanted.emit(action, shown.id)

    def add_to(self, menu: QMenu, row: int) -> None:
        """Offer the actions of a row in its menu."""
        actions = self._view.timeline.row(row).actions if row >= 0 else ()
        if actions:
            menu.addSeparator()
        for name, text in actions:
            entry = menu.addAction(text)
            entry.triggered.connect(lambda _=False, name=name: self.run(row, name))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton:
            place = self._view.action_at(event.position().toPoint())
            if event.type() == QEvent.Type.MouseButtonPress:
                self._pressed = place
            elif event.type() == QEvent.Type.MouseButtonRelease:
                pressed, self._pressed = self._pressed, (-1, "")
                if place[1] and place == pressed:
                    self.run(*place)
        return False
