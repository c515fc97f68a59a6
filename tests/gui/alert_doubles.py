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
from everlisten.ui.alert_protocols import AlertReading, Delivery, Severity, SoundRow
from everlisten.ui.alerting import Alerting
from everlisten.ui.protocols import SettingField
from everlisten.ui.teaching_protocols import (
    SAMPLE_RATE_HZ,
    Estimate,
    Samples,
    TaughtDraft,
    TaughtRow,
)

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
    """What the parts of alerting remember of every command, and what they say.

    Acknowledged alerts go away at once, as in the application.
    """

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
        self.parts = Alerting(
            alerts=ScriptedAlerts(self),
            clips=ScriptedClips(self),
            sounds=ScriptedSwitches(self),
            taught=ScriptedTaught(self),
            examples=ScriptedExamples(self),
        )

    def show(self, *alerts: SoundAlert) -> None:
        """These are open now, those with the same id as they are given here."""
        new = {alert.id: alert for alert in alerts}
        kept = [new.pop(alert.id, alert) for alert in self.now.open]
        self.now = replace(self.now, open=(*kept, *new.values()))
        self.clips |= {alert.id for alert in alerts}

    def close(self, *ids: str) -> None:
        """These are open no longer."""
        left = tuple(alert for alert in self.now.open if alert.id not in ids)
        self.now = replace(self.now, open=left)


class ScriptedAlerts:
    def __init__(self, script: ScriptedAlerting) -> None:
        self._script = script

    def reading(self) -> AlertReading:
        return self._script.now

    def delivery(self) -> Delivery:
        return self._script.ways

    def acknowledge(self, alert_id: str) -> None:
        self._script.calls.append(("acknowledge", alert_id))
        self._script.close(alert_id)

    def acknowledge_all(self) -> None:
        self._script.calls.append(("acknowledge_all",))
        self._script.close(*(one.id for one in self._script.now.open))

    def snooze(self, sound_id: str | None, minutes: float) -> None:
        self._script.calls.append(("snooze", sound_id, minutes))
        ids = [
            one.id
            for one in self._script.now.open
            if one.sound == sound_id or (sound_id is None and one.severity != "emergency")
        ]
        self._script.close(*ids)
        snoozed = "All alerts are snoozed until 14:35." if minutes else ""
        self._script.now = replace(self._script.now, snoozed=snoozed)

    def not_this(self, alert_id: str) -> None:
        self._script.calls.append(("not_this", alert_id))
        self._script.close(alert_id)


class ScriptedClips:
    def __init__(self, script: ScriptedAlerting) -> None:
        self._script = script

    def has(self, alert_id: str) -> bool:
        return alert_id in self._script.clips

    def path(self, alert_id: str) -> Path | None:
        return self._script.kept.get(alert_id)

    def keep(self, alert_id: str) -> str:
        self._script.calls.append(("keep_clip", alert_id))
        if not self._script.refusal:
            self._script.kept[alert_id] = Path(f"/clips/{alert_id}.flac")
        return self._script.refusal

    def play(self, alert_id: str) -> str:
        self._script.calls.append(("play", alert_id))
        return self._script.refusal


class ScriptedSwitches:
    def __init__(self, script: ScriptedAlerting) -> None:
        self._script = script

    def rows(self) -> Sequence[SoundRow]:
        return self._script.rows

    def _set(self, id: str, **fields: Any) -> str:
        script = self._script
        script.calls += [(name, id, value) for name, value in fields.items()]
        if not script.refusal:
            script.rows = [replace(row, **fields) if row.id == id else row for row in script.rows]
        return script.refusal

    def set_enabled(self, id: str, on: bool) -> str:
        return self._set(id, enabled=on)

    def set_sensitivity(self, id: str, value: float) -> str:
        return self._set(id, sensitivity=value)

    def test(self, id: str) -> str:
        self._script.calls.append(("test", id))
        return self._script.refusal


class ScriptedExamples:
    def __init__(self, script: ScriptedAlerting) -> None:
        self._script = script

    def last_seconds(self, seconds: float) -> Samples | None:
        return self._script.heard

    def record_begin(self) -> str:
        self._script.calls.append(("record_begin",))
        return self._script.refusal

    def record_level_db(self) -> float:
        return self._script.level_db

    def record_stop(self) -> Samples | None:
        self._script.calls.append(("record_stop",))
        return self._script.recorded

    def read_file(self, path: Path) -> Samples:
        if path.suffix == ".txt":
            raise EngineError(f"{path.name} is not a sound file.")
        return tone(2.0)

    def play(self, samples: Samples) -> str:
        self._script.calls.append(("play_samples", len(samples)))
        return self._script.refusal

    def stop_playing(self) -> None:
        self._script.calls.append(("stop_playing",))


class ScriptedTaught:
    def __init__(self, script: ScriptedAlerting) -> None:
        self._script = script

    def rows(self) -> Sequence[TaughtRow]:
        return self._script.own

    def teach(
        self,
        name: str,
        severity: Severity,
        examples: Sequence[Samples],
        progress: Callable[[float], None],
    ) -> TaughtDraft:
        script = self._script
        script.calls.append(("teach", name, severity, len(examples)))
        progress(0.4)
        script.gate.wait(10)
        progress(0.9)
        if script.refusal:
            raise EngineError(script.refusal)
        return TaughtDraft(
            id="taught-9",
            name=name,
            severity=severity,
            estimate=replace(script.estimate, found=len(examples) - 1, examples=len(examples)),
        )

    def save(self, draft: TaughtDraft, enabled: bool) -> None:
        self._script.calls.append(("save", draft.name, enabled))
        row = TaughtRow(
            id=draft.id,
            name=draft.name,
            enabled=enabled,
            examples=draft.estimate.examples,
            estimate=draft.estimate.words,
            severity=draft.severity,
        )
        self._script.own.append(row)

    def discard(self, draft: TaughtDraft) -> None:
        self._script.calls.append(("discard", draft.name))

    def _set(self, id: str, **fields: Any) -> str:
        script = self._script
        script.calls += [(name, id, value) for name, value in fields.items()]
        if not script.refusal:
            script.own = [replace(row, **fields) if row.id == id else row for row in script.own]
        return script.refusal

    def rename(self, id: str, name: str) -> str:
        return self._set(id, name=name)

    def enable(self, id: str, on: bool) -> str:
        return self._set(id, enabled=on)

    def delete(self, id: str) -> str:
        self._script.calls.append(("delete", id))
        self._script.own = [row for row in self._script.own if row.id != id]
        return self._script.refusal

    def export(self, id: str, path: Path) -> str:
        self._script.calls.append(("export", id, path))
        return self._script.refusal

    def import_file(self, path: Path) -> str:
        self._script.calls.append(("import", path))
        if not self._script.refusal:
            self._script.own.append(TaughtRow(id="taught-7", name="Neighbour's gate", examples=4))
        return self._script.refusal
