"""Alerts as the window commands them; implements `ui.alert_protocols.Alerting`."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np

from everlisten.app.alert_board import AlertBoard
from everlisten.app.alert_clips import AlertClips, read_sound
from everlisten.app.alert_config import (
    AlertConfig,
    read_ids,
    read_sensitivities,
    write_ids,
    write_sensitivities,
)
from everlisten.app.alert_kit import AlertKit
from everlisten.app.session import Session
from everlisten.app.sound_player import SoundPlayer
from everlisten.app.sound_watch import SoundWatch
from everlisten.app.taught_sounds import TaughtSounds
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.alerts.catalogue import URGENT_REPLY, words
from everlisten.engine.errors import EngineError
from everlisten.engine.events import AlertAcknowledged, EngineState
from everlisten.engine.runner import EventSink
from everlisten.ui.alert_protocols import (
    AlertReading,
    Delivery,
    Samples,
    Severity,
    SoundRow,
    TaughtDraft,
    TaughtRow,
)

NOT_LISTENING = "Start listening first."
DEAF = "Alerts are not working: nothing is listened to. Press Try again."
_LOWEST_DB = -120.0


class Listener(Protocol):
    """Has the session that listens now."""

    def session(self) -> Session | None:
        """None while nothing listens."""

    def state(self) -> EngineState:
        """Where the life-cycle stands."""


class AlertControl:
    """What the window shows of alerts, and what the user does about them.

    Args:
        kit: What alerts are made of.
        board: What is open.
        listener: Has the session.
        change: Keeps one setting; returns "" or why not.
        player: Plays clips and examples.
        clips: Keeps clips.
        taught: The sounds that the user taught.
        tell: Takes events.
    """

    def __init__(
        self,
        kit: AlertKit,
        board: AlertBoard,
        listener: Listener,
        *,
        change: Callable[[str, str | float | bool], str],
        player: SoundPlayer,
        clips: AlertClips,
        taught: TaughtSounds,
        tell: EventSink,
    ) -> None:
        self._kit = kit
        self._board = board
        self._listener = listener
        self._change = change
        self._player = player
        self._clips = clips
        self._taught = taught
        self._tell = tell
        self._recording_s: float | None = None

    # What is true now

    def reading(self) -> AlertReading:
        """A snapshot."""
        problem = self._problem()
        return AlertReading(
            enabled=self._config.enabled and self._listener.state() in _ACTIVE,
            working=not problem,
            problem=problem,
            snoozed=self._snoozed(),
            open=self._board.open(),
        )

    def delivery(self) -> Delivery:
        """The switches as they are now."""
        config = self._config
        return Delivery(
            tray=config.tray,
            tone=config.tone,
            tone_volume=config.tone_volume,
            spoken=config.spoken,
            flash=config.flash,
        )

    def sounds(self) -> Sequence[SoundRow]:
        """The catalogue, then the taught sounds."""
        config, language = self._config, self._kit.language
        off = read_ids(config.switched_off)
        sensitivity = read_sensitivities(config.sensitivities)
        ago = self._last_heard()
        rows = [
            SoundRow(
                id=entry.id,
                label=words(entry.label, language),
                severity=_severity(entry.severity),
                advice=words(entry.advice, language),
                enabled=entry.id not in off,
                sensitivity=sensitivity.get(entry.id, entry.sensitivity),
                last_heard_s_ago=ago.get(entry.id),
            )
            for entry in self._kit.entries().values()
            if entry.id != URGENT_REPLY
        ]
        rows += [
            SoundRow(
                id=sound.id,
                label=sound.name,
                severity=_severity(sound.severity),
                advice=sound.advice,
                enabled=sound.enabled,
                sensitivity=sensitivity.get(sound.id, 0.5),
                taught=True,
                last_heard_s_ago=ago.get(sound.id),
            )
            for sound in self._taught.sounds()
        ]
        return rows

    # The user's choices

    def set_enabled(self, id: str, on: bool) -> str:
        """Switch alerts about one sound."""
        if self._taught.knows(id):
            return self._taught.enable(id, on)
        off = read_ids(self._config.switched_off)
        return self._change("alerts.switched_off", write_ids(off - {id} if on else off | {id}))

    def set_sensitivity(self, id: str, value: float) -> str:
        """0 to 1."""
        values = read_sensitivities(self._config.sensitivities)
        values[id] = min(1.0, max(0.0, value))
        return self._change("alerts.sensitivities", write_sensitivities(values))

    def test(self, id: str) -> str:
        """Send an example through the real path."""
        watch = self._watch
        if watch is None or watch.hearing is None:
            return self._problem() or NOT_LISTENING
        try:
            samples = self._example(id)
        except EngineError as error:
            return str(error)
        watch.play(samples, id)
        return ""

    def acknowledge(self, alert_id: str) -> None:
        """The user knows."""
        alert = self._board.alert(alert_id)
        self._board.close(alert_id)
        watch = self._watch
        if watch is not None and watch.acknowledge(alert_id):
            return
        if alert is not None:
            # Of an earlier session, or of the big model: nobody else says so.
            self._tell(
                AlertAcknowledged(
                    id=alert.id,
                    session=alert.session,
                    source=alert.source,
                    start_s=alert.start_s,
                    end_s=alert.end_s,
                    emitted_s=alert.emitted_s,
                )
            )

    def acknowledge_all(self) -> None:
        """The user knows of everything that is open."""
        for alert in self._board.open():
            self.acknowledge(alert.id)

    def snooze(self, sound_id: str | None, minutes: float) -> None:
        """No alerts about one sound, or about any, for a while; 0 minutes ends it."""
        self._kit.snooze(sound_id, minutes)
        if minutes <= 0:
            return
        if self._watch is not None:
            self._watch.snooze(sound_id, minutes)
        for alert in self._board.open():
            if alert.sound == sound_id or (sound_id is None and alert.severity != "emergency"):
                self._board.close(alert.id)

    def not_this(self, alert_id: str) -> None:
        """It was something else."""
        self._board.close(alert_id)
        if self._watch is not None:
            self._watch.not_this(alert_id)

    # Clips

    def has_clip(self, alert_id: str) -> bool:
        """Whether the alert's sound can still be played."""
        return self._clips.path(alert_id) is not None or self._in_memory(alert_id) is not None

    def keep_clip(self, alert_id: str) -> str:
        """Keep the alert's sound on disk."""
        if self._clips.path(alert_id) is not None:
            return ""
        samples, alert = self._in_memory(alert_id), self._board.alert(alert_id)
        if samples is None or alert is None:
            return "The sound of this alert is not in memory any more."
        try:
            self._clips.keep(alert, samples)
        except EngineError as error:
            return str(error)
        return ""

    def clip(self, alert_id: str) -> Path | None:
        """The kept file."""
        return self._clips.path(alert_id)

    def play(self, alert_id: str) -> str:
        """Play the alert's sound."""
        path, samples = self._clips.path(alert_id), self._in_memory(alert_id)
        if path is None and samples is None:
            return "The sound of this alert is not in memory any more."
        self._player.cut()
        if path is not None:
            self._player.play(lambda: (read_sound(path), SAMPLE_RATE_HZ))
        elif samples is not None:
            self._player.play(lambda: (samples, SAMPLE_RATE_HZ))
        return self._player.problem

    def play_samples(self, samples: Samples) -> str:
        """Play an example."""
        sound = _numpy(samples)
        self._player.cut()
        self._player.play(lambda: (sound, SAMPLE_RATE_HZ))
        return self._player.problem

    def stop_playing(self) -> None:
        """Stop what `play` or `play_samples` began."""
        self._player.cut()

    # Teaching

    def last_seconds(self, seconds: float) -> Samples | None:
        """A copy of what was heard last."""
        watch = self._watch
        hearing = watch.hearing if watch is not None else None
        if hearing is None:
            return None
        heard = hearing.last_30_s()[-max(0, round(seconds * SAMPLE_RATE_HZ)) :]
        return _array(heard) if len(heard) else None

    def record_begin(self) -> str:
        """Begin to take an example down."""
        watch = self._watch
        if watch is None or watch.hearing is None:
            return self._problem() or NOT_LISTENING
        if self._listener.state() is EngineState.PAUSED:
            return "Listening is paused; go on first."
        self._recording_s = time.monotonic()
        return ""

    def record_level_db(self) -> float:
        """Level of the last 0.1 s or so."""
        session = self._listener.session()
        if session is None:
            return _LOWEST_DB
        heard = self._kit.sources
        levels = [
            one.level_db
            for one in session.feed.health().sources
            if one.source in heard or one.source not in ("mic", "system")
        ]
        return max(levels, default=_LOWEST_DB)

    def record_stop(self) -> Samples | None:
        """End it."""
        began_s, self._recording_s = self._recording_s, None
        return None if began_s is None else self.last_seconds(time.monotonic() - began_s)

    def read_clip(self, path: Path) -> Samples:
        """The sound of a file."""
        return _array(read_sound(path))

    def teach(
        self,
        name: str,
        severity: Severity,
        examples: Sequence[Samples],
        progress: Callable[[float], None],
    ) -> TaughtDraft:
        """Learn a sound."""
        return self._taught.teach(name, severity, [_numpy(one) for one in examples], progress)

    def save(self, draft: TaughtDraft, enabled: bool) -> None:
        """Keep what was learned."""
        self._taught.save(draft, enabled)

    def discard(self, draft: TaughtDraft) -> None:
        """Forget what was learned and not saved."""
        self._taught.discard(draft)

    def taught(self) -> Sequence[TaughtRow]:
        """The sounds that the user taught."""
        return self._taught.rows()

    def rename(self, id: str, name: str) -> str:
        """Give a taught sound another name."""
        return self._taught.rename(id, name)

    def set_taught_enabled(self, id: str, on: bool) -> str:
        """Switch a taught sound."""
        return self._taught.enable(id, on)

    def delete_taught(self, id: str) -> str:
        """Delete a taught sound and its examples."""
        return self._taught.delete(id)

    def export_taught(self, id: str, path: Path) -> str:
        """Write a taught sound as one file."""
        return self._taught.export(id, path)

    def import_taught(self, path: Path) -> str:
        """Take a taught sound over from a file."""
        return self._taught.import_file(path)

    # Within

    @property
    def _config(self) -> AlertConfig:
        return self._kit.config

    @property
    def _watch(self) -> SoundWatch | None:
        session = self._listener.session()
        watch = session.watch if session is not None else None
        return watch if isinstance(watch, SoundWatch) else None

    def _problem(self) -> str:
        if self._listener.state() is EngineState.FAILED and self._listener.session() is None:
            return DEAF
        return self._board.problem if self._listener.session() is not None else ""

    def _in_memory(self, alert_id: str) -> np.ndarray | None:
        watch = self._watch
        return watch.clip(alert_id) if watch is not None else None

    def _last_heard(self) -> dict[str, float]:
        """Seconds since each sound was last heard."""
        now_s = time.time()
        return {id: max(0.0, now_s - at_s) for id, at_s in self._kit.last_heard().items()}

    def _snoozed(self) -> str:
        return snooze_words(self._kit)

    def _example(self, id: str) -> np.ndarray:
        if self._taught.knows(id):
            return self._taught.example(id)
        source = resources.files("everlisten.assets").joinpath("sounds", "examples", f"{id}.flac")
        path = Path(str(source))
        if not path.is_file():
            raise EngineError("There is no example of this sound.")
        return read_sound(path)


_ACTIVE = frozenset(
    {EngineState.LOADING, EngineState.LISTENING, EngineState.FAILED, EngineState.STOPPING}
)
"""Else nothing is listened to, because the user wants it so."""


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


def _severity(value: str) -> Severity:
    return value if value in ("emergency", "warning") else "notice"  # type: ignore[return-value]


def _array(samples: np.ndarray) -> Samples:
    return array("f", np.asarray(samples, np.float32).tobytes())


def _numpy(samples: Samples) -> np.ndarray:
    return np.frombuffer(samples, np.float32).copy()
