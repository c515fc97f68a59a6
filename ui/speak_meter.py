"""Why a lane speaks or stays silent: its last probability of speaking, as a small meter."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from everlisten.engine.events import Decision
from everlisten.ui.theme import Theme

ASSISTANT = "assistant"
THRESHOLD = 0.5
"""A lane speaks above this probability."""
_WIDTH_PX = 56
_BAR_PX = 6
_LANES = {"captions": "Captions", "translation": "Translation", ASSISTANT: "Assistant"}


class SpeakMeter(QWidget):
    """The assistant's probability as a bar with a mark at the threshold; the tip has every lane."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._last: dict[str, Decision] = {}
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.update)
        self.rest()

    @property
    def probability(self) -> float:
        """The assistant's last one."""
        last = self._last.get(ASSISTANT)
        return last.score if last is not None else 0.0

    def show_decision(self, decision: Decision) -> None:
        """A lane has decided."""
        self._last[decision.lane] = decision
        self._name()
        self.update()

    def rest(self) -> None:
        """Nothing is decided now."""
        self._last.clear()
        self._name()
        self.update()

    def _name(self) -> None:
        lines = [
            f"{title}: {self._last[lane].score:.0%}"
            for lane, title in _LANES.items()
            if lane in self._last
        ]
        said = ", ".join(lines) or "nothing decided yet"
        self.setAccessibleName(f"Probability of speaking: {said}")
        body = "\n".join(lines) or "Nothing decided yet."
        tip = f"How likely it is to speak now; it does above {THRESHOLD:.0%}.\n{body}"
        self.setToolTip(tip)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH_PX, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = (self.height() - _BAR_PX) / 2
        track = QRectF(0, top, self.width(), _BAR_PX)
        painter.setBrush(tokens.color("meter_track"))
        painter.drawRoundedRect(track, _BAR_PX / 2, _BAR_PX / 2)
        share = min(1.0, max(0.0, self.probability))
        if share > 0.0:
            bar = QRectF(track)
            bar.setWidth(max(_BAR_PX, share * self.width()))
            speaks = share > THRESHOLD
            painter.setBrush(tokens.color("accent" if speaks else "secondary"))
            painter.drawRoundedRect(bar, _BAR_PX / 2, _BAR_PX / 2)
        painter.setBrush(tokens.color("text"))
        painter.drawRect(QRectF(self.width() * THRESHOLD - 0.5, top - 3, 1, _BAR_PX + 6))
