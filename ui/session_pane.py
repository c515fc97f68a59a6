"""One session of the history: its captions, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.engine.events import EngineEvent
from everlisten.ui.config import UiConfig
from everlisten.ui.controls import ElidedLabel, icon_button
from everlisten.ui.history_list import summary, title_of
from everlisten.ui.protocols import SessionInfo
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_view import TimelineView


class SessionPane(QWidget):
    """Emits what the user wants done; the page does it."""

    back = Signal()
    rename = Signal()
    export = Signal()
    delete = Signal()

    def __init__(self, theme: Theme, config: UiConfig) -> None:
        super().__init__()
        self.session: SessionInfo | None = None
        self.model = TimelineModel(self)
        self.view = TimelineView(theme, config)
        self.view.setModel(self.model)
        self.view.setAccessibleName("Captions of the session")
        self._title = ElidedLabel()
        self._title.setProperty("role", "heading")
        self._summary = ElidedLabel()
        self._summary.setProperty("role", "secondary")
        self._note = QLabel(
            "Choose a session at the left to read it, or search everything that was heard."
        )
        self._note.setProperty("role", "secondary")
        self._note.setWordWrap(True)
        self._note.setContentsMargins(24, 24, 24, 24)
        self.back_button = icon_button(theme, "back", "Back to the list", "Alt+Left")
        self.rename_button = icon_button(theme, "rename", "Rename this session", "F2")
        self.export_button = icon_button(theme, "export", "Export this session", "Ctrl+E")
        self.delete_button = icon_button(theme, "trash", "Delete this session", "Ctrl+Delete")
        for button, signal in self._buttons():
            button.clicked.connect(signal)
        self._pages = QStackedWidget()
        self._pages.setObjectName("pages")
        self._pages.addWidget(self._note)
        self._pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._header = self._make_header()
        column.addWidget(self._header)
        column.addWidget(self._pages, 1)
        self.show_nothing()

    def _buttons(self) -> tuple[tuple[QToolButton, Signal], ...]:
        return (
            (self.back_button, self.back),  # type: ignore[return-value]
            (self.rename_button, self.rename),
            (self.export_button, self.export),
            (self.delete_button, self.delete),
        )

    def _make_header(self) -> QFrame:
        header = QFrame()
        header.setObjectName("pageHeader")
        row = QHBoxLayout(header)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(4)
        row.addWidget(self.back_button)
        lines = QVBoxLayout()
        lines.setContentsMargins(4, 0, 0, 0)
        lines.setSpacing(0)
        for label in (self._title, self._summary):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            lines.addWidget(label)
        row.addLayout(lines, 1)
        for button in (self.rename_button, self.export_button, self.delete_button):
            row.addWidget(button)
        return header

    @property
    def title(self) -> str:
        """The title shown."""
        return self._title.text()

    def show_nothing(self) -> None:
        """No session is chosen."""
        self.session = None
        self.model.clear()
        self._header.hide()
        self._pages.setCurrentIndex(0)

    def announce(self, session: SessionInfo) -> None:
        """Show the title while the captions are being read."""
        self.session = session
        self._title.setText(title_of(session))
        recovered = " · recovered after Everlisten was cut off" if session.recovered else ""
        self._summary.setText(summary(session) + recovered)
        self._header.show()

    def show_events(self, events: Sequence[EngineEvent], event: str, words: Sequence[str]) -> None:
        """Show the captions; go to the row of `event`, if one is given, and mark `words`."""
        assert self.session is not None
        self._pages.setCurrentIndex(1)
        self.model.load(events, self.session.id, self.session.started_at)
        self.view.mark(tuple(words))
        row = self.model.position_of(event) if event else -1
        if row >= 0:
            self.view.show_row(row)
        else:
            self.view.show_beginning()
