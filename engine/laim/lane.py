"""A lane: one listener over the shared sound, with its own instruction, context and replies.

Host logic only. `plan` says which rows the lane wants in the next forward pass, `apply` takes what
the model said after them. Nothing of the record changes in between, so a pass that failed can be
planned again.

Rows go in as the weights know them: the token chosen last comes first, then a chunk; while the lane
speaks, one token at a time. Several waiting chunks go in at once, each but the last with
KEEP_SILENCE behind it; where the model would rather speak, the chunks behind are left for later
passes, so the result is the same as one by one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from everlisten.engine.laim import plan as plans
from everlisten.engine.laim.config import LaimConfig, Policy
from everlisten.engine.laim.context import Context, Turn
from everlisten.engine.laim.eviction import Rebuild
from everlisten.engine.laim.outcomes import (
    Began,
    Decided,
    Ended,
    Heard,
    Outcome,
    Question,
    Word,
)
from everlisten.engine.laim.plan import Plan
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_BEGIN, TEXT_END, TURN_ROWS, Emotion

_FILLER = 220
"""A space: stands where a script wants a longer reply than the model."""
_TEXT_ROWS = 2
"""A text token, and TEXT_END if it was the last one allowed."""
_LARGEST_SCORE = 60.0
"""Beyond, the probability is 0 or 1 in double precision, and exp() would overflow far beyond."""


@dataclass(slots=True)
class Reply:
    """A reply that is being written."""

    limit: int
    scripted: bool = False
    emotion: Emotion | None = None
    written: int = 0


@dataclass(slots=True, eq=False)
class Lane:
    """State of one lane.

    Attributes:
        name: "captions", "translation" or "assistant".
        context: What the lane has heard and said.
        config: Shared by all lanes.
        bias: Added to the score of speaking.
        temperature: Of the text.
        limit: Most text tokens of a reply.
        waiting: Chunks and questions that the context does not have yet, oldest first.
        reply: The one being written.
        rebuild: The context that is to replace the present one.
    """

    name: str
    context: Context
    config: LaimConfig
    bias: float = 0.0
    temperature: float = 0.0
    limit: int = 0
    waiting: deque[Heard | Question] = field(default_factory=deque)
    reply: Reply | None = None
    rebuild: Rebuild | None = None

    def __post_init__(self) -> None:
        """Without a limit of its own, the lane's is the assistant's."""
        self.limit = self.limit or self.config.max_reply_tokens

    @property
    def needed_rows(self) -> int:
        """Rows that the next pass adds to the record at least."""
        front = self.waiting[0] if self.waiting else None
        if self.reply is not None:
            return TURN_ROWS + _TEXT_ROWS if self._rides() else _TEXT_ROWS
        if isinstance(front, Question):
            return Turn.of_question(front.after, front.text).rows + _TEXT_ROWS
        return TURN_ROWS if front is not None else 0

    @property
    def busy(self) -> bool:
        """Whether `plan` has something."""
        return self.reply is not None or bool(self.waiting) or self.context.pending > _TEXT_ROWS

    def plan(self, max_rows: int) -> Plan | None:
        """Rows for the next pass; None if the lane has nothing to do.

        The window must have room for `needed_rows`.

        Args:
            max_rows: Longest pass.
        """
        if self.reply is None and self.waiting and isinstance(self.waiting[0], Question):
            self._open(self.waiting[0])
        if self.reply is None:
            heard = self._next_chunks(max_rows)
            if heard:
                return plans.of_chunks(self.context, heard)
            # A control token and TEXT_END can wait for the next chunk; a longer beginning cannot.
            waits = self.context.pending <= _TEXT_ROWS
            return None if waits else plans.of_rows(self.context, max_rows)
        if self.context.pending > max_rows:
            return plans.of_rows(self.context, max_rows)
        if self._rides():
            heard_now = self.waiting[0]
            assert isinstance(heard_now, Heard)
            return plans.of_ride(self.context, heard_now, temperature=self.temperature)
        text = self.reply.emotion is not None
        return plans.of_reply(self.context, text=text, temperature=self.temperature)

    def apply(self, plan: Plan, readings: Sequence[RowReading]) -> list[Outcome]:
        """Take what the model said after the rows of a plan."""
        if not plan.block.read:
            self.context.position += len(plan.block.tokens)
            return []
        if self.reply is None:
            return self._hear(plan.heard, readings)
        if plan.heard:
            return self._ride(self.reply, plan.heard[0], readings)
        self.context.position = self.context.rows
        return self._say(self.reply, readings[0])

    def cut(self) -> list[Outcome]:
        """End the reply where it is."""
        if self.reply is None:
            return []
        if not self.reply.written:
            self.retract()
        else:
            self.context.turns[-1].tail.append(TEXT_END)
            self.reply = None
        return [Ended()]

    def retract(self) -> None:
        """Stay silent after all: of a reply without text nothing is left."""
        self.context.turns[-1].tail[:] = [KEEP_SILENCE]
        self.context.position = min(self.context.position, self.context.rows - 1)
        self.reply = None
        if self.rebuild is not None:
            self.rebuild.follow(self.context)

    def _rides(self) -> bool:
        """Whether a chunk goes in beside the reply's next token."""
        return (
            self.config.policy is Policy.INTERLEAVE
            and self.reply is not None
            and self.reply.written > 0
            and self.context.pending == 1
            and bool(self.waiting)
            and isinstance(self.waiting[0], Heard)
        )

    def _open(self, question: Question) -> None:
        self.waiting.popleft()
        self.context.append(Turn.of_question(question.after, question.text))
        self.context.turns[-1].tail.append(TEXT_BEGIN)
        self.reply = Reply(self.limit)

    def _next_chunks(self, max_rows: int) -> list[Heard]:
        """The waiting chunks that fit in one pass and in the window."""
        fit = min(
            (max_rows - self.context.pending + 1) // TURN_ROWS,
            (self.config.window - self.context.rows) // TURN_ROWS,
        )
        chunks: list[Heard] = []
        for item in self.waiting:
            if len(chunks) >= fit or not isinstance(item, Heard):
                break
            chunks.append(item)
        return chunks

    def _hear(self, heard: Sequence[Heard], readings: Sequence[RowReading]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for one, reading in zip(heard, readings, strict=True):
            turn = self._take(one)
            outcomes.append(self._decide(one, reading))
            if self.reply is not None:
                turn.tail.append(TEXT_BEGIN)
                break
            turn.tail.append(KEEP_SILENCE)
        return outcomes

    def _ride(self, reply: Reply, heard: Heard, readings: Sequence[RowReading]) -> list[Outcome]:
        token = self.context.turns[-1].tail.pop()
        turn = self._take(heard)
        decided = self._decide(heard, readings[0])
        self.reply = reply  # it goes on, whatever was decided
        turn.tail += (KEEP_SILENCE, token)
        self.context.position = self.context.rows
        return [decided, *self._say(reply, readings[1])]

    def _take(self, heard: Heard) -> Turn:
        """Move a waiting chunk into the context, up to its ASSISTANT row."""
        taken = self.waiting.popleft()
        assert taken is heard
        turn = Turn.of_chunk(heard.index, heard.features)
        self.context.append(turn)
        self.context.position = self.context.rows
        return turn

    def _decide(self, heard: Heard, reading: RowReading) -> Decided:
        score = max(-_LARGEST_SCORE, min(_LARGEST_SCORE, reading.score + self.bias))
        script = self.config.script
        scripted = script(self.name, heard.index) if script is not None else None
        speak = score > 0 if scripted is None else scripted.text_tokens > 0
        if speak:
            self.reply = Reply(self.limit)
            if scripted is not None:
                length = min(scripted.text_tokens, self.limit)
                self.reply = Reply(length, scripted=True, emotion=scripted.emotion)
        return Decided(heard, speak, 1 / (1 + math.exp(-score)))

    def _say(self, reply: Reply, reading: RowReading) -> list[Outcome]:
        turn = self.context.turns[-1]
        if turn.tail[-1] == TEXT_BEGIN:
            reply.emotion = reply.emotion or Emotion(reading.emotion)
            turn.tail.append(reply.emotion)
            return [Began(turn.number, reply.emotion)]
        token = reading.token
        if reply.scripted and token == TEXT_END:
            token = _FILLER
        turn.tail.append(token)
        if token == TEXT_END:
            self.reply = None
            return [Ended()]
        reply.written += 1
        if reply.written < reply.limit:
            return [Word(token)]
        turn.tail.append(TEXT_END)
        self.reply = None
        return [Word(token), Ended()]
