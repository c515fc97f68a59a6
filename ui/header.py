"""The bar at the top: start and pause, sources, languages, and the way to everything else."""

from __future__ import annotations

import sys
from itertools import pairwise

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QWidget

from everlisten.engine.events import EngineState
from everlisten.ui.controls import add_shortcut, icon_button
from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.pickers import Option, Picker
from everlisten.ui.protocols import Listening
from everlisten.ui.source_bar import SourceBar
from everlisten.ui.theme import Theme

TINY_PX = 480
"""Below this width the sources are named in one short word each."""
COMMANDS = {
    EngineState.LISTENING: "Pause",
    EngineState.PAUSED: "Resume",
    EngineState.LOADING: "Getting ready…",
    EngineState.STOPPING: "Stopping…",
    EngineState.FAILED: "Try again",
}
START = "Start listening"
LISTEN_KEYS = "Meta+Space" if sys.platform == "darwin" else "Ctrl+Space"
"""On macOS Qt's Ctrl is the Command key, and Command+Space belongs to the system."""
HISTORY_KEYS = "Ctrl+Y" if sys.platform == "darwin" else "Ctrl+H"
_MARGIN_PX = 12
_GAP_PX = 16


class Header(QFrame):
    """One row in a wide window, two in a medium one, three in a narrow one."""

    toggled = Signal()

    def __init__(self, theme: Theme, listening: Listening) -> None:
        super().__init__()
        self._theme = theme
        self._listening = listening
        self._state = EngineState.STOPPED
        self._rows = 0
        self.setObjectName("header")
        self.listen = QPushButton()
        self.listen.setProperty("role", "listen")
        self.listen.setIconSize(labelled_size(18))
        add_shortcut(self.listen, LISTEN_KEYS)
        self.listen.clicked.connect(self.toggled)
        self.sources = SourceBar(theme, listening)
        self.language = Picker(theme, "Spoken language", "language", "The language that is spoken.")
        self.target = Picker(
            theme, "Translate into", "translate", "Shows a translation with every caption."
        )
        self.new_session = icon_button(theme, "plus", "New session", "Ctrl+N")
        self.open_file = icon_button(theme, "folder", "Open an audio file", "Ctrl+O")
        self.history = icon_button(theme, "history", "History", HISTORY_KEYS)
        self.history.setCheckable(True)
        self.settings = icon_button(theme, "settings", "Settings", "Ctrl+,")
        self.language.chosen.connect(self._set_language)
        self.target.chosen.connect(self._set_target)
        self._languages = _row(self.language, self.target, stretch=False)
        self._tools = _row(self.new_session, self.open_file, self.history, self.settings)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(_MARGIN_PX, 10, _MARGIN_PX, 10)
        self._grid.setHorizontalSpacing(_GAP_PX)
        self._grid.setVerticalSpacing(10)
        self.sources.rearranged.connect(self._fit)
        theme.changed.connect(self._tint)
        self.refresh()
        self.show_state(EngineState.STOPPED)
        self._arrange(2)
        self._order_tabs()

    def _order_tabs(self) -> None:
        """As one reads: what to hear, in which language, then everything else."""
        order = [
            self.listen,
            *self.sources.controls,
            self.language,
            self.target,
            self.new_session,
            self.open_file,
            self.history,
            self.settings,
        ]
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def refresh(self) -> None:
        """Show the choices as the program knows them."""
        listening = self._listening
        spoken = [Option(None, "Detect automatically", short="Automatic")]
        spoken += [Option(code, name) for code, name in listening.languages()]
        self.language.offer(spoken, listening.language())
        targets = [Option(None, "No translation")]
        targets += [Option(code, name, why) for code, name, why in listening.targets()]
        self.target.offer(targets, listening.target())
        self.sources.refresh()
        if self.isVisible():
            self._fit()

    def show_state(self, state: EngineState) -> None:
        """Say on the large button what it does next."""
        self._state = state
        active = state is EngineState.LISTENING
        self._name_command()
        self.listen.setEnabled(state not in (EngineState.LOADING, EngineState.STOPPING))
        command = COMMANDS.get(state, START)
        self.listen.setAccessibleName(command)
        self.listen.setToolTip(f"{command} ({LISTEN_KEYS})")
        self.listen.setProperty("active", "true" if active else "false")
        self.listen.style().unpolish(self.listen)
        self.listen.style().polish(self.listen)
        self._tint()

    def _set_language(self, code: str | None) -> None:
        self._listening.set_language(code)
        self.refresh()

    def _set_target(self, code: str | None) -> None:
        self._listening.set_target(code)
        self.refresh()

    def _tint(self) -> None:
        tokens = self._theme.tokens
        active = self._state is EngineState.LISTENING
        color = tokens.you if active else tokens.on_accent
        self.listen.setIcon(labelled_icon("pause" if active else "play", 18, color, tokens.dim))

    def _arrange(self, rows: int) -> None:
        if rows == self._rows:
            return
        self._rows = rows
        grid = self._grid
        for widget in (self.listen, self.sources, self._languages, self._tools):
            grid.removeWidget(widget)
        grid.setColumnStretch(1, 0)
        grid.setColumnStretch(2, 0)
        if rows == 1:
            places = {self.listen: (0, 0), self.sources: (0, 1), self._languages: (0, 2)}
            for widget, (row, column) in places.items():
                grid.addWidget(widget, row, column)
            grid.addWidget(self._tools, 0, 4)
            grid.setColumnStretch(3, 1)
            return
        grid.setColumnStretch(3, 0)
        grid.addWidget(self.listen, 0, 0)
        grid.addWidget(self._tools, 0, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        if rows == 2:
            grid.addWidget(self.sources, 1, 0, 1, 2)
            grid.addWidget(self._languages, 1, 2)
        else:
            grid.addWidget(self.sources, 1, 0, 1, 3)
            grid.addWidget(self._languages, 2, 0, 1, 3)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.sources.show_labels(self.width() >= TINY_PX)
        self._name_command()
        self._arrange(self._rows_for(self.width()))

    def _name_command(self) -> None:
        short = "Start" if self.width() < TINY_PX else START
        text = COMMANDS.get(self._state, short)
        if text != self.listen.text():
            self.listen.setText(text)

    def _rows_for(self, width: int) -> int:
        """As few rows as what is in them has room for."""
        room = width - 2 * _MARGIN_PX
        sources = self.sources.sizeHint().width()
        languages = self._languages.sizeHint().width()
        lower = sources + languages + _GAP_PX
        upper = self.listen.sizeHint().width() + self._tools.sizeHint().width() + _GAP_PX
        if lower + upper + 2 * _GAP_PX <= room:
            return 1
        return 2 if max(lower, upper) <= room else 3


def _row(*widgets: QWidget, stretch: bool = True) -> QWidget:
    group = QWidget()
    row = QHBoxLayout(group)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4 if stretch else 8)
    if stretch:
        row.addStretch()
    for widget in widgets:
        row.addWidget(widget)
    if not stretch:
        row.addStretch()
    return group
