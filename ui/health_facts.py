"""What the health line says, made from a reading; knows no widgets.

Every sentence and number comes from what was measured; nothing is assumed to be fine.
"""

from __future__ import annotations

from dataclasses import dataclass

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineState
from everlisten.ui.alert_protocols import AlertReading
from everlisten.ui.alert_words import alerts_fact, alerts_trouble
from everlisten.ui.level_meter import decibels, gain, level_and_peak
from everlisten.ui.protocols import HealthReading, SourceReading

SLOW_LAG_S = 5.0
"""Captions this far behind are a problem worth a sentence."""
SOURCE_TITLES = {
    SourceName.MIC: "Microphone",
    SourceName.SYSTEM: "Computer sound",
    SourceName.FILE: "File",
}
AWAY = ("opening", "waiting", "denied", "failed")
"""A source in one of these conditions gives no sound: it has no level, not even silence."""
_STATES = {
    EngineState.STOPPED: "Not listening",
    EngineState.LOADING: "Getting ready",
    EngineState.READY: "Ready",
    EngineState.LISTENING: "Listening",
    EngineState.PAUSED: "Paused",
    EngineState.STOPPING: "Stopping",
    EngineState.FAILED: "Stopped after an error",
}
_FALLBACKS = {
    "opening": "{name} is being opened.",
    "waiting": "Waiting for {name}.",
    "silent": "{name} gives only silence: muted?",
    "denied": "Everlisten may not use {name}: allow it in the system's privacy settings.",
    "failed": "{name} failed: choose another device.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """`icon` and `color` name an icon and a theme colour; `facts` come in order of importance."""

    sentence: str
    icon: str
    color: str
    problem: bool
    facts: tuple[str, ...]


def health_facts(
    state: EngineState, reading: HealthReading, alerts: AlertReading | None = None
) -> HealthFacts:
    """The line at the bottom of the window; `alerts` is None where there are none."""
    listening_trouble = problem(state, reading)
    trouble = listening_trouble or alerts_trouble(alerts)
    facts = _facts(state, reading, alerts)
    if trouble:
        grave = (
            not listening_trouble
            or state is EngineState.FAILED
            or any(one.condition in ("denied", "failed") for one in reading.sources)
        )
        return HealthFacts(
            sentence=trouble,
            icon="error" if grave else "warning",
            color="danger" if grave else "warning",
            problem=True,
            facts=facts,
        )
    icon = {EngineState.LISTENING: "ear", EngineState.PAUSED: "pause"}.get(state, "info")
    color = "ok" if state is EngineState.LISTENING else "secondary"
    return HealthFacts(
        sentence=_state(state, reading), icon=icon, color=color, problem=False, facts=facts
    )


def _state(state: EngineState, reading: HealthReading) -> str:
    files = [one for one in reading.sources if one.source is SourceName.FILE]
    return "Captioning a file" if files and state is EngineState.LISTENING else _STATES[state]


def problem(state: EngineState, reading: HealthReading) -> str:
    """One plain sentence if something is wrong, else nothing."""
    if reading.problem:
        return reading.problem
    if state in (EngineState.LISTENING, EngineState.FAILED):
        for one in reading.sources:
            if one.condition not in ("ok", "opening"):
                return sentence_of(one)
    if state is EngineState.FAILED:
        return "Listening stopped after an error. Press Try again."
    if state is EngineState.LISTENING and reading.lag_s >= SLOW_LAG_S:
        return f"Captions are {reading.lag_s:.0f} s behind: this computer is busy."
    return ""


def sentence_of(one: SourceReading) -> str:
    """What is the matter with a source, in plain words; nothing if it is well."""
    if one.condition == "ok":
        return ""
    name = one.device or SOURCE_TITLES[one.source].lower()
    return one.sentence or _FALLBACKS[one.condition].format(name=name)


def _facts(
    state: EngineState, reading: HealthReading, alerts: AlertReading | None
) -> tuple[str, ...]:
    facts = [reading.note] if reading.note else []
    if alerts is not None and state is EngineState.LISTENING:
        facts.append(alerts_fact(alerts))
    if state is EngineState.LISTENING:
        for one in reading.sources:
            if one.condition not in AWAY:
                facts.append(f"{one.device} {decibels(one.level_db)}")
        facts.append(f"lag {reading.lag_s:.1f} s")
    if reading.sources or reading.dropped:
        facts.append(f"dropped {reading.dropped}")
    if reading.saved_s_ago is not None:
        facts.append(f"saved {_ago(reading.saved_s_ago)}")
    if reading.recording:
        facts.append("recording audio")
    open_sources = [one for one in reading.sources if one.condition not in AWAY]
    facts += [rate for one in open_sources if (rate := _rate(one))]
    if reading.model:
        facts.append(reading.model)
    return tuple(dict.fromkeys(facts))


def details(
    state: EngineState, reading: HealthReading, alerts: AlertReading | None = None
) -> tuple[tuple[str, str], ...]:
    """(title, value) pairs of the popover."""
    rows = [("State", _state(state, reading))]
    if alerts is not None:
        said = alerts_trouble(alerts) or (alerts.snoozed if alerts.enabled else "off")
        rows.append(("Alerts", said or "working"))
    for one in reading.sources:
        said = sentence_of(one) or "working"
        rows.append((SOURCE_TITLES[one.source], f"{one.device}: {said}"))
        if one.condition in AWAY:
            continue
        level = level_and_peak(one.level_db, one.peak_db)
        rows.append(("Level", f"{level}, gain {gain(one.gain_db)}"))
        rows.append(("Rate", f"{_rate(one)}, {_channels(one.channels)}"))
    rows += [
        ("Behind", f"{reading.lag_s:.1f} s"),
        ("Dropped", "nothing" if not reading.dropped else f"{reading.dropped} pieces of 0.4 s"),
        ("Overflows", str(reading.overflows)),
        ("Last saved", "nothing yet" if reading.saved_s_ago is None else _ago(reading.saved_s_ago)),
        ("Recording audio", "yes" if reading.recording else "no"),
        ("Model", reading.model or "none"),
        *([("Meanwhile", reading.note)] if reading.note else []),
        ("Load", f"{reading.load * 100:.0f} % of real time"),
        ("Memory", f"{reading.memory_mb:.0f} MB"),
    ]
    return tuple(rows)


def _rate(one: SourceReading) -> str:
    return f"{one.rate_hz / 1000:g} kHz" if one.rate_hz else ""


def _channels(count: int) -> str:
    return {1: "mono", 2: "stereo"}.get(count, f"{count} channels")


def _ago(seconds: float) -> str:
    if seconds < 2:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
