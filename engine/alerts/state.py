"""What the alert policy remembers of a session."""

from __future__ import annotations

from dataclasses import dataclass, field

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.evidence import Track
from everlisten.engine.events import TEST_PREFIX
from everlisten.engine.sounds.rhythm import Rhythm


@dataclass(slots=True, kw_only=True)
class Event:
    """One event of one kind: from its first sign until it has been quiet for `merge_s`.

    Attributes:
        id: Of the alert.
        source: Where it was loudest at first.
        start_s: Stream time of the first sign.
        end_s: Stream time of the end of the last sign.
        confidence: Highest probability so far.
        heard: Chunks in which it was clear enough.
        chunks: Chunks since it began.
        rival: What else it could have been, and with what probability.
        rhythm: The alarm's own rhythm, once seen.
        told_s: Stream time when the user was told; None while that is held back.
        shown_s: The end as the user last heard of it.
        level: How often it was repeated louder.
        acknowledged: The user dealt with it.
        over: It has ended, or another sound has taken its place.
    """

    id: str
    source: SourceName | None
    start_s: float
    end_s: float
    confidence: float
    heard: int = 1
    chunks: int = 1
    rival: tuple[str, float] | None = None
    rhythm: Rhythm | None = None
    told_s: float | None = None
    shown_s: float = 0.0
    level: int = 0
    acknowledged: bool = False
    over: bool = False


@dataclass(slots=True)
class AlertState:
    """What was heard and told in a session.

    Attributes:
        session: Its id.
        test: What is told comes from a test that the user asked for.
        tracks: The last chunks of every sound that may win or lose.
        events: The last event of each kind, by id of the catalogue entry.
        waiting: Kinds that are told only if no graver one of their group comes: since when, and
            how sure they were.
        told: How many alerts there were.
    """

    session: str
    test: bool = False
    tracks: dict[str, Track] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    waiting: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: int = 0

    def new_id(self, sound: str, at_s: float) -> str:
        """The id of an alert about `sound` that begins at `at_s`, seconds of the stream."""
        prefix = TEST_PREFIX if self.test else ""
        return f"{prefix}{self.session}-{sound}-{round(at_s * 10)}"

    def event_of(self, alert_id: str) -> tuple[str, Event] | None:
        """The entry and event of an alert, if it is one of the last."""
        for sound, event in self.events.items():
            if event.id == alert_id:
                return sound, event
        return None
