"""The settings window, made from the descriptions of the settings; every change applies at once."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import ElidedComboBox
from everlisten.ui.protocols import SettingField, Settings

Value = bool | int | float | str
NARROW_PX = 520
"""Below this width the list of pages is a box above them."""
_TYPING_MS = 600
"""A number or text applies when typing rests, so that "120" is not tried as "1" and "12"."""


class SettingsDialog(QDialog):
    """Pages at the left, settings at the right."""

    changed = Signal(str)
    """The key of a setting that was changed."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.rows: dict[str, SettingRow] = {}
        self.setWindowTitle("Settings")
        self.setMinimumSize(340, 320)
        self.resize(720, 560)
        self.pages = QListWidget()
        self.pages.setProperty("role", "pages")
        self.pages.setAccessibleName("Pages")
        self.pages.setFixedWidth(self.fontMetrics().averageCharWidth() * 18)
        self._stack = QStackedWidget()
        self._stack.setObjectName("pages")
        self.page_box = ElidedComboBox()
        self.page_box.setAccessibleName("Page")
        self._top = QWidget()
        top = QHBoxLayout(self._top)
        top.setContentsMargins(16, 12, 16, 0)
        top.addWidget(self.page_box)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.addWidget(self.pages, 0, 0, 2, 1)
        grid.addWidget(self._top, 0, 1)
        grid.addWidget(self._stack, 1, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(1, 1)
        fields = settings.fields()
        order = list(dict.fromkeys(one.page for one in fields))
        for page, members in groupby(
            sorted(fields, key=lambda one: order.index(one.page)), key=lambda one: one.page
        ):
            self._add_page(page, list(members))
        self.pages.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.pages.currentRowChanged.connect(self.page_box.setCurrentIndex)
        self.page_box.activated.connect(self.pages.setCurrentRow)
        self.pages.setCurrentRow(0)

    def _add_page(self, title: str, fields: list[SettingField]) -> None:
        self.pages.addItem(title)
        self.page_box.addItem(title)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(20, 20, 20, 24)
        column.setSpacing(20)
        heading = QLabel(title)
        heading.setProperty("role", "title")
        column.addWidget(heading)
        for field in fields:
            row = SettingRow(field, self._change)
            self.rows[field.key] = row
            column.addWidget(row)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._stack.addWidget(area)

    def _change(self, key: str, value: Value) -> str:
        refusal = self._settings.change(key, value)
        if not refusal:
            self.changed.emit(key)
        return refusal

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW_PX
        self.pages.setVisible(not narrow)
        self._top.setVisible(narrow)

    def done(self, result: int) -> None:
        for row in self.rows.values():
            row.apply_pending()
        super().done(result)


class SettingRow(QFrame):
    """Title, control, help, and the sentence if a value is refused."""

    def __init__(self, field: SettingField, change: object) -> None:
        super().__init__()
        self._field = field
        self._change = change
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._apply)
        self.control = self._make_control()
        self.control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.control.installEventFilter(self)
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

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the page; it changes a value only where the focus is."""
        if event.type() == QEvent.Type.Wheel and not self.control.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

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
        refusal = self._change(self._field.key, self.value())  # type: ignore[operator]
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))
