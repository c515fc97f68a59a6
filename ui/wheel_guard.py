"""The wheel scrolls a page of settings; it changes a value only where the focus is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class _WheelGuard(QObject):
    def __init__(self, control: QWidget) -> None:
        super().__init__(control)
        self._control = control

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and not self._control.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def guard_wheel(control: QWidget) -> None:
    """Let the page have the wheel's turns until the user goes to `control`."""
    control.installEventFilter(_WheelGuard(control))
