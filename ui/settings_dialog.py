"""The settings window, made from the descriptions of the settings; every change applies at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import ElidedComboBox
from everlisten.ui.protocols import SettingField, Settings
from everlisten.ui.setting_row import Change, SettingRow, Value

NARROW_PX = 520
"""Below this width the list of pages is a box above them."""


class SpecialPage(Protocol):
    """A page that is more than its fields."""

    @property
    def widget(self) -> QWidget:
        """What is shown below the title."""

    @property
    def rows(self) -> Mapping[str, SettingRow]:
        """The plain settings on it, by key."""

    def close_page(self) -> None:
        """The settings are closed: apply what is still settling, end what goes on."""


MakePage = Callable[[Sequence[SettingField], Change], SpecialPage]


class SettingsDialog(QDialog):
    """Pages at the left, settings at the right."""

    changed = Signal(str)
    """The key of a setting that was changed."""

    def __init__(
        self,
        settings: Settings,
        parent: QWidget | None = None,
        pages: Mapping[str, MakePage] | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._special = pages or {}
        self._made: list[SpecialPage] = []
        self.rows: dict[str, SettingRow] = {}
        self.setWindowTitle("Settings")
        self.setMinimumSize(340, 320)
        self.resize(720, 560)
        self.pages = QListWidget()
        self.pages.setProperty("role", "pages")
        self.pages.setAccessibleName("Pages")
        self.pages.setFixedWidth(self.fontMetrics().averageCharWidth() * 21)
        self.pages.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
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
        for page in dict.fromkeys((*(one.page for one in fields), *self._special)):
            self._add_page(page, [one for one in fields if one.page == page])
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
        if title in self._special:
            special = self._special[title](fields, self._change)
            self._made.append(special)
            self.rows |= special.rows
            column.addWidget(special.widget)
        else:
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

    def show_page(self, title: str) -> None:
        """Go to a page, if there is one of that title."""
        for row in range(self.pages.count()):
            if self.pages.item(row).text() == title:
                self.pages.setCurrentRow(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW_PX
        self.pages.setVisible(not narrow)
        self._top.setVisible(narrow)

    def done(self, result: int) -> None:
        for row in self.rows.values():
            row.apply_pending()
        for page in self._made:
            page.close_page()
        super().done(result)
