"""The list of captions: virtual, follows the newest row until the user scrolls up.

`QListView` lays out every row whenever one is added. This view keeps QListView's selection,
keyboard and accessibility, but places rows itself with `RowPlaces`, so that 100,000 rows append
and scroll like ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QSinglePointEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from everlisten.ui.alert_actions import AlertActions
from everlisten.ui.config import UiConfig
from everlisten.ui.row_places import RowPlaces, TextPlace
from everlisten.ui.text_selector import TextSelector
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_delegate import TimelineDelegate
from everlisten.ui.timeline_layout import RowLayouts
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_row import RowKind

Index = QModelIndex | QPersistentModelIndex
BOTTOM_PX = 12
"""Room below the newest row."""
_END_PX = 6
"""This near to the end counts as being at the end."""
_TABS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class TimelineView(QListView):
    """Shows a `TimelineModel`."""

    followed = Signal(bool)
    """The view follows the newest row, or stopped doing so."""
    missed = Signal(int)
    """Captions that came since the user scrolled up."""

    def __init__(self, theme: Theme, config: UiConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places = RowPlaces(RowLayouts(self.font(), config))
        self._painter = TimelineDelegate(theme, self._places.layouts, self)
        self._following = True
        self._by_keyboard = False
        self._settling = False
        self._missed = 0
        self._hovered = -1
        self._scrolled_from = 0
        self.setItemDelegate(self._painter)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setAccessibleName("Captions")
        self.setAccessibleDescription(
            "What was heard, oldest first. Arrow keys move, Shift extends, Ctrl+C copies."
        )
        self.selector = TextSelector(self)
        self.alert_actions = AlertActions(self)
        self._painter.selected_text = lambda: self.selector.letters
        theme.changed.connect(self.viewport().update)

    @property
    def timeline(self) -> TimelineModel:
        """The model."""
        model = self.model()
        assert isinstance(model, TimelineModel)
        return model

    @property
    def following(self) -> bool:
        """True while the newest row stays in sight."""
        return self._following

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if isinstance(model, TimelineModel):
            model.rowsRemoved.connect(self._rows_removed)
            model.layoutChanged.connect(self._speakers_changed)
            self.reset()

    def set_config(self, config: UiConfig) -> None:
        """Use other sizes or another placement of translations."""
        self._places.layouts.set_style(self.font(), config)
        self._measure_again()

    def mark(self, words: tuple[str, ...]) -> None:
        """Mark words that were searched, given in lower case."""
        self._painter.searched = words
        self.viewport().update()

    def jump_to_live(self) -> None:
        """Show the newest row and follow again."""
        self._set_following(True)
        self._settle()

    def show_beginning(self) -> None:
        """Show the oldest row."""
        self._set_following(False)
        self.verticalScrollBar().setValue(0)
        self._settle()

    def show_row(self, row: int) -> None:
        """Bring a row to the middle and make it the current one."""
        index = self.timeline.index(row)
        self._set_following(False)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def text_at(self, point: QPoint) -> TextPlace | None:
        """The letter at a point of the viewport; None beside the text."""
        return self._places.text_at(point.x(), point.y() + self.verticalOffset())

    def action_at(self, point: QPoint) -> tuple[int, str]:
        """(row, name) of what a click at a point of the viewport does; (-1, "") if nothing."""
        return self._places.action_at(point.x(), point.y() + self.verticalOffset())

    # Geometry that QAbstractItemView asks for

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid() or index.row() >= len(self._places):
            return QRect()
        y = self._places.heights.top(index.row()) - self.verticalOffset()
        return QRect(0, y, self.viewport().width(), self._places.heights[index.row()])

    def indexAt(self, point: QPoint) -> QModelIndex:
        y = point.y() + self.verticalOffset()
        if not 0 <= y < self._places.heights.total:
            return QModelIndex()
        return self.timeline.index(self._places.heights.row_at(y))

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        chosen = QItemSelection()
        if len(self._places):
            box, offset = rect.normalized(), self.verticalOffset()
            first = self._places.heights.row_at(box.top() + offset)
            last = self._places.heights.row_at(box.bottom() + offset)
            chosen.select(self.timeline.index(first), self.timeline.index(last))
        self.selectionModel().select(chosen, command)

    def selectionCommand(
        self, index: Index, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        if self.selector.letters is not None and isinstance(event, QSinglePointEvent):
            return QItemSelectionModel.SelectionFlag.Clear
        return super().selectionCommand(index, event)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        return QRegion(self.viewport().rect())

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        count, heights = len(self._places), self._places.heights
        if not count:
            return QModelIndex()
        kind, page = QAbstractItemView.CursorAction, self.viewport().height()
        current = self.currentIndex().row()
        if current < 0:
            current = heights.row_at(self.verticalOffset() + page - 1)
        top = heights.top(current)
        row = {
            kind.MoveUp: current - 1,
            kind.MovePrevious: current - 1,
            kind.MoveDown: current + 1,
            kind.MoveNext: current + 1,
            kind.MoveHome: 0,
            kind.MoveEnd: count - 1,
            kind.MovePageUp: heights.row_at(max(0, top - page)),
            kind.MovePageDown: heights.row_at(top + page),
        }.get(action, current)
        return self.timeline.index(max(0, min(row, count - 1)))

    def scrollTo(
        self,
        index: Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        if not index.isValid() or index.row() >= len(self._places):
            return
        self._places.measure(index.row())
        bar, room = self.verticalScrollBar(), self.viewport().height()
        top = self._places.heights.top(index.row())
        bottom = top + self._places.heights[index.row()]
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue((top + bottom - room) // 2)
        elif top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + room:
            bar.setValue(min(top, bottom - room))

    def doItemsLayout(self) -> None:
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:
        QAbstractItemView.updateGeometries(self)
        self._settle()

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    # What the model says

    def reset(self) -> None:
        QAbstractItemView.reset(self)
        self.selector.choose(None)
        self._hovered = -1
        self._set_following(True)
        if isinstance(self.model(), TimelineModel):
            self._places.reset(self.timeline, self.viewport().width())
        self._settle()

    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        self._places.insert(start, end)
        QAbstractItemView.rowsInserted(self, parent, start, end)
        if not self._following:
            rows = (self.timeline.row(at) for at in range(start, end + 1))
            self._missed += sum(row.kind is not RowKind.SEPARATOR for row in rows)
            self.missed.emit(self._missed)
        self._settle()

    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        QAbstractItemView.rowsAboutToBeRemoved(self, parent, start, end)

    def _rows_removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        self.selector.choose(None)
        self._places.remove(first, last)
        self._settle()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        for row in range(first.row(), last.row() + 1):
            self._places.heights.forget(row)
        self._settle()
        shown = self.visualRect(first).united(self.visualRect(last))
        self.viewport().update(shown.intersected(self.viewport().rect()))

    def _speakers_changed(self) -> None:
        if self._places.layouts.set_speakers(self.timeline.speakers):
            self._measure_again()

    # Measuring and following

    def _measure_again(self) -> None:
        """Width or style changed: the row at the top stays there."""
        heights, offset = self._places.heights, self.verticalOffset()
        self._places.measure_again(self.viewport().width())
        if self._following or not len(heights):
            self._settle()
        else:
            anchor = heights.row_at(offset)
            hidden, before = offset - heights.top(anchor), heights[anchor]
            self._places.measure(anchor)
            with self._quietly():
                self._fit_scroll_bar()
                hidden = hidden * heights[anchor] // max(1, before)
                self.verticalScrollBar().setValue(heights.top(anchor) + hidden)
            self._settle(anchor)
        self.viewport().update()

    def _settle(self, anchor: int = -1) -> None:
        """Measure what is in sight; rows from `anchor` on keep their place on the screen."""
        if self._settling or not isinstance(self.model(), TimelineModel):
            return
        before, bar, room = (
            self.verticalOffset(),
            self.verticalScrollBar(),
            self.viewport().height(),
        )
        with self._quietly():
            for _ in range(10):  # each round can bring further rows into sight
                self._fit_scroll_bar()
                offset = bar.value()
                changed, grown = self._places.measure_between(offset, offset + room, anchor)
                if not changed:
                    break
                self.viewport().update()
                bar.setMaximum(max(bar.maximum(), bar.value() + grown))
                bar.setValue(bar.value() + grown)
        if self.verticalOffset() != before:
            self.viewport().update()

    def _fit_scroll_bar(self) -> None:
        bar, room = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self._places.heights.total + BOTTOM_PX - room))
        bar.setPageStep(room)
        bar.setSingleStep(24)
        if self._following and not self.selector.holding:
            bar.setValue(bar.maximum())

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._settling = True
        try:
            yield
        finally:
            self._settling = False
            self._scrolled_from = self.verticalOffset()

    def _set_following(self, following: bool) -> None:
        if following:
            self._missed = 0
            self.missed.emit(0)
        if following != self._following:
            self._following = following
            self.followed.emit(following)

    # Events

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().update()
        if self._settling:
            return
        bar = self.verticalScrollBar()
        self._set_following(bar.value() >= bar.maximum() - _END_PX)
        # A leap has no row to hold on to; a step keeps the row that was at the top.
        step = abs(bar.value() - self._scrolled_from) < self.viewport().height()
        held = step and len(self._places) > 0
        self._settle(self._places.heights.row_at(self._scrolled_from) if held else -1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        QAbstractItemView.resizeEvent(self, event)
        if event.size().width() != event.oldSize().width():
            self._measure_again()
        else:
            self._settle()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = event.reason() in _TABS
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chosen = self.selector.letters is not None or self.selectionModel().hasSelection()
        if event.key() == Qt.Key.Key_Escape and chosen:
            self.selector.choose(None)
            self.clearSelection()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.alert_actions.run(self.currentIndex().row(), "why")
            return
        if event.text() and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            event.ignore()  # no search by typing through 100,000 rows
            return
        self._by_keyboard = True
        super().keyPressEvent(event)
        if self.selectionModel().hasSelection():
            self.selector.choose(None)

    def selectAll(self) -> None:
        self.selector.choose(None)
        super().selectAll()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        row = self.indexAt(event.pos()).row()
        menu = self.selector.menu(row)
        self.alert_actions.add_to(menu, row)
        menu.popup(event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress:
            self._by_keyboard = False
        elif kind in (QEvent.Type.HoverLeave, QEvent.Type.Leave):
            self._hover(-1)
        elif kind in (QEvent.Type.HoverMove, QEvent.Type.MouseMove):
            assert isinstance(event, QSinglePointEvent)
            self._hover(self.indexAt(event.position().toPoint()).row())
        return super().viewportEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for one in (self._hovered, row):
                if 0 <= one < len(self._places):
                    self.viewport().update(self.visualRect(self.timeline.index(one)))
            self._hovered = row

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        offset, width = self.verticalOffset(), self.viewport().width()
        top, bottom = event.rect().top() + offset, event.rect().bottom() + offset
        for row, y in self._places.between(top, bottom):
            option = QStyleOptionViewItem()
            option.rect = QRect(0, y - offset, width, self._places.heights[row])
            option.state = self._state(row)
            self._painter.paint(painter, option, self.timeline.index(row))

    def _state(self, row: int) -> QStyle.StateFlag:
        state = QStyle.StateFlag.State_Enabled
        if self.selectionModel().isRowSelected(row):
            state |= QStyle.StateFlag.State_Selected
        if row == self._hovered:
            state |= QStyle.StateFlag.State_MouseOver
        if row == self.currentIndex().row() and self._by_keyboard and self.hasFocus():
            state |= QStyle.StateFlag.State_HasFocus
        return state
