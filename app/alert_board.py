"""What is true of alerts now: what is open, whether they work. Every event passes by here.

Written by the threads that tell events, read by the window.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from everlisten.engine.events import AlertAcknowledged, AlertHealth, EngineEvent, SoundAlert

MOST_OPEN = 50
"""The oldest give way: nobody reads more."""
_MOST_CLOSED = 500


class AlertBoard:
    """Open alerts and their health."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, SoundAlert] = OrderedDict()
        self._known: OrderedDict[str, SoundAlert] = OrderedDict()
        """The last alerts, open or not, as last told."""
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._problem = ""

    def take(self, event: EngineEvent) -> None:
        """Note any event; never blocks for long."""
        with self._lock:
            match event:
                case SoundAlert():
                    self._take_alert(event)
                case AlertAcknowledged():
                    self._close(event.id)
                case AlertHealth():
                    self._problem = "" if event.working else event.problem

    def close(self, alert_id: str) -> None:
        """The user dealt with it; what is told of it later does not open it again."""
        with self._lock:
            self._close(alert_id)

    def forget_problem(self) -> None:
        """Another session begins, or none listens."""
        with self._lock:
            self._problem = ""

    @property
    def problem(self) -> str:
        """Why alerts do not work; "" while they do."""
        return self._problem

    def open(self) -> tuple[SoundAlert, ...]:
        """What was not acknowledged, the oldest first, as last told."""
        with self._lock:
            return tuple(self._open.values())

    def alert(self, alert_id: str) -> SoundAlert | None:
        """One of the last alerts, as last told."""
        with self._lock:
            return self._known.get(alert_id)

    def _take_alert(self, alert: SoundAlert) -> None:
        self._known[alert.id] = alert
        while len(self._known) > _MOST_CLOSED:
            self._known.popitem(last=False)
        if alert.id in self._closed:
            return
        self._open[alert.id] = alert
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def _close(self, alert_id: str) -> None:
        self._open.pop(alert_id, None)
        self._closed[alert_id] = None
        while len(self._closed) > _MOST_CLOSED:
            self._closed.popitem(last=False)
