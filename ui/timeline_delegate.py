"""Paints one row of the timeline from its layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from everlisten.ui.alert_words import severity_style
from everlisten.ui.icons import draw_icon
from everlisten.ui.row_layout import ACTIONS, RowLayout, TextBlock
from everlisten.ui.theme import Theme, Tokens
from everlisten.ui.timeline_layout import RowLayouts
from everlisten.ui.timeline_model import ROW_ROLE
from everlisten.ui.timeline_row import RowKind, TimelineRow

_COLORS = {
    "translation": "translation",
    "separator": "secondary",
    "note": "secondary",
    "reason": "secondary",
}
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class TextSelection:
    """Letters selected with the mouse in one block of one row."""

    row: int
    part: str
    anchor: int
    cursor: int

    @property
    def span(self) -> tuple[int, int]:
        """First letter and one past the last."""
        return min(self.anchor, self.cursor), max(self.anchor, self.cursor)


class TimelineDelegate(QStyledItemDelegate):
    """Knows colours; `RowLayouts` knows places."""

    def __init__(self, theme: Theme, layouts: RowLayouts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layouts = layouts
        self.selected_text: Callable[[], TextSelection | None] = lambda: None
        self.searched: tuple[str, ...] = ()
        """Words to mark, in lower case."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = option.rect.width()
        return QSize(width, self._layouts.of(index.data(ROW_ROLE), width).height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: TimelineRow = index.data(ROW_ROLE)
        rect = option.rect
        state = option.state
        layout = self._layouts.of(row, rect.width())
        tokens = self._theme.tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, tokens.color("accent_soft"))
        painter.translate(rect.topLeft())
        if row.kind is RowKind.SEPARATOR:
            self._paint_rule(painter, layout)
        elif layout.card is not None and layout.icon is not None:
            _paint_card(painter, tokens, row, layout)
        for block in layout.blocks:
            self._paint_block(painter, tokens, row, block, index.row())
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if row.kind is not RowKind.SEPARATOR and (
            hovered or self._layouts.config.always_show_times
        ):
            self._paint_time(painter, tokens, row, layout)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(QRectF(0, 2, 3, rect.height() - 4), tokens.color("accent"))
        painter.restore()

    def _paint_block(
        self, painter: QPainter, tokens: Tokens, row: TimelineRow, block: TextBlock, at: int
    ) -> None:
        ranges = []
        if block.tail < len(block.text):
            ranges.append(_range(block.tail, len(block.text), foreground=tokens.color("dim")))
        for start, end in _found(block.text.lower(), self.searched):
            ranges.append(
                _range(start, end, background=tokens.color("warning_soft"), underline=True)
            )
        chosen = self.selected_text()
        if chosen is not None and (chosen.row, chosen.part) == (at, block.part):
            start, end = chosen.span
            ranges.append(_range(start, end, background=tokens.color("selection")))
        painter.setPen(_color(tokens, row, block.part))
        block.layout.draw(painter, block.position, ranges, QRectF())

    def _paint_rule(self, painter: QPainter, layout: RowLayout) -> None:
        block, rule = layout.blocks[0], layout.rule
        assert rule is not None
        painter.setPen(QPen(self._theme.tokens.color("border"), 1))
        y = block.rect.center().y()
        left = block.position.x()
        right = left + block.natural_width
        painter.drawLine(QPointF(rule.left(), y), QPointF(left - 12, y))
        painter.drawLine(QPointF(right + 12, y), QPointF(rule.right(), y))

    def _paint_time(
        self, painter: QPainter, tokens: Tokens, row: TimelineRow, layout: RowLayout
    ) -> None:
        first = next(b for b in layout.blocks if b.part in ("text", "heading", "translation"))
        metrics = QFontMetricsF(self._layouts.small_font)
        size = metrics.size(0, row.time_text)
        drop = QFontMetricsF(first.layout.font()).ascent() - metrics.ascent()
        place = QRectF(
            layout.time_right - size.width(),
            first.position.y() + drop,
            size.width(),
            size.height(),
        )
        if first.natural_width + first.position.x() > place.left() - 4 and layout.card is None:
            painter.fillRect(place.adjusted(-8, 0, 4, 0), tokens.color("base"))
        painter.setFont(self._layouts.small_font)
        painter.setPen(tokens.color("dim"))
        painter.drawText(place, Qt.AlignmentFlag.AlignRight, row.time_text)


def _paint_card(painter: QPainter, tokens: Tokens, row: TimelineRow, layout: RowLayout) -> None:
    assert layout.card is not None
    assert layout.icon is not None
    line, ground, name = _card_style(row)
    painter.setPen(QPen(tokens.color("border" if line == "secondary" else line), 1))
    painter.setBrush(tokens.color(ground))
    painter.drawRoundedRect(layout.card.adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
    draw_icon(painter, name, layout.icon, tokens.color(line))


def _card_style(row: TimelineRow) -> tuple[str, str, str]:
    """Colour of line and icon, colour of the ground, icon."""
    if row.kind is RowKind.REPLY:
        return "accent", "accent_soft", "reply"
    if row.kind is RowKind.QUESTION:
        return "secondary", "surface", "reply"
    line, ground, name = severity_style(row.severity)
    return (line, ground, name) if line != "accent" else ("secondary", "surface", name)


def _color(tokens: Tokens, row: TimelineRow, part: str) -> QColor:
    if part == "speaker":
        return tokens.color("you" if row.speaker == "You" else "others")
    if part == "heading":
        return tokens.color(_card_style(row)[0])
    if row.kind is RowKind.SOUND:
        return tokens.color("dim")
    if part in ACTIONS:
        return tokens.color("translation")
    return tokens.color(_COLORS.get(part, "text"))


def _range(
    start: int,
    end: int,
    foreground: QColor | None = None,
    background: QColor | None = None,
    underline: bool = False,
) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    style = QTextCharFormat()
    if foreground is not None:
        style.setForeground(foreground)
    if background is not None:
        style.setBackground(background)
    if underline:
        style.setFontUnderline(True)
    made.start, made.length, made.format = start, end - start, style
    return made


def _found(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    places = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            places.append((at, at + len(word)))
            at = text.find(word, at + len(word))
    return places
