"""The life of an event: the sound that wins begins it, it grows while it is heard, and it ends.

It is heard while its sound stays above half the probability of its bar, and over once that has been
quiet for `merge_s`, or once another sound has taken its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from everlisten.audio_io.chunk import CHUNK_S
from everlisten.engine.alerts.contest import Candidate, Contest
from everlisten.engine.alerts.evidence import SLACK_S, halved, own_rhythm
from everlisten.engine.alerts.state import Event
from everlisten.engine.alerts.telling import Teller
from everlisten.engine.events import SoundAlert


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What one chunk does to the events of a session.

    Attributes:
        contest: What is heard in the chunk; the events of its state are updated in place.
        teller: Makes alerts of events.
    """

    contest: Contest
    teller: Teller

    def step(self) -> list[SoundAlert]:
        """Let events grow, end and begin; then repeat what nobody acknowledges.

        Returns:
            New alerts, present ones with a later end, and those that are repeated or over.
        """
        told = self._continue()
        for candidate in self.contest.candidates():
            told += self._consider(candidate)
        return told + self._repeat()

    def _continue(self) -> list[SoundAlert]:
        """Let events grow, and end those that have been quiet for long enough."""
        state, chunk = self.contest.state, self.contest.chunk
        told = []
        for sound, event in state.events.items():
            if event.over or sound not in self.contest.staying:
                continue
            entry, level = self.contest.entries[sound], self.contest.staying[sound]
            newest = state.tracks[sound].newest
            event.chunks += 1
            if newest >= halved(level):
                event.heard += newest >= level
                event.end_s = chunk.end_s
                event.confidence = max(event.confidence, chunk.probability(sound))
                event.rhythm = own_rhythm(entry, chunk.rhythm) or event.rhythm
            elif chunk.end_s - event.end_s > entry.merge_s + SLACK_S:
                told += self.teller.end(entry, event, state, chunk.end_s)
        return told

    def _consider(self, candidate: Candidate) -> list[SoundAlert]:
        """Begin an event, if the candidate wins."""
        contest, state, entry = self.contest, self.contest.state, candidate.entry
        surest = max(candidate.score, state.waiting.pop(entry.id, (0.0, candidate.score))[1])
        if contest.told_instead(candidate) or contest.drowned(candidate):
            return []
        if contest.must_wait(candidate):
            state.waiting[entry.id] = (candidate.first_s, surest)
            return []
        told = []
        for other in contest.superseded(candidate):
            told += self.teller.end(
                contest.entries[other], state.events[other], state, contest.chunk.end_s
            )
        return told + self._begin(candidate)

    def _begin(self, candidate: Candidate) -> list[SoundAlert]:
        entry, state, chunk = candidate.entry, self.contest.state, self.contest.chunk
        track = state.tracks[entry.id]
        event = Event(
            id=state.new_id(entry.id, candidate.first_s),
            source=chunk.source,
            start_s=candidate.first_s,
            end_s=chunk.end_s,
            confidence=track.surest,
            heard=max(1, track.hits(self.contest.bars[entry.id])),
            chunks=max(1, round((chunk.end_s - candidate.first_s) / CHUNK_S)),
            rival=self.teller.rival(entry, chunk, state, self.contest.entries),
            rhythm=own_rhythm(entry, chunk.rhythm),
        )
        event.chunks = max(event.chunks, event.heard)
        state.events[entry.id] = event
        if not self.teller.tellable(entry):
            return []
        return [self.teller.tell(entry, event, state, chunk.end_s)]

    def _repeat(self) -> list[SoundAlert]:
        """Tell again what grew, what was held back, and what nobody acknowledges."""
        contest, told = self.contest, list[SoundAlert]()
        for sound, event in contest.state.events.items():
            if sound in contest.bars:
                told += self.teller.again(
                    contest.entries[sound], event, contest.state, contest.chunk.end_s
                )
        return told
