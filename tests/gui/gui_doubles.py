"""A scripted application for the window: the Protocols of `everlisten.ui`, in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from alert_doubles import ALERT_SETTINGS, alert_fields
from alert_doubles import ScriptedAlerting as ScriptedAlerting

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.errors import EngineError, TimelineError
from everlisten.engine.events import (
    AlertAcknowledged,
    CaptionFinal,
    CaptionPartial,
    Decision,
    EngineEvent,
    EngineState,
    Question,
    ReplyDelta,
    ReplyFinal,
    SessionStarted,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.ui.config import UiConfig
from everlisten.ui.protocols import (
    AssistantReading,
    AssistantTask,
    DeviceChoice,
    DeviceChoices,
    HealthReading,
    SearchHit,
    SessionInfo,
    SettingField,
    SourceReading,
    SourceSelection,
)

SESSION = "s1"
START = datetime(2026, 3, 14, 10, 2, 0, tzinfo=timezone(timedelta(hours=1)))
NOT_YET = "Translation into {name} needs the big model."


def reading(source: SourceName = SourceName.MIC, **changes: Any) -> SourceReading:
    """A source that works."""
    device = "Built-in Microphone" if source is SourceName.MIC else "Speakers"
    made = SourceReading(
        source=source,
        device=device,
        rate_hz=48_000,
        channels=1 if source is SourceName.MIC else 2,
        level_db=-23.4,
        peak_db=-11.0,
        gain_db=0.0,
        condition="ok",
    )
    return replace(made, **changes)


def healthy(*sources: SourceReading, **changes: Any) -> HealthReading:
    """A listening that works."""
    made = HealthReading(
        sources=sources or (reading(),),
        lag_s=0.4,
        load=0.21,
        memory_mb=412.0,
        saved_s_ago=3.2,
        model="Whisper base",
    )
    return replace(made, **changes)


class ScriptedListening:
    """Remembers every command; says what the test puts into `queue` and `reading`."""

    def __init__(self, state: EngineState = EngineState.STOPPED) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.queue: list[EngineEvent] = []
        self.reading = HealthReading()
        self.now = state
        self.chosen = SourceSelection()
        self.spoken: str | None = None
        self.into: str | None = None
        self.every_target = False
        self.choices = DeviceChoices(
            microphones=(
                DeviceChoice(id="hw:0", name="Built-in Microphone", is_default=True),
                DeviceChoice(id="bt:1", name="Headset WH-1000"),
            ),
            systems=(DeviceChoice(id="out:0", name="Speakers", is_default=True),),
        )

    def state(self) -> EngineState:
        return self.now

    def health(self) -> HealthReading:
        return self.reading

    def drain_events(self) -> Sequence[EngineEvent]:
        events, self.queue = self.queue, []
        return events

    def start(self) -> None:
        self.calls.append(("start",))
        self.now = EngineState.LISTENING
        if not self.reading.sources:
            self.reading = healthy()

    def pause(self) -> None:
        self.calls.append(("pause",))
        self.now = EngineState.PAUSED

    def new_session(self) -> None:
        self.calls.append(("new_session",))

    def open_file(self, path: Path) -> None:
        self.calls.append(("open_file", path))

    def selection(self) -> SourceSelection:
        return self.chosen

    def select(self, selection: SourceSelection) -> None:
        self.calls.append(("select", selection))
        self.chosen = selection

    def devices(self) -> DeviceChoices:
        return self.choices

    def set_gain(self, source: SourceName, gain_db: float) -> None:
        self.calls.append(("set_gain", source, gain_db))

    def language(self) -> str | None:
        return self.spoken

    def set_language(self, language: str | None) -> None:
        self.calls.append(("set_language", language))
        self.spoken = language

    def languages(self) -> Sequence[tuple[str, str]]:
        return (
            ("ar", "Arabic"),
            ("zh", "Chinese"),
            ("en", "English"),
            ("fr", "French"),
            ("de", "German"),
            ("ja", "Japanese"),
            ("es", "Spanish"),
        )

    def target(self) -> str | None:
        return self.into

    def set_target(self, target: str | None) -> None:
        self.calls.append(("set_target", target))
        self.into = target

    def targets(self) -> Sequence[tuple[str, str, str]]:
        others = [(c, n) for c, n in self.languages() if c != "en"]
        why = "" if self.every_target else NOT_YET
        return (("en", "English", ""), *((c, n, why.format(name=n)) for c, n in others))


class ScriptedAssistance:
    """The big model's lanes in memory; `why_not` says that there is no big model."""

    def __init__(self, why_not: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.now = AssistantReading(why_not=why_not, task="warn")
        self.own: list[str] = []

    def reading(self) -> AssistantReading:
        return self.now

    def tasks(self) -> Sequence[AssistantTask]:
        presets = (
            AssistantTask(id="warn", title="Warn and help", help="Speaks up when it matters."),
            AssistantTask(id="narrate", title="Say what is heard", help="Event by event."),
            AssistantTask(id="count", title="Count a sound", help="Says the number each time."),
        )
        return (*presets, *(AssistantTask(id=text, title=text, own=True) for text in self.own))

    def _change(self, **fields: Any) -> None:
        self.calls += fields.items()
        self.now = replace(self.now, **fields)

    def set_captions(self, on: bool) -> None:
        self._change(captions=on)

    def set_task(self, id: str | None) -> None:
        self._change(task=id)

    def add_task(self, text: str) -> str:
        if not text:
            return "Write what the assistant is to do."
        self.own.append(text)
        return ""

    def delete_task(self, id: str) -> str:
        self.own.remove(id)
        if self.now.task == id:
            self._change(task="warn")
        return ""

    def set_talkativeness(self, value: float) -> None:
        self._change(talkativeness=value)

    def ask(self, text: str) -> None:
        self.calls.append(("ask", text))

    def interrupt(self) -> None:
        self.calls.append(("interrupt",))


class ScriptedFileTasks:
    """Says what it was asked to do; waits for `gate`."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.refusal = ""

    def run(self, path: Path, kind: str, text: str, language: str) -> str:
        self.gate.wait(10)
        if self.refusal:
            raise EngineError(self.refusal)
        return f"{path.name}: {kind} {text}{language}"


class ScriptedHistory:
    """Sessions in memory; `refusal` makes every call fail with that sentence."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal = ""
        self.kept: dict[str, tuple[SessionInfo, tuple[EngineEvent, ...]]] = {}
        self.found_open: tuple[SessionInfo, ...] = ()

    def add(self, id: str, title: str, events: Sequence[EngineEvent], **changes: Any) -> None:
        """Put a session on the invented disk."""
        captions = sum(isinstance(event, CaptionFinal) for event in events)
        info = SessionInfo(
            id=id, title=title, started_at=START, length_s=1_265.0, captions=captions
        )
        self.kept[id] = (replace(info, **changes), tuple(events))

    def _check(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refusal:
            raise TimelineError(self.refusal)

    def sessions(self) -> Sequence[SessionInfo]:
        self._check("sessions")
        return [info for info, _ in self.kept.values()]

    def events(self, session: str) -> Sequence[EngineEvent]:
        self._check("events", session)
        return self.kept[session][1]

    def search(self, text: str) -> Sequence[SearchHit]:
        self._check("search", text)
        words = text.lower().split()
        return [
            SearchHit(session=info, event=event.id, start_s=event.start_s, text=event.text)
            for info, events in self.kept.values()
            for event in events
            if isinstance(event, (CaptionFinal, TranslationFinal))
            and all(word in event.text.lower() for word in words)
        ]

    def rename(self, session: str, title: str) -> None:
        self._check("rename", session, title)
        info, events = self.kept[session]
        self.kept[session] = (replace(info, title=title), events)

    def delete(self, session: str) -> None:
        self._check("delete", session)
        del self.kept[session]

    def delete_all(self) -> None:
        self._check("delete_all")
        self.kept.clear()

    def export(self, session: str, path: Path) -> None:
        self._check("export", session, path)
        path.write_text(self.kept[session][0].title, encoding="utf-8")

    def recovered(self) -> Sequence[SessionInfo]:
        return self.found_open


class ScriptedSettings:
    """The window's own settings and a few more; refuses odd retention."""

    def __init__(self, config: UiConfig | None = None) -> None:
        self.config = config or UiConfig()
        self.calls: list[tuple[str, Any]] = []
        self.others: dict[str, Any] = {
            "history.keep_days": 30,
            "history.record_audio": False,
            "captions.threads": 2,
            "captions.vad": 0.5,
            "history.folder": "",
            **ALERT_SETTINGS,
        }

    def window(self) -> UiConfig:
        return self.config

    def fields(self) -> Sequence[SettingField]:
        made = [_ui_field(one, self.config) for one in fields(UiConfig) if "page" in one.metadata]
        return [*made, *self._other_fields(), *alert_fields(self.others)]

    def _other_fields(self) -> list[SettingField]:
        return [
            SettingField(
                key="captions.threads",
                title="Processor threads",
                help="More is faster, fewer leaves the computer to others.",
                page="Captions",
                value=self.others["captions.threads"],
                kind="integer",
                minimum=1,
                maximum=64,
                needs_restart=True,
            ),
            SettingField(
                key="captions.vad",
                title="Sensitivity to speech",
                help="Higher needs clearer speech before anything is captioned.",
                page="Captions",
                value=self.others["captions.vad"],
                kind="number",
                minimum=0.1,
                maximum=0.9,
            ),
            SettingField(
                key="history.keep_days",
                title="Keep sessions for",
                help="Days after which a session is deleted for good. 0 keeps everything.",
                page="History",
                value=self.others["history.keep_days"],
                kind="integer",
                maximum=3650,
            ),
            SettingField(
                key="history.record_audio",
                title="Record the audio too",
                help="FLAC files beside the captions; off by default.",
                page="History",
                value=self.others["history.record_audio"],
                kind="switch",
            ),
            SettingField(
                key="history.folder",
                title="Folder",
                help="Where sessions are kept. Empty is the usual place.",
                page="History",
                value=self.others["history.folder"],
                kind="text",
                needs_restart=True,
            ),
        ]

    def change(self, key: str, value: Any) -> str:
        self.calls.append((key, value))
        if key == "history.keep_days" and value > 365:
            return f"history.keep_days: {value} is more than 365 days; use 0 to keep everything."
        if key.startswith("ui."):
            try:
                self.config = replace(self.config, **{key.removeprefix("ui."): value})
            except ValueError as error:
                return str(error)
        else:
            self.others[key] = value
        return ""


def _ui_field(one: Any, config: UiConfig) -> SettingField:
    value, meta = getattr(config, one.name), one.metadata
    kind = "switch" if isinstance(value, bool) else "integer" if "minimum" in meta else "choice"
    return SettingField(
        key=f"ui.{one.name}",
        title=meta["title"],
        help=meta["help"],
        page=meta["page"],
        value=value,
        kind=kind,  # type: ignore[arg-type]
        minimum=meta.get("minimum", 0),
        maximum=meta.get("maximum", 0),
        choices=meta.get("choices", ()),
    )


# Events


def began(title: str = "Tuesday stand-up", at: datetime = START) -> SessionStarted:
    return SessionStarted(id="begin", session=SESSION, text=title, started_at=at.isoformat())


def partial(id: str, stable: str, unstable: str = "", **changes: Any) -> CaptionPartial:
    changes.setdefault("source", SourceName.MIC)
    return CaptionPartial(id=id, session=SESSION, stable=stable, unstable=unstable, **changes)


def final(id: str, text: str, **changes: Any) -> CaptionFinal:
    changes.setdefault("source", SourceName.MIC)
    return CaptionFinal(id=id, session=SESSION, text=text, **changes)


def translation(caption: str, text: str) -> TranslationFinal:
    return TranslationFinal(
        id=f"{caption}-en", session=SESSION, caption=caption, text=text, language="en"
    )


def translating(caption: str, stable: str, unstable: str = "") -> TranslationPartial:
    return TranslationPartial(
        id=f"{caption}-en",
        session=SESSION,
        caption=caption,
        stable=stable,
        unstable=unstable,
        language="en",
    )


def alert(id: str = "a1", **changes: Any) -> SoundAlert:
    words = {
        "label": "Smoke alarm",
        "sound": "smoke_alarm",
        "severity": "emergency",
        "advice": "Check the kitchen; leave the house if you see smoke.",
        "confidence": 0.93,
    }
    return SoundAlert(id=id, session=SESSION, source=SourceName.MIC, **{**words, **changes})


def sound(id: str, label: str, **changes: Any) -> SoundHeard:
    changes = {"source": SourceName.MIC, "sound": label, "confidence": 0.8, **changes}
    return SoundHeard(id=id, session=SESSION, label=label, **changes)


def acknowledged(id: str = "a1", how: str = "user") -> AlertAcknowledged:
    return AlertAcknowledged(id=id, session=SESSION, how=how)


def question(id: str, text: str) -> Question:
    return Question(id=id, session=SESSION, text=text)


def reply(id: str, text: str) -> ReplyFinal:
    return ReplyFinal(id=id, session=SESSION, text=text, lane="assistant")


def replying(id: str, text: str) -> ReplyDelta:
    return ReplyDelta(id=id, session=SESSION, text=text, lane="assistant")


def decided(score: float, lane: str = "assistant") -> Decision:
    return Decision(id=f"{lane}-d", session=SESSION, lane=lane, score=score, speak=score > 0.5)
