"""The chunk ring keeps order and loses nothing, with real threads on both sides."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import DEFAULT_CAPACITY_CHUNKS, ChunkRing

BOTH = (SourceName.MIC, SourceName.SYSTEM)


def _chunk(index: int, sources: tuple[SourceName, ...] = BOTH) -> AudioChunk:
    """Every sample says which chunk and which source it belongs to, so tearing shows."""
    samples = np.empty((len(sources), CHUNK_SAMPLES), np.float32)
    samples[:] = index + 0.25 * np.arange(len(sources))[:, np.newaxis]
    return AudioChunk(index=index, sources=sources, samples=samples, captured_s=float(index))


def _intact(chunk: AudioChunk) -> bool:
    return bool((chunk.samples == _chunk(chunk.index, chunk.sources).samples).all())


def test_holds_a_minute() -> None:
    assert DEFAULT_CAPACITY_CHUNKS == 150
    assert ChunkRing(BOTH).capacity_chunks == 150


def test_pops_in_order_and_then_nothing() -> None:
    ring = ChunkRing(BOTH, 4)
    for index in range(3):
        assert ring.push(_chunk(index))
    assert len(ring) == 3
    popped = [ring.pop() for _ in range(4)]
    assert [chunk.index for chunk in popped if chunk is not None] == [0, 1, 2]
    assert popped[3] is None


def test_a_full_ring_refuses_and_counts() -> None:
    ring = ChunkRing(BOTH, 2)
    assert [ring.push(_chunk(index)) for index in range(4)] == [True, True, False, False]
    assert (ring.dropped, ring.full, len(ring)) == (2, True, 2)
    kept = ring.pop()
    assert kept is not None
    assert kept.index == 0


def test_popped_samples_belong_to_the_receiver() -> None:
    ring = ChunkRing(BOTH, 1)
    pushed = _chunk(0)
    ring.push(pushed)
    popped = ring.pop()
    assert popped is not None
    pushed.samples[:] = -1.0
    ring.push(_chunk(1))
    assert _intact(popped)


def test_chunks_may_carry_fewer_sources() -> None:
    ring = ChunkRing(BOTH, 2)
    ring.push(_chunk(0))
    ring.push(_chunk(1, (SourceName.SYSTEM,)))
    ring.pop()
    popped = ring.pop()
    assert popped is not None
    assert popped.sources == (SourceName.SYSTEM,)
    assert _intact(popped)


def test_is_finished_when_closed_and_empty() -> None:
    ring = ChunkRing(BOTH, 2)
    ring.push(_chunk(0))
    ring.close()
    assert ring.closed
    assert not ring.finished
    ring.pop()
    assert ring.finished


@pytest.mark.parametrize("sources", [(), (SourceName.MIC, SourceName.MIC)])
def test_refuses_unclear_sources(sources: tuple[SourceName, ...]) -> None:
    with pytest.raises(ValueError, match="each once"):
        ChunkRing(sources)


def test_refuses_no_capacity() -> None:
    with pytest.raises(ValueError, match="capacity_chunks = 0"):
        ChunkRing(BOTH, 0)


@settings(max_examples=25, deadline=None)
@given(
    capacity=st.integers(1, 9),
    pushes=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    pops=st.lists(st.integers(0, 3), min_size=1, max_size=60),
)
def test_order_and_no_loss_with_real_threads(
    capacity: int, pushes: list[int], pops: list[int]
) -> None:
    """Both sides pause by a drawn pattern; the producer tries again when the ring is full."""
    ring = ChunkRing(BOTH, capacity)
    refused = 0

    def produce() -> None:
        nonlocal refused
        for index, pause in enumerate(pushes):
            time.sleep(pause * 1e-4)
            chunk = _chunk(index)
            while not ring.push(chunk):
                refused += 1
                time.sleep(1e-4)
        ring.close()

    producer = threading.Thread(target=produce)
    producer.start()
    got: list[AudioChunk] = []
    turn = 0
    while not ring.finished:
        assert 0 <= len(ring) <= capacity
        chunk = ring.pop()
        if chunk is not None:
            got.append(chunk)
        time.sleep(pops[turn % len(pops)] * 1e-4)
        turn += 1
    producer.join()
    assert [chunk.index for chunk in got] == list(range(len(pushes)))
    assert all(_intact(chunk) for chunk in got)
    assert ring.dropped == refused


def test_dropping_leaves_what_was_taken_in_order() -> None:
    """Nobody tries again: what arrives is a rising sequence, and what is missing is counted."""
    ring = ChunkRing(BOTH, 3)
    count = 400

    def produce() -> None:
        for index in range(count):
            ring.push(_chunk(index))
        ring.close()

    producer = threading.Thread(target=produce)
    producer.start()
    got = []
    while not ring.finished:
        chunk = ring.pop()
        if chunk is not None:
            got.append(chunk)
    producer.join()
    indices = [chunk.index for chunk in got]
    assert indices == sorted(set(indices))
    assert all(_intact(chunk) for chunk in got)
    assert len(got) + ring.dropped == count
