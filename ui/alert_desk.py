"""Brings alerts to the user: banner, notification, flashing; and says when alerts do not work.

What is open comes from `Alerting.reading()` alone, so that nothing can be shown that was dealt with
elsewhere; events only say that it is time to look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from everlisten.engine.events import (
    AlertAcknowledged,
    AlertHealth,
    ClipKept,
    EngineEvent,
    SoundAlert,
)
from everlisten.ui.alert_banner import AlertBanner
from everlisten.ui.alert_protocols import Alerting, AlertReading
from everlisten.ui.alert_words import alerts_trouble, severity_word
from everlisten.ui.theme import Theme
from everlisten.ui.tray import Tray

_TELLING = (SoundAlert, AlertAcknowledged, AlertHealth, ClipKept)


class AlertDesk(QObject):
    """Owns the banner; the window passes on events and ticks."""

    read = Signal(object)
    """An `AlertReading` that differs from the one before."""

    def __init__(
        self,
        window: QWidget,
        theme: Theme,
        alerting: Alerting,
        tray: Tray,
        still: Callable[[], bool],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._alerting = alerting
        self._tray = tray
        self._still = still
        self._told: dict[str, int] = {}
        """Level at which each open alert was told."""
        self._trouble = ""
        self._reading: AlertReading | None = None
        self.banner = AlertBanner(theme, alerting)
        self.banner.add_keys(window)

    @property
    def reading(self) -> AlertReading | None:
        """What was read last."""
        return self._reading

    def take(self, events: Sequence[EngineEvent]) -> None:
        """Look at once if something was said about alerts."""
        if any(isinstance(event, _TELLING) for event in events):
            self.refresh()

    def refresh(self) -> None:
        """Show what is open now, and tell what is new."""
        reading = self._alerting.reading()
        changed, self._reading = reading != self._reading, reading
        if changed or reading.open:
            self.banner.show_reading(reading)
        levels = {alert.id: alert.level for alert in reading.open}
        new = [one for one in reading.open if self._told.get(one.id, -1) < one.level]
        self._told = levels
        for alert in new:
            self._tell(alert)
        flashing = self._alerting.delivery().flash and not self._still()
        self._tray.show_alerting(bool(reading.open), flashing)
        if changed:
            self._tell_trouble(alerts_trouble(reading))
            self.read.emit(reading)

    def _tell(self, alert: SoundAlert) -> None:
        delivery = self._alerting.delivery()
        self.banner.tell(alert, moving=delivery.flash and not self._still())
        if delivery.tray:
            title = alert.label
            if alert.level:
                title = f"{severity_word(alert.severity)}, told again: {alert.label}"
            self._tray.notify(
                alert.advice or f"{alert.label} was heard.", title, alert.severity == "emergency"
            )
        if delivery.flash:
            QApplication.alert(self._window)

    def _tell_trouble(self, trouble: str) -> None:
        """Once when alerts stop working, whether or not the window is in sight."""
        if trouble and not self._trouble:
            self._tray.notify(trouble, grave=True)
        self._trouble = trouble

    def close(self) -> None:
        """The window ends."""
        self._tray.show_alerting(False, False)
        self.banner.hide()
