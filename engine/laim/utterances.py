"""What a lane's events have in common: the session's clock, who was loudest, one utterance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.engine.events import Decision
from everlisten.engine.laim.outcomes import Decided


@dataclass(slots=True)
class Clock:
    """Where a session is.

    Attributes:
        session: Goes into every event.
        first: Chunk that the state heard first: keeps ids apart when an engine is started again.
        emitted_s: Stream time consumed.
        begun: Utterances and replies of each lane. A lane that is switched on again counts on.
    """

    session: str
    first: int = 0
    emitted_s: float = 0.0
    begun: Counter[str] = field(default_factory=Counter)

    def new_id(self, lane: str) -> str:
        """Id of the utterance or reply that a lane begins."""
        self.begun[lane] += 1
        return f"{self.session}-{lane}-{self.first}-{self.begun[lane]}"


@dataclass(slots=True, eq=False)
class Utterance:
    """One that is being written, or was."""

    id: str
    caption: str
    start_s: float
    end_s: float
    text: str = ""
    energy: Counter[SourceName] = field(default_factory=Counter)
    score: float = 0.0
    """Sum of the decisions' probabilities."""
    decisions: int = 0

    def hear(self, decided: Decided) -> None:
        """A chunk belongs to it."""
        self.energy.update(decided.heard.energy)
        if decided.speak:
            self.end_s = (decided.heard.index + 1) * CHUNK_S
            self.score += decided.score
            self.decisions += 1


def decision_event(lane: str, decided: Decided, clock: Clock) -> Decision:
    """Why a lane spoke or stayed silent after a chunk."""
    index = decided.heard.index
    return Decision(
        id=f"{clock.session}-{lane}-decision-{index}",
        session=clock.session,
        source=loudest(decided.heard.energy),
        start_s=index * CHUNK_S,
        end_s=(index + 1) * CHUNK_S,
        emitted_s=clock.emitted_s,
        lane=lane,
        speak=decided.speak,
        score=decided.score,
    )


def loudest(energy: Mapping[SourceName, float]) -> SourceName | None:
    """The source with most energy; the first of equals."""
    return max(energy, key=lambda source: energy[source]) if energy else None
