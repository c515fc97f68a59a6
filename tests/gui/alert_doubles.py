"""Alerting in memory, for the window: what it was asked to do, and what the test lets it say."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import pi, sin
from pathlib import Path
from typing import Any

from everlisten.engine.errors import EngineError
from everlisten.engine.events import SoundAlert
from everlisten.ui.alert_protocols import (
    SAMPLE_RATE_HZ,
    AlertReading,
    Delivery,
    Estimate,
    Samples,
    Severity,
    SoundRow,
    TaughtDraft,
    TaughtRow,
)
from everlisten.ui.protocols import SettingField

ROWS = (
    SoundRow(id="smoke_alarm", label="Smoke alarm", severity="emergency", last_heard_s_ago=190.0),
    SoundRow(id="co_alarm", label="Carbon-monoxide alarm", severity="emergency"),
    SoundRow(id="siren", label="Siren", severity="warning", last_heard_s_ago=86_400.0 * 3),
    SoundRow(id="glass_breaking", label="Glass breaking", severity="emergency"),
    SoundRow(id="baby_crying", label="Baby crying", severity="warning", sensitivity=0.8),
    SoundRow(id="dog_barking", label="Dog barking", severity="notice", last_heard_s_ago=20.0),
    SoundRow(id="door_knock", label="Knock on the door", severity="notice"),
    SoundRow(id="doorbell", label="Doorbell", severity="notice", last_heard_s_ago=5 * 3_600.0),
    SoundRow(id="snoring", label="Snoring", severity="notice", enabled=False),
    SoundRow(id="taught-1", label="Our washing machine", severity="notice", taught=True),
)
TAUGHT = (
    TaughtRow(
        id="taught-1",
        name="Our washing machine",
        examples=5,
        estimate=Estimate(found=4, examples=5, false_alarms_per_hour=0.3, background_s=600.0).words,
    ),
)

ALERT_SETTINGS = {
    "alerts.enabled": True,
    "alerts.source": "mic",
    "alerts.narrate": True,
    "alerts.quiet_from": "",
    "alerts.quiet_to": "",
    "alerts.tray": True,
    "alerts.flash": True,
    "alerts.tone": True,
    "alerts.tone_volume": 0.8,
    "alerts.spoken": False,
}
_TITLES = {
    "alerts.enabled": ("Warn about sounds", "Smoke alarms, crying, the doorbell and others."),
    "alerts.source": ("Alerts listen to", "A siren in a film is no emergency."),
    "alerts.narrate": ("Write down other sounds", "In brackets, such as [music] or [laughter]."),
    "alerts.tray": ("Notification", "A desktop notification for every alert."),
    "alerts.flash": ("Flash", "The window and its entry in the task bar flash."),
    "alerts.tone": ("Tone", "Louder each time that an emergency is repeated."),
    "alerts.tone_volume": ("Volume of the tone", "From 0 to 1."),
    "alerts.spoken": ("Say it", "This computer's voice says the alert."),
}
_KINDS = {bool: "switch", float: "number", str: "text"}
_SOURCES = (("mic", "Microphone"), ("system", "Computer sound"), ("both", "Both"))


def alert_fields(values: dict[str, Any]) -> list[SettingField]:
    """The settings of alerts as the application describes them."""
    return [
        SettingField(
            key=key,
            title=_TITLES.get(key, (key, ""))[0],
            help=_TITLES.get(key, (key, ""))[1],
            page="Sounds",
            value=values[key],
            kind="choice" if key == "alerts.source" else _KINDS[type(values[key])],
            maximum=1.0,
            choices=_SOURCES if key == "alerts.source" else (),
        )
        for key in ALERT_SETTINGS
    ]


def tone(seconds: float, at_s: float = 0.0, for_s: float = 99.0) -> Samples:
    """Pulses of 0.15 s in silence, so that a waveform has something to show."""
    count = int(seconds * SAMPLE_RATE_HZ)
    first = min(count, int(at_s * SAMPLE_RATE_HZ))
    last = min(count, int((at_s + for_s) * SAMPLE_RATE_HZ))
    pulses = (PULSE * ((last - first) // len(PULSE) + 1))[: last - first]
    return _silence(first) + pulses + _silence(count - last)


def _silence(samples: int) -> Samples:
    return array("f", bytes(4 * samples))


PULSE: Samples = array(
    "f", (0.6 * sin(2 * pi * 440 * n / SAMPLE_RATE_HZ) * sin(pi * n / 2_400) for n in range(2_400))
)


class ScriptedAlerting:
    """Remembers every command; acknowledged alerts go away at once, as in the application."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.now = AlertReading()
        self.ways = Delivery()
        self.rows = list(ROWS)
        self.own = list(TAUGHT)
        self.clips: set[str] = set()
        self.kept: dict[str, Path] = {}
        self.refusal = ""
        self.level_db = -24.0
        self.heard: Samples | None = None
        self.recorded: Samples | None = None
        self.estimate = Estimate(found=0, examples=5, false_alarms_per_hour=0.3, background_s=600.0)
        self.gate = threading.Event()
        self.gate.set()

    def show(self, *alerts: SoundAlert) -> None:
        """These are open now, those with the same id as they are given here."""
        new = {alert.id: alert for alert in alerts}
        kept = [new.pop(alert.id, alert) for alert in self.now.open]
        self.now = replace(self.now, open=(*kept, *new.values()))
        self.clips |= {alert.id for alert in alerts}

    def _close(self, *ids: str) -> None:
        left = tuple(alert for alert in self.now.open if alert.id not in ids)
        self.now = replace(self.now, open=left)

    def reading(self) -> AlertReading:
        return self.now

    def delivery(self) -> Delivery:
        return self.ways

    def sounds(self) -> Sequence[SoundRow]:
        return self.rows

    def _set(self, id: str, **fields: Any) -> str:
        self.calls += [(name, id, value) for name, value in fields.items()]
        if not self.refusal:
            self.rows = [replace(row, **fields) if row.id == id else row for row in self.rows]
        return self.refusal

    def set_enabled(self, id: str, on: bool) -> str:
        return self._set(id, enabled=on)

    def set_sensitivity(self, id: str, value: float) -> str:
        return self._set(id, sensitivity=value)

    def test(self, id: str) -> str:
        self.calls.append(("test", id))
        return self.refusal

    def acknowledge(self, alert_id: str) -> None:
        self.calls.append(("acknowledge", alert_id))
        self._close(alert_id)

    def acknowledge_all(self) -> None:
        self.calls.append(("acknowledge_all",))
        self.now = replace(self.now, open=())

    def snooze(self, sound_id: str | None, minutes: float) -> None:
        self.calls.append(("snooze", sound_id, minutes))
        ids = [
            one.id
            for one in self.now.open
            if one.sound == sound_id or (sound_id is None and one.severity != "emergency")
        ]
        self._close(*ids)
        snoozed = "All alerts are snoozed until 14:35." if minutes else ""
        self.now = replace(self.now, snoozed=snoozed)

    def not_this(self, alert_id: str) -> None:
        self.calls.append(("not_this", alert_id))
        self._close(alert_id)

    def has_clip(self, alert_id: str) -> bool:
        return alert_id in self.clips

    def keep_clip(self, alert_id: str) -> str:
        self.calls.append(("keep_clip", alert_id))
        if not self.refusal:
            self.kept[alert_id] = Path(f"/clips/{alert_id}.flac")
        return self.refusal

    def clip(self, alert_id: str) -> Path | None:
        return self.kept.get(alert_id)

    def play(self, alert_id: str) -> str:
        self.calls.append(("play", alert_id))
        return self.refusal

    def play_samples(self, samples: Samples) -> str:
        self.calls.append(("play_samples", len(samples)))
        return self.refusal

    def stop_playing(self) -> None:
        self.calls.append(("stop_playing",))

    def last_seconds(self, seconds: float) -> Samples | None:
        return self.heard

    def record_begin(self) -> str:
        self.calls.append(("record_begin",))
        return self.refusal

    def record_level_db(self) -> float:
        return self.level_db

    def record_stop(self) -> Samples | None:
        self.calls.append(("record_stop",))
        return self.recorded

    def read_clip(self, path: Path) -> Samples:
        if path.suffix == ".txt":
            raise EngineError(f"{path.name} is not a sound file.")
        return tone(2.0)

    def teach(
        self,
        name: str,
        severity: Severity,
        examples: Sequence[Samples],
        progress: Callable[[float], None],
    ) -> TaughtDraft:
        self.calls.append(("teach", name, severity, len(examples)))
        progress(0.4)
        self.gate.wait(10)
        progress(0.9)
        if self.refusal:
            raise EngineError(self.refusal)
        return TaughtDraft(
            id="taught-9",
            name=name,
            severity=severity,
            estimate=replace(self.estimate, found=len(examples) - 1, examples=len(examples)),
        )

    def save(self, draft: TaughtDraft, enabled: bool) -> None:
        self.calls.append(("save", draft.name, enabled))
        row = TaughtRow(
            id=draft.id,
            name=draft.name,
            enabled=enabled,
            examples=draft.estimate.examples,
            estimate=draft.estimate.words,
            severity=draft.severity,
        )
        self.own.append(row)

    def discard(self, draft: TaughtDraft) -> None:
        self.calls.append(("discard", draft.name))

    def taught(self) -> Sequence[TaughtRow]:
        return self.own

    def _set_own(self, id: str, **fields: Any) -> str:
        self.calls += [(name, id, value) for name, value in fields.items()]
        if not self.refusal:
            self.own = [replace(row, **fields) if row.id == id else row for row in self.own]
        return self.refusal

    def rename(self, id: str, name: str) -> str:
        return self._set_own(id, name=name)

    def set_taught_enabled(self, id: str, on: bool) -> str:
        return self._set_own(id, enabled=on)

    def delete_taught(self, id: str) -> str:
        self.calls.append(("delete", id))
        self.own = [row for row in self.own if row.id != id]
        return self.refusal

    def export_taught(self, id: str, path: Path) -> str:
        self.calls.append(("export", id, path))
        return self.refusal

    def import_taught(self, path: Path) -> str:
        self.calls.append(("import", path))
        if not self.refusal:
            self.own.append(TaughtRow(id="taught-7", name="Neighbour's gate", examples=4))
        return self.refusal
