"""Hours of stream through a model as fast as it goes, counted by the thousand chunks.

Import it as `import laim_stream`: `tests/conftest.py` puts this folder on the path.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import psutil

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.config import LaimConfig, Scripted
from everlisten.engine.laim.model import AudioInteractionModel
from everlisten.engine.laim.tokens import Emotion


def one_in_ten(lane: str, chunk: int) -> Scripted:
    """One chunk in ten speaks, 8 text tokens: random weights would speak at random."""
    return Scripted(8 if chunk % 10 == 9 else 0, Emotion.NORMAL)


@dataclass(frozen=True)
class ThousandChunks:
    """What a thousand chunks cost, and what was there at their end.

    Attributes:
        passes: Forward passes.
        rows: Rows in them.
        evictions: Times that a lane forgot.
        furthest: Largest number of positions a lane ever took.
        events: Events that came out.
        turns: Turns in the fullest lane's record.
        objects: Python objects that the collector knows.
        resident_mb: Memory of the process.
        chunk_ms: Mean processor time of a chunk, of the thread that steps the model: less moved by
            other programs than a clock. Not the median: lanes that forget at the same time need
            fewer, larger passes than lanes that do so in turn, and they drift.
    """

    passes: int
    rows: int
    evictions: int
    furthest: int
    events: int
    turns: int
    objects: int
    resident_mb: float
    chunk_ms: float


class Stream:
    """Quiet noise through one session of a model on the CPU."""

    def __init__(self, folder: Path, instruction: Instruction) -> None:
        self.model = AudioInteractionModel(
            folder, device="cpu", config=LaimConfig(script=one_in_ten)
        )
        self.state = self.model.new_state(instruction, "s")
        self._index = 0
        random = np.random.default_rng(1)
        noise = random.standard_normal((64, 1, CHUNK_SAMPLES)).astype(np.float32)
        self._sound = noise * np.float32(0.05)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.model.close()

    def thousand(self) -> ThousandChunks:
        """Hear another thousand chunks."""
        done = self.model.done
        before = done.passes, done.rows, done.evictions
        events = 0
        times_ms = []
        for _ in range(1000):
            start_s = time.thread_time()
            events += self._hear()
            times_ms.append((time.thread_time() - start_s) * 1e3)
        gc.collect()
        return ThousandChunks(
            passes=done.passes - before[0],
            rows=done.rows - before[1],
            evictions=done.evictions - before[2],
            furthest=done.furthest,
            events=events,
            turns=max(len(seat.lane.context.turns) for seat in self.state.seats),
            objects=len(gc.get_objects()),
            resident_mb=psutil.Process().memory_info().rss / 1e6,
            chunk_ms=statistics.fmean(times_ms),
        )

    def _hear(self) -> int:
        chunk = AudioChunk(
            index=self._index,
            sources=(SourceName.MIC,),
            samples=self._sound[self._index % len(self._sound)],
            captured_s=0.0,
        )
        self._index += 1
        events = len(self.model.step(chunk, self.state))
        while self.model.busy(self.state):
            events += len(self.model.advance(self.state))
        return events
