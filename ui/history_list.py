"""The list at the left of the history: sessions, or what a search found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from everlisten.ui.dates import in_words
from everlisten.ui.protocols import SearchHit, SessionInfo
from everlisten.ui.theme import Theme

ENTRY_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
Entry = SessionInfo | SearchHit
_PAD_PX = 12
_CONTEXT_LETTERS = 24
"""Letters of context left before the first word that was searched."""


class HistoryModel(QAbstractListModel):
    """Sessions or hits, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these and nothing else."""
        self.beginResetModel()
        self._entries = tuple(entries)
        self.endResetModel()

    def entry(self, row: int) -> Entry:
        """One entry."""
        return self._entries[row]

    def row_of(self, session: str) -> int:
        """The row of a session, or -1."""
        rows = (at for at, one in enumerate(self._entries) if session_of(one).id == session)
        return next(rows, -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _spoken(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _spoken(entry)
        return None


class HistoryDelegate(QStyledItemDelegate):
    """Two lines: what it is, and when; a badge for recovered sessions."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.words: tuple[str, ...] = ()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics = option.fontMetrics
        return QSize(200, 2 * metrics.height() + 22)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(ENTRY_ROLE)
        tokens, rect = self._theme.tokens, option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = ""
        if state & QStyle.StateFlag.State_Selected:
            ground = "accent_soft"
        elif state & QStyle.StateFlag.State_MouseOver:
            ground = "hover"
        if ground:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.color(ground))
            painter.drawRoundedRect(rect.adjusted(6, 2, -6, -2), 8, 8)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(tokens.color("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect.adjusted(6, 2, -7, -3)), 8, 8)
        self._paint_lines(painter, option.font, entry, rect)
        painter.restore()

    def _paint_lines(self, painter: QPainter, font: QFont, entry: Entry, rect: QRect) -> None:
        tokens = self._theme.tokens
        first, second = self._lines(entry)
        strong = QFont(font)
        strong.setWeight(
            QFont.Weight.DemiBold if isinstance(entry, SessionInfo) else QFont.Weight.Normal
        )
        metrics = QFontMetrics(strong)
        line = rect.adjusted(_PAD_PX + 4, 9, -_PAD_PX - 4, 0)
        line.setHeight(metrics.height())
        if isinstance(entry, SessionInfo) and entry.recovered:
            line.setRight(self._paint_badge(painter, font, line) - 8)
        painter.setFont(strong)
        painter.setPen(tokens.color("text"))
        text = metrics.elidedText(first, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), text)
        line = rect.adjusted(_PAD_PX + 4, 13 + metrics.height(), -_PAD_PX - 4, 0)
        line.setHeight(metrics.height())
        painter.setFont(font)
        painter.setPen(tokens.color("secondary"))
        text = QFontMetrics(font).elidedText(second, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _paint_badge(self, painter: QPainter, font: QFont, line: QRect) -> int:
        tokens = self._theme.tokens
        small = QFont(font)
        small.setPointSizeF(max(8.0, font.pointSizeF() * 0.85))
        width = QFontMetrics(small).horizontalAdvance("Recovered") + 12
        badge = QRect(line.right() - width, line.top(), width, line.height())
        painter.setFont(small)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.color("warning_soft"))
        painter.drawRoundedRect(badge, 6, 6)
        painter.setPen(tokens.color("warning"))
        painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), "Recovered")
        return badge.left()

    def _lines(self, entry: Entry) -> tuple[str, str]:
        if isinstance(entry, SessionInfo):
            return title_of(entry), summary(entry)
        text = entry.text.replace("\n", " ")
        places = [at for word in self.words if (at := text.lower().find(word)) >= 0]
        if places and min(places) > _CONTEXT_LETTERS:
            text = "\u2026" + text[min(places) - _CONTEXT_LETTERS :].lstrip()
        when = f"{title_of(entry.session)} \u00b7 {length(entry.start_s)} in"
        return text, when


def session_of(entry: Entry) -> SessionInfo:
    """The session of an entry."""
    return entry if isinstance(entry, SessionInfo) else entry.session


def cut_off_sentence(sessions: Sequence[SessionInfo]) -> str:
    """Says that sessions were found open at the start, the newest by name."""
    more = f" and {len(sessions) - 1} more" if len(sessions) > 1 else ""
    return f"“{title_of(sessions[0])}”{more} was cut off last time. Everything final was kept."


def title_of(session: SessionInfo) -> str:
    """The title, or what stands in for one."""
    return session.title or "Untitled session"


def summary(session: SessionInfo) -> str:
    """When, how long, how much."""
    captions = "1 caption" if session.captions == 1 else f"{session.captions:,} captions"
    # While a session goes on, its length on disk is that of its last caption.
    lasted = length(session.length_s) if session.ended else "listening now"
    return f"{day(session.started_at)} \u00b7 {lasted} \u00b7 {captions}"


def day(moment: datetime) -> str:
    """Today, Yesterday or the date, with the time."""
    local = moment.astimezone()
    ago = (date.today() - local.date()).days
    named = {0: "Today", 1: "Yesterday"}.get(ago)
    if named is None:
        named = in_words(local, "ddd d MMM" if 0 < ago < 300 else "d MMM yyyy")
    return f"{named}, {local:%H:%M}"


def length(seconds: float) -> str:
    """1 h 05 min, 12 min, 40 s."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _spoken(entry: Entry) -> str:
    if isinstance(entry, SessionInfo):
        recovered = ", recovered" if entry.recovered else ""
        return f"{title_of(entry)}, {summary(entry)}{recovered}"
    return f"{entry.text}, in {title_of(entry.session)}, {length(entry.start_s)} in"
