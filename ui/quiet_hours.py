"""From when until when only emergencies are told."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QTime
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QTimeEdit, QVBoxLayout, QWidget

from everlisten.ui.setting_row import Change
from everlisten.ui.wheel_guard import guard_wheel

FROM_KEY = "alerts.quiet_from"
TO_KEY = "alerts.quiet_to"
USUAL = ("22:00", "07:00")
_FORMAT = "HH:mm"


class QuietHours(QWidget):
    """A switch and two times; both settings are empty while it is off."""

    def __init__(self, begin: str, end: str, change: Change) -> None:
        super().__init__()
        self._change = change
        self.switch = QCheckBox("Quiet hours")
        self.switch.setChecked(bool(begin and end))
        self.begin = _time_edit("Quiet from", begin or USUAL[0])
        self.end = _time_edit("Quiet until", end or USUAL[1])
        self.help = QLabel("Emergencies break through: smoke alarms and the like are always told.")
        self.refusal = QLabel()
        self.refusal.setProperty("role", "refusal")
        self.help.setProperty("role", "secondary")
        for label in (self.help, self.refusal):
            label.setWordWrap(True)
            label.setContentsMargins(26, 0, 0, 0)
        self.refusal.hide()
        times = QHBoxLayout()
        times.setContentsMargins(26, 0, 0, 0)
        times.setSpacing(8)
        for text, edit in (("from", self.begin), ("until", self.end)):
            label = QLabel(text)
            label.setProperty("role", "secondary")
            times.addWidget(label)
            times.addWidget(edit)
        times.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.switch)
        column.addLayout(times)
        column.addWidget(self.help)
        column.addWidget(self.refusal)
        self._enable()
        self.switch.toggled.connect(self._apply)
        self.begin.editingFinished.connect(self._apply)
        self.end.editingFinished.connect(self._apply)

    def _enable(self) -> None:
        for edit in (self.begin, self.end):
            edit.setEnabled(self.switch.isChecked())

    def _apply(self) -> None:
        self._enable()
        on = self.switch.isChecked()
        begin, end = (self.begin.time().toString(_FORMAT), self.end.time().toString(_FORMAT))
        refusal = "Choose two different times." if on and begin == end else ""
        for key, value in ((FROM_KEY, begin), (TO_KEY, end)):
            refusal = refusal or self._change(key, value if on else "")
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))

    def apply_pending(self) -> None:
        """Apply a time that is still being typed."""
        if self.switch.isChecked() and (self.begin.hasFocus() or self.end.hasFocus()):
            self._apply()


def _time_edit(name: str, value: str) -> QTimeEdit:
    edit = QTimeEdit()
    edit.setDisplayFormat(_FORMAT)
    edit.setAccessibleName(name)
    blocker = QSignalBlocker(edit)
    edit.setTime(QTime.fromString(value, _FORMAT))
    blocker.unblock()
    guard_wheel(edit)
    return edit
