"""Sounds that are no alerts, as captions in brackets: [music], [laughter].

A sound is told when it was heard in three of the last five chunks (two for what is over quickly),
goes on while it is heard at half the probability, and is told again only a while after its end.
Speech and background are never told. Of sounds that begin at once only the likeliest is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import words
from everlisten.engine.alerts.evidence import DEFAULT_THRESHOLD, HeardChunk, Track, bar, halved
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.events import SoundHeard
from everlisten.engine.sounds.vocabulary import SoundWords, shipped_sounds

WINDOW = 5
MERGE_S = 3.0
"""A pause so long is part of the sound."""
GAP_S = 20.0
"""The same sound is told again only so long after its end."""
GROWS_S = 5.0
"""A sound that goes on is told again after so much more of it."""


@dataclass(slots=True, kw_only=True)
class Heard:
    """The last event of one sound."""

    id: str
    source: SourceName | None
    start_s: float
    end_s: float
    confidence: float
    shown_s: float
    over: bool = False


@dataclass(slots=True)
class NarrationState:
    """What was heard and told in a session."""

    session: str
    tracks: dict[str, Track] = field(default_factory=dict)
    events: dict[str, Heard] = field(default_factory=dict)


class Narration:
    """Decides which sounds become captions.

    Args:
        sounds: Other words than the shipped ones.
    """

    def __init__(self, sounds: Mapping[str, SoundWords] | None = None) -> None:
        self._sounds = shipped_sounds() if sounds is None else sounds

    def new_state(self, session: str) -> NarrationState:
        """Nothing heard, nothing told."""
        return NarrationState(session)

    def reset(self, state: NarrationState) -> None:
        """Make `state` equal to a fresh one."""
        state.tracks.clear()
        state.events.clear()

    def heard(
        self,
        state: NarrationState,
        chunk: HeardChunk,
        settings: AlertSettings,
        warned: Collection[str] = (),
    ) -> list[SoundHeard]:
        """Take in one chunk.

        Args:
            state: Of the session; updated in place.
            chunk: What was heard; chunks come in the order of time.
            settings: What the user chose.
            warned: Groups of the sounds that the user is being warned about: what is taken for
                them is not told as well.
        """
        told: list[SoundHeard] = []
        begins: list[tuple[float, SoundWords]] = []
        for sound, entry in self._sounds.items():
            if sound not in chunk.probabilities or not entry.narrate:
                continue
            track = state.tracks.setdefault(sound, Track(WINDOW))
            track.hear(sound, chunk)
            level = bar(chunk.thresholds.get(sound, DEFAULT_THRESHOLD), 0.5)
            event = state.events.get(sound)
            if event is not None and not event.over:
                told += self._continue(entry, event, level, state, chunk, settings)
            elif self._may_begin(entry, event, chunk, settings, warned):
                if track.hits(level) >= entry.hits:
                    begins.append((track.score(level, entry.hits), entry))
        if begins:
            _, likeliest = max(begins, key=lambda one: one[0])
            told.append(self._begin(likeliest, state, chunk, settings))
        return told

    def flush(self, state: NarrationState) -> None:
        """The sound has ended."""
        for event in state.events.values():
            event.over = True

    def _may_begin(
        self,
        entry: SoundWords,
        event: Heard | None,
        chunk: HeardChunk,
        settings: AlertSettings,
        warned: Collection[str],
    ) -> bool:
        wanted = not entry.alert or not settings.enabled or entry.id in settings.switched_off
        if not settings.narrate or not wanted or (entry.group and entry.group in warned):
            return False
        return event is None or chunk.end_s - event.end_s >= GAP_S

    def _continue(
        self,
        entry: SoundWords,
        event: Heard,
        level: float,
        state: NarrationState,
        chunk: HeardChunk,
        settings: AlertSettings,
    ) -> list[SoundHeard]:
        if not settings.narrate:
            event.over = True
            return []
        if state.tracks[entry.id].newest >= halved(level):
            event.end_s = chunk.end_s
            event.confidence = max(event.confidence, chunk.probability(entry.id))
        elif chunk.end_s - event.end_s > MERGE_S:
            event.over = True
        unsaid_s = event.end_s - event.shown_s
        if unsaid_s >= GROWS_S or (event.over and unsaid_s > 0):
            return [self._show(entry, event, chunk, state, settings)]
        return []

    def _begin(
        self,
        entry: SoundWords,
        state: NarrationState,
        chunk: HeardChunk,
        settings: AlertSettings,
    ) -> SoundHeard:
        track = state.tracks[entry.id]
        level = bar(chunk.thresholds.get(entry.id, DEFAULT_THRESHOLD), 0.5)
        start_s = track.first_hit_s(level)
        event = Heard(
            id=f"{state.session}-heard-{entry.id}-{round(start_s * 10)}",
            source=chunk.source,
            start_s=start_s,
            end_s=chunk.end_s,
            confidence=track.surest,
            shown_s=chunk.end_s,
        )
        state.events[entry.id] = event
        return self._show(entry, event, chunk, state, settings)

    def _show(
        self,
        entry: SoundWords,
        event: Heard,
        chunk: HeardChunk,
        state: NarrationState,
        settings: AlertSettings,
    ) -> SoundHeard:
        event.shown_s = event.end_s
        return SoundHeard(
            id=event.id,
            session=state.session,
            source=event.source,
            start_s=event.start_s,
            end_s=event.end_s,
            emitted_s=chunk.end_s,
            sound=entry.id,
            label=words(entry.label, settings.language),
            confidence=event.confidence,
        )
