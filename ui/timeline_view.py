"""What mouse, clipboard and menu do in the timeline: select letters or rows, copy them."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from everlisten.ui.config import UiConfig
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_delegate import TextSelection
from everlisten.ui.timeline_list import TimelineList


class TimelineView(TimelineList):
    """Dragging inside one caption selects letters; dragging on to another selects rows."""

    def __init__(self, theme: Theme, config: UiConfig, parent: QWidget | None = None) -> None:
        super().__init__(theme, config, parent)
        self._chosen: TextSelection | None = None
        self._painter.selected_text = lambda: self._chosen
        self.setAccessibleName("Captions")
        self.setAccessibleDescription(
            "What was heard, oldest first. Arrow keys move, Shift extends, Ctrl+C copies."
        )
        self._copy = self._action("Copy", self.copy, QKeySequence(QKeySequence.StandardKey.Copy))
        self._copy_timed = self._action(
            "Copy with times", self.copy_with_times, QKeySequence("Ctrl+Shift+C")
        )
        self._all = self._action(
            "Select all", self.selectAll, QKeySequence(QKeySequence.StandardKey.SelectAll)
        )

    def _action(self, text: str, called: object, shortcut: QKeySequence) -> QAction:
        action = QAction(text, self)
        action.setShortcut(shortcut)
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(called)
        self.addAction(action)
        return action

    def selected_text(self) -> str:
        """The selected letters, or the selected rows one below the other."""
        if self._chosen is not None and self._chosen.row < self.timeline.rowCount():
            start, end = self._chosen.span
            row = self.timeline.row(self._chosen.row)
            text = {"translation": row.translated, "heading": row.label}
            return text.get(self._chosen.part, row.text)[start:end]
        rows = (self.timeline.row(at).plain_text() for at in self._selected_rows())
        return "\n".join(rows)

    def copy(self) -> None:
        """Put the selection on the clipboard."""
        text = self.selected_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def copy_with_times(self) -> None:
        """Put the selected rows on the clipboard, each with its time and speaker."""
        rows = self._selected_rows() or ([self._chosen.row] if self._chosen else [])
        lines = [self.timeline.row(at).timed_text(self.timeline.speakers) for at in rows]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def searched(self, words: tuple[str, ...]) -> None:
        """Mark these words, given in lower case."""
        self._painter.searched = words
        self.viewport().update()

    def reset(self) -> None:
        self._chosen = None
        super().reset()

    def _selected_rows(self) -> list[int]:
        selection = self.selectionModel().selection()
        parts = [selection.at(at) for at in range(selection.count())]
        return sorted(row for part in parts for row in range(part.top(), part.bottom() + 1))

    def _choose(self, chosen: TextSelection | None) -> None:
        if chosen != self._chosen:
            self._chosen = chosen
            self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._holding = event.button() == Qt.MouseButton.LeftButton
        self._by_keyboard = False
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        place = self.text_position(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(None)
        super().mousePressEvent(event)
        if plain and place is not None and event.button() == Qt.MouseButton.LeftButton:
            row, part, letter = place
            self._choose(TextSelection(row, part, letter, letter))
            # The press picked the row for the keyboard; only letters are selected so far.
            self.selectionModel().clearSelection()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        dragging = bool(event.buttons() & Qt.MouseButton.LeftButton)
        place = self.text_position(event.position().toPoint())
        over = Qt.CursorShape.IBeamCursor if place else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(over)
        if dragging and self._chosen is not None and self._extend(event.position().toPoint()):
            return
        super().mouseMoveEvent(event)

    def _extend(self, point: QPoint) -> bool:
        """Stretch the selected letters to `point`; False once it leaves the row."""
        chosen = self._chosen
        assert chosen is not None
        if self.indexAt(point).row() != chosen.row:
            self._choose(None)
            return False
        place = self.text_position(point)
        if place is not None and place[1] == chosen.part:
            self._choose(TextSelection(chosen.row, chosen.part, chosen.anchor, place[2]))
        return True

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._holding = False
        chosen = self._chosen
        if chosen is not None and chosen.anchor == chosen.cursor:
            self._choose(None)
        self._settle()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self.text_position(event.position().toPoint())
        if place is None:
            super().mouseDoubleClickEvent(event)
            return
        row, part, letter = place
        block = self._layouts.of(self.timeline.row(row), self.viewport().width()).block(part)
        assert block is not None
        start = end = letter
        while start > 0 and not block.text[start - 1].isspace():
            start -= 1
        while end < len(block.text) and not block.text[end].isspace():
            end += 1
        self.selectionModel().clearSelection()
        self._choose(TextSelection(row, part, start, end))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and (self._chosen or self._selected_rows()):
            self._choose(None)
            self.clearSelection()
            return
        if event.text() and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            event.ignore()  # no search by typing through 100,000 rows
            return
        self._by_keyboard = True
        super().keyPressEvent(event)
        if self._selected_rows():
            self._choose(None)

    def selectAll(self) -> None:
        self._choose(None)
        super().selectAll()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos())
        if index.isValid() and self._chosen is None and index.row() not in self._selected_rows():
            self.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
        menu = self.context_menu()
        menu.popup(event.globalPos())

    def context_menu(self) -> QMenu:
        """Copy, copy with times, select all."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        some = bool(self.selected_text())
        self._copy.setEnabled(some)
        self._copy_timed.setEnabled(some)
        menu.addActions([self._copy, self._copy_timed])
        menu.addSeparator()
        menu.addAction(self._all)
        menu.aboutToHide.connect(lambda: self._copy.setEnabled(True))
        menu.aboutToHide.connect(lambda: self._copy_timed.setEnabled(True))
        return menu
