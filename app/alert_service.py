"""Puts together what the window needs for alerts, and ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from everlisten.app.alert_board import AlertBoard
from everlisten.app.alert_clips import AlertClips, ClipKeeper
from everlisten.app.alert_delivery import AlertDelivery
from everlisten.app.clip_playback import ClipPlayback
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment
from everlisten.app.example_source import ExampleSource
from everlisten.app.listener import watch_of
from everlisten.app.open_alerts import OpenAlerts
from everlisten.app.settings import AppSettings
from everlisten.app.sound_player import SoundPlayer
from everlisten.app.sound_switches import SoundSwitches
from everlisten.app.taught_renewal import TaughtRenewal
from everlisten.app.taught_sounds import TaughtSounds
from everlisten.engine.events import EngineEvent, EngineFailed
from everlisten.ui.alerting import Alerting


@contextmanager
def alert_service(
    equipment: Equipment, settings: AppSettings, controller: Controller, *, audible: bool = True
) -> Iterator[Alerting]:
    """Alerts for one window.

    Args:
        equipment: Tells every event of a session before it is kept.
        settings: Keep the user's switches.
        controller: Has the session.
        audible: Whether alerts sound at all; nobody hears a window that nobody sees.
    """
    kit, board = equipment.alerts, AlertBoard()

    def tell_trouble(sentence: str) -> None:
        session = controller.session()
        id = session.id if session is not None else ""
        equipment.writer.put(EngineFailed(id="alerts", session=id, text=sentence))

    def heard(from_s: float, until_s: float) -> None:
        equipment.own_voice.add(from_s, until_s)
        if (listening := watch_of(controller)) is not None:
            listening.mute(until_s)

    def send_taught() -> None:
        if (listening := watch_of(controller)) is not None:
            listening.send(kit.taught_command())

    def taught_changed() -> None:
        # In the thread that also begins sound threads, so that none begins with what was before.
        controller.later(send_taught)

    player = SoundPlayer(heard, tell_trouble)
    delivery = AlertDelivery(player, lambda: kit.config, lambda: kit.language, tell_trouble)
    renewal = TaughtRenewal(kit, taught_changed)
    clips = AlertClips(equipment.store.recordings, equipment.tell)
    taught = TaughtSounds(kit, renewal, taught_changed)
    alerts = OpenAlerts(kit, board, controller, equipment.tell)
    playback = ClipPlayback(clips, board, controller, player)
    alerting = Alerting(
        alerts=alerts,
        clips=playback,
        sounds=SoundSwitches(
            kit, taught, controller, change=settings.change, problem=alerts.problem
        ),
        taught=taught,
        examples=ExampleSource(kit, controller, player, alerts.problem),
    )
    keeper = ClipKeeper(
        lambda id: playback.keep(id) if playback.has(id) else "",
        lambda: equipment.config.timeline.record_audio,
        controller.later,
        tell_trouble,
    )

    def take(event: EngineEvent) -> None:
        board.take(event)
        kit.heard(event)
        keeper.take(event)
        if audible:
            delivery.deliver(event)

    player.start()
    renewal.start()
    equipment.on_event = take
    try:
        yield alerting
    finally:
        equipment.on_event = lambda event: None
        renewal.stop()
        player.stop()
