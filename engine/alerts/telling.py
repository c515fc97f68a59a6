"""What the user is told of an event, when, and what is held back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from everlisten.engine.alerts.catalogue import URGENT_REPLY, AlertEntry, words
from everlisten.engine.alerts.evidence import HeardChunk
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes
from everlisten.engine.alerts.state import AlertState, Event
from everlisten.engine.alerts.words import TEST, TEST_LABEL, why, why_urgent
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.vocabulary import SoundWords, shipped_sounds

GROWS_S = 2.0
"""A continuing event is told again after so much more of it: every chunk would flood the disk."""
MOST_LEVELS = 3
STILL_ON_S = 2.0
"""An event that was held back is told late only if it was heard within so many seconds."""
RIVAL_FROM = 0.05
"""Less likely sounds are not worth a word."""


class Teller:
    """Makes alerts of events.

    Args:
        settings: What the user chose; may be replaced at any time.
        now: The wall clock, for quiet hours and snoozes.
        snoozes: What the user does not want to be told for a while.
    """

    def __init__(
        self, settings: AlertSettings, now: Callable[[], datetime], snoozes: Snoozes
    ) -> None:
        self.settings = settings
        self.now = now
        self.snoozes = snoozes

    def tellable(self, entry: AlertEntry) -> bool:
        """Whether nothing holds this kind back now."""
        settings = self.settings
        if not settings.enabled or entry.id in settings.switched_off:
            return False
        now = self.now()
        quiet = settings.quiet_at(now.time()) and not entry.emergency
        return not quiet and not self.snoozes.holds(entry, now)

    def again(
        self, entry: AlertEntry, event: Event, state: AlertState, now_s: float
    ) -> list[SoundAlert]:
        """Repeat what nobody acknowledges, tell what grew, and what was held back."""
        if event.told_s is None:
            late = not event.over and now_s - event.end_s <= STILL_ON_S
            return [self.tell(entry, event, state, now_s)] if late and self.tellable(entry) else []
        due_s = event.told_s + (event.level + 1) * entry.escalate_s
        if entry.escalate_s and not event.acknowledged and event.level < MOST_LEVELS:
            if now_s >= due_s and self.tellable(entry):
                event.level += 1
                return [self._show(entry, event, state, now_s)]
        if not event.over and event.end_s - event.shown_s >= GROWS_S:
            return [self._show(entry, event, state, now_s)]
        return []

    def end(
        self, entry: AlertEntry | None, event: Event, state: AlertState, now_s: float
    ) -> list[SoundAlert]:
        event.over = True
        told = entry is not None and event.told_s is not None
        return [self._show(entry, event, state, now_s)] if told and entry is not None else []

    def tell(self, entry: AlertEntry, event: Event, state: AlertState, now_s: float) -> SoundAlert:
        event.told_s = now_s
        state.told += 1
        return self._show(entry, event, state, now_s)

    def _show(self, entry: AlertEntry, event: Event, state: AlertState, now_s: float) -> SoundAlert:
        event.shown_s = event.end_s
        return self.alert(entry, event, state, now_s, ongoing=not event.over)

    def rival(
        self,
        entry: AlertEntry,
        chunk: HeardChunk,
        state: AlertState,
        entries: Mapping[str, AlertEntry],
    ) -> tuple[str, float] | None:
        """The next likely sound, in the user's language."""
        others = {
            sound: max(probability, state.tracks[sound].surest if sound in state.tracks else 0.0)
            for sound, probability in chunk.probabilities.items()
            if sound not in (entry.id, "background")
        }
        if not others:
            return None
        sound = max(others, key=lambda one: others[one])
        if others[sound] < RIVAL_FROM:
            return None
        known: AlertEntry | SoundWords | None = shipped_sounds().get(sound)
        known = known or entries.get(sound)
        label = words(known.label, self.settings.language) if known is not None else sound
        return label, others[sound]

    def alert(
        self, entry: AlertEntry, event: Event, state: AlertState, emitted_s: float, *, ongoing: bool
    ) -> SoundAlert:
        language = self.settings.language
        return SoundAlert(
            id=event.id,
            session=state.session,
            source=event.source,
            start_s=event.start_s,
            end_s=event.end_s,
            emitted_s=emitted_s,
            sound=entry.id,
            label=(TEST_LABEL[language] if state.test else "") + words(entry.label, language),
            severity=entry.severity,
            confidence=event.confidence,
            advice=words(entry.advice, language),
            emotion=entry.emotion,
            why=(TEST[language] if state.test else "") + self._why(entry, event),
            level=event.level,
            ongoing=ongoing,
        )

    def _why(self, entry: AlertEntry, event: Event) -> str:
        language = self.settings.language
        if entry.id == URGENT_REPLY:
            return why_urgent(language)
        return why(
            language,
            heard=event.heard,
            chunks=event.chunks,
            confidence=event.confidence,
            rival=event.rival,
            rhythm=event.rhythm,
        )
