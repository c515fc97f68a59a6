"""The line at the bottom: how listening goes, in true numbers; a click shows all of them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractButton, QFormLayout, QLabel, QPushButton, QSizePolicy

from everlisten.engine.events import EngineState
from everlisten.ui.alert_protocols import AlertReading
from everlisten.ui.controls import announce
from everlisten.ui.health_facts import HealthFacts, details, health_facts
from everlisten.ui.icons import draw_icon
from everlisten.ui.popover import Popover
from everlisten.ui.protocols import HealthReading
from everlisten.ui.theme import Theme

_NUMBERS_MS = 500
"""Numbers change at most this often: faster cannot be read."""
_ICON_PX = 16
_PAD_PX = 12
_GAP_PX = 8


class HealthLine(QAbstractButton):
    """Sentence and icon first; facts follow as far as there is room."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._state = EngineState.STOPPED
        self._reading = HealthReading()
        self._alerts: AlertReading | None = None
        self._shown = health_facts(self._state, self._reading)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_NUMBERS_MS)
        self._rest.timeout.connect(self._refresh)
        self._popover: _HealthPopover | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self.open_details)
        theme.changed.connect(self.update)
        self._name()

    @property
    def facts(self) -> HealthFacts:
        """What is shown now."""
        return self._shown

    def show_state(self, state: EngineState) -> None:
        """The life-cycle took a step."""
        self._state = state
        self._refresh()

    def show_reading(self, reading: HealthReading) -> None:
        """Take in a reading; a new problem shows at once, numbers twice a second."""
        self._reading = reading
        made = health_facts(self._state, reading, self._alerts)
        if made.sentence != self._shown.sentence:
            self._refresh()
        elif made != self._shown and not self._rest.isActive():
            self._refresh()
            if self.isVisible():
                self._rest.start()

    def show_alerts(self, alerts: AlertReading) -> None:
        """How alerting goes; a problem of it is a problem of the whole program."""
        self._alerts = alerts
        self._refresh()

    def open_details(self) -> None:
        """Show the popover with every number."""
        if self._popover is None:
            self._popover = _HealthPopover(self)
        self._popover.fill(details(self._state, self._reading, self._alerts))
        self._popover.open_at(self, above=True)

    @property
    def popover(self) -> _HealthPopover | None:
        """The open or last opened popover."""
        return self._popover

    def _refresh(self) -> None:
        made = health_facts(self._state, self._reading, self._alerts)
        if made != self._shown:
            if made.sentence != self._shown.sentence:
                announce(self, made.sentence)
            self._shown = made
            self._name()
            self.update()
        if self._popover is not None and self._popover.isVisible():
            self._popover.fill(details(self._state, self._reading, self._alerts))

    def _name(self) -> None:
        self.setAccessibleName(f"Health: {self._shown.sentence}")
        self.setAccessibleDescription(", ".join(self._shown.facts))
        self.setToolTip(f"{self._shown.sentence}\nClick to see all the numbers")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._rest.stop()

    def sizeHint(self) -> QSize:
        return QSize(320, self.fontMetrics().height() + 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, shown = self._theme.tokens, self._shown
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = f"{shown.color}_soft" if shown.problem else "hover" if self.underMouse() else ""
        if ground:
            painter.fillRect(self.rect(), tokens.color(ground))
        top = (self.height() - _ICON_PX) / 2
        draw_icon(
            painter, shown.icon, QRectF(_PAD_PX, top, _ICON_PX, _ICON_PX), tokens.color(shown.color)
        )
        x = self._paint_sentence(painter, float(_PAD_PX + _ICON_PX + _GAP_PX))
        self._paint_facts(painter, x)
        if self.hasFocus():
            painter.setPen(tokens.color("accent"))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def _paint_sentence(self, painter: QPainter, x: float) -> float:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(self._theme.tokens.color("text"))
        metrics = QFontMetricsF(font)
        room = self.width() - x - _PAD_PX
        text = metrics.elidedText(self._shown.sentence, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(x, 0, room, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
        return x + metrics.horizontalAdvance(text)

    def _paint_facts(self, painter: QPainter, x: float) -> None:
        painter.setFont(self.font())
        painter.setPen(self._theme.tokens.color("secondary"))
        metrics = QFontMetricsF(self.font())
        for fact in self._shown.facts:
            text = f"  \u00b7  {fact}"
            width = metrics.horizontalAdvance(text)
            if x + width > self.width() - _PAD_PX:
                break
            painter.drawText(
                QRectF(x, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text
            )
            x += width


class _HealthPopover(Popover):
    """Every number as a table, ready to be copied into a report."""

    def __init__(self, parent: HealthLine) -> None:
        super().__init__(parent, "Health details")
        heading = QLabel("How listening goes")
        heading.setProperty("role", "heading")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(4)
        self._values: list[tuple[QLabel, QLabel]] = []
        self._copy = QPushButton("Copy &details")
        self._copy.setAccessibleName("Copy details")
        self._copy.clicked.connect(self._copy_details)
        self.content.addWidget(heading)
        self.content.addLayout(self._form)
        self.content.addWidget(self._copy, alignment=Qt.AlignmentFlag.AlignLeft)

    def fill(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Show these pairs."""
        while len(self._values) < len(rows):
            title, value = QLabel(), QLabel()
            title.setProperty("role", "secondary")
            value.setWordWrap(True)
            value.setMinimumWidth(260)
            self._form.addRow(title, value)
            self._values.append((title, value))
        for at, (title, value) in enumerate(self._values):
            self._form.setRowVisible(at, at < len(rows))
            if at < len(rows):
                title.setText(rows[at][0])
                value.setText(rows[at][1])

    def text(self) -> str:
        """The table as lines."""
        shown = [pair for pair in self._values if not pair[1].isHidden()]
        return "\n".join(f"{title.text()}: {value.text()}" for title, value in shown)

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
