"""Whatever a driver delivers, the model gets numbers, and nothing is concluded from rubbish."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sound_fixture import hush, tone

from everlisten.engine.sounds import signal

CHUNK = 6400


def cleaned(samples, size=CHUNK):
    state = signal.new_state()
    return [signal.step(samples[i : i + size], state) for i in range(0, len(samples), size)]


@given(
    arrays.arrays(
        np.float32,
        st.integers(0, 2000),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_any_samples_become_bounded_numbers(samples):
    state = signal.new_state()
    for _ in range(2):
        clean = signal.step(samples, state)
        assert clean.samples.shape == samples.shape
        assert clean.samples.dtype == np.float32
        assert np.isfinite(clean.samples).all()
        assert np.abs(clean.samples).max(initial=0.0) <= 2.001
        if not np.isfinite(samples).all():
            assert clean.broken


@pytest.mark.parametrize("size", [160, 1000, 6400])
def test_pieces_equal_the_whole(size):
    samples = tone("dog_barking", 0.5) + 0.2
    (whole,) = cleaned(samples, len(samples))
    parts = np.concatenate([each.samples for each in cleaned(samples, size)])
    # The first guess of the offset sees less of a short piece, and is forgotten within 50 ms.
    assert np.abs(parts[1600:] - whole.samples[1600:]).max() < 1e-4


def test_offset_goes_and_sound_stays():
    sound = tone("dog_barking", 0.8)
    for offset in (-0.6, 0.6):
        clean = np.concatenate([each.samples for each in cleaned(sound + np.float32(offset))])
        assert abs(clean.mean()) < 1e-3
        assert np.abs(clean[1600:] - sound[1600:]).max() < 0.02
    assert np.abs(cleaned(np.full(CHUNK, 0.5, np.float32))[0].samples).max() < 1e-6


def test_reset_equals_fresh():
    state = signal.new_state()
    signal.step(np.full(CHUNK, 0.7, np.float32), state)
    assert state != signal.new_state()
    signal.reset(state)
    assert state == signal.new_state()


def test_digital_silence_is_silent_and_a_quiet_room_is_not():
    assert cleaned(np.zeros(CHUNK, np.float32))[0].silent
    assert not cleaned(hush(0.4, 1e-5))[0].silent


def test_noise_driven_far_over_full_scale_is_broken():
    noise = np.random.default_rng(1).standard_normal(CHUNK).astype(np.float32)
    assert cleaned(noise * 100)[0].broken == signal.OVERDRIVEN
    assert cleaned(noise * 0.3)[0].broken == ""


@pytest.mark.parametrize("gain", [1.0, 3.0, 30.0, 1000.0])
def test_a_clipped_tone_is_not_broken(gain):
    """A smoke alarm next to the microphone clips."""
    assert cleaned(tone("smoke_alarm", 0.4) * np.float32(gain))[0].broken == ""


def test_a_stuck_converter_is_broken_and_a_pause_is_not():
    stuck = np.full(CHUNK, 0.4, np.float32)
    stuck[::50] += 0.01
    assert cleaned(stuck)[0].broken == signal.STUCK
    pause = tone("doorbell", 0.4)
    pause[300:] = 0.0
    assert cleaned(pause)[0].broken == ""
