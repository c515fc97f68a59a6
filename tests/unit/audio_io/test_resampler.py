"""Chunked equals whole, reset equals fresh."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.audio_io.resampler import Resampler, ResamplerState


def _run(resampler: Resampler, state: ResamplerState, sound: np.ndarray, size: int) -> np.ndarray:
    blocks = [resampler.step(sound[at : at + size], state) for at in range(0, len(sound), size)]
    return np.concatenate([*blocks, resampler.flush(state)])


def _sound(rng: np.random.Generator, rate_hz: int, channels: int) -> np.ndarray:
    return rng.uniform(-0.5, 0.5, (rate_hz, channels)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("size", [1_000, 441, 37])
def test_chunked_equals_whole(rng: np.random.Generator, rate_hz: int, size: int) -> None:
    resampler = Resampler(rate_hz, 2)
    sound = _sound(rng, rate_hz, 2)
    whole = _run(resampler, resampler.new_state(), sound, len(sound))
    chunked = _run(resampler, resampler.new_state(), sound, size)
    assert len(whole) == pytest.approx(16_000, abs=1)
    np.testing.assert_allclose(chunked, whole, atol=1e-6)


def test_reset_equals_fresh(rng: np.random.Generator) -> None:
    resampler = Resampler(44_100, 1)
    sound = _sound(rng, 44_100, 1)
    used = resampler.new_state()
    _run(resampler, used, sound[::-1].copy(), 441)
    resampler.reset(used)
    fresh = resampler.new_state()
    np.testing.assert_array_equal(
        _run(resampler, used, sound, 441), _run(resampler, fresh, sound, 441)
    )


def test_channels_are_averaged() -> None:
    resampler = Resampler(16_000, 8)
    block = np.tile(np.arange(8, dtype=np.float32), (5, 1))
    np.testing.assert_array_equal(resampler.step(block, resampler.new_state()), [3.5] * 5)


def test_the_result_is_no_view_of_the_input() -> None:
    resampler = Resampler(16_000, 1)
    block = np.ones((4, 1), np.float32)
    out = resampler.step(block, resampler.new_state())
    block[:] = 0.0
    assert out.all()


def test_a_tone_keeps_its_pitch_and_level() -> None:
    resampler = Resampler(48_000, 1)
    tone = np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000).astype(np.float32)
    out = _run(resampler, resampler.new_state(), tone[:, np.newaxis], 960)
    wanted = np.sin(2 * np.pi * 1_000 * np.arange(len(out)) / 16_000)
    assert np.abs(out - wanted)[200:-200].max() < 1e-3


@pytest.mark.parametrize("frequency_hz", [9_000, 11_000, 15_000, 20_000])
def test_what_16_khz_cannot_hold_is_removed_not_folded_down(frequency_hz: int) -> None:
    resampler = Resampler(48_000, 1)
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(48_000) / 48_000).astype(np.float32)
    out = _run(resampler, resampler.new_state(), tone[:, np.newaxis], 960)
    assert np.abs(out[200:-200]).max() < 1e-3  # 60 dB below


def test_refuses_senseless_formats() -> None:
    with pytest.raises(ValueError, match="rate_hz = 0"):
        Resampler(0, 1)
