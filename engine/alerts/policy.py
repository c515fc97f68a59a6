"""When a sign of danger becomes an alert: one event, one alert, and a pause before the next.

A sound must be heard in several of its last chunks, or very clearly in fewer. It then goes on while
it is heard at half the probability, and until it has been quiet for `merge_s`: the alert is told
again with the same id and a later end. Once the event is over, the same kind is quiet until
`cooldown_s` after its end. Who wins where several sounds are heard is `contest`'s business.

Held back is what the user switched off or snoozed, and in quiet hours all but emergencies; if it
still goes on when that ends, it is told then. An emergency that nobody acknowledges is repeated,
louder each time, three times.

The policy itself holds no session: several threads may use one, each with a state of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from everlisten.engine.alerts.catalogue import AlertEntry, shipped_alerts
from everlisten.engine.alerts.contest import WAIT_S, Candidate, Contest
from everlisten.engine.alerts.evidence import (
    DEFAULT_THRESHOLD,
    RHYTHM_MATTERS,
    RHYTHM_SEEN,
    HeardChunk,
    Track,
    bar,
    demanded,
    halved,
    logit,
)
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes, local_now
from everlisten.engine.alerts.state import AlertState, Event
from everlisten.engine.alerts.telling import Teller
from everlisten.engine.events import AlertAcknowledged, SoundAlert
from everlisten.engine.sounds.rhythm import Rhythm
from everlisten.engine.sounds.vocabulary import shipped_sounds

_SLACK_S = 1e-3
"""Sums of 0.4 are not exact."""


class AlertPolicy:
    """Decides for each sign whether the user is told.

    Args:
        entries: Another catalogue than the shipped one.
        settings: What the user chose; may be replaced at any time.
        now: The wall clock, for quiet hours and snoozes.
        snoozes: Shared with others who hold back by the same choice.
    """

    def __init__(
        self,
        entries: Mapping[str, AlertEntry] | None = None,
        settings: AlertSettings | None = None,
        now: Callable[[], datetime] = local_now,
        snoozes: Snoozes | None = None,
    ) -> None:
        self._shipped = shipped_alerts() if entries is None else entries
        self._entries = self._shipped
        self._others = {k: v for k, v in shipped_sounds().items() if k not in self._shipped}
        self._now = now
        self.snoozes = Snoozes() if snoozes is None else snoozes
        self._teller = Teller(settings or AlertSettings(), now, self.snoozes)

    @property
    def settings(self) -> AlertSettings:
        """What the user chose."""
        return self._teller.settings

    @settings.setter
    def settings(self, settings: AlertSettings) -> None:
        self._teller.settings = settings

    @property
    def entries(self) -> Mapping[str, AlertEntry]:
        """Every kind of alert by id, taught ones last."""
        return self._entries

    def set_taught(self, entries: Iterable[AlertEntry]) -> None:
        """Replace the kinds that the user taught."""
        taught = {entry.id: entry for entry in entries}
        self._entries = MappingProxyType({**self._shipped, **taught})

    def for_test(self, sound: str) -> AlertPolicy:
        """The same policy for a test: nothing is held back, and `sound` is switched on."""
        settings = dataclasses.replace(
            self.settings,
            enabled=True,
            quiet_from="",
            quiet_to="",
            switched_off=self.settings.switched_off - {sound},
        )
        return AlertPolicy(self._entries, settings, self._now)

    def new_state(self, session: str, *, test: bool = False) -> AlertState:
        """Nothing heard, nothing told."""
        return AlertState(session, test)

    def reset(self, state: AlertState) -> None:
        """Make `state` equal to a fresh one."""
        state.tracks.clear()
        state.events.clear()
        state.waiting.clear()
        state.told = 0

    def heard(self, state: AlertState, chunk: HeardChunk) -> list[SoundAlert]:
        """Take in one chunk.

        Args:
            state: Of the session; updated in place.
            chunk: What was heard; chunks come in the order of time.

        Returns:
            New alerts, present ones with a later end, and those that are repeated or over.
        """
        contest = self._contest(state, chunk)
        for sound, entry in self._entries.items():
            if sound in contest.bars:
                self._hear(state, chunk, sound, entry.window)
        for sound, words_of in self._others.items():
            if words_of.group and sound in chunk.probabilities:
                self._hear(state, chunk, sound, 4)
        told = self._continue(contest)
        for candidate in self._candidates(contest):
            told += self._consider(candidate, contest)
        for sound, event in state.events.items():
            if sound in contest.bars:
                told += self._teller.again(self._entries[sound], event, state, chunk.end_s)
        return told

    def rhythm_matters(
        self,
        state: AlertState,
        probabilities: Mapping[str, float],
        thresholds: Mapping[str, float],
    ) -> bool:
        """Whether the rhythm of the last seconds can decide anything in the chunk to come."""
        for sound, entry in self._entries.items():
            if entry.pattern and sound in probabilities:
                track = state.tracks.get(sound)
                surest = max(probabilities[sound], track.surest if track is not None else 0.0)
                if logit(surest) >= self._bar(entry, thresholds) - RHYTHM_MATTERS:
                    return True
        return False

    def groups_on(self, state: AlertState) -> set[str]:
        """Groups of the sounds that the user is being warned about."""
        return {
            self._entries[sound].group
            for sound, event in state.events.items()
            if event.told_s is not None and not event.over and sound in self._entries
        }

    def sounding(self, state: AlertState, end_s: float) -> dict[str, str]:
        """Sounds that were heard in the chunk that ended at `end_s`, with the ids of their
        alerts; held back ones too."""
        return {
            sound: event.id
            for sound, event in state.events.items()
            if not event.over and abs(event.end_s - end_s) < _SLACK_S
        }

    def flush(self, state: AlertState, emitted_s: float) -> list[SoundAlert]:
        """The sound has ended: everything is over."""
        told = []
        for sound, event in state.events.items():
            if not event.over:
                told += self._teller.end(self._entries.get(sound), event, state, emitted_s)
        return told

    def acknowledge(
        self, state: AlertState, alert_id: str, emitted_s: float, how: str = "user"
    ) -> AlertAcknowledged:
        """The user dealt with an alert; it is not repeated any more."""
        found = state.event_of(alert_id)
        if found is not None:
            found[1].acknowledged = True
        return AlertAcknowledged(
            id=alert_id,
            session=state.session,
            source=found[1].source if found is not None else None,
            start_s=emitted_s,
            end_s=emitted_s,
            emitted_s=emitted_s,
            how=how,
        )

    def snooze(
        self, state: AlertState, sound: str | None, minutes: float, emitted_s: float
    ) -> list[AlertAcknowledged]:
        """Hold back one sound, or all but emergencies (None); 0 minutes ends it.

        Returns:
            What is acknowledged by that.
        """
        entry = self._entries.get(sound) if sound is not None else None
        emergency = entry is not None and entry.emergency
        self.snoozes.set(sound, minutes, self._now(), emergency=emergency)
        if minutes <= 0:
            return []
        meant = [
            event
            for kind, event in state.events.items()
            if event.told_s is not None
            and not event.acknowledged
            and (kind == sound if sound is not None else not self._is_emergency(kind))
        ]
        return [self.acknowledge(state, event.id, emitted_s, "snooze") for event in meant]

    def _contest(self, state: AlertState, chunk: HeardChunk) -> Contest:
        bars: dict[str, float] = {}
        needed: dict[str, int] = {}
        for sound, entry in self._entries.items():
            if sound in chunk.probabilities:
                further, needed[sound] = demanded(entry, chunk.rhythm)
                bars[sound] = self._bar(entry, chunk.thresholds) + further
        return Contest(self._entries, self._others, bars, needed, state, chunk)

    def _bar(self, entry: AlertEntry, thresholds: Mapping[str, float]) -> float:
        sensitivity = self.settings.sensitivity.get(entry.id, entry.sensitivity)
        return bar(thresholds.get(entry.id, DEFAULT_THRESHOLD), sensitivity)

    def _hear(self, state: AlertState, chunk: HeardChunk, sound: str, window: int) -> None:
        track = state.tracks.get(sound)
        if track is None or track.window != window:
            track = state.tracks[sound] = Track(window)
        track.hear(sound, chunk)

    def _continue(self, contest: Contest) -> list[SoundAlert]:
        """Let events grow, and end those that have been quiet for long enough."""
        state, chunk = contest.state, contest.chunk
        told = []
        for sound, event in state.events.items():
            if event.over or sound not in contest.bars:
                continue
            entry = self._entries[sound]
            newest = state.tracks[sound].newest
            level = min(contest.bars[sound], self._bar(entry, chunk.thresholds))
            event.chunks += 1
            if newest >= halved(level):
                event.heard += newest >= level
                event.end_s = chunk.end_s
                event.confidence = max(event.confidence, chunk.probability(sound))
                event.rhythm = _own_rhythm(entry, chunk) or event.rhythm
            elif chunk.end_s - event.end_s > entry.merge_s + _SLACK_S:
                told += self._teller.end(entry, event, state, chunk.end_s)
        return told

    def _candidates(self, contest: Contest) -> list[Candidate]:
        """Kinds that may begin now, the likeliest first."""
        found = []
        for sound, level in contest.bars.items():
            track, event = contest.state.tracks[sound], contest.state.events.get(sound)
            entry = self._entries[sound]
            if event is not None and not event.over:
                continue
            if (
                event is not None
                and contest.chunk.end_s - event.end_s < entry.cooldown_s - _SLACK_S
            ):
                continue
            waiting = contest.state.waiting.get(sound)
            # A single beep is no alarm, however clear.
            hits = track.hits(level) if entry.pattern else track.weight(level)
            if hits >= contest.needed[sound]:
                first_s = waiting[0] if waiting is not None else track.first_hit_s(level)
                found.append(Candidate(entry, contest.score(sound), first_s))
            elif waiting is not None:
                found.append(Candidate(entry, waiting[1], waiting[0]))
        return sorted(found, key=lambda one: (not contest.rhythm_seen(one.entry), -one.score))

    def _consider(self, candidate: Candidate, contest: Contest) -> list[SoundAlert]:
        """Begin an event, if the candidate wins."""
        state, entry, end_s = contest.state, candidate.entry, contest.chunk.end_s
        surest = max(candidate.score, state.waiting.pop(entry.id, (0.0, candidate.score))[1])
        if contest.told_instead(candidate) or contest.drowned(candidate):
            return []
        waited_s = end_s - candidate.first_s
        if waited_s < WAIT_S - _SLACK_S and contest.must_wait(candidate):
            state.waiting[entry.id] = (candidate.first_s, surest)
            return []
        told = []
        for other in contest.superseded(candidate):
            told += self._teller.end(self._entries[other], state.events[other], state, end_s)
        return told + self._begin(candidate, contest)

    def _begin(self, candidate: Candidate, contest: Contest) -> list[SoundAlert]:
        entry, state, chunk = candidate.entry, contest.state, contest.chunk
        track = state.tracks[entry.id]
        event = Event(
            id=state.new_id(entry.id, candidate.first_s),
            source=chunk.source,
            start_s=candidate.first_s,
            end_s=chunk.end_s,
            confidence=track.surest,
            heard=max(1, track.hits(contest.bars[entry.id])),
            chunks=max(1, round((chunk.end_s - candidate.first_s) / 0.4)),
            rival=self._teller.rival(entry, chunk, state, self._entries),
            rhythm=_own_rhythm(entry, chunk),
        )
        event.chunks = max(event.chunks, event.heard)
        state.events[entry.id] = event
        if not self._teller.tellable(entry):
            return []
        return [self._teller.tell(entry, event, state, chunk.end_s)]

    def _is_emergency(self, sound: str) -> bool:
        entry = self._entries.get(sound)
        return entry is not None and entry.emergency


def _own_rhythm(entry: AlertEntry, chunk: HeardChunk) -> Rhythm | None:
    """The rhythm, if it is this alarm's."""
    rhythm = chunk.rhythm
    if not entry.pattern or rhythm is None or rhythm.kind != entry.pattern:
        return None
    return rhythm if rhythm.confidence >= RHYTHM_SEEN else None
