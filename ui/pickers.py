"""Pickers of the spoken language and of the translation: a button with a searchable list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLabel, QListView, QPushButton, QWidget

from everlisten.ui.controls import search_field
from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.popover import Popover
from everlisten.ui.theme import Theme

_VALUE_ROLE = Qt.ItemDataRole.UserRole + 1
_REASON_ROLE = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a picker; one with a `reason` is shown but refuses with that sentence."""

    value: str | None
    label: str
    reason: str = ""
    short: str = ""
    """What the button shows, if the label is too long for it."""


class Picker(QPushButton):
    """Shows the choice; a click opens the list."""

    chosen = Signal(object)
    """The value of the option that the user picked."""

    def __init__(self, theme: Theme, name: str, picture: str, hint: str) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._picture = picture
        self._options: tuple[Option, ...] = ()
        self._value: str | None = None
        self._popover: _PickerPopover | None = None
        self._hint = hint
        self.setToolTip(name)
        self.setIconSize(labelled_size(16))
        self.setAccessibleDescription(hint)
        self.clicked.connect(self.open_list)
        theme.changed.connect(self._tint)
        self._tint()

    def offer(self, options: Sequence[Option], value: str | None) -> None:
        """Set the entries and the present choice."""
        self._options = tuple(options)
        self._value = value
        unknown = Option(value, value or "")
        option = next((option for option in options if option.value == value), unknown)
        self.setText((option.short or option.label).replace("&", "&&"))
        self.setAccessibleName(f"{self._name}: {option.label}")

    def open_list(self) -> None:
        """Open the list with the search field focused."""
        if self._popover is None:
            self._popover = _PickerPopover(self, self._theme, self._name, self._hint)
            self._popover.picked.connect(self.chosen)
        self._popover.fill(self._options, self._value)
        self._popover.open_at(self)

    @property
    def popover(self) -> _PickerPopover | None:
        """The open or last opened list."""
        return self._popover

    def _tint(self) -> None:
        self.setIcon(labelled_icon(self._picture, 16, self._theme.tokens.secondary))


class _PickerPopover(Popover):
    """Search field above, list below, the sentence why not at the bottom."""

    picked = Signal(object)

    def __init__(self, parent: QWidget, theme: Theme, name: str, hint: str) -> None:
        super().__init__(parent, name)
        self.search = search_field(theme, f"Search: {name}", "Search")
        self.list = QListView()
        self.list.setProperty("role", "menu")
        self.list.setAccessibleName(name)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.sentence = QLabel(hint)
        self.sentence.setProperty("role", "secondary")
        self.sentence.setWordWrap(True)
        self._hint = hint
        self._model = QStandardItemModel(self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._model)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list.setModel(self._filter)
        for widget in (self.search, self.list, self.sentence):
            self.content.addWidget(widget)
        self.setFixedWidth(288)
        self.list.setFixedHeight(260)
        self.search.textChanged.connect(self._search)
        self.list.clicked.connect(self._pick)
        self.list.activated.connect(self._pick)
        self.list.selectionModel().currentChanged.connect(self._explain)
        self.search.installEventFilter(self)

    def fill(self, options: Sequence[Option], value: str | None) -> None:
        """Show these entries, unfiltered, with the present choice current."""
        self.search.clear()
        self._model.clear()
        for option in options:
            item = QStandardItem(option.label)
            item.setData(option.value, _VALUE_ROLE)
            item.setData(option.reason, _REASON_ROLE)
            if option.reason:
                item.setForeground(self.palette().placeholderText())
                item.setToolTip(option.reason)
                item.setAccessibleDescription(option.reason)
            self._model.appendRow(item)
        self.sentence.setText(self._hint)
        self.search.setFocus()
        values = [option.value for option in options]
        row = values.index(value) if value in values else 0
        self.list.setCurrentIndex(self._filter.index(row, 0))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys and Enter in the search field act on the list."""
        if watched is self.search and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                return self._key(event.key())
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self.list.currentIndex())
            return True
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(key))
        if step is None:
            return False
        row = self.list.currentIndex().row() + step
        if 0 <= row < self._filter.rowCount():
            self.list.setCurrentIndex(self._filter.index(row, 0))
        return True

    def _search(self, text: str) -> None:
        self._filter.setFilterFixedString(text)
        self.list.setCurrentIndex(self._filter.index(0, 0))

    def _explain(self, index: QModelIndex) -> None:
        self.sentence.setText(index.data(_REASON_ROLE) or self._hint)

    def _pick(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        if index.data(_REASON_ROLE):
            self._explain(index)
            return
        self.close()
        self.picked.emit(index.data(_VALUE_ROLE))
