"""One setting as a row: title, control, help, and the sentence if a value is refused."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import ElidedComboBox
from everlisten.ui.protocols import SettingField
from everlisten.ui.wheel_guard import guard_wheel

Value = bool | int | float | str
Change = Callable[[str, Value], str]
"""Sets one setting; returns "" or one sentence saying why it was refused."""
_TYPING_MS = 600
"""A number or text applies when typing rests, so that "120" is not tried as "1" and "12"."""


class SettingRow(QFrame):
    """Title, control, help, and the sentence if a value is refused."""

    def __init__(self, field: SettingField, change: Change) -> None:
        super().__init__()
        self._field = field
        self._change = change
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._apply)
        self.control = self._make_control()
        self.control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        guard_wheel(self.control)
        self.control.setAccessibleName(field.title)
        self.control.setAccessibleDescription(field.help)
        self.refusal = QLabel()
        self.refusal.setProperty("role", "refusal")
        self.refusal.setWordWrap(True)
        self.refusal.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        if not isinstance(self.control, QCheckBox):
            title = QLabel(field.title)
            title.setProperty("role", "heading")
            title.setBuddy(self.control)
            column.addWidget(title)
        column.addWidget(self.control)
        text = field.help
        if field.needs_restart:
            text = f"{text} Takes effect at the next start.".strip()
        self._help = QLabel(text)
        self._help.setProperty("role", "secondary")
        self._help.setWordWrap(True)
        if isinstance(self.control, QCheckBox):
            self._help.setContentsMargins(26, 0, 0, 0)
            self.refusal.setContentsMargins(26, 0, 0, 0)
        self._help.setVisible(bool(text))
        column.addWidget(self._help)
        column.addWidget(self.refusal)

    def _make_control(self) -> QWidget:
        makers = {
            "switch": self._make_switch,
            "integer": self._make_integer,
            "number": self._make_number,
            "choice": self._make_choice,
        }
        return makers.get(self._field.kind, self._make_text)()

    def _make_switch(self) -> QWidget:
        box = QCheckBox(self._field.title)
        box.setChecked(bool(self._field.value))
        box.toggled.connect(self._apply)
        return box

    def _make_integer(self) -> QWidget:
        box = QSpinBox()
        box.setMaximumWidth(160)
        box.setRange(int(self._field.minimum), int(self._field.maximum))
        box.setSuffix(f" {self._field.unit}" if self._field.unit else "")
        box.setSpecialValueText(self._field.lowest)
        box.setValue(int(self._field.value))
        box.valueChanged.connect(lambda _: self._typing.start())
        box.editingFinished.connect(self.apply_pending)
        return box

    def _make_number(self) -> QWidget:
        box = QDoubleSpinBox()
        box.setMaximumWidth(160)
        box.setDecimals(2)
        box.setSingleStep(max(0.01, (self._field.maximum - self._field.minimum) / 100))
        box.setRange(self._field.minimum, self._field.maximum)
        box.setSuffix(f" {self._field.unit}" if self._field.unit else "")
        box.setSpecialValueText(self._field.lowest)
        box.setValue(float(self._field.value))
        box.valueChanged.connect(lambda _: self._typing.start())
        box.editingFinished.connect(self.apply_pending)
        return box

    def _make_choice(self) -> QWidget:
        box = ElidedComboBox()
        box.setMaximumWidth(340)
        for value, label in self._field.choices:
            box.addItem(label, value)
        box.setCurrentIndex(max(0, box.findData(str(self._field.value))))
        box.activated.connect(self._apply)
        return box

    def _make_text(self) -> QWidget:
        line = QLineEdit(str(self._field.value))
        line.textEdited.connect(lambda _: self._typing.start())
        line.editingFinished.connect(self.apply_pending)
        return line

    def value(self) -> Value:
        """What the control shows."""
        control = self.control
        if isinstance(control, QCheckBox):
            return control.isChecked()
        if isinstance(control, (QSpinBox, QDoubleSpinBox)):
            return control.value()
        if isinstance(control, QComboBox):
            return str(control.currentData())
        assert isinstance(control, QLineEdit)
        return control.text()

    def apply_pending(self) -> None:
        """Apply what was typed, without waiting."""
        if self._typing.isActive():
            self._typing.stop()
            self._apply()

    def _apply(self, *_: object) -> None:
        refusal = self._change(self._field.key, self.value())
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))
