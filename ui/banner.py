"""One sentence across the window that waits for nobody: closable, never modal."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

from everlisten.ui.controls import announce
from everlisten.ui.icons import icon, pixmap
from everlisten.ui.theme import Theme

READ_MS = 12_000
"""Good news goes away by itself after this long; problems stay until they are closed."""
_STYLES = {
    "info": ("info", "accent"),
    "warning": ("warning", "warning"),
    "error": ("error", "danger"),
}


class Banner(QFrame):
    """Shows the newest sentence; hidden while there is none."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._kind = "info"
        self._act: Callable[[], None] | None = None
        self._picture = QLabel()
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._button = QPushButton()
        self._close = QToolButton()
        self._close.setProperty("role", "icon")
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._close.clicked.connect(self.hide)
        self._button.clicked.connect(self._run)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(12)
        row.addWidget(self._picture, alignment=Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        row.addWidget(self._button)
        row.addWidget(self._close, alignment=Qt.AlignmentFlag.AlignTop)
        self._picture.setContentsMargins(0, 6, 0, 0)
        self._reading = QTimer(self)
        self._reading.setSingleShot(True)
        self._reading.setInterval(READ_MS)
        self._reading.timeout.connect(self.hide)
        theme.changed.connect(self._tint)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence, or nothing while hidden."""
        return "" if self.isHidden() else self._label.text()

    @property
    def action(self) -> QPushButton:
        """The button for what can be done."""
        return self._button

    def tell(
        self,
        sentence: str,
        kind: str = "error",
        action: str = "",
        act: Callable[[], None] | None = None,
    ) -> None:
        """Show one sentence, with a button if there is something to do about it."""
        self._kind, self._act = kind, act
        self._label.setText(sentence)
        self.setAccessibleName(f"{kind.capitalize()}: {sentence}")
        self._button.setVisible(bool(action))
        self._button.setText(action)
        self._button.setAccessibleName(action.replace("&", "") or "No action")
        self._tint()
        self.show()
        announce(self, sentence)
        self._reading.stop()
        if kind == "info" and not action:
            self._reading.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._reading.stop()

    def _run(self) -> None:
        act = self._act
        self.hide()
        if act is not None:
            act()

    def _tint(self) -> None:
        name, color = _STYLES[self._kind]
        tokens = self._theme.tokens
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap(name, 18, tokens.color(color), ratio))
        self._close.setIcon(icon("close", tokens.secondary))
        if self.property("banner") != self._kind:
            self.setProperty("banner", self._kind)
            self.style().unpolish(self)
            self.style().polish(self)
