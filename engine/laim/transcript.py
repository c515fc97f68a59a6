"""A lane's text as utterances: captions and translations.

These lanes write a little after every chunk with speech in it. What they write after one chunk and
the next belongs to one utterance until they stay silent, a sentence ends, or it grows long. What is
written stays: all text is stable.

A translation belongs to the caption of its own time. The lanes need not be equally far, so what the
translation says after a chunk is written once the captions lane has begun its text for that chunk
or has nothing to say; at the latest with the translation's next decision.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from everlisten.audio_io.chunk import CHUNK_S
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.laim.outcomes import Decided, Ended, Outcome, Word
from everlisten.engine.laim.spacing import ends_sentence, needs_space
from everlisten.engine.laim.text import StreamingDecoder
from everlisten.engine.laim.utterances import Clock, Utterance, decision_event, loudest

SILENT_CHUNKS = 2
"""So many silent chunks in a row end an utterance."""
LONGEST_S = 30.0
LATE_S = 2.0
"""A translation may come so long after the end of its caption."""


@dataclass(slots=True, eq=False)
class Transcript:
    """Writes the captions or the translation lane's events.

    Attributes:
        lane: Its name.
        clock: Of the session.
        text: Makes text of tokens.
        language: Of what is written; "" if unknown.
        captions: The captions lane's transcript, in the translation's; None if that lane is off.
        translation: The other way round.
        held: What the lane did and is not written yet.
        heard: Last chunk that the lane decided about.
        open: The utterance that is being written.
        last: The one before.
        speaking: Last decision to speak; the reply to it is being written.
        joins: Whether the next piece is the first one of its reply.
        silent: Silent chunks since the last reply.
    """

    lane: str
    clock: Clock
    text: StreamingDecoder
    language: str = ""
    captions: Transcript | None = None
    translation: Transcript | None = None
    held: deque[Outcome] = field(default_factory=deque)
    heard: int = -1
    open: Utterance | None = None
    last: Utterance | None = None
    speaking: Decided | None = None
    joins: bool = False
    silent: int = 0

    def write(self, outcome: Outcome) -> list[EngineEvent]:
        """What follows from what the lane did."""
        events = self.release(force=True) if isinstance(outcome, Decided) else []
        self.held.append(outcome)
        events += self.release()
        return events if self.translation is None else [*events, *self.translation.release()]

    def release(self, *, force: bool = False) -> list[EngineEvent]:
        """Write what is held, as far as the captions lane is ready for it."""
        events: list[EngineEvent] = []
        while self.held and (force or self._may_write(self.held[0])):
            events += self._write(self.held.popleft())
        return events + self._close_if_over()

    def _may_write(self, outcome: Outcome) -> bool:
        if isinstance(outcome, Decided) or self.captions is None or self.speaking is None:
            return True
        return self.captions.has_begun(self.speaking.heard.index)

    def has_begun(self, chunk: int) -> bool:
        """Whether the lane's text for a chunk has begun, or there is none."""
        begins = self.speaking is not None and self.joins
        return self.heard > chunk or (self.heard == chunk and not begins)

    def _write(self, outcome: Outcome) -> list[EngineEvent]:
        match outcome:
            case Decided():
                self._decided(outcome)
                return [decision_event(self.lane, outcome, self.clock)]
            case Word():
                return self._add(self.text.push(outcome.token))
            case Ended():
                events = self._add(self.text.flush())
                self.speaking = None
                return events
        return []

    def close(self) -> list[EngineEvent]:
        """Finish the open utterance."""
        return self.release(force=True) + self._close()

    def miss(self) -> list[EngineEvent]:
        """Sound is missing: the utterance ends, after the reply that is being written to it."""
        self.silent = SILENT_CHUNKS
        return self.release()

    def _close(self) -> list[EngineEvent]:
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

    def _decided(self, decided: Decided) -> None:
        self.heard = decided.heard.index
        if self.open is not None:
            self.open.hear(decided)
        if self.speaking is not None:
            return  # a chunk that rode along with a reply ends nothing
        if decided.speak:
            self.speaking, self.joins, self.silent = decided, True, 0
        else:
            self.silent += 1

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
            events = self._close()
        if self.open is None and self.last is not None and self.last.caption == caption:
            self.open = self.last  # more of it comes late
            self.open.hear(decided)
        return events

    def _begin(self, caption: str, decided: Decided) -> Utterance:
        """The words were spoken in the chunk or in the one before."""
        start_s = max(0, decided.heard.index - 1) * CHUNK_S
        if self.last is not None:
            start_s = max(start_s, self.last.end_s)
        own = f"{caption}-{self.language}" if caption else self.clock.new_id(self.lane)
        utterance = Utterance(own, caption, start_s, start_s)
        utterance.hear(decided)
        self.open = utterance
        return utterance

    def _caption_goes_on(self) -> bool:
        """Whether the caption that the open translation belongs to is still being written."""
        if self.open is None or self.captions is None or self.captions.open is None:
            return False
        return self.captions.open.id == self.open.caption

    def _close_if_over(self) -> list[EngineEvent]:
        utterance = self.open
        if utterance is None or self.speaking is not None or self._caption_goes_on():
            return []
        long = utterance.end_s - utterance.start_s >= LONGEST_S
        over = long or self.silent >= SILENT_CHUNKS or ends_sentence(utterance.text)
        return self._close() if over else []

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
