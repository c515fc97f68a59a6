"""The icon in the system tray. Where there is no tray, nothing is shown and nothing is said."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from everlisten.engine.events import EngineState
from everlisten.ui.icons import icon

SENTENCE_LETTERS = 60
BLINK_MS = 600


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
        self._alerting = False
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._draw)
        self._lit = False
        self._icon: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self._icon = QSystemTrayIcon(self)
            self._icon.setContextMenu(self.menu)
            self._icon.activated.connect(self._activated)
            self._icon.messageClicked.connect(self.window_wanted)
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
        changed, self.state = shown != self.state, shown
        if changed and not self._alerting:
            self._draw()

    def show_sentence(self, text: str) -> None:
        """Offer the last sentence that was heard."""
        self._sentence.setText("“" + _short(text).replace("&", "&&") + "”")
        self._sentence.setVisible(bool(text))

    def notify(self, sentence: str, title: str = "Everlisten", grave: bool = False) -> None:
        """A desktop notification; a click on it brings the window."""
        if self._icon is not None:
            kinds = QSystemTrayIcon.MessageIcon
            self._icon.showMessage(title, sentence, kinds.Critical if grave else kinds.Warning)

    @property
    def alerting(self) -> bool:
        """True while the icon shows that an alert is open."""
        return self._alerting

    @property
    def blinking(self) -> bool:
        """True while the icon changes back and forth."""
        return self._blink.isActive()

    def show_alerting(self, alerting: bool, blinking: bool) -> None:
        """Show in the icon that an alert is open, steadily or blinking."""
        blinking = blinking and alerting and self._icon is not None
        if (alerting, blinking) == (self._alerting, self._blink.isActive()):
            return
        self._alerting, self._lit = alerting, False
        if blinking:
            self._blink.start()
        else:
            self._blink.stop()
        self._draw()

    def _draw(self) -> None:
        self._lit = self._alerting and (not self._lit or not self._blink.isActive())
        if self._icon is not None:
            self._icon.setIcon(icon("tray-alert" if self._lit else f"tray-{self.state}"))

    def close(self) -> None:
        """Take the icon away."""
        self._blink.stop()
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
