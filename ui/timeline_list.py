"""The list of captions: virtual, follows the newest row until the user scrolls up.

`QListView` lays out every row whenever one is added. This view keeps QListView's selection,
keyboard and accessibility, but places rows itself with `RowHeights`, so that 100,000 rows append
and scroll like ten. Rows are measured when they come into sight.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFocusEvent,
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

from everlisten.ui.config import UiConfig
from everlisten.ui.row_heights import RowHeights
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_delegate import TimelineDelegate
from everlisten.ui.timeline_layout import RowLayouts
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_row import RowKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Index = QModelIndex | QPersistentModelIndex
BOTTOM_PX = 12
"""Room below the newest row."""
_END_PX = 6
"""This near to the end counts as being at the end."""


class TimelineList(QListView):
    """Rows of a `TimelineModel`; see `TimelineView` for what the mouse and clipboard do."""

    followed = Signal(bool)
    """The view follows the newest row, or stopped doing so."""
    missed = Signal(int)
    """Captions that came since the user scrolled up."""

    def __init__(self, theme: Theme, config: UiConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heights = RowHeights()
        self._layouts = RowLayouts(self.font(), config)
        self._painter = TimelineDelegate(theme, self._layouts, self)
        self._following = True
        self._holding = False
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
        self._layouts.set_style(self.font(), config)
        self._remeasure_all()

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

    # Geometry that QAbstractItemView asks for

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid() or index.row() >= len(self._heights):
            return QRect()
        y = self._heights.top(index.row()) - self.verticalOffset()
        return QRect(0, y, self.viewport().width(), self._heights[index.row()])

    def indexAt(self, point: QPoint) -> QModelIndex:
        y = point.y() + self.verticalOffset()
        if not len(self._heights) or not 0 <= y < self._heights.total:
            return QModelIndex()
        return self.timeline.index(self._heights.row_at(y))

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        chosen = QItemSelection()
        if len(self._heights):
            box = rect.normalized()
            first = self._heights.row_at(box.top() + self.verticalOffset())
            last = self._heights.row_at(box.bottom() + self.verticalOffset())
            chosen.select(self.timeline.index(first), self.timeline.index(last))
        self.selectionModel().select(chosen, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        return QRegion(self.viewport().rect())

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        count = len(self._heights)
        if not count:
            return QModelIndex()
        kind = QAbstractItemView.CursorAction
        current = self.currentIndex().row()
        if current < 0:
            current = self._heights.row_at(self.verticalOffset() + self.viewport().height() - 1)
        page = self.viewport().height()
        top = self._heights.top(current)
        row = {
            kind.MoveUp: current - 1,
            kind.MovePrevious: current - 1,
            kind.MoveDown: current + 1,
            kind.MoveNext: current + 1,
            kind.MoveHome: 0,
            kind.MoveEnd: count - 1,
            kind.MovePageUp: self._heights.row_at(max(0, top - page)),
            kind.MovePageDown: self._heights.row_at(top + page),
        }.get(action, current)
        return self.timeline.index(max(0, min(row, count - 1)))

    def scrollTo(
        self,
        index: Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        if not index.isValid() or index.row() >= len(self._heights):
            return
        self._measure(index.row())
        bar, room = self.verticalScrollBar(), self.viewport().height()
        top = self._heights.top(index.row())
        bottom = top + self._heights[index.row()]
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
        self._layouts.forget()
        self._heights.clear()
        self._hovered = -1
        self._set_following(True)
        if isinstance(self.model(), TimelineModel):
            self._layouts.set_speakers(self.timeline.speakers)
            self._heights.extend(self._estimates(0, self.timeline.rowCount()))
        self._settle()

    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        rest = self._heights.truncate(start)
        self._heights.extend(self._estimates(start, end + 1))
        self._heights.extend(rest)
        QAbstractItemView.rowsInserted(self, parent, start, end)
        if not self._following:
            rows = (self.timeline.row(at) for at in range(start, end + 1))
            self._missed += sum(row.kind is not RowKind.SEPARATOR for row in rows)
            self.missed.emit(self._missed)
        self._settle()

    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        QAbstractItemView.rowsAboutToBeRemoved(self, parent, start, end)

    def _rows_removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        rest = self._heights.truncate(first)
        self._heights.extend(rest[last - first + 1 :])
        self._layouts.forget()
        self._settle()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        for row in range(first.row(), last.row() + 1):
            self._heights.forget(row)
        self._settle()
        shown = self.visualRect(first).united(self.visualRect(last))
        self.viewport().update(shown.intersected(self.viewport().rect()))

    def _speakers_changed(self) -> None:
        if self._layouts.set_speakers(self.timeline.speakers):
            self._remeasure_all()

    def _estimates(self, start: int, end: int) -> Iterator[int]:
        width = self.viewport().width()
        return (self._layouts.estimate(self.timeline.row(at), width) for at in range(start, end))

    # Measuring and following

    def _remeasure_all(self) -> None:
        anchor, gap = self._anchor()
        before = self._heights[anchor] if anchor >= 0 else 1
        self._heights.forget_exact()
        self._settle()
        if not self._following and anchor >= 0:
            self._measure(anchor)
            gap = gap * self._heights[anchor] // max(1, before)
            with self._quietly():
                self.verticalScrollBar().setValue(self._heights.top(anchor) - gap)
            self._settle(anchor)
        self.viewport().update()

    def _anchor(self) -> tuple[int, int]:
        """The row at the top of the view, and how far its top is below the view's."""
        if not len(self._heights):
            return -1, 0
        row = self._heights.row_at(self.verticalOffset())
        return row, self._heights.top(row) - self.verticalOffset()

    def _measure(self, row: int) -> int:
        if self._heights.is_exact(row):
            return 0
        width = self.viewport().width()
        height = self._layouts.of(self.timeline.row(row), width).height
        return self._heights.set_exact(row, height)

    def _settle(self, anchor: int = -1) -> None:
        """Measure what is in sight; rows from `anchor` on keep their place on the screen."""
        if self._settling or not isinstance(self.model(), TimelineModel):
            return
        before = self.verticalOffset()
        with self._quietly():
            for _ in range(10):
                self._fit_scroll_bar()
                if not self._measure_visible(anchor):
                    break
        if self.verticalOffset() != before:
            self.viewport().update()

    def _fit_scroll_bar(self) -> None:
        bar, room = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(0, self._heights.total + BOTTOM_PX - room))
        bar.setPageStep(room)
        bar.setSingleStep(24)
        if self._following and not self._holding:
            bar.setValue(bar.maximum())

    def _measure_visible(self, anchor: int) -> bool:
        if not len(self._heights):
            return False
        changed, shift = False, 0
        row = self._heights.row_at(self.verticalOffset())
        y = self._heights.top(row) - self.verticalOffset()
        while row < len(self._heights) and y < self.viewport().height():
            change = self._measure(row)
            changed = changed or bool(change)
            shift += change if row < anchor else 0
            y += self._heights[row]
            row += 1
        if changed:
            self.viewport().update()
        if shift:
            bar = self.verticalScrollBar()
            bar.setMaximum(max(bar.maximum(), bar.value() + shift))
            bar.setValue(bar.value() + shift)
        return changed

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
        near = abs(bar.value() - self._scrolled_from) < self.viewport().height()
        anchor = self._heights.row_at(self._scrolled_from) if near and len(self._heights) else -1
        self._settle(anchor)
        self._scrolled_from = self.verticalOffset()

    def resizeEvent(self, event: QResizeEvent) -> None:
        QAbstractItemView.resizeEvent(self, event)
        if event.size().width() != event.oldSize().width():
            self._remeasure_all()
        else:
            self._settle()

    def focusInEvent(self, event: QFocusEvent) -> None:
        tabs = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._by_keyboard = event.reason() in tabs
        super().focusInEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QSinglePointEvent) and kind in (
            QEvent.Type.HoverMove,
            QEvent.Type.MouseMove,
        ):
            self._hover(self.indexAt(event.position().toPoint()).row())
        elif kind in (QEvent.Type.HoverLeave, QEvent.Type.Leave):
            self._hover(-1)
        return super().viewportEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for one in (self._hovered, row):
                if 0 <= one < len(self._heights):
                    self.viewport().update(self.visualRect(self.timeline.index(one)))
            self._hovered = row

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        if not len(self._heights):
            return
        model, selection, current = self.timeline, self.selectionModel(), self.currentIndex().row()
        offset, flag = self.verticalOffset(), QStyle.StateFlag
        row = self._heights.row_at(offset + event.rect().top())
        y = self._heights.top(row) - offset
        while row < len(self._heights) and y <= event.rect().bottom():
            index = model.index(row)
            option = QStyleOptionViewItem()
            option.rect = QRect(0, y, self.viewport().width(), self._heights[row])
            state = flag.State_Enabled
            if selection.isSelected(index):
                state |= flag.State_Selected
            if row == self._hovered:
                state |= flag.State_MouseOver
            if row == current and self._by_keyboard and self.hasFocus():
                state |= flag.State_HasFocus
            option.state = state
            self._painter.paint(painter, option, index)
            y += self._heights[row]
            row += 1

    def text_position(self, point: QPoint) -> tuple[int, str, int] | None:
        """Row, block and letter at a point of the viewport; None beside the text."""
        row = self.indexAt(point).row()
        if row < 0:
            return None
        top = self._heights.top(row) - self.verticalOffset()
        local = QPointF(point.x(), point.y() - top)
        layout = self._layouts.of(self.timeline.row(row), self.viewport().width())
        block = layout.block_at(local)
        if block is None:
            return None
        inside = local - block.position
        for at in range(block.layout.lineCount()):
            line = block.layout.lineAt(at)
            if inside.y() < line.y() + line.height() or at == block.layout.lineCount() - 1:
                cursor = line.xToCursor(inside.x())
                return row, block.part, cursor[0] if isinstance(cursor, tuple) else cursor
        return None
