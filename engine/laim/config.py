"""Settings of the perceive-decide-respond loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from everlisten.engine.laim.tokens import CHUNK_ROWS, TURN_ROWS, Emotion

LARGEST_WINDOW = 2048
"""The released weights were trained with positions rounded to half precision: exact to here."""
SMALLEST_WINDOW = 512


class Policy(StrEnum):
    """Where chunks go that arrive while a lane speaks."""

    QUEUE = "queue"
    """They are prefilled after the reply: the layout that the released weights know."""
    INTERLEAVE = "interleave"
    """Their rows ride along with the reply's: for weights trained so."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """What a lane does after a chunk, whatever the model says."""

    text_tokens: int
    """Length of the reply; 0 stays silent."""
    emotion: Emotion | None = None
    """None leaves the emotion to the model."""


class DecisionScript(Protocol):
    """Decisions for weights that decide at random, in benchmarks and long runs.

    It is asked after the model's own decision was computed, so a scripted run costs what a real one
    costs.
    """

    def __call__(self, lane: str, chunk: int) -> Scripted | None:
        """What `lane` does after chunk number `chunk`; None leaves it to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaimConfig:
    """How lanes listen, speak and forget. Sizes are rows of the context: positions."""

    policy: Policy = Policy.QUEUE
    window: int = LARGEST_WINDOW
    """Positions of a lane's context; none is ever beyond."""
    keep: int = 1024
    """Most rows that a lane keeps when it forgets: 31 s of silence."""
    reserve: int = 320
    """Forgetting begins so many rows before the window's end. Re-prefilling `keep` rows takes 12
    chunks, each with 13 rows and a lane's text."""
    recent_chunks: int = 25
    """The last chunks (10 s) are kept even if silent."""
    waiting_chunks: int = 64
    """Most chunks that wait for a lane (25.6 s); further ones wait in the chunk ring."""
    max_reply_tokens: int = 256
    """A longer reply of the assistant is ended."""
    max_caption_tokens: int = 96
    """So is a longer caption or translation after one chunk, if that is less: loops happen, and 96
    tokens are some 25 s of speech."""
    max_question_tokens: int = 128
    """A longer typed question is refused."""
    max_instruction_chunks: int = 25
    """Longest spoken instruction: 10 s."""
    max_system_tokens: int = 256
    """Longest system text."""
    temperature: float = 0.0
    """Of the assistant's text; 0 is greedy. The weights' card recommends 0.3. Captions and
    translations are greedy always."""
    script: DecisionScript | None = None
    """For benchmarks and long runs only."""

    def __post_init__(self) -> None:
        if not SMALLEST_WINDOW <= self.window <= LARGEST_WINDOW:
            raise ValueError(
                f"window is {self.window}; it must lie between {SMALLEST_WINDOW} and"
                f" {LARGEST_WINDOW}, up to which the weights' positions are exact"
            )
        reply = CHUNK_ROWS + self.max_reply_tokens + 3
        question = self.max_question_tokens + self.max_reply_tokens + 7
        if self.pinned_rows + max(reply, question) > self.keep:
            raise ValueError(
                f"keep is {self.keep}; system text, instruction ({self.pinned_rows} rows) and one"
                f" question with its reply ({max(reply, question)} rows) must fit in it"
            )
        waiting = self.waiting_chunks * TURN_ROWS
        if self.keep + max(self.reserve, waiting, question) + 2 * TURN_ROWS > self.window:
            raise ValueError(
                f"keep ({self.keep}) and the largest of reserve ({self.reserve}), the waiting"
                f" chunks' rows ({waiting}) and a question's with its reply ({question}) must fit"
                f" in the window ({self.window})"
            )
        if self.recent_chunks < 1 or self.waiting_chunks < 1 or self.temperature < 0:
            raise ValueError("recent_chunks and waiting_chunks must be 1 or more, temperature >= 0")

    @property
    def pinned_rows(self) -> int:
        """Most rows that are never forgotten: the prefix and the spoken instruction."""
        return self.max_system_tokens + 5 + self.max_instruction_chunks * TURN_ROWS

    def halved(self) -> LaimConfig | None:
        """The same with half the window, for a GPU that is full; None where that is too little."""
        if self.window // 2 < SMALLEST_WINDOW:
            return None
        return replace(
            self,
            window=self.window // 2,
            keep=self.keep // 2,
            reserve=self.reserve // 2,
            recent_chunks=max(1, self.recent_chunks // 2),
            waiting_chunks=self.waiting_chunks // 2,
            max_reply_tokens=self.max_reply_tokens // 2,
            max_question_tokens=self.max_question_tokens // 2,
            max_instruction_chunks=self.max_instruction_chunks // 2,
            max_system_tokens=self.max_system_tokens // 2,
        )
