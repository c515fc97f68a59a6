"""Takes an example down: a button, the level, and how many seconds are left."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.level_meter import LevelMeter
from everlisten.ui.teaching_protocols import SAMPLE_RATE_HZ, ExampleSource
from everlisten.ui.theme import Theme
from everlisten.ui.waveform import SHORTEST_S

LONGEST_S = 10.0
TICK_MS = 66
NOTHING = "Nothing was heard. Check the microphone, then record again."
TOO_SHORT = "That was too short. Hold the recording for as long as the sound goes on."


class Recorder(QWidget):
    """Stops by itself after 10 s."""

    recorded = Signal(object)
    """The `Samples`."""
    refused = Signal(str)

    def __init__(self, theme: Theme, source: ExampleSource) -> None:
        super().__init__()
        self._theme = theme
        self._source = source
        self.button = QPushButton("Record")
        self.button.setAutoDefault(False)
        self.button.setIconSize(labelled_size(16))
        self.meter = LevelMeter(theme, "Level of the recording")
        self.meter.setMinimumWidth(80)
        self.left = QLabel()
        self.left.setProperty("role", "secondary")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.button)
        row.addWidget(self.meter)
        row.addWidget(self.left)
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.button.clicked.connect(self.toggle)
        theme.changed.connect(self._show)
        self._show()

    @property
    def recording(self) -> bool:
        """True between the two clicks."""
        return self._timer.isActive()

    def toggle(self) -> None:
        """Begin, or end and hand over what was taken down."""
        if self.recording:
            self._stop()
            return
        refusal = self._source.record_begin()
        if refusal:
            self.refused.emit(refusal)
            return
        self._clock.start()
        self._timer.start()
        self._tick()
        self._show()

    def cancel(self) -> None:
        """End it and throw it away."""
        if self.recording:
            self._timer.stop()
            self._source.record_stop()
            self._show()

    def _tick(self) -> None:
        passed_s = self._clock.elapsed() / 1000
        if passed_s >= LONGEST_S:
            self._stop()
            return
        level = self._source.record_level_db()
        self.meter.show_level(level, level)
        self.left.setText(f"{LONGEST_S - passed_s:.0f} s left")

    def _stop(self) -> None:
        self._timer.stop()
        samples = self._source.record_stop()
        self._show()
        if not samples:
            self.refused.emit(NOTHING)
        elif len(samples) < SHORTEST_S * SAMPLE_RATE_HZ:
            self.refused.emit(TOO_SHORT)
        else:
            self.recorded.emit(samples)

    def _show(self) -> None:
        tokens = self._theme.tokens
        picture, text = ("stop", "Stop") if self.recording else ("record", "Record")
        color = tokens.danger if self.recording else tokens.secondary
        self.button.setIcon(labelled_icon(picture, 16, color))
        self.button.setText(text)
        self.button.setAccessibleName(f"{text} an example" if text == "Record" else "Stop")
        self.meter.setVisible(self.recording)
        self.left.setVisible(self.recording)
        if not self.recording:
            self.meter.rest()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.cancel()
