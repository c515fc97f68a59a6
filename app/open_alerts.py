"""Alerts that are open, and what the user does about them."""

from __future__ import annotations

from datetime import datetime

from everlisten.app.alert_board import AlertBoard
from everlisten.app.alert_kit import AlertKit
from everlisten.app.listener import Listener, watch_of
from everlisten.engine.alerts.catalogue import words
from everlisten.engine.events import AlertAcknowledged, EngineState, SoundAlert
from everlisten.engine.runner import EventSink
from everlisten.ui.alert_protocols import AlertReading, Delivery

DEAF = "Alerts are not working: nothing is listened to. Press Try again."
_ACTIVE = frozenset(
    {EngineState.LOADING, EngineState.LISTENING, EngineState.FAILED, EngineState.STOPPING}
)
"""Else nothing is listened to, because the user wants it so."""


class OpenAlerts:
    """Implements `ui.alert_protocols.Alerts`.

    Args:
        kit: What alerts are made of.
        board: What is open.
        listener: Has the session.
        tell: Takes events.
    """

    def __init__(
        self, kit: AlertKit, board: AlertBoard, listener: Listener, tell: EventSink
    ) -> None:
        self._kit = kit
        self._board = board
        self._listener = listener
        self._tell = tell

    def reading(self) -> AlertReading:
        """A snapshot."""
        problem = self.problem()
        return AlertReading(
            enabled=self._kit.config.enabled and self._listener.state() in _ACTIVE,
            working=not problem,
            problem=problem,
            snoozed=snooze_words(self._kit),
            open=self._board.open(),
        )

    def problem(self) -> str:
        """Why alerts do not work, in a sentence; "" while they do, or nothing is to be heard."""
        if self._listener.session() is not None:
            return self._board.problem
        return DEAF if self._listener.state() is EngineState.FAILED else ""

    def delivery(self) -> Delivery:
        """The switches as they are now."""
        config = self._kit.config
        return Delivery(
            tray=config.tray,
            tone=config.tone,
            tone_volume=config.tone_volume,
            spoken=config.spoken,
            flash=config.flash,
        )

    def acknowledge(self, alert_id: str) -> None:
        """The user knows."""
        alert = self._board.alert(alert_id)
        self._board.close(alert_id)
        watch = watch_of(self._listener)
        if watch is not None and watch.acknowledge(alert_id):
            return
        if alert is not None:
            # Of an earlier session, or of the big model: nobody else says so.
            self._tell(_acknowledged(alert))

    def acknowledge_all(self) -> None:
        """The user knows of everything that is open."""
        for alert in self._board.open():
            self.acknowledge(alert.id)

    def snooze(self, sound_id: str | None, minutes: float) -> None:
        """No alerts about one sound, or about any, for a while; 0 minutes ends it."""
        self._kit.snooze(sound_id, minutes)
        if minutes <= 0:
            return
        watch = watch_of(self._listener)
        if watch is not None:
            watch.snooze(sound_id, minutes)
        for alert in self._board.open():
            if alert.sound == sound_id or (sound_id is None and alert.severity != "emergency"):
                self._board.close(alert.id)

    def not_this(self, alert_id: str) -> None:
        """It was something else."""
        self._board.close(alert_id)
        watch = watch_of(self._listener)
        if watch is not None:
            watch.not_this(alert_id)


def snooze_words(kit: AlertKit) -> str:
    """What is snoozed and until when; "" if nothing is."""
    snoozed = kit.snoozed()
    if not snoozed:
        return ""
    if None in snoozed:
        return f"All alerts but emergencies are snoozed until {_clock(snoozed[None])}."
    entries, language = kit.entries(), kit.language
    named = [
        f"{words(entries[id].label, language) if id in entries else id} until {_clock(until)}"
        for id, until in snoozed.items()
        if id is not None
    ]
    return f"Snoozed: {', '.join(named)}."


def _clock(until: datetime) -> str:
    return until.astimezone().strftime("%H:%M")


def _acknowledged(alert: SoundAlert) -> AlertAcknowledged:
    return AlertAcknowledged(
        id=alert.id,
        session=alert.session,
        source=alert.source,
        start_s=alert.start_s,
        end_s=alert.end_s,
        emitted_s=alert.emitted_s,
    )
