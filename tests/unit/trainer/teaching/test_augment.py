"""Copies hold the sound where they say, in other surroundings each time, and repeatably."""

import numpy as np
import pytest
from teaching_fixture import chime, murmur

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.trainer.teaching.augment import changed_copy, plain_copy
from everlisten.trainer.teaching.backdrops import shipped_speech
from everlisten.trainer.teaching.examples import LONGEST_S, active_samples


@pytest.fixture
def bell():
    return chime(np.random.default_rng(3))


def test_the_plain_copy_holds_the_example_unchanged(bell):
    copy = plain_copy(bell)
    begin = 4 * CHUNK_SAMPLES
    assert np.abs(copy.samples[begin : begin + len(bell)] - bell).max() < 0.01
    assert len(copy.samples) == CHUNK_SAMPLES * len(copy.active)
    assert copy.active.nonzero()[0].tolist() == [4, 5, 6, 7]
    assert np.abs(copy.samples[:begin]).max() < 0.01


def test_copies_are_whole_chunks_within_range(bell):
    for seed in range(40):
        copy = changed_copy(bell, np.random.default_rng(seed))
        assert copy.samples.dtype == np.float32
        assert np.isfinite(copy.samples).all()
        assert np.abs(copy.samples).max() <= 1
        assert len(copy.samples) == CHUNK_SAMPLES * len(copy.active)
        assert 1 <= copy.active.sum() <= 8
        assert not copy.active[:2].any()


def test_the_sound_is_where_it_is_said_to_be(bell):
    """Its energy, less that of the room before it."""
    for seed in range(40):
        copy = changed_copy(bell, np.random.default_rng(seed))
        chunks = copy.samples.reshape(-1, CHUNK_SAMPLES)
        power = np.mean(np.square(chunks), axis=1)
        assert power[copy.active].max() == power.max()
        assert power[copy.active].max() > 1.3 * power[:2].mean()


def test_copies_differ_and_repeat(bell):
    first, again, other = (changed_copy(bell, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples[:9_000], other.samples[:9_000])


def test_levels_cover_near_and_far(bell):
    peaks = [
        np.abs(changed_copy(bell, np.random.default_rng(seed)).samples).max() for seed in range(40)
    ]
    assert max(peaks) / min(peaks) > 5


def test_backdrops_are_heard(bell):
    speech = murmur(np.random.default_rng(4), 30.0)
    bare = [changed_copy(bell, np.random.default_rng(s)).samples for s in range(10)]
    under = [changed_copy(bell, np.random.default_rng(s), [speech]).samples for s in range(10)]
    changed = sum(not np.array_equal(a, b) for a, b in zip(bare, under, strict=True))
    assert 2 <= changed <= 9


def test_of_a_long_example_a_copy_takes_a_piece_with_the_sound():
    rng = np.random.default_rng(5)
    long = rng.standard_normal(round(LONGEST_S * 16_000)).astype(np.float32) * 1e-4
    long[20 * 16_000 : 22 * 16_000] += 0.3 * np.sin(np.arange(32_000) * 0.4).astype(np.float32)
    for copy in (plain_copy(long), *(changed_copy(long, np.random.default_rng(s)) for s in (1, 2))):
        assert len(copy.samples) < 13 * 16_000
        assert copy.active.any()


def test_the_shipped_speech_is_loud_enough_and_long_enough():
    (speech,) = shipped_speech()
    assert speech.dtype == np.float32
    assert len(speech) > 40 * 16_000
    assert active_samples(speech).mean() > 0.5
    assert not speech.flags.writeable
