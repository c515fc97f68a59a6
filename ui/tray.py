"""The icon in the system tray. Where there is no tray, nothing is shown and nothing is said."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from everlisten.engine.events import EngineState
from everlisten.ui.icons import icon

SENTENCE_LETTERS = 60


class Tray(QObject):
    """Says whether Everlisten listens, is paused or has a problem, also to those who hover."""

    toggled = Signal()
    window_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.menu = QMenu()
        self._status = QAction("Not listening", self)
        self._status.setEnabled(False)
        self._sentence = QAction("", self)
        self._sentence.setVisible(False)
        self._listen = QAction("Start listening", self)
        self._window = QAction("Show window", self)
        self._quit = QAction("Quit Everlisten", self)
        self.menu.addAction(self._status)
        self.menu.addAction(self._sentence)
        self.menu.addSeparator()
        self.menu.addActions([self._listen, self._window])
        self.menu.addSeparator()
        self.menu.addAction(self._quit)
        self._listen.triggered.connect(self.toggled)
        self._window.triggered.connect(self.window_wanted)
        self._sentence.triggered.connect(self.window_wanted)
        self._quit.triggered.connect(self.quit_wanted)
        self.state = ""
        self._icon: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self._icon = QSystemTrayIcon(self)
            self._icon.setContextMenu(self.menu)
            self._icon.activated.connect(self._activated)
        self.show_state(EngineState.STOPPED, "", "Start listening")
        if self._icon is not None:
            self._icon.show()

    @property
    def available(self) -> bool:
        """True if there is a tray and the icon is in it."""
        return self._icon is not None

    def show_state(self, state: EngineState, problem: str, command: str) -> None:
        """Show how listening goes; `command` is what the first menu entry does."""
        shown = "paused"
        sentence = problem or "Paused"
        if problem:
            shown = "problem"
        elif state is EngineState.LISTENING:
            shown, sentence = "listening", "Listening"
        elif state is not EngineState.PAUSED:
            sentence = "Not listening"
        self._listen.setText(command)
        self._status.setText(_short(sentence))
        if self._icon is not None:
            self._icon.setToolTip(f"Everlisten: {sentence}")
            if shown != self.state:
                self._icon.setIcon(icon(f"tray-{shown}"))
        self.state = shown

    def show_sentence(self, text: str) -> None:
        """Offer the last sentence that was heard."""
        self._sentence.setText("“" + _short(text).replace("&", "&&") + "”")
        self._sentence.setVisible(bool(text))

    def notify(self, sentence: str) -> None:
        """A desktop notification; only for problems while the window is hidden."""
        if self._icon is not None:
            warning = QSystemTrayIcon.MessageIcon.Warning
            self._icon.showMessage("Everlisten", sentence, warning)

    def close(self) -> None:
        """Take the icon away."""
        if self._icon is not None:
            self._icon.hide()
        self.menu.deleteLater()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (
            QSystemTrayIcon.ActivationReason.Trigger,
            QSystemTrayIcon.ActivationReason.DoubleClick,
        ):
            self.window_wanted.emit()


def _short(text: str) -> str:
    return text if len(text) <= SENTENCE_LETTERS else text[: SENTENCE_LETTERS - 1].rstrip() + "…"
