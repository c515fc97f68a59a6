"""The way of chunks from the audio thread to one consumer: a preallocated ring, 60 s deep.

Lock-free for exactly one producer thread and one consumer thread: each counter is written by one
side only, and a slot's contents are written before the counter that publishes them. Neither side
ever waits for the other; a full ring refuses the chunk and counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, AudioChunk, SourceName

DEFAULT_CAPACITY_CHUNKS = round(60.0 / CHUNK_S)


class ChunkRing:
    """Single-producer single-consumer ring of `AudioChunk`s.

    Memory is allocated once: capacity x sources x 25.6 kB. `pop` copies out of it, so a popped
    chunk stays valid for ever; `push` copies in, so the producer may reuse its arrays.
    """

    def __init__(
        self, sources: Sequence[SourceName], capacity_chunks: int = DEFAULT_CAPACITY_CHUNKS
    ) -> None:
        """Allocate the ring.

        Args:
            sources: Every source that a chunk may carry; a chunk may carry fewer.
            capacity_chunks: How many chunks wait at most before `push` refuses.
        """
        if capacity_chunks < 1:
            raise ValueError(f"capacity_chunks = {capacity_chunks}: give 1 or more")
        if not sources or len(set(sources)) != len(sources):
            raise ValueError(f"sources = {list(sources)}: give one or more, each once")
        self.sources = tuple(sources)
        self.capacity_chunks = capacity_chunks
        # float32 [capacity, S, 6400]; slot k % capacity belongs to chunk number k.
        self._samples = np.zeros((capacity_chunks, len(sources), CHUNK_SAMPLES), np.float32)
        self._index = [0] * capacity_chunks
        self._captured_s = [0.0] * capacity_chunks
        self._present: list[tuple[SourceName, ...]] = [()] * capacity_chunks
        self._pushed = 0  # written by the producer only
        self._popped = 0  # written by the consumer only
        self._dropped = 0  # written by the producer only
        self._closed = False  # written by the producer only
        self.listening = True
        """Written by the consumer's side: while it is False, chunks are let go of uncounted."""
        self.ear: Callable[[AudioChunk], AudioChunk] | None = None
        """What the consumer is given instead of a chunk, if it must not hear everything; called by
        `pop` with a chunk of its own."""

    def __len__(self) -> int:
        """Chunks that wait now."""
        popped = self._popped  # read first: the difference can then only be too large, never < 0
        return min(self._pushed - popped, self.capacity_chunks)

    @property
    def dropped(self) -> int:
        """Chunks refused because the ring was full."""
        return self._dropped

    @property
    def full(self) -> bool:
        """The next push would be refused."""
        return self.listening and len(self) >= self.capacity_chunks

    @property
    def closed(self) -> bool:
        """The producer has said that nothing more comes."""
        return self._closed

    @property
    def finished(self) -> bool:
        """Nothing waits and nothing more comes."""
        return self._closed and self._pushed == self._popped

    def push(self, chunk: AudioChunk) -> bool:
        """Copy a chunk in. Producer thread only; never blocks.

        Returns:
            False when the ring is full: the chunk is not taken, and counted in `dropped`.
        """
        assert not self._closed, "push after close"
        if not self.listening:
            return True
        assert set(chunk.sources) <= set(self.sources), (chunk.sources, self.sources)
        if self._pushed - self._popped >= self.capacity_chunks:
            self._dropped += 1
            return False
        slot = self._pushed % self.capacity_chunks
        self._samples[slot, : len(chunk.sources)] = chunk.samples
        self._index[slot] = chunk.index
        self._captured_s[slot] = chunk.captured_s
        self._present[slot] = chunk.sources
        self._pushed += 1  # publishes the slot: must stay the last write
        return True

    def pop(self) -> AudioChunk | None:
        """Take the oldest chunk, or None. Consumer thread only; never blocks.

        Returns:
            A chunk whose samples the caller owns.
        """
        if self._pushed == self._popped:
            return None
        slot = self._popped % self.capacity_chunks
        present = self._present[slot]
        chunk = AudioChunk(
            index=self._index[slot],
            sources=present,
            samples=self._samples[slot, : len(present)].copy(),
            captured_s=self._captured_s[slot],
        )
        self._popped += 1  # frees the slot: must stay the last write
        return chunk if self.ear is None else self.ear(chunk)

    def close(self) -> None:
        """Say that nothing more comes. Producer thread only, or once its thread has ended."""
        self._closed = True
