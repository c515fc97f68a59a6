"""A share of 0 to 1 as a slider, for settings that are no numbers to the user."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from everlisten.ui.protocols import SettingField
from everlisten.ui.setting_row import Change
from everlisten.ui.wheel_guard import guard_wheel

_SETTLE_MS = 250


class VolumeRow(QWidget):
    """Applies when the slider rests."""

    def __init__(self, field: SettingField, change: Change) -> None:
        super().__init__()
        self._field = field
        self._change = change
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setPageStep(10)
        self.slider.setValue(round(float(field.value) * 100))
        self.slider.setFixedWidth(200)
        self.slider.setAccessibleName(field.title)
        self.percent = QLabel()
        self.percent.setProperty("role", "secondary")
        self.refusal = QLabel()
        self.refusal.setProperty("role", "refusal")
        self.refusal.setWordWrap(True)
        self.refusal.hide()
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLE_MS)
        self._settling.timeout.connect(self._apply)
        self.slider.valueChanged.connect(self._slid)
        guard_wheel(self.slider)
        title = QLabel(field.title)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(title)
        row.addWidget(self.slider)
        row.addWidget(self.percent)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(26, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.refusal)
        self._show()

    def _show(self) -> None:
        self.percent.setText(f"{self.slider.value()} %")
        self.slider.setAccessibleDescription(self.percent.text())

    def _slid(self) -> None:
        self._show()
        self._settling.start()

    def _apply(self) -> None:
        refusal = self._change(self._field.key, self.slider.value() / 100)
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))

    def apply_pending(self) -> None:
        """Apply a value that is still settling."""
        if self._settling.isActive():
            self._settling.stop()
            self._apply()
