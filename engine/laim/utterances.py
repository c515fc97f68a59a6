"""A lane's text as utterances: captions and translations.

These lanes write a little after every chunk with speech in it. What they write after one chunk and
the next belongs to one utterance until they stay silent, a sentence ends, or it grows long. What is
written stays: all text is stable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    Decision,
    EngineEvent,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.laim.outcomes import Decided, Ended, Outcome, Word
from everlisten.engine.laim.spacing import ends_sentence, needs_space
from everlisten.engine.laim.text import StreamingDecoder

SILENT_CHUNKS = 2
"""So many silent chunks in a row end an utterance."""
LONGEST_S = 30.0
LATE_S = 2.0
"""A translation may come so long after the end of its caption."""


@dataclass(slots=True)
class Clock:
    """Where a session is.

    Attributes:
        session: Goes into every event.
        first: Chunk that the state heard first: keeps ids apart when an engine is started again.
        emitted_s: Stream time consumed.
    """

    session: str
    first: int = 0
    emitted_s: float = 0.0


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


@dataclass(slots=True, eq=False)
class Transcript:
    """Writes the captions or the translation lane's events.

    Attributes:
        lane: Its name.
        clock: Of the session.
        text: Makes text of tokens.
        language: Of what is written; "" if unknown.
        captions: The captions lane's transcript, in the translation's; None if that lane is off.
        open: The utterance that is being written.
        last: The one before.
        speaking: Last decision to speak; the reply to it is being written.
        joins: Whether the next piece is the first one of its reply.
        silent: Silent chunks since the last reply.
        count: Utterances begun.
    """

    lane: str
    clock: Clock
    text: StreamingDecoder
    language: str = ""
    captions: Transcript | None = None
    open: Utterance | None = None
    last: Utterance | None = None
    speaking: Decided | None = None
    joins: bool = False
    silent: int = 0
    count: int = 0

    def write(self, outcome: Outcome) -> list[EngineEvent]:
        """What follows from what the lane did."""
        match outcome:
            case Decided():
                return [decision_event(self.lane, outcome, self.clock), *self._decided(outcome)]
            case Word():
                return self._add(self.text.push(outcome.token))
            case Ended():
                events = self._add(self.text.flush())
                self.speaking = None
                return events + self._close_if_whole()
        return []

    def close(self) -> list[EngineEvent]:
        """Finish the open utterance."""
        utterance, self.open = self.open, None
        if utterance is None:
            return []
        self.last = utterance
        confidence = utterance.score / max(1, utterance.decisions)
        common = self._common(utterance)
        if self.lane == "translation":
            return [TranslationFinal(text=utterance.text, caption=utterance.caption,
                                     confidence=confidence, **common)]  # fmt: skip
        return [CaptionFinal(text=utterance.text, confidence=confidence, **common)]

    def id_near(self, decided: Decided) -> str:
        """Id of the utterance that is being written, or was until shortly before a decision."""
        if self.open is not None:
            return self.open.id
        late_s = decided.heard.index * CHUNK_S - LATE_S
        return self.last.id if self.last is not None and self.last.end_s >= late_s else ""

    def _decided(self, decided: Decided) -> list[EngineEvent]:
        if self.open is not None:
            self.open.hear(decided)
        if self.speaking is not None:
            return []  # a chunk that rode along with a reply ends nothing
        if decided.speak:
            self.speaking, self.joins, self.silent = decided, True, 0
            return []
        self.silent += 1
        over = self.silent >= SILENT_CHUNKS and not self._caption_goes_on()
        return self.close() if over else []

    def _add(self, piece: str) -> list[EngineEvent]:
        if self.open is None:
            piece = piece.lstrip()
        if not piece or self.speaking is None:
            return []
        caption = self.captions.id_near(self.speaking) if self.captions is not None else ""
        events: list[EngineEvent] = []
        if self.joins and caption:
            events += self._turn_to(caption, self.speaking)
        utterance = self.open or self._begin(caption, self.speaking)
        if self.joins and utterance.text and needs_space(utterance.text[-1], piece[0]):
            utterance.text += " "
        self.joins = False
        utterance.text += piece
        common = self._common(utterance)
        if self.lane == "translation":
            partial = TranslationPartial(stable=utterance.text, caption=utterance.caption, **common)
            return [*events, partial]
        return [*events, CaptionPartial(stable=utterance.text, **common)]

    def _turn_to(self, caption: str, decided: Decided) -> list[EngineEvent]:
        """A translation belongs to one caption: go on with the one that is written now."""
        events = []
        if self.open is not None and self.open.caption != caption:
            events = self.close()
        if self.open is None and self.last is not None and self.last.caption == caption:
            self.open = self.last  # more of it comes late
            self.open.hear(decided)
        return events

    def _begin(self, caption: str, decided: Decided) -> Utterance:
        """The words were spoken in the chunk or in the one before."""
        self.count += 1
        own = f"{self.clock.session}-{self.lane}-{self.clock.first}-{self.count}"
        start_s = max(0, decided.heard.index - 1) * CHUNK_S
        if self.last is not None:
            start_s = max(start_s, self.last.end_s)
        utterance = Utterance(
            f"{caption}-{self.language}" if caption else own, caption, start_s, start_s
        )
        utterance.hear(decided)
        self.open = utterance
        return utterance

    def _caption_goes_on(self) -> bool:
        """Whether the caption that the open translation belongs to is still being written."""
        if self.open is None or self.captions is None or self.captions.open is None:
            return False
        return self.captions.open.id == self.open.caption

    def _close_if_whole(self) -> list[EngineEvent]:
        utterance = self.open
        if utterance is None or self._caption_goes_on():
            return []
        long = utterance.end_s - utterance.start_s >= LONGEST_S
        return self.close() if long or ends_sentence(utterance.text) else []

    def _common(self, utterance: Utterance) -> dict[str, Any]:
        return {
            "id": utterance.id,
            "session": self.clock.session,
            "source": loudest(utterance.energy),
            "start_s": utterance.start_s,
            "end_s": utterance.end_s,
            "emitted_s": self.clock.emitted_s,
            "language": self.language,
        }


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
