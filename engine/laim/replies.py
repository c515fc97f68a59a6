"""The assistant lane's replies as events, and urgent ones as alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.engine.alerts.state import AlertState
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.events import EngineEvent, ReplyDelta, ReplyFinal
from everlisten.engine.laim.outcomes import Began, Decided, Ended, Outcome, Word
from everlisten.engine.laim.text import StreamingDecoder
from everlisten.engine.laim.tokens import Emotion
from everlisten.engine.laim.utterances import Clock, decision_event, loudest


@dataclass(slots=True)
class WrittenReply:
    """The reply that is being written."""

    id: str
    emotion: str
    source: SourceName | None
    start_s: float
    end_s: float
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Replies:
    """Writes the assistant lane's events.

    Attributes:
        lane: Its name.
        clock: Of the session.
        text: Makes text of tokens.
        policy: Decides which urgent replies become alerts.
        alerts: What it has told in the session.
        decided: The decision to speak; a typed question has none.
        open: The reply that is being written.
    """

    lane: str
    clock: Clock
    text: StreamingDecoder
    policy: UrgentReplyPolicy
    alerts: AlertState
    decided: Decided | None = None
    open: WrittenReply | None = None

    def write(self, outcome: Outcome) -> list[EngineEvent]:
        """What follows from what the lane did."""
        match outcome:
            case Decided():
                self.decided = outcome if outcome.speak else None
                return [decision_event(self.lane, outcome, self.clock)]
            case Began():
                return self._begin(outcome)
            case Word():
                return self._add(self.text.push(outcome.token))
            case Ended():
                self.decided = None  # a question that follows is no decision's
                return [*self._add(self.text.flush()), *self.close()]

    def close(self) -> list[EngineEvent]:
        """Finish the open reply."""
        reply, self.open = self.open, None
        if reply is None or not reply.pieces:
            return []
        return [ReplyFinal(text="".join(reply.pieces), **self._common(reply))]

    def _begin(self, began: Began) -> list[EngineEvent]:
        decided = (
            self.decided if self.decided and self.decided.heard.index == began.number else None
        )
        reply = WrittenReply(
            id=self.clock.new_id(self.lane),
            emotion=began.emotion.name.lower(),
            source=loudest(decided.heard.energy) if decided is not None else None,
            start_s=began.number * CHUNK_S,
            end_s=(began.number + 1) * CHUNK_S,
        )
        self.open = reply
        if began.emotion is not Emotion.URGENT or decided is None:
            return []
        alert = self.policy.reply_begun(
            self.alerts,
            source=reply.source,
            start_s=reply.start_s,
            end_s=reply.end_s,
            confidence=decided.score,
            emitted_s=self.clock.emitted_s,
        )
        return [alert] if alert is not None else []

    def _add(self, piece: str) -> list[EngineEvent]:
        if self.open is None or not (piece := piece if self.open.pieces else piece.lstrip()):
            return []
        self.open.pieces.append(piece)
        return [ReplyDelta(text=piece, **self._common(self.open))]

    def _common(self, reply: WrittenReply) -> dict[str, Any]:
        return {
            "id": reply.id,
            "session": self.clock.session,
            "source": reply.source,
            "start_s": reply.start_s,
            "end_s": reply.end_s,
            "emitted_s": self.clock.emitted_s,
            "emotion": reply.emotion,
            "lane": self.lane,
        }
