"""What one consumer hears of what is captured: the sources meant for it, without our own voice.

The microphone may be open for alerts alone; then captions and recordings must not hear it. And
what Everlisten itself says or sounds is no sound of the world.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

import numpy as np

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, AudioChunk, SourceName

TAIL_S = 0.5
"""What was said goes on in the room and in the devices' buffers."""
_KEEP_S = 120.0
"""Chunks wait at most 60 s in a ring."""


class OwnVoice:
    """When Everlisten itself was heard; written by one thread, read by others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[tuple[float, float]] = deque()

    def add(self, from_s: float, until_s: float) -> None:
        """Everlisten makes a sound between two times of `time.monotonic()`."""
        with self._lock:
            self._times.append((from_s, until_s + TAIL_S))
            while self._times[0][1] < from_s - _KEEP_S:
                self._times.popleft()

    def covers(self, chunk: AudioChunk) -> bool:
        """Whether a part of the chunk was captured meanwhile."""
        with self._lock:
            return any(
                from_s < chunk.captured_s and chunk.captured_s - CHUNK_S < until_s
                for from_s, until_s in self._times
            )


class Ear:
    """Given to a ring as its `ear`.

    Args:
        sources: What may be heard; every source if None.
        own_voice: What is left out of devices' sound; None leaves nothing out.
    """

    def __init__(
        self, sources: tuple[SourceName, ...] | None = None, own_voice: OwnVoice | None = None
    ) -> None:
        self.sources = sources
        self._own_voice = own_voice

    def __call__(self, chunk: AudioChunk) -> AudioChunk:
        """The chunk as this consumer hears it; takes it over."""
        wanted = self.sources
        if wanted is not None and not set(chunk.sources) <= set(wanted):
            chunk = _only(chunk, wanted)
        if self._own_voice is not None and self._own_voice.covers(chunk):
            chunk.samples[:] = 0.0
        return chunk


def _only(chunk: AudioChunk, wanted: tuple[SourceName, ...]) -> AudioChunk:
    """The rows of some sources; silence of all of them while none is captured."""
    there = tuple(source for source in wanted if source in chunk.sources)
    if not there:
        silence = np.zeros((len(wanted), CHUNK_SAMPLES), np.float32)
        return replace(chunk, sources=wanted, samples=silence)
    rows = [chunk.sources.index(source) for source in there]
    return replace(chunk, sources=there, samples=chunk.samples[rows])
