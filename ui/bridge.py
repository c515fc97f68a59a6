"""Brings what the listening threads say to the GUI thread: drained, never waited for."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from everlisten.engine.events import EngineState
from everlisten.ui.protocols import HealthReading, Listening

DRAIN_MS = 33
METER_TICKS = 2
"""15 readings a second while someone looks."""
HIDDEN_DRAIN_MS = 200
HIDDEN_TICKS = 5
"""One reading a second for the tray while the window is hidden."""


class Bridge(QObject):
    """One timer. Emits only in the GUI thread."""

    events = Signal(object)
    """A non-empty sequence of EngineEvent."""
    health = Signal(object)
    """A HealthReading."""
    ticked = Signal()
    """A reading was taken, whether or not it changed."""
    state = Signal(object)
    """The EngineState, when it changed."""

    def __init__(self, listening: Listening, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listening = listening
        self._state: EngineState | None = None
        self._reading: HealthReading | None = None
        self._ticks = 0
        self._watched = True
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def watched(self) -> bool:
        """False while the window is hidden: events are still drained, meters rest."""
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        self._watched = watched
        self._timer.setInterval(DRAIN_MS if watched else HIDDEN_DRAIN_MS)

    def start(self) -> None:
        """Begin to drain."""
        self._timer.start()
        self.refresh()

    def stop(self) -> None:
        """Stop draining, after one last time."""
        if self._timer.isActive():
            self._timer.stop()
            self._drain()

    def refresh(self) -> None:
        """Read state and health now: a command was given, or the window came into sight."""
        self._drain()
        self._ticks = 0
        self._tell_health()

    def _tick(self) -> None:
        self._drain()
        self._ticks += 1
        if self._ticks >= (METER_TICKS if self._watched else HIDDEN_TICKS):
            self._ticks = 0
            self._tell_health()

    def _drain(self) -> None:
        events = self._listening.drain_events()
        if events:
            self.events.emit(events)
        state = self._listening.state()
        if state is not self._state:
            self._state = state
            self.state.emit(state)

    def _tell_health(self) -> None:
        reading = self._listening.health()
        if reading != self._reading:
            self._reading = reading
            self.health.emit(reading)
        self.ticked.emit()
