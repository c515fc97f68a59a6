"""Brings alerts to the user: banner, notification, flashing; and says when alerts do not work.

What is open comes from `Alerts.reading()` alone, so that nothing can be shown that was dealt with
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
from everlisten.ui.alert_protocols import AlertReading
from everlisten.ui.alert_words import alerts_trouble, severity_word
from everlisten.ui.alerting import Alerting
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.protocols import SettingField
from everlisten.ui.setting_row import Change
from everlisten.ui.sounds_page import SoundsPage
from everlisten.ui.theme import Theme
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_view import TimelineView
from everlisten.ui.tray import Tray

CARDS_EVERY_TICKS = 8
"""Twice a second while someone looks: time passes on the cards."""
CLIPS_EVERY_TICKS = 30
"""Every 2 s while someone looks: sounds leave the memory after a while."""
_TELLING = (SoundAlert, AlertAcknowledged, AlertHealth, ClipKept)


class AlertDesk(QObject):
    """Owns the banner; the window passes on events and ticks."""

    told = Signal(str)
    """A sentence for the window's banner."""
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
        self._theme = theme
        self._alerting = alerting
        self._worker: HistoryWorker | None = None
        self._tray = tray
        self._still = still
        self._told: dict[str, int] = {}
        """Level at which each open alert was told."""
        self._trouble = ""
        self._ticks = 0
        self._models: list[TimelineModel] = []
        self._reading: AlertReading | None = None
        self.banner = AlertBanner(theme, alerting.alerts, alerting.clips)
        self.banner.add_keys(window)

    @property
    def reading(self) -> AlertReading | None:
        """What was read last."""
        return self._reading

    def page(self, fields: Sequence[SettingField], change: Change) -> SoundsPage:
        """The settings page of alerts; it and its dialogs use one thread for what takes time."""
        if self._worker is None:
            self._worker = HistoryWorker(self, "teaching")
        return SoundsPage(self._theme, self._alerting, self._worker, fields, change)

    def watch(self, view: TimelineView) -> None:
        """Do what is wanted in a timeline, and tell it which sounds can be played."""
        model = view.timeline
        self._models.append(model)
        model.modelReset.connect(lambda: model.refresh_clips(self._clip_state))
        view.alert_actions.wanted.connect(self._do)

    def tick(self) -> None:
        """Called with every reading of the window."""
        self._ticks += 1
        if self._ticks % CLIPS_EVERY_TICKS == 0:
            self._refresh_clips()
        self.refresh()

    def take(self, events: Sequence[EngineEvent]) -> None:
        """Look at once if something was said about alerts."""
        if any(isinstance(event, _TELLING) for event in events):
            self.refresh()
            self._refresh_clips()

    def refresh(self) -> None:
        """Show what is open now, and tell what is new."""
        reading = self._alerting.alerts.reading()
        changed, self._reading = reading != self._reading, reading
        if changed or (reading.open and self._ticks % CARDS_EVERY_TICKS == 0):
            self.banner.show_reading(reading)
        levels = {alert.id: alert.level for alert in reading.open}
        new = [one for one in reading.open if self._told.get(one.id, -1) < one.level]
        self._told = levels
        for alert in new:
            self._tell(alert)
        flashing = self._alerting.alerts.delivery().flash and not self._still()
        self._tray.show_alerting(bool(reading.open), flashing)
        if changed:
            self._tell_trouble(alerts_trouble(reading))
            self.read.emit(reading)

    def _tell(self, alert: SoundAlert) -> None:
        delivery = self._alerting.alerts.delivery()
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

    def _do(self, action: str, alert_id: str) -> None:
        does = self._alerting.clips.play if action == "play" else self._alerting.clips.keep
        refusal = does(alert_id)
        if refusal:
            self.told.emit(refusal)
        self._refresh_clips()

    def _refresh_clips(self) -> None:
        for model in self._models:
            model.refresh_clips(self._clip_state)

    def _clip_state(self, alert_id: str) -> str:
        if self._alerting.clips.path(alert_id) is not None:
            return "kept"
        return "there" if self._alerting.clips.has(alert_id) else ""

    def close(self) -> None:
        """The window ends."""
        self._tray.show_alerting(False, False)
        self.banner.hide()
        if self._worker is not None:
            self._worker.close()
