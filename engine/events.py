"""What the engine says: one frozen dataclass per kind of event.

Everything above the models sees only these, so the window, the timeline, the command line and the
tests are the same for every model. `engine.event_json` turns them into the objects that
`everlisten listen --json` prints; the field names here are the names there.

Times are seconds. Stream time counts captured audio from the start of the session; a partial and
its final share one `id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from everlisten.audio_io.chunk import SourceName


class EngineState(StrEnum):
    """Life-cycle of listening; changed only in `app.lifecycle`."""

    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    LISTENING = "listening"
    PAUSED = "paused"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """Root of all events.

    Attributes:
        id: The same from the first partial to the final of one utterance.
        session: Identifier of the listening session.
        source: The source that the event is about; None where it is about the whole session.
        start_s: Stream time where that what the event is about begins.
        end_s: Stream time where it ends.
        emitted_s: Stream time consumed when the event was emitted.
        wall_s: Seconds since the session started when it was handed over; stamped by the timeline
            writer, so readers get events in this order, but for what overtakes others (what is
            urgent, what the writer itself tells). 0 before that, and outside of a session.
    """

    type: ClassVar[str]

    id: str
    session: str
    source: SourceName | None = None
    start_s: float = 0.0
    end_s: float = 0.0
    emitted_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionPartial(EngineEvent):
    """The words of an utterance so far: `stable` never changes again, `unstable` may."""

    type: ClassVar[str] = "caption_partial"

    stable: str = ""
    unstable: str = ""
    language: str = ""

    @property
    def text(self) -> str:
        """The whole hypothesis."""
        return self.stable + self.unstable


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionFinal(EngineEvent):
    """The words of a finished utterance; begins with everything that was stable."""

    type: ClassVar[str] = "caption_final"

    text: str = ""
    language: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationPartial(EngineEvent):
    """The translation of an utterance so far. `caption` is the id of the caption it belongs to."""

    type: ClassVar[str] = "translation_partial"

    caption: str = ""
    stable: str = ""
    unstable: str = ""
    language: str = ""
    """Language of the translation, not of the speech."""

    @property
    def text(self) -> str:
        """The whole hypothesis."""
        return self.stable + self.unstable


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationFinal(EngineEvent):
    """The translation of a finished utterance."""

    type: ClassVar[str] = "translation_final"

    caption: str = ""
    text: str = ""
    language: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundAlert(EngineEvent):
    """A sound that the user is warned about; told again with the same id while it goes on."""

    type: ClassVar[str] = "sound_alert"

    sound: str = ""
    """Id in the catalogue of alerts; "taught-" and eight digits for a sound that the user taught,
    "urgent-reply" for a reply that the big model marks as urgent."""
    label: str = ""
    severity: str = ""
    """"emergency", "warning" or "notice"."""
    confidence: float = 0.0
    advice: str = ""
    emotion: str = ""
    """How it is told: "urgent" or "normal", as a reply's."""
    why: str = ""
    """One or two plain sentences: what was heard, how sure it is, what else it could have been."""
    level: int = 0
    """How often an emergency that nobody acknowledged was repeated louder."""
    ongoing: bool = False
    """Whether the sound still goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(EngineEvent):
    """The user dealt with an alert; `id` is the alert's."""

    type: ClassVar[str] = "alert_acknowledged"

    how: str = "user"
    """"user", "snooze" or "not_this" (it was something else)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundHeard(EngineEvent):
    """A sound that is no alert, for the captions: [music]; told again with a later end."""

    type: ClassVar[str] = "sound_heard"

    sound: str = ""
    label: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipKept(EngineEvent):
    """The sound of an alert was kept on disk; `id` is the alert's."""

    type: ClassVar[str] = "clip_kept"

    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHealth(EngineEvent):
    """Whether sounds are listened for; told on every change and every half minute."""

    type: ClassVar[str] = "alert_health"

    working: bool = True
    problem: str = ""
    """One plain sentence; empty while it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(EngineEvent):
    """What the user typed for the assistant, when it was asked; the answer is a reply."""

    type: ClassVar[str] = "question"

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDelta(EngineEvent):
    """A further piece of the assistant's reply."""

    type: ClassVar[str] = "reply_delta"

    text: str = ""
    emotion: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFinal(EngineEvent):
    """The assistant's whole reply."""

    type: ClassVar[str] = "reply_final"

    text: str = ""
    emotion: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(EngineEvent):
    """Why a lane spoke or stayed silent after a chunk."""

    type: ClassVar[str] = "decision"

    lane: str = ""
    speak: bool = False
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHealth(EngineEvent):
    """What the health line shows; `problem` is empty or one plain sentence."""

    type: ClassVar[str] = "health"

    lag_s: float = 0.0
    """Age of the newest chunk that the engine has finished with."""
    load: float = 0.0
    """Share of real time that the model's steps took over the last seconds, 0..1 and above."""
    memory_mb: float = 0.0
    dropped: int = 0
    """Chunks dropped in this session because the ring was full."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStateChanged(EngineEvent):
    """The life-cycle took a step; `reason` is for the user."""

    type: ClassVar[str] = "state"

    state: EngineState = EngineState.STOPPED
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFailed(EngineEvent):
    """Something failed; `text` is one sentence that names the thing and the way out."""

    type: ClassVar[str] = "error"

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(EngineEvent):
    """First event of a session. `text` is its title."""

    type: ClassVar[str] = "session"

    text: str = ""
    started_at: str = ""
    """Wall-clock time with zone, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(EngineEvent):
    """Last event of a session."""

    type: ClassVar[str] = "end"


FINAL_EVENTS = (
    CaptionFinal,
    TranslationFinal,
    SoundAlert,
    AlertAcknowledged,
    SoundHeard,
    ClipKept,
    Question,
    ReplyFinal,
)
"""What is kept; shown as final only once it is on disk, but for what is urgent."""

URGENT_EVENTS = (SoundAlert, AlertAcknowledged)
"""Shown at once, whatever the disk does."""

TEST_PREFIX = "test-"


def is_test(event: EngineEvent) -> bool:
    """Whether an event comes from a test that the user asked for: such are shown, never kept."""
    return event.id.startswith(TEST_PREFIX)
