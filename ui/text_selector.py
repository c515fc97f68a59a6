"""Selecting and copying captions: letters inside one row, or whole rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QMenu

from everlisten.ui.timeline_delegate import TextSelection

if TYPE_CHECKING:
    from everlisten.ui.row_places import TextPlace
    from everlisten.ui.timeline_view import TimelineView

_LEFT = Qt.MouseButton.LeftButton


class TextSelector(QObject):
    """Watches the mouse over a view. Dragging inside a caption selects letters; dragging on to
    another one selects rows, which is the view's own business."""

    def __init__(self, view: TimelineView) -> None:
        super().__init__(view)
        self._view = view
        self._chosen: TextSelection | None = None
        self.holding = False
        """The left button is down: the view must not scroll away under it."""
        keys = QKeySequence.StandardKey
        self._copy = self._action("Copy", self.copy, QKeySequence(keys.Copy))
        self._copy_timed = self._action(
            "Copy with times", self.copy_with_times, QKeySequence("Ctrl+Shift+C")
        )
        self._all = self._action("Select all", view.selectAll, QKeySequence(keys.SelectAll))
        view.viewport().installEventFilter(self)

    def _action(self, text: str, called: Callable[[], None], keys: QKeySequence) -> QAction:
        action = QAction(text, self)
        action.setShortcut(keys)
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(called)
        self._view.addAction(action)
        return action

    @property
    def letters(self) -> TextSelection | None:
        """The letters selected in one row, if any."""
        return self._chosen

    def choose(self, chosen: TextSelection | None) -> None:
        """Select letters, or none."""
        if chosen != self._chosen:
            self._chosen = chosen
            self._view.viewport().update()

    def rows(self) -> list[int]:
        """The selected rows."""
        selection = self._view.selectionModel().selection()
        parts = [selection.at(at) for at in range(selection.count())]
        return sorted(row for part in parts for row in range(part.top(), part.bottom() + 1))

    def text(self) -> str:
        """The selected letters, or the selected rows one below the other."""
        model = self._view.timeline
        if self._chosen is not None and self._chosen.row < model.rowCount():
            start, end = self._chosen.span
            row = model.row(self._chosen.row)
            parts = {"translation": row.translated, "heading": row.label}
            return parts.get(self._chosen.part, row.text)[start:end]
        return "\n".join(model.row(at).plain_text() for at in self.rows())

    def copy(self) -> None:
        """Put the selection on the clipboard."""
        text = self.text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def copy_with_times(self) -> None:
        """Put the selected rows on the clipboard, each with its time and speaker."""
        model = self._view.timeline
        rows = self.rows() or ([self._chosen.row] if self._chosen else [])
        lines = [model.row(at).timed_text(model.speakers) for at in rows]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def menu(self, row: int) -> QMenu:
        """Copy, copy with times, select all; for `row` if nothing else is selected."""
        if row >= 0 and self._chosen is None and row not in self.rows():
            self._view.selectionModel().setCurrentIndex(
                self._view.timeline.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
        menu = QMenu(self._view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        some = bool(self.text())
        for action in (self._copy, self._copy_timed):
            action.setEnabled(some)
            menu.aboutToHide.connect(lambda action=action: action.setEnabled(True))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(self._all)
        return menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """True keeps an event from the view."""
        if not isinstance(event, QMouseEvent):
            return False
        kind, point = event.type(), event.position().toPoint()
        if kind == QEvent.Type.MouseMove:
            return self._move(point, bool(event.buttons() & _LEFT))
        if event.button() != _LEFT:
            return False
        if kind == QEvent.Type.MouseButtonPress:
            self._press(point, event.modifiers())
        elif kind == QEvent.Type.MouseButtonRelease:
            self._release()
        elif kind == QEvent.Type.MouseButtonDblClick:
            return self._choose_word(self._view.text_at(point))
        return False

    def _press(self, point: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self.holding = True
        place = self._view.text_at(point)
        plain = modifiers == Qt.KeyboardModifier.NoModifier
        if place is None or not plain:
            self.choose(None)
        else:
            self.choose(TextSelection(place.row, place.block.part, place.letter, place.letter))

    def _move(self, point: QPoint, dragging: bool) -> bool:
        place = self._view.text_at(point)
        over = Qt.CursorShape.IBeamCursor if place else Qt.CursorShape.ArrowCursor
        if self._view.alert_actions.over(point):
            over = Qt.CursorShape.PointingHandCursor
        if self._view.viewport().cursor().shape() != over:
            self._view.viewport().setCursor(over)
        chosen = self._chosen
        if not dragging or chosen is None:
            return False
        if self._view.indexAt(point).row() != chosen.row:
            self.choose(None)
            return False
        if place is not None and place.block.part == chosen.part:
            self.choose(TextSelection(chosen.row, chosen.part, chosen.anchor, place.letter))
        return True

    def _release(self) -> None:
        self.holding = False
        if self._chosen is not None and self._chosen.anchor == self._chosen.cursor:
            self.choose(None)

    def _choose_word(self, place: TextPlace | None) -> bool:
        if place is None:
            return False
        text, start, end = place.block.text, place.letter, place.letter
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and not text[end].isspace():
            end += 1
        self._view.clearSelection()
        self.choose(TextSelection(place.row, place.block.part, start, end))
        return True
