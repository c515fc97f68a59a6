"""What the window needs from the rest of the program, stated as Protocols; `app` wires them.

Nothing here waits: commands are queued to a thread of the application, readings are snapshots.
Only `History` and `Settings.change` touch the disk; the window calls `History` from its worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineEvent, EngineState
from everlisten.engine.timeline.records import SearchHit as SearchHit
from everlisten.engine.timeline.records import SessionInfo as SessionInfo
from everlisten.ui.config import UiConfig

SourceMode = Literal["mic", "system", "both"]
SourceCondition = Literal["ok", "opening", "waiting", "silent", "denied", "failed"]
DEFAULT_DEVICE = ""
"""Device id that follows the system's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoice:
    """One entry of the device picker."""

    id: str
    name: str
    is_default: bool = False
    hint: str = ""
    """A sentence for devices that need something first (a loopback driver on macOS); else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoices:
    """Everything that can be listened to now."""

    microphones: tuple[DeviceChoice, ...] = ()
    systems: tuple[DeviceChoice, ...] = ()
    system_hint: str = ""
    """Why the computer's own sound cannot be captured, with the way out; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSelection:
    """The user's choice; a device id of "" follows the system's default."""

    mode: SourceMode = "mic"
    microphone: str = DEFAULT_DEVICE
    system: str = DEFAULT_DEVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """One source now: its meter and its condition."""

    source: SourceName
    device: str
    rate_hz: int
    channels: int
    level_db: float
    """RMS of the last 0.1 s or so, dBFS; -120 for digital silence."""
    peak_db: float
    gain_db: float
    condition: SourceCondition
    sentence: str = ""
    """Plain words for every condition but ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReading:
    """What the health line shows; every number is measured, none assumed."""

    sources: tuple[SourceReading, ...] = ()
    lag_s: float = 0.0
    load: float = 0.0
    memory_mb: float = 0.0
    dropped: int = 0
    overflows: int = 0
    saved_s_ago: float | None = None
    """Seconds since the last final event was committed; None before the first."""
    recording: bool = False
    problem: str = ""
    model: str = ""
    note: str = ""
    """What goes on beside listening, such as the loading of the big model; "" if nothing does."""


class Listening(Protocol):
    """The session that listens now."""

    def state(self) -> EngineState:
        """Where the life-cycle stands."""

    def health(self) -> HealthReading:
        """A snapshot; cheap, called several times a second."""

    def drain_events(self) -> Sequence[EngineEvent]:
        """Every event since the last call, oldest first; never blocks."""

    def start(self) -> None:
        """Begin a session, or go on after a pause."""

    def pause(self) -> None:
        """Stop capturing; the session stays open."""

    def new_session(self) -> None:
        """End the current session and begin another."""

    def open_file(self, path: Path) -> None:
        """Caption a file in a session of its own, at real-time pace."""

    def selection(self) -> SourceSelection:
        """The user's choice of sources."""

    def select(self, selection: SourceSelection) -> None:
        """Listen to other sources; the session goes on."""

    def devices(self) -> DeviceChoices:
        """The last known devices; refreshed in the background."""

    def set_gain(self, source: SourceName, gain_db: float) -> None:
        """Amplify one source, -20 to +30 dB."""

    def language(self) -> str | None:
        """The spoken language that the user fixed; None detects it."""

    def set_language(self, language: str | None) -> None:
        """Fix the spoken language (ISO 639-1), or detect it for each utterance."""

    def languages(self) -> Sequence[tuple[str, str]]:
        """(code, English name) of every language that can be captioned."""

    def target(self) -> str | None:
        """Target language of the translation; None is off."""

    def set_target(self, target: str | None) -> None:
        """Translate into `target`, or switch translation off."""

    def targets(self) -> Sequence[tuple[str, str, str]]:
        """(code, name, why not) of every target; "why not" is empty where it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantTask:
    """Something that the assistant can be told to do."""

    id: str
    """Of a preset; the user's own texts are their own ids."""
    title: str
    help: str = ""
    own: bool = False
    """The user wrote it and can delete it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantReading:
    """What the big model does now, and whether it is there to do it."""

    why_not: str = "The assistant needs the big model: choose it in the settings under Model."
    """One sentence; "" while the big model is in use."""
    captions: bool = True
    task: str | None = None
    """Id of what the assistant does; None while it is off."""
    talkativeness: float = 0.0
    """-1 (rarely) to 1 (readily)."""


class Assistance(Protocol):
    """The big model's lanes. Nothing here waits but `add_task` and `delete_task`, which save."""

    def reading(self) -> AssistantReading:
        """A snapshot; cheap."""

    def tasks(self) -> Sequence[AssistantTask]:
        """What the assistant can be told: the presets, then the user's own texts."""

    def set_captions(self, on: bool) -> None:
        """Write captions, or not."""

    def set_task(self, id: str | None) -> None:
        """Tell the assistant what to do; None switches it off."""

    def add_task(self, text: str) -> str:
        """Keep a text of the user's own; returns "" or one sentence saying why not."""

    def delete_task(self, id: str) -> str:
        """Forget a text of the user's own; returns "" or one sentence saying why not."""

    def set_talkativeness(self, value: float) -> None:
        """Let the assistant speak more readily (to 1) or more rarely (to -1)."""

    def ask(self, text: str) -> None:
        """Put a typed question; the answer comes as a reply."""

    def interrupt(self) -> None:
        """Break off the running reply."""


FileTaskKind = Literal["asr", "translate", "question"]


class FileTasks(Protocol):
    """Work on a whole recording instead of listening to it. Needs the big model."""

    def run(self, path: Path, kind: FileTaskKind, text: str, language: str) -> str:
        """Transcribe, translate into `language`, or answer the question `text`; takes a while.

        Errors are `EngineError` with a plain sentence.
        """


class History(Protocol):
    """Everything on disk. Calls may take time; errors are `EngineError` with a plain sentence."""

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""

    def events(self, session: str) -> Sequence[EngineEvent]:
        """The final events of a session in time order."""

    def search(self, text: str) -> Sequence[SearchHit]:
        """Captions and translations that hold all words of `text`, newest first."""

    def rename(self, session: str, title: str) -> None:
        """Give a session another title."""

    def delete(self, session: str) -> None:
        """Delete a session and its recording for good."""

    def delete_all(self) -> None:
        """Delete every session but the one that listens now."""

    def export(self, session: str, path: Path) -> None:
        """Write a session as SRT, VTT, TXT or JSON, by the suffix of `path`."""

    def recovered(self) -> Sequence[SessionInfo]:
        """Sessions that this start found open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting, described well enough that a form can be made from it."""

    key: str
    title: str
    help: str
    page: str
    value: bool | int | float | str
    kind: Literal["switch", "integer", "number", "text", "choice"]
    minimum: float = 0.0
    maximum: float = 0.0
    choices: tuple[tuple[str, str], ...] = field(default=())
    """(value, label) for the kind "choice"."""
    needs_restart: bool = False
    unit: str = ""
    """Follows a number, as in "13 pt"."""
    lowest: str = ""
    """Says what the smallest number means, as in "Never"."""


class Settings(Protocol):
    """The user's configuration."""

    def fields(self) -> Sequence[SettingField]:
        """Every setting that the settings window shows, in order."""

    def change(self, key: str, value: bool | int | float | str) -> str:
        """Set and save one value; returns "" or one sentence saying why it was refused."""

    def window(self) -> UiConfig:
        """The window's own settings as they are now; their keys are "ui." and the field's name."""
