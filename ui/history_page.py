"""The history: every session on disk, searchable, with export and deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelection, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.config import UiConfig
from everlisten.ui.controls import icon_button, search_field
from everlisten.ui.history_dialogs import ask_export_path, ask_title, confirm_deletion
from everlisten.ui.history_list import (
    Entry,
    HistoryDelegate,
    HistoryModel,
    session_of,
    title_of,
)
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.protocols import History, SearchHit, SessionInfo
from everlisten.ui.session_pane import SessionPane
from everlisten.ui.theme import Theme

NARROW_PX = 640
SEARCH_MS = 200
"""Typing rests this long before a search runs."""


class HistoryPage(QWidget):
    """List at the left, session at the right; a narrow window shows one of them."""

    closed = Signal()
    """Back to the live captions."""
    told = Signal(str, str)
    """A sentence for the banner, and its kind."""

    def __init__(
        self, theme: Theme, history: History, worker: HistoryWorker, config: UiConfig
    ) -> None:
        super().__init__()
        self._history = history
        self._worker = worker
        self._asked = 0
        self._marked = False
        self._wanted_session = ""
        self.model = HistoryModel(self)
        self._delegate = HistoryDelegate(theme, self)
        self.search = search_field(theme, "Search the history", "Search everything that was heard")
        self.list = QListView()
        self.pane = SessionPane(theme, config)
        self.delete_all_button = QPushButton("Delete &all…")
        self._empty = QLabel()
        self._close = icon_button(theme, "back", "Back to live captions", "Esc")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(SEARCH_MS)
        self._side = self._make_side()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side, 2)
        row.addWidget(self.pane, 3)
        self._connect()

    def _make_side(self) -> QFrame:
        side = QFrame()
        side.setObjectName("sideBar")
        side.setMaximumWidth(380)
        side.setMinimumWidth(240)
        title = QLabel("History")
        title.setProperty("role", "heading")
        self.list.setProperty("role", "side")
        self.list.setModel(self.model)
        self.list.setItemDelegate(self._delegate)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Sessions")
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._empty.setProperty("role", "secondary")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(16, 8, 16, 8)
        self.delete_all_button.setProperty("role", "danger")
        self.delete_all_button.setAccessibleName("Delete all sessions")
        head = QHBoxLayout()
        head.setContentsMargins(8, 8, 12, 0)
        head.setSpacing(4)
        head.addWidget(self._close)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self.delete_all_button)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(8)
        column.addLayout(head)
        find = QHBoxLayout()
        find.setContentsMargins(12, 0, 12, 0)
        find.addWidget(self.search)
        column.addLayout(find)
        column.addWidget(self._empty)
        column.addWidget(self.list, 1)
        return side

    def _connect(self) -> None:
        self._close.clicked.connect(self.closed)
        self._typing.timeout.connect(self.refresh)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.search.returnPressed.connect(self.refresh)
        self.list.selectionModel().selectionChanged.connect(self._selected)
        self.list.clicked.connect(lambda _: self._arrange(reading=True))
        self.list.activated.connect(lambda _: self._arrange(reading=True))
        self.delete_all_button.clicked.connect(self.ask_delete_all)
        self.pane.back.connect(lambda: self._arrange(reading=False))
        self.pane.rename.connect(self.ask_rename)
        self.pane.export.connect(self.ask_export)
        self.pane.delete.connect(self.ask_delete)

    def open(self, session: str = "") -> None:
        """Read the list again; choose a session if one is named."""
        self._wanted_session = session
        self.refresh()
        self._arrange(reading=bool(session))
        self.search.setFocus()

    @property
    def empty_text(self) -> str:
        """What stands in for an empty list."""
        return "" if self._empty.isHidden() else self._empty.text()

    def set_config(self, config: UiConfig) -> None:
        """Use other sizes or another placement of translations."""
        self.pane.view.set_config(config)

    def close_page(self) -> None:
        """Stop what waits; the page will not be used again."""
        self._typing.stop()

    def refresh(self) -> None:
        """Read the list, or search, on the worker's thread."""
        self._typing.stop()
        text = self.search.text().strip()
        self._delegate.words = tuple(text.lower().split())
        self._asked += 1
        asked = self._asked

        def call() -> Sequence[Entry]:
            return self._history.search(text) if text else self._history.sessions()

        self._worker.submit(call, lambda entries: self._show(asked, text, entries))

    def _show(self, asked: int, text: str, entries: Sequence[Entry]) -> None:
        if asked != self._asked:
            return  # the user typed on
        chosen = self.pane.session.id if self.pane.session else ""
        wanted, self._wanted_session = self._wanted_session or chosen, ""
        self.model.show(entries)
        nothing = f"Nothing was found for “{text}”." if text else "No sessions yet."
        self._empty.setText(nothing)
        self._empty.setVisible(not entries)
        self.delete_all_button.setEnabled(bool(entries) or bool(text))
        row = self.model.row_of(wanted) if wanted else -1
        if row >= 0 and not text:
            self.list.setCurrentIndex(self.model.index(row, 0))
        elif not text:
            self.pane.show_nothing()

    def _selected(self, chosen: QItemSelection, _gone: QItemSelection) -> None:
        indexes = chosen.indexes()
        if indexes:
            self._open_entry(self.model.entry(indexes[0].row()))

    def _open_entry(self, entry: Entry) -> None:
        session = session_of(entry)
        event = entry.event if isinstance(entry, SearchHit) else ""
        words = self._delegate.words if event else ()
        shown = self.pane.session
        self.pane.announce(session)
        if shown is not None and shown.id == session.id and not event and not self._marked:
            return  # only its title may have changed
        self._marked = bool(event)

        def show(events: object) -> None:
            if self.pane.session is not None and self.pane.session.id == session.id:
                self.pane.show_events(events, event, words)  # type: ignore[arg-type]

        self._worker.submit(lambda: self._history.events(session.id), show)

    # What can be done with a session

    def ask_rename(self) -> None:
        """Ask for another title."""
        session = self.pane.session
        if session is not None:
            ask_title(self, session.title, lambda title: self.rename(session, title))

    def rename(self, session: SessionInfo, title: str) -> None:
        """Give a session another title."""
        if title.strip():
            self._do(lambda: self._history.rename(session.id, title.strip()), "")

    def ask_export(self) -> None:
        """Ask for a file; its format is the one chosen in the dialog."""
        session = self.pane.session
        if session is not None:
            path = ask_export_path(self, title_of(session))
            if path is not None:
                self.export(session, path)

    def export(self, session: SessionInfo, path: Path) -> None:
        """Write a session to a file."""
        self._do(lambda: self._history.export(session.id, path), f"Saved {path.name}.")

    def ask_delete(self) -> None:
        """Ask before a session is deleted."""
        session = self.pane.session
        if session is None:
            return
        confirm_deletion(
            self,
            f"Delete “{title_of(session)}”?",
            "Its captions, translations and recording are deleted for good.",
            "Delete",
            lambda: self.delete(session),
        )

    def delete(self, session: SessionInfo) -> None:
        """Delete a session for good."""
        self.pane.show_nothing()
        self._arrange(reading=False)
        self._do(lambda: self._history.delete(session.id), "The session was deleted.")

    def ask_delete_all(self) -> None:
        """Ask before everything is deleted."""
        confirm_deletion(
            self,
            "Delete every session?",
            "All captions, translations and recordings are deleted for good, "
            "except the session that listens now.",
            "Delete everything",
            self.delete_all,
        )

    def delete_all(self) -> None:
        """Delete every session but the live one."""
        self.pane.show_nothing()
        self._do(self._history.delete_all, "Every session was deleted.")

    def _do(self, call: Callable[[], None], told: str) -> None:
        def done(_: object) -> None:
            if told:
                self.told.emit(told, "info")
            self.refresh()

        self._worker.submit(call, done)

    def _arrange(self, reading: bool) -> None:
        narrow = self.width() < NARROW_PX
        self._side.setVisible(not (narrow and reading))
        self.pane.setVisible(not narrow or reading)
        self.pane.back_button.setVisible(narrow)
        self._side.setMaximumWidth(16_777_215 if narrow else 380)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(reading=self.pane.isVisible() and not self._side.isVisible())
