"""The engine thread: takes chunks from the ring, steps the model, hands its events on.

One thread owns the model and all streaming state. It never waits for capture (the ring is 60 s
deep), for the disk or for a window (`sink` must not block).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from everlisten.audio_io.chunk import CHUNK_S, AudioChunk
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.commanded_thread import CommandedThread
from everlisten.engine.errors import EngineError
from everlisten.engine.events import EngineEvent, EngineFailed, EngineHealth
from everlisten.engine.interaction import Instruction, InteractionModel

logger = logging.getLogger(__name__)

EventSink = Callable[[EngineEvent], None]

POLL_S = 0.02
"""Rest while the ring is empty: 5 % of a chunk, and about 0.2 % of a core."""
HEALTH_EVERY_S = 2.0
BEHIND_S = 2.0
"""From this lag on the user is told that captions are behind."""
FINISH_S = 8.0
"""Longest time that the thread still works after it was told to end."""


@dataclass(frozen=True, slots=True)
class SetInstruction:
    """Replace the instruction between two steps."""

    instruction: Instruction


@dataclass(frozen=True, slots=True)
class Flush:
    """Finish open utterances now: listening was paused."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Break off the running reply, finish the open utterances and end the thread; what still waits
    in the ring is left."""


@dataclass(frozen=True, slots=True)
class AskText:
    """Give the model a question that the user typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Break off the running reply."""


Command = SetInstruction | AskText | Interrupt | Flush | Shutdown


@dataclass(slots=True)
class EngineLoad:
    """How the engine keeps up; written by the engine thread, read by anyone."""

    lag_s: float = 0.0
    load: float = 0.0
    chunks: int = 0
    busy_s: float = 0.0
    consumed_s: float = 0.0
    """Stream time up to which chunks have been finished with."""


class EngineThread(CommandedThread[Command]):
    """Owner of a model while it listens to one session.

    Args:
        model: Stepped and flushed from this thread only; not closed by it.
        ring: Where the chunks come from; the thread ends once it is closed and empty.
        sink: Takes every event, in order; must not block.
        instruction: What the model starts with.
        session: Identifier that goes into the events.
        feed_problem: What is wrong with the sound, for the health events; "" if nothing is.
    """

    def __init__(
        self,
        *,
        model: InteractionModel[Any],
        ring: ChunkRing,
        sink: EventSink,
        instruction: Instruction,
        session: str,
        feed_problem: Callable[[], str] = str,
    ) -> None:
        super().__init__("engine", Shutdown())
        self._model = model
        self._ring = ring
        self._sink = sink
        self._instruction = instruction
        self._session = session
        self._feed_problem = feed_problem
        self._next_health_s = 0.0
        self._advanced_s = 0.0
        self._process = psutil.Process()
        self.load = EngineLoad()
        self.failed = False

    def _run(self) -> None:
        try:
            self._listen()
        except EngineError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("the engine thread failed")
            self._fail(f"Captions stopped: {error!r}. They start again by themselves.")

    def _fail(self, sentence: str) -> None:
        self.failed = True
        self._emit([EngineFailed(id=f"{self._session}-failed", session=self._session,
                                 emitted_s=self.load.consumed_s, text=sentence)])  # fmt: skip

    def _listen(self) -> None:
        state = self._model.new_state(self._instruction, self._session)
        while True:
            while not self._commands.empty():
                if not self._obey(self._commands.get(), state):
                    return
            chunk = self._ring.pop()
            if chunk is not None:
                state.backlog_chunks = len(self._ring)
                self._step(chunk, state)
            elif self._model.busy(state):
                self._advance(state)
            elif self._ring.finished:
                self._emit(self._model.flush(state))
                return
            else:
                time.sleep(POLL_S)

    def _obey(self, command: Command, state: Any) -> bool:
        """Carry out a command; False if it was the last one."""
        match command:
            case SetInstruction():
                state.instruction = command.instruction
            case AskText():
                self._emit(self._model.ask(command.text, state))
            case Interrupt():
                self._emit(self._model.interrupt(state))
            case Flush():
                self._emit(self._model.flush(state))
            case Shutdown():
                self._finish(state)
                return False
        return True

    def _finish(self, state: Any) -> None:
        """Work through what was heard, without replies: whoever ends the thread waits for it."""
        until_s = time.monotonic() + FINISH_S
        self._emit(self._model.interrupt(state))
        while self._model.busy(state):
            if time.monotonic() > until_s:
                logger.warning("stopped before everything that was heard was worked through")
                return
            self._emit(self._model.advance(state))
            self._emit(self._model.interrupt(state))
        self._emit(self._model.flush(state))

    def _step(self, chunk: AudioChunk, state: Any) -> None:
        began_s = time.monotonic()
        self._emit(self._model.step(chunk, state))
        ended_s = time.monotonic()
        self._measure(chunk, began_s, ended_s)
        if ended_s >= self._next_health_s:
            self._next_health_s = ended_s + HEALTH_EVERY_S
            self._emit([self._health()])

    def _advance(self, state: Any) -> None:
        began_s = time.monotonic()
        self._emit(self._model.advance(state))
        # Counted with the next chunk, of whose time it is a part.
        self._advanced_s += time.monotonic() - began_s

    def _measure(self, chunk: AudioChunk, began_s: float, ended_s: float) -> None:
        load = self.load
        busy_s, self._advanced_s = ended_s - began_s + self._advanced_s, 0.0
        load.chunks += 1
        load.busy_s += busy_s
        load.consumed_s = chunk.end_s
        load.lag_s = max(0.0, ended_s - chunk.captured_s)
        # An average over about 4 s: long enough to span the decodes of a sentence.
        load.load += 0.1 * (busy_s / CHUNK_S - load.load)

    def _health(self) -> EngineHealth:
        load = self.load
        behind = f"Captions are {load.lag_s:.0f} s behind." if load.lag_s >= BEHIND_S else ""
        return EngineHealth(
            id=f"{self._session}-health",
            session=self._session,
            emitted_s=load.consumed_s,
            lag_s=load.lag_s,
            load=load.load,
            memory_mb=self._process.memory_info().rss / 1e6,
            dropped=self._ring.dropped,
            problem=" ".join(filter(None, (self._feed_problem(), behind))),
        )

    def _emit(self, events: Sequence[EngineEvent]) -> None:
        for event in events:
            self._sink(event)
