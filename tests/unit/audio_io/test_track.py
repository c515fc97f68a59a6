"""Blocks land where they belong on the time line."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.audio_io.track import Track

BLOCK = 320


def _feed(
    track: Track,
    blocks: int,
    *,
    start: float = 0.0,
    ppm: float = 0.0,
    rng: np.random.Generator | None = None,
    first: int = 0,
) -> int:
    """Write a counting signal from a device whose clock runs `ppm` fast, late by up to 15 ms."""
    for k in range(first, first + blocks):
        block = (np.arange(BLOCK) + k * BLOCK).astype(np.float32)
        late = rng.uniform(0.0, 240.0) if rng is not None else 0.0
        track.write(block, start + (k + 1) * BLOCK / (1.0 + ppm * 1e-6) + late)
    return first + blocks


def test_contiguous_blocks_stay_contiguous_whatever_the_jitter(rng: np.random.Generator) -> None:
    track = Track(count_gaps=True)
    _feed(track, 50, start=1_000.0, rng=rng)
    assert track.end is not None
    first = track.end - 50 * BLOCK
    assert 1_000 <= first <= 1_000 + 160  # the least late of the first ten blocks
    np.testing.assert_array_equal(track.read(first, 50 * BLOCK), np.arange(50 * BLOCK))
    assert track.gap_samples == 0


@pytest.mark.parametrize("ppm", [-200.0, -50.0, 50.0, 200.0])
def test_drift_is_bounded(rng: np.random.Generator, ppm: float) -> None:
    """Ten minutes at 200 ppm would be 120 ms apart."""
    track = Track(count_gaps=True)
    blocks = 10 * 60 * 50
    done = 0
    for _ in range(60):
        done = _feed(track, blocks // 60, ppm=ppm, rng=rng, first=done)
        assert track.end is not None
        true_end = done * BLOCK / (1.0 + ppm * 1e-6)
        assert abs(track.end - true_end) < 0.015 * SAMPLE_RATE_HZ
    assert track.gap_samples == 0
    assert track.bent_samples > 0


def test_a_steady_device_is_never_bent(rng: np.random.Generator) -> None:
    track = Track(count_gaps=True)
    _feed(track, 2_000, rng=rng)
    assert track.bent_samples == 0


def test_a_hole_is_silence_and_counted() -> None:
    track = Track(count_gaps=True)
    done = _feed(track, 20)
    hole = SAMPLE_RATE_HZ + 1
    _feed(track, 10, start=hole, first=done)
    before, after = done * BLOCK, done * BLOCK + hole
    assert track.gap_samples == hole
    assert not track.read(before, hole).any()
    np.testing.assert_array_equal(track.read(after, 5), np.arange(before, before + 5))


def test_system_silence_is_no_gap() -> None:
    track = Track(count_gaps=False)
    done = _feed(track, 20)
    _feed(track, 10, start=2 * SAMPLE_RATE_HZ, first=done)
    assert track.gap_samples == 0


def test_what_was_emitted_as_silence_is_counted_once() -> None:
    track = Track(count_gaps=True)
    done = _feed(track, 20)
    end = done * BLOCK
    track.release(end + 6_400, live=True)
    assert track.gap_samples == 6_400
    _feed(track, 5, start=6_400 + 1_600, first=done)  # nothing came for 0.5 s
    assert track.gap_samples == 6_400 + 1_600


def test_nothing_is_missing_before_the_first_block() -> None:
    track = Track(count_gaps=True)
    track.release(6_400, live=True)
    assert track.gap_samples == 0
    assert not track.read(0, 6_400).any()


def test_a_burst_after_a_stall_is_kept_whole() -> None:
    """The reader was away for a second; the device's ring kept everything."""
    track = Track(count_gaps=True)
    done = _feed(track, 20)
    burst = (np.arange(50 * BLOCK) + done * BLOCK).astype(np.float32)
    track.write(burst, (done + 50) * BLOCK)
    assert track.gap_samples == 0
    np.testing.assert_array_equal(track.read(0, 70 * BLOCK), np.arange(70 * BLOCK))


def test_late_blocks_of_a_busy_computer_stay_in_place() -> None:
    """0.5 s late, block by block, then all at once: nothing is lost and nothing moves."""
    track = Track(count_gaps=True)
    done = _feed(track, 20)
    done = _feed(track, 10, start=8_000.0, first=done)
    burst = (np.arange(25 * BLOCK) + done * BLOCK).astype(np.float32)
    track.write(burst, (done + 25) * BLOCK)
    np.testing.assert_array_equal(track.read(0, 55 * BLOCK), np.arange(55 * BLOCK))
    assert track.gap_samples == 0


def test_lost_samples_are_noticed_within_a_window() -> None:
    track = Track(count_gaps=True)
    done = _feed(track, 20)
    done = _feed(track, 400, start=8_000.0, first=done)
    assert track.end == done * BLOCK + 8_000
    assert track.gap_samples == 8_000


def test_a_device_that_was_late_when_it_began_is_pulled_back() -> None:
    track = Track(count_gaps=True)
    done = _feed(track, 20, start=8_000.0)
    _feed(track, 50, first=done)
    assert track.end == 70 * BLOCK
    assert track.gap_samples == 8_000


def test_restart_places_anew() -> None:
    track = Track(count_gaps=True)
    _feed(track, 20)
    track.restart()
    assert track.end is None
    _feed(track, 20, start=100_000.0)
    assert track.end == 100_000 + 20 * BLOCK
