"""Who wins where several sounds are heard at once: an alert is for the likeliest one.

Sounds of one group (beeps, bangs, voices) are taken for each other by ears and by models, so of a
group only one is told: the likeliest, or the gravest where it is about as likely. Sounds of
different groups may well come together (a dog barks at the doorbell), but then the weaker one must
be clearly there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from everlisten.engine.alerts.catalogue import AlertEntry
from everlisten.engine.alerts.evidence import SLACK_S, HeardChunk, bar, own_rhythm
from everlisten.engine.alerts.state import AlertState
from everlisten.engine.sounds.vocabulary import SoundWords

LEAD = 1.0
"""Logits by which one sound must beat another of its group that is being told."""
CLEAR = 1.0
"""Logits above its bar from which a sound is clearly there beside another."""
TOGETHER_S = 1.2
"""Sounds that begin within three chunks are heard at once."""
WAIT_S = 3.2
"""So long a beep waits for the first pattern of an alarm: 2.5 s and what a chunk adds."""
STILL_ON_S = 2.0
"""A sound without a pattern is on for so long after it was last heard."""
PLAUSIBLE = 0.06
"""Share of its threshold from which an alarm may still turn out to be one: a model that knows the
rhythm gives a smoke alarm's first pulse some 0.04, and a microwave's beep below 0.01."""
_NARRATED_HITS = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sound that has reached its bar often enough.

    Attributes:
        entry: Its kind.
        score: By how many logits it is above its bar.
        first_s: Where its first sign begins.
    """

    entry: AlertEntry
    score: float
    first_s: float


@dataclass(frozen=True, slots=True)
class Contest:
    """The rules over what is heard in one chunk.

    Attributes:
        entries: Every kind of alert, by id.
        others: Sounds that are no alerts, by id.
        bars: Logit that each kind must reach now to begin, by id.
        staying: Logit from which an event of each kind goes on, at half its probability, by id.
        needed: Hits that each kind needs now, by id.
        state: Of the session; the contest only reads it.
        chunk: The one that was just heard.
    """

    entries: Mapping[str, AlertEntry]
    others: Mapping[str, SoundWords]
    bars: Mapping[str, float]
    staying: Mapping[str, float]
    needed: Mapping[str, int]
    state: AlertState
    chunk: HeardChunk

    def candidates(self) -> list[Candidate]:
        """Kinds that may begin now, the likeliest first."""
        found = []
        for sound, level in self.bars.items():
            entry, track = self.entries[sound], self.state.tracks[sound]
            if self._is_quiet(entry):
                continue
            waiting = self.state.waiting.get(sound)
            # A single beep is no alarm, however clear.
            hits = track.hits(level) if entry.pattern else track.weight(level)
            if hits >= self.needed[sound]:
                first_s = waiting[0] if waiting is not None else track.first_hit_s(level)
                found.append(Candidate(entry, self.score(sound), first_s))
            elif waiting is not None:
                found.append(Candidate(entry, waiting[1], waiting[0]))
        return sorted(found, key=lambda one: (not self.rhythm_seen(one.entry), -one.score))

    def score(self, sound: str) -> float:
        """How much speaks for a kind of alert now: its hits, or its best chunk."""
        track, level = self.state.tracks[sound], self.bars[sound]
        return track.score(level, max(1, min(track.hits(level), self.needed[sound])))

    def rhythm_seen(self, entry: AlertEntry) -> bool:
        """Whether the alarm's own rhythm was heard in full."""
        return own_rhythm(entry, self.chunk.rhythm) is not None

    def told_instead(self, candidate: Candidate) -> bool:
        """Another sound of the group is the likelier one."""
        if self.rhythm_seen(candidate.entry):
            return False
        for other in self._group(candidate.entry):
            if not self._is_on(other):
                continue
            if other.rank < candidate.entry.rank:
                return True
            graver = candidate.entry.rank < other.rank
            if candidate.score < self.score(other.id) + (-LEAD if graver else LEAD):
                return True
        return any(score > candidate.score + LEAD for score in self._narrated(candidate.entry))

    def superseded(self, candidate: Candidate) -> Iterator[str]:
        """Kinds whose event turns out to be the candidate's."""
        for other in self._group(candidate.entry):
            if self._is_on(other) and self.state.events[other.id].end_s > candidate.first_s:
                yield other.id

    def must_wait(self, candidate: Candidate) -> bool:
        """An alarm of the group may be on its way: its rhythm decides."""
        waited_s = self.chunk.end_s - candidate.first_s
        if candidate.entry.pattern or waited_s >= WAIT_S - SLACK_S:
            return False
        return any(
            other.pattern
            and self.state.tracks[other.id].surest >= PLAUSIBLE * self._threshold(other)
            for other in self._group(candidate.entry)
        )

    def drowned(self, candidate: Candidate) -> bool:
        """Another sound begins at the same time, and this one is not clearly there beside it."""
        if candidate.entry.emergency or candidate.score >= CLEAR:
            return False
        return any(
            other != candidate.entry.id
            and abs(event.start_s - candidate.first_s) <= TOGETHER_S
            and not event.over
            for other, event in self.state.events.items()
        )

    def _is_quiet(self, entry: AlertEntry) -> bool:
        """Its event goes on, or ended less than the kind's pause ago."""
        event = self.state.events.get(entry.id)
        if event is None:
            return False
        return not event.over or self.chunk.end_s - event.end_s < entry.cooldown_s - SLACK_S

    def _is_on(self, entry: AlertEntry) -> bool:
        event = self.state.events.get(entry.id)
        if event is None or event.over:
            return False
        pause_s = entry.merge_s if entry.pattern else STILL_ON_S
        return self.chunk.end_s - event.end_s <= pause_s

    def _group(self, entry: AlertEntry) -> Iterator[AlertEntry]:
        """The other kinds that it is taken for."""
        for other in self.bars:
            if entry.group and other != entry.id and self.entries[other].group == entry.group:
                yield self.entries[other]

    def _narrated(self, entry: AlertEntry) -> Iterator[float]:
        """How much speaks for each of the sounds that are no alerts but taken for one."""
        for sound, words in self.others.items():
            if entry.group and words.group == entry.group and sound in self.state.tracks:
                level = bar(self.chunk.thresholds.get(sound, 0.5), 0.5)
                yield self.state.tracks[sound].score(level, _NARRATED_HITS)

    def _threshold(self, entry: AlertEntry) -> float:
        return self.chunk.thresholds.get(entry.id, 0.5)
