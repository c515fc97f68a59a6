"""One open alert: what was heard, since when, what to do about it, and the answers to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from PySide6.QtCore import QEasingCurve, QRectF, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.engine.events import SoundAlert
from everlisten.ui.alert_protocols import Alerts, ClipPlayback
from everlisten.ui.alert_words import alert_facts, severity_style, severity_word, spoken_alert
from everlisten.ui.flow_layout import FlowLayout
from everlisten.ui.icons import icon, labelled_icon, labelled_size, pixmap
from everlisten.ui.theme import Theme

THIS, OTHERS = "This sound", "All but emergencies"
SNOOZES_MIN = (5, 30, 60)
PULSE_MS = 1_200
"""One pulse; below the three flashes per second of WCAG 2.3.1 by far."""
PULSES = 4
NARROW_PX = 480
_BEAT_STEPS = 6
_STRIPE_PX = 6
_ICON_PX = 26


class AlertCard(QFrame):
    """A whole card, or with `compact` one line of it."""

    expand = Signal()
    """The user wants to see the whole card."""

    def __init__(
        self, theme: Theme, alerts: Alerts, clips: ClipPlayback, alert: SoundAlert
    ) -> None:
        super().__init__()
        self._theme = theme
        self._alerts = alerts
        self._clips = clips
        self.alert = alert
        self.began = datetime.now() - timedelta(seconds=max(0.0, alert.end_s - alert.start_s))
        self._compact = False
        self._sentence = ""
        self._pulse = QVariantAnimation(self)
        self._pulse.setDuration(PULSE_MS)
        self._pulse.setLoopCount(PULSES)
        self._pulse.setStartValue(0.0)
        self._pulse.setKeyValueAt(0.5, 1.0)
        self._pulse.setEndValue(0.0)
        self._pulse.setEasingCurve(QEasingCurve.Type.InOutSine)
        self._beat = 0.0
        self._pulse.valueChanged.connect(self._show_beat)
        self._pulse.finished.connect(lambda: self._show_beat(0.0))
        self.setObjectName("alertCard")
        self._picture = QLabel()
        self.label = QLabel()
        self.label.setProperty("role", "alertLabel")
        self.facts = QLabel()
        self.advice = QLabel()
        self.note = QLabel()
        self.advice.setProperty("role", "alertAdvice")
        self.note.setProperty("role", "alertNote")
        for text in (self.label, self.facts, self.advice, self.note):
            text.setWordWrap(True)
        self.know = QPushButton("OK, I know")
        self.know.setProperty("role", "alertKnow")
        self.snooze = QPushButton("Snooze")
        self.snooze.setMenu(self._snooze_menu())
        self.not_this = QPushButton("Not this sound")
        self.play = QPushButton("Play")
        self.keep = QPushButton("Keep clip")
        self.more = QToolButton()
        self.more.setProperty("role", "icon")
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more.setToolTip("Show the whole alert")
        self._buttons = QWidget()
        self._column = QVBoxLayout()
        self._top = QHBoxLayout()
        self._below = False
        self.more.hide()
        self._lay_out()
        self._connect()
        self.show_alert(alert)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(_STRIPE_PX + 12, 10, 12, 10)
        row.setSpacing(12)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        column = self._column
        column.setSpacing(4)
        top = self._top
        top.setSpacing(8)
        titles = QVBoxLayout()
        titles.setSpacing(1)
        titles.addWidget(self.label)
        titles.addWidget(self.facts)
        top.addLayout(titles, 1)
        top.addWidget(self.know, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        column.addWidget(self.advice)
        column.addWidget(self.note)
        flow = FlowLayout(self._buttons)
        for button in (self.snooze, self.not_this, self.play, self.keep):
            button.setIconSize(labelled_size(16))
            flow.addWidget(button)
        column.addSpacing(4)
        column.addWidget(self._buttons)
        row.addLayout(column, 1)

    def _connect(self) -> None:
        self.know.clicked.connect(lambda: self._alerts.acknowledge(self.alert.id))
        self.not_this.clicked.connect(lambda: self._alerts.not_this(self.alert.id))
        self.play.clicked.connect(lambda: self._tell(self._clips.play(self.alert.id)))
        self.keep.clicked.connect(self._keep)
        self.more.clicked.connect(self.expand)
        self._theme.changed.connect(self._tint)

    def _snooze_menu(self) -> QMenu:
        menu = QMenu(self)
        for which in (THIS, OTHERS):
            for minutes in SNOOZES_MIN:
                action = menu.addAction(f"{which} for {minutes} minutes")
                action.triggered.connect(self._snoozing(which == THIS, minutes))
            if which == THIS:
                menu.addSeparator()
        return menu

    def _snoozing(self, this: bool, minutes: int) -> Callable[[], None]:
        return lambda: self._alerts.snooze(self.alert.sound if this else None, minutes)

    @property
    def compact(self) -> bool:
        """One line alone."""
        return self._compact

    @property
    def strong(self) -> bool:
        """Told again: the whole card takes the full colour."""
        return self.alert.level > 0

    @property
    def pulsing(self) -> bool:
        """True while the card pulses."""
        return self._pulse.state() == QVariantAnimation.State.Running

    def pulse(self) -> None:
        """Draw the eye: a few slow pulses."""
        self._pulse.stop()
        self._pulse.start()

    def _show_beat(self, value: float) -> None:
        """Paint again when it can be seen: a few steps of a pulse, not every frame."""
        beat = round(value * _BEAT_STEPS) / _BEAT_STEPS
        if beat != self._beat:
            self._beat = beat
            self.update()

    def set_compact(self, compact: bool) -> None:
        """Show one line, or everything."""
        if compact is self._compact:
            return
        self._compact = compact
        self.more.setVisible(compact)
        self._buttons.setVisible(not compact)
        self._fit()

    def show_alert(self, alert: SoundAlert) -> None:
        """The alert goes on, ended, or is told again."""
        again = alert.level != self.alert.level
        self.alert = alert
        self.label.setText(alert.label)
        self.advice.setText(alert.advice)
        self.setAccessibleName(spoken_alert(alert))
        self.setAccessibleDescription(alert.why)
        self.label.setToolTip(alert.why)
        for button in (self.know, self.snooze, self.not_this, self.play, self.keep):
            button.setAccessibleName(f"{button.text()}: {alert.label}")
        self.more.setAccessibleName(f"Show the whole alert: {alert.label}")
        if again or not self.property("alert"):
            self._tint()
        self.refresh()

    def refresh(self) -> None:
        """Show the time that has passed, and what can still be done."""
        facts = alert_facts(self.alert, self.began, datetime.now())
        if facts != self.facts.text():
            self.facts.setText(facts)
            self.facts.setToolTip(f"{facts}\n{self.alert.why}".strip())
        there = self._clips.has(self.alert.id)
        kept = self._clips.path(self.alert.id) is not None
        self.play.setEnabled(there)
        self.keep.setEnabled(there and not kept)
        text = "Clip kept" if kept else "Keep clip"
        if self.keep.text() != text:
            self.keep.setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """In a narrow window the answer stands below the advice, or the facts are left out."""
        narrow = self.width() < NARROW_PX
        self.facts.setVisible(not (narrow and self._compact))
        below = narrow and not self._compact
        if below is not self._below:
            self._below = below
            self._top.removeWidget(self.know)
            self._column.removeWidget(self.know)
            if below:
                self._column.insertWidget(self._column.count() - 2, self.know)
            else:
                self._top.insertWidget(1, self.know, 0, Qt.AlignmentFlag.AlignTop)
        # What to do in an emergency is never folded away.
        told = not self._compact or self.alert.severity == "emergency"
        self.advice.setVisible(told and bool(self.alert.advice))
        self.note.setVisible(not self._compact and bool(self._sentence))

    def _keep(self) -> None:
        self._tell(self._clips.keep(self.alert.id))
        self.refresh()

    def _tell(self, sentence: str) -> None:
        self._sentence = sentence
        self.note.setText(sentence)
        self._fit()

    def _tint(self) -> None:
        tokens = self._theme.tokens
        severity = severity_word(self.alert.severity).lower()
        line, _, name = severity_style(severity)
        ink = f"on_{line}" if self.strong else line
        self.setProperty("alert", severity)
        self.setProperty("strong", "true" if self.strong else "false")
        self.label.setProperty("told", str(min(2, self.alert.level)))
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap(name, _ICON_PX, tokens.color(ink), ratio))
        for button, drawn in (
            (self.snooze, "snooze"),
            (self.not_this, "close"),
            (self.play, "play"),
            (self.keep, "keep"),
        ):
            button.setIcon(labelled_icon(drawn, 16, tokens.secondary, tokens.border))
        self.more.setIcon(icon("chevron", getattr(tokens, ink) if self.strong else tokens.text))
        for widget in (self, *self.findChildren(QLabel), *self.findChildren(QPushButton)):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._pulse.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        line, soft, _ = severity_style(self.alert.severity)
        beat = self._beat if self.pulsing else 0.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 1.5 + 3.0 * beat
        inside = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        edge = "text" if self.strong and beat else line
        painter.setPen(QPen(tokens.color(edge), width))
        painter.setBrush(tokens.color(line if self.strong else soft))
        painter.drawRoundedRect(inside, 10, 10)
        if not self.strong:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.color(line))
            painter.setClipRect(QRectF(0, 0, _STRIPE_PX, self.height()))
            painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
