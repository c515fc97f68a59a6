"""The bar below the captions: what the assistant does, a question to it, and its stop button."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton

from everlisten.engine.events import Decision, EngineEvent, ReplyDelta, ReplyFinal, SessionEnded
from everlisten.ui.assistant_popover import OFF, AssistantPopover
from everlisten.ui.controls import icon_button
from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.protocols import Assistance, AssistantReading
from everlisten.ui.speak_meter import SpeakMeter
from everlisten.ui.theme import Theme

NARROW_PX = 520
"""Below this width the button is an icon, and the meter is left out."""
HINT = "Ask Everlisten"
_TITLE_CHARS = 24


class AssistantBar(QFrame):
    """Disabled, with the reason as its tip, while the big model is not in use."""

    def __init__(self, theme: Theme, assistance: Assistance) -> None:
        super().__init__()
        self._theme = theme
        self._assistance = assistance
        self._reading: AssistantReading | None = None
        self._running = ""
        self._popover: AssistantPopover | None = None
        self.setObjectName("assistantBar")
        self.task = QPushButton()
        self.task.setIconSize(labelled_size(16))
        self.task.clicked.connect(self.open_popover)
        self.question = QLineEdit()
        self.question.setAccessibleName(HINT)
        self.question.setMaxLength(500)
        self.question.returnPressed.connect(self._ask)
        self.stop = icon_button(theme, "stop", "Stop the reply", "Ctrl+.")
        self.stop.clicked.connect(self._interrupt)
        self.meter = SpeakMeter(theme)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(self.task)
        row.addWidget(self.question, 1)
        row.addWidget(self.stop)
        row.addWidget(self.meter)
        theme.changed.connect(self._tint)
        self._tint()
        self.refresh()

    def refresh(self) -> None:
        """Show what the assistant does, and whether it can."""
        reading = self._assistance.reading()
        if reading == self._reading:
            return
        self._reading = reading
        able = not reading.why_not
        self.question.setEnabled(able)
        self.question.setToolTip(reading.why_not or "Type a question, then press Enter.")
        self.question.setAccessibleDescription(self.question.toolTip())
        self.question.setPlaceholderText(HINT if able else f"{HINT} (needs the big model)")
        if not able:
            self._finish()
            self.meter.rest()
        title = self._title(reading)
        self.task.setAccessibleName(f"Assistant: {title}")
        self.task.setToolTip(f"Assistant: {title}")
        self._fit()
        self._show_running()
        if self._popover is not None and self._popover.isVisible():
            self._popover.refresh()

    def take(self, events: Sequence[EngineEvent]) -> None:
        """Follow replies and decisions."""
        for event in events:
            if isinstance(event, Decision):
                self.meter.show_decision(event)
            elif isinstance(event, ReplyDelta):
                self._running = event.id
            elif isinstance(event, (ReplyFinal, SessionEnded)):
                self._finish()
                if isinstance(event, SessionEnded):
                    self.meter.rest()
        self._show_running()

    def open_popover(self) -> None:
        """Open the choice of what the assistant does."""
        if self._popover is None:
            self._popover = AssistantPopover(self.task, self._theme, self._assistance)
            self._popover.changed.connect(self.refresh)
        self._popover.refresh()
        self._popover.open_at(self.task, above=True)

    @property
    def popover(self) -> AssistantPopover | None:
        """The open or last opened popover."""
        return self._popover

    def close_bar(self) -> None:
        """The window ends."""
        if self._popover is not None:
            self._popover.close_popover()

    def _title(self, reading: AssistantReading) -> str:
        titles = {task.id: task.title for task in self._assistance.tasks()}
        return titles.get(reading.task, reading.task) if reading.task else OFF.title

    def _ask(self) -> None:
        text = self.question.text().strip()
        if text:
            self._assistance.ask(text)
            self.question.clear()
            # The question stays in sight until its answer begins.
            self.question.setPlaceholderText(f"Asked: {text}")
            self.refresh()

    def _interrupt(self) -> None:
        self._assistance.interrupt()

    def _finish(self) -> None:
        self._running = ""
        if self.question.isEnabled():
            self.question.setPlaceholderText(HINT)

    def _show_running(self) -> None:
        self.stop.setEnabled(bool(self._running))

    def _tint(self) -> None:
        tokens = self._theme.tokens
        self.task.setIcon(labelled_icon("reply", 16, tokens.secondary, tokens.dim))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < NARROW_PX
        self.meter.setVisible(not narrow)
        reading = self._reading
        title = "" if narrow or reading is None else self._title(reading)
        if len(title) > _TITLE_CHARS:
            title = f"{title[: _TITLE_CHARS - 1].rstrip()}…"
        self.task.setText(title.replace("&", "&&"))
