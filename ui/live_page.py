"""The live captions: the timeline, what stands there before the first words, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from everlisten.engine.events import EngineEvent, EngineState
from everlisten.ui.config import UiConfig
from everlisten.ui.controls import add_shortcut
from everlisten.ui.health_facts import SOURCE_TITLES, problem
from everlisten.ui.icons import labelled_icon, labelled_size, pixmap
from everlisten.ui.level_meter import LevelMeter, decibels
from everlisten.ui.protocols import HealthReading
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_view import TimelineView

_LINE_PX = 600
"""A sentence up to this long is not broken."""
_HEARD_DB = -50.0
"""Louder than this is more than the noise of a quiet room."""


class LivePage(QWidget):
    """Shows the timeline once there is a caption in it."""

    def __init__(self, theme: Theme, config: UiConfig) -> None:
        super().__init__()
        self._theme = theme
        self.model = TimelineModel(self)
        self.view = TimelineView(theme, config)
        self.view.setModel(self.model)
        self.empty = EmptyState(theme)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self.jump = QPushButton(self.view)
        self.jump.setProperty("role", "float")
        add_shortcut(self.jump, "Ctrl+End")
        self.jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self.jump.clicked.connect(self.view.jump_to_live)
        self.jump.hide()
        self.view.followed.connect(lambda _: self._show_jump(0))
        self.view.missed.connect(self._show_jump)
        theme.changed.connect(self._tint)
        self._tint()
        self._show_jump(0)

    def apply(self, events: Sequence[EngineEvent]) -> None:
        """Take in what the engine said."""
        self.model.apply(events)
        shown = self.view if self.model.captions else self.empty
        if shown is not self._stack.currentWidget():
            focused = self.empty.hasFocus() or self.view.hasFocus()
            self._stack.setCurrentWidget(shown)
            if focused:
                shown.setFocus()

    def last_sentence(self) -> str:
        """The newest caption."""
        count = self.model.rowCount()
        return self.model.row(count - 1).text if count else ""

    def _show_jump(self, missed: int) -> None:
        count = f" · {missed:,} new" if missed else ""
        self.jump.setText(f"Jump to live{count}")
        new = "1 new caption" if missed == 1 else f"{missed} new captions"
        self.jump.setAccessibleName(f"Jump to live, {new}" if missed else "Jump to live")
        self.jump.setToolTip("Show the newest caption and follow again (Ctrl+End)")
        self.jump.setVisible(not self.view.following)
        self._place_jump()

    def _place_jump(self) -> None:
        self.jump.adjustSize()
        self.jump.move(
            (self.view.width() - self.jump.width()) // 2,
            self.view.height() - self.jump.height() - 16,
        )

    def _tint(self) -> None:
        self.jump.setIconSize(labelled_size(16))
        self.jump.setIcon(labelled_icon("down", 16, self._theme.tokens.on_accent))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_jump()


class EmptyState(QWidget):
    """What to do first; while listening, the meter as proof that sound arrives."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown = ("", "", "")
        self._ring = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._picture = QLabel()
        self._title = QLabel()
        self._title.setProperty("role", "title")
        self._text = QLabel()
        self._text.setProperty("role", "lead")
        self.meter = LevelMeter(theme, "Level of what is heard", scale=True)
        self.meter.setMaximumWidth(420)
        self._level = QLabel()
        self._level.setProperty("role", "secondary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addStretch(2)
        self._title.setWordWrap(True)
        self._text.setWordWrap(True)
        for widget in (self._picture, self._title):
            widget.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(widget)
        column.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addWidget(self.meter, 0, Qt.AlignmentFlag.AlignHCenter)
        self.meter.setMinimumWidth(260)
        self._level.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._level)
        column.addStretch(3)
        theme.changed.connect(self._tint)
        self.show_reading(EngineState.STOPPED, HealthReading())

    @property
    def text(self) -> str:
        """Title and text, as shown."""
        return f"{self._title.text()}\n{self._text.text()}"

    def show_reading(self, state: EngineState, reading: HealthReading) -> None:
        """Show what to do, or what is heard."""
        listens = state is EngineState.LISTENING
        wanted = self._words(state, reading)
        if wanted != self._shown:
            self._shown = wanted
            self._title.setText(wanted[1])
            self._text.setText(wanted[2])
            steps = "\n" in wanted[2]
            side = Qt.AlignmentFlag.AlignLeft if steps else Qt.AlignmentFlag.AlignHCenter
            self._text.setAlignment(side)
            self.setAccessibleName(self.text)
            self._fit()
            self._tint()
        self.meter.setVisible(listens and bool(reading.sources))
        self._level.setVisible(listens and bool(reading.sources))
        if reading.sources:
            loudest = max(reading.sources, key=lambda one: one.level_db)
            self.meter.show_level(loudest.level_db, loudest.peak_db)
            name = SOURCE_TITLES[loudest.source]
            self._level.setText(f"{name}: {decibels(loudest.level_db)}")
        else:
            self.meter.rest()

    def _words(self, state: EngineState, reading: HealthReading) -> tuple[str, str, str]:
        """Icon, title, text."""
        trouble = problem(state, reading)
        if trouble:
            heard = any(one.level_db > _HEARD_DB for one in reading.sources)
            title = "Part of the sound is missing" if heard else "Nothing is heard right now"
            return "warning", title, trouble
        if state is EngineState.LISTENING:
            loud = any(one.level_db > _HEARD_DB for one in reading.sources)
            sound = "Sound arrives." if loud else "It is quiet."
            return "ear", "Listening", f"{sound} Captions appear here as soon as someone speaks."
        if state is EngineState.PAUSED:
            return "pause", "Paused", "Nothing is captured. Press Resume to go on."
        if state in (EngineState.LOADING, EngineState.STOPPING):
            return "info", "Getting ready", "This takes a few seconds."
        return (
            "everlisten",
            "Captions for everything you hear",
            "1.  Choose the microphone, the computer's sound or both.\n"
            "2.  Press Start listening, or Ctrl+Space.\n"
            "3.  Words appear here while they are spoken.\n\n"
            "Everything stays on this computer.",
        )

    def _fit(self) -> None:
        """A block of steps is as wide as its longest line, other texts as is good to read."""
        self._text.ensurePolished()
        lines = self._text.text().splitlines()
        metrics = self._text.fontMetrics()
        wide = max((metrics.horizontalAdvance(line) + 8 for line in lines), default=0)
        # One sentence stays on one line where there is room, else it breaks into even ones.
        wanted = wide if len(lines) > 1 or wide <= _LINE_PX else 440
        width = max(200, min(wanted, self.width() - 48))
        self._text.setFixedWidth(width)
        self._text.setMinimumHeight(0)  # else the height that is asked for is never less
        self._text.setMinimumHeight(self._text.heightForWidth(width))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        )
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._ring and self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(self._theme.tokens.color("accent"), 2))
            painter.drawRect(self.rect().adjusted(2, 2, -3, -3))

    def _tint(self) -> None:
        name = self._shown[0]
        color = {"warning": "warning", "ear": "accent"}.get(name, "secondary")
        size = 72 if name == "everlisten" else 48
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap(name, size, self._theme.tokens.color(color), ratio))
