"""Plays a stream into the embedded model and notes what it says when.

`played` uses the engine thread, at real-time pace. `simulated` steps the model as fast as it goes
and takes the processor time of each step for the time it would take on a quiet machine; chunks
that arrive meanwhile wait, as they would. So it can be trusted on a busy machine too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from everlisten.app.bench.caption_measures import Display, words_of
from everlisten.app.bench.speech_streams import Samples
from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.interaction import Instruction
from everlisten.engine.runner import EngineThread

_SESSION = "bench"
_DRAIN_S = 60.0

Player = Callable[[EmbeddedModel, Samples, Instruction], "Playback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """What came of a stream.

    Attributes:
        events: With the moment they appeared, seconds since the stream began.
        cpu_s: Processor time of the whole process (played) or of the model's steps (simulated).
        seconds: Length of the stream.
    """

    events: tuple[tuple[float, EngineEvent], ...]
    cpu_s: float
    seconds: float

    def text(self, kind: type[CaptionFinal] | type[TranslationFinal] = CaptionFinal) -> str:
        """All finals of a kind."""
        return " ".join(e.text for _, e in self.events if isinstance(e, kind))

    def displays(self) -> list[list[Display]]:
        """What was shown of each utterance."""
        shown: dict[str, list[Display]] = {}
        for at_s, event in self.events:
            stable: tuple[str, ...]
            unstable: tuple[str, ...] = ()
            if isinstance(event, CaptionFinal):
                stable = words_of(event.text)
            elif isinstance(event, CaptionPartial):
                stable, unstable = words_of(event.stable), words_of(event.unstable)
            else:
                continue
            final = isinstance(event, CaptionFinal)
            display = Display(at_s=at_s, stable=stable, unstable=unstable, final=final)
            shown.setdefault(event.id, []).append(display)
        return list(shown.values())

    def final_waits_s(self) -> list[float]:
        """From the end of each utterance to its final."""
        return [at_s - e.end_s for at_s, e in self.events if isinstance(e, CaptionFinal)]

    def first_translation_waits_s(self) -> list[float]:
        """From the beginning of each utterance to its first English text."""
        first: dict[str, float] = {}
        for at_s, event in self.events:
            if isinstance(event, TranslationPartial | TranslationFinal) and event.text:
                first.setdefault(event.id, at_s - event.start_s)
        return list(first.values())


def chunks(samples: Samples) -> Iterator[AudioChunk]:
    """The stream in chunks of one file source; the last one filled up with zeros."""
    count = -(-len(samples) // CHUNK_SAMPLES)
    padded = np.zeros((count, 1, CHUNK_SAMPLES), np.float32)
    padded.reshape(-1)[: len(samples)] = samples
    for index in range(count):
        yield AudioChunk(
            index=index,
            sources=(SourceName.FILE,),
            samples=padded[index],
            captured_s=time.monotonic(),
        )


def played(model: EmbeddedModel, samples: Samples, instruction: Instruction) -> Playback:
    """Play at real-time pace through the engine thread."""
    events: list[tuple[float, EngineEvent]] = []
    ring = ChunkRing((SourceName.FILE,))
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    engine = EngineThread(
        model=model,
        ring=ring,
        sink=lambda event: events.append((time.monotonic() - began_s, event)),
        instruction=instruction,
        session=_SESSION,
    )
    engine.start()
    for chunk in chunks(samples):
        time.sleep(max(0.0, began_s + chunk.end_s - time.monotonic()))
        ring.push(chunk)
    ring.close()
    engine.join(_DRAIN_S)
    return Playback(
        events=tuple(events),
        cpu_s=time.process_time() - cpu_began_s,
        seconds=len(samples) / (CHUNK_SAMPLES / CHUNK_S),
    )


def simulated(model: EmbeddedModel, samples: Samples, instruction: Instruction) -> Playback:
    """Step by step, on a clock that advances by processor time."""
    state = model.new_state(instruction, _SESSION)
    events: list[tuple[float, EngineEvent]] = []
    waiting = list(chunks(samples))
    free_s = cpu_s = 0.0
    for chunk in waiting:
        began_s = max(chunk.end_s, free_s)
        arrived = min(len(waiting), int(began_s / CHUNK_S + 1e-6))
        state.backlog_chunks = max(0, arrived - chunk.index - 1)
        cpu_began_s = time.process_time()
        said = model.step(chunk, state)
        used_s = time.process_time() - cpu_began_s
        cpu_s += used_s
        free_s = began_s + used_s
        events += [(free_s, event) for event in said]
    events += [(free_s, event) for event in model.flush(state)]
    seconds = len(samples) / (CHUNK_SAMPLES / CHUNK_S)
    return Playback(events=tuple(events), cpu_s=cpu_s, seconds=seconds)


def fast(model: EmbeddedModel, samples: Samples, instruction: Instruction) -> Playback:
    """As `--fast`: there is always more sound waiting, so only finals are made."""
    state = model.new_state(instruction, _SESSION)
    state.backlog_chunks = 1
    events: list[tuple[float, EngineEvent]] = []
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    for chunk in chunks(samples):
        events += [(time.monotonic() - began_s, e) for e in model.step(chunk, state)]
    events += [(time.monotonic() - began_s, e) for e in model.flush(state)]
    return Playback(
        events=tuple(events),
        cpu_s=time.process_time() - cpu_began_s,
        seconds=len(samples) / (CHUNK_SAMPLES / CHUNK_S),
    )
