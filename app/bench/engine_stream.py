"""Chunks through the whole model, as the engine thread drives it: when it decides, when text comes.

The clock starts when `step` is called with a whole chunk, and stops when the event is handed over:
log-mel, tower, passes, sampling, detokenizer and events included.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from everlisten.app.bench.engine_report import Row
from everlisten.app.bench.engine_timing import Timing
from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.events import (
    CaptionPartial,
    Decision,
    EngineEvent,
    ReplyDelta,
    TranslationPartial,
)
from everlisten.engine.interaction import Instruction, InteractionModel

LANES = {
    1: Instruction(),
    3: Instruction(translate_to="zh", assistant="warn"),
}
"""Number of lanes to what they are told: captions; captions, translation and assistant."""

SPEAKS_EVERY = 10
TEXT_TOKENS = 8
_LOUDNESS = 0.05

_TEXT_OF = {CaptionPartial: "captions", TranslationPartial: "translation", ReplyDelta: "assistant"}
"""Lane of an event that brings new text; a final may come chunks later, at the first silence."""


@dataclass(slots=True)
class ChunkTimes:
    """What followed from one chunk, ms after it was handed over.

    Attributes:
        index: Of the chunk.
        decision_ms: By lane.
        spoke: Lanes that decided to speak.
        text_ms: By lane that spoke: its first text.
        done_ms: Nothing more was waiting.
    """

    index: int
    decision_ms: dict[str, float] = field(default_factory=dict)
    spoke: set[str] = field(default_factory=set)
    text_ms: dict[str, float] = field(default_factory=dict)
    done_ms: float = 0.0


@dataclass(slots=True)
class Sound:
    """Quiet noise, cut into chunks; the model's cost does not depend on what it hears."""

    index: int = 0
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def next(self) -> AudioChunk:
        """The chunk that has just been captured."""
        samples = self._random.standard_normal((1, CHUNK_SAMPLES), np.float32) * np.float32(
            _LOUDNESS
        )
        chunk = AudioChunk(
            index=self.index,
            sources=(SourceName.MIC,),
            samples=samples,
            captured_s=time.monotonic(),
        )
        self.index += 1
        return chunk

    def chunks(self, count: int) -> Iterator[AudioChunk]:
        """The next `count` chunks, each made when it is asked for."""
        return (self.next() for _ in range(count))


def play(
    model: InteractionModel[Any], state: Any, chunks: Iterable[AudioChunk], *, pace_s: float = 0.0
) -> Iterator[ChunkTimes]:
    """Step through chunks, each once all that follows from the one before is done.

    Args:
        model: To measure.
        state: Of the session.
        chunks: Sound; making a chunk is not timed.
        pace_s: Seconds from one chunk to the next; 0 hands them over back to back.
    """
    due_s = time.perf_counter()
    for chunk in chunks:
        due_s += pace_s
        time.sleep(max(0.0, due_s - time.perf_counter()) if pace_s else 0.0)
        yield _one(model, state, chunk)


def _one(model: InteractionModel[Any], state: Any, chunk: AudioChunk) -> ChunkTimes:
    times = ChunkTimes(chunk.index)
    start_s = time.perf_counter()
    _note(model.step(chunk, state), times, start_s)
    while model.busy(state):
        _note(model.advance(state), times, start_s)
    times.done_ms = (time.perf_counter() - start_s) * 1e3
    return times


def _note(events: Sequence[EngineEvent], times: ChunkTimes, start_s: float) -> None:
    now_ms = (time.perf_counter() - start_s) * 1e3
    for event in events:
        if isinstance(event, Decision):
            times.decision_ms.setdefault(event.lane, now_ms)
            if event.speak:
                times.spoke.add(event.lane)
        elif _TEXT_OF.get(type(event)) in times.spoke:
            times.text_ms.setdefault(_TEXT_OF[type(event)], now_ms)


def latency_rows(name: str, lanes: int, played: Sequence[ChunkTimes]) -> list[Row]:
    """Rows of the table: to the decision, to the first text, and until all was done.

    With several lanes, a chunk counts once, with the lane that came last.
    """
    decisions = [max(each.decision_ms.values()) for each in played if each.decision_ms]
    texts = [max(each.text_ms.values()) for each in played if each.text_ms]
    silent = [each.done_ms for each in played if not each.spoke]
    spoken = [each.done_ms for each in played if each.spoke]
    return [
        {"what": what, "stream": name, "lanes": lanes, **Timing.of(ms).cells()}
        for what, ms in (
            ("chunk end to decision", decisions),
            ("chunk end to first text token", texts),
            ("all done, silent chunk", silent),
            (f"all done, {TEXT_TOKENS} text tokens", spoken),
        )
        if ms
    ]
