"""A stream that runs faster than real time through the real ring and engine thread.

A thread pushes chunks at a fixed pace, as capture does, whether or not the engine keeps up. What
the full ring refuses is counted as dropped.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from everlisten.app.bench.engine_report import Row
from everlisten.app.bench.engine_stream import Sound
from everlisten.app.bench.engine_timing import Timing
from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.events import Decision, EngineEvent, EngineFailed
from everlisten.engine.interaction import Instruction, InteractionModel
from everlisten.engine.runner import EngineThread

_DRAIN_S = 60.0
"""Longest time that the engine may take for what still waits at the end."""
_PRODUCER_LATE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What came of it.

    Attributes:
        chunks: Handed to the ring.
        dropped: Refused by the full ring.
        decisions: That the lanes made.
        deepest: Most chunks that waited in the ring.
        lag: From a chunk's capture to its last decision, on the wall clock.
        wall_s: From the first chunk to the end of the stream, all work done.
        late: Chunks that the producer itself handed over late, because it was not scheduled.
        failure: What the engine said when it failed; "" if it did not.
    """

    chunks: int
    dropped: int
    decisions: int
    deepest: int
    lag: Timing
    wall_s: float
    late: int
    failure: str

    def row(self, lanes: int, speed: float) -> Row:
        """Of the table."""
        return {
            "stream": f"{self.chunks * CHUNK_S / 60:.3g} min at {speed:g} times real time",
            "lanes": lanes,
            "dropped chunks": self.dropped,
            "decisions": self.decisions,
            "most chunks waiting": self.deepest,
            "lag p50 ms": round(self.lag.p50_ms, 2),
            "lag p99 ms": round(self.lag.p99_ms, 2),
            "wall s": round(self.wall_s, 1),
            "producer late": self.late,
            **({"failed": self.failure} if self.failure else {}),
        }


def soak(
    model: InteractionModel[Any], instruction: Instruction, *, chunks: int, speed: float
) -> Soak:
    """Stream `chunks` chunks at `speed` times real time through ring and engine thread."""
    ring = ChunkRing((SourceName.MIC,))
    captured_s: dict[float, float] = {}
    lags_ms: dict[float, float] = {}
    failures: list[str] = []
    decisions = [0]

    def take(event: EngineEvent) -> None:
        if isinstance(event, Decision):
            decisions[0] += 1
            lags_ms[event.end_s] = (time.monotonic() - captured_s[round(event.end_s, 3)]) * 1e3
        elif isinstance(event, EngineFailed):
            failures.append(event.text)

    began_s = time.monotonic()
    engine = EngineThread(
        model=model, ring=ring, sink=take, instruction=instruction, session="soak",
    )  # fmt: skip
    producer = _Producer(ring, chunks, CHUNK_S / speed, captured_s)
    engine.start()
    producer.run_to_end()
    if not engine.join(_DRAIN_S):
        engine.stop()
        failures.append(f"work was left {_DRAIN_S:.0f} s after the end of the stream")
    return Soak(
        chunks=chunks, dropped=ring.dropped, decisions=decisions[0], deepest=producer.deepest,
        lag=Timing.of(list(lags_ms.values())), wall_s=time.monotonic() - began_s,
        late=producer.late, failure=" ".join(failures),
    )  # fmt: skip


class _Producer:
    """Pushes chunks at a fixed pace from a thread of its own."""

    def __init__(
        self, ring: ChunkRing, chunks: int, pace_s: float, captured_s: dict[float, float]
    ) -> None:
        self._ring = ring
        self._chunks = chunks
        self._pace_s = pace_s
        self._captured_s = captured_s
        self._thread = threading.Thread(target=self._run, name="bench-producer")
        self.deepest = 0
        self.late = 0

    def run_to_end(self) -> None:
        """Return when the last chunk is pushed and the ring closed."""
        self._thread.start()
        self._thread.join()

    def _run(self) -> None:
        sound = Sound()
        due_s = time.monotonic()
        for _ in range(self._chunks):
            due_s += self._pace_s
            left_s = due_s - time.monotonic()
            self.late += left_s < -_PRODUCER_LATE_S
            time.sleep(max(0.0, left_s))
            chunk = sound.next()
            self._captured_s[round(chunk.end_s, 3)] = chunk.captured_s
            self._ring.push(chunk)
            self.deepest = max(self.deepest, len(self._ring))
        self._ring.close()
