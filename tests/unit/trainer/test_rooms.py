"""Rooms fade, walls dull, microphones colour; and none of them moves an onset."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.trainer.sounds.rooms import (
    LONGEST_MICROPHONE,
    LONGEST_ROOM,
    microphone_response,
    minimum_phase,
    room_response,
)
from everlisten.trainer.sounds.waves import RATE_HZ

SEEDS = range(15)


def gain_db(response: np.ndarray, hz: float) -> float:
    """dB of a response at one frequency."""
    wave = np.exp(-2j * np.pi * hz * np.arange(response.size) / RATE_HZ)
    return float(20 * np.log10(np.abs(response @ wave) + 1e-12))


@pytest.mark.parametrize("distance", [0.0, 0.4, 1.0])
def test_a_rooms_energy_decays(distance: float) -> None:
    for seed in SEEDS:
        response = room_response(np.random.default_rng(seed), distance, wall=False)
        assert response.dtype == np.float32
        assert response.size <= LONGEST_ROOM
        assert np.isfinite(response).all()
        assert float((response**2).sum()) == pytest.approx(1.0, abs=1e-3)
        quarters = [float((part**2).sum()) for part in np.array_split(response, 4)]
        assert quarters == sorted(quarters, reverse=True)
        assert quarters[3] < 0.02 * quarters[0]


def test_rooms_ring_for_015_to_09_seconds() -> None:
    times_s = []
    for seed in range(40):
        response = room_response(np.random.default_rng(seed), 1.0, wall=False).astype(float)
        left_db = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] + 1e-12)
        first, last = np.argmax(left_db < -5), np.argmax(left_db < -20)
        times_s.append((last - first) / RATE_HZ * 4)
    assert 0.08 < min(times_s) < 0.25
    assert 0.4 < max(times_s) < 1.1


def test_the_far_end_is_mostly_echo() -> None:
    def direct_share(distance: float) -> float:
        responses = (
            room_response(np.random.default_rng(seed), distance, wall=False) for seed in SEEDS
        )
        shares = [float((response[:32] ** 2).sum()) for response in responses]
        return float(np.median(shares))

    assert direct_share(0.0) > 0.9
    assert direct_share(0.0) > direct_share(0.4) > direct_share(1.0)
    assert direct_share(1.0) < 0.4


def test_onsets_stay_where_they_are() -> None:
    for seed in SEEDS:
        near = room_response(np.random.default_rng(seed), 0.0, wall=False)
        assert int(np.abs(near).argmax()) == 0
        behind = room_response(np.random.default_rng(seed), 0.5, wall=True)
        assert np.cumsum(behind**2)[160] > 1e-3
        assert int(np.abs(microphone_response(np.random.default_rng(seed))).argmax()) < 24


def test_a_wall_dulls() -> None:
    def brightness_db(wall: bool) -> float:
        response = room_response(np.random.default_rng(3), 0.3, wall=wall).astype(float)
        spectrum = np.abs(np.fft.rfft(response, 16_384)) ** 2
        low, high = spectrum[200:500].mean(), spectrum[4000:7000].mean()
        return float(10 * np.log10(high / low))

    assert brightness_db(True) < brightness_db(False) - 12


def test_a_third_of_the_microphones_are_telephones() -> None:
    """Else a model learns that what was recorded at 8 kHz is a baby."""
    drops = []
    for seed in range(200):
        response = microphone_response(np.random.default_rng(seed)).astype(float)
        assert response.size == LONGEST_MICROPHONE
        drops.append(gain_db(response, 5500) - gain_db(response, 2500))
        assert -16 < gain_db(response, 1000) < 16
    narrow = np.mean(np.array(drops) < -25)
    assert 0.23 < narrow < 0.45


def test_responses_are_those_of_their_seeds() -> None:
    for make in (lambda rng: room_response(rng, 0.5), microphone_response):
        assert np.array_equal(make(np.random.default_rng(5)), make(np.random.default_rng(5)))
        assert make(np.random.default_rng(5)).tobytes() != make(np.random.default_rng(6)).tobytes()


def test_minimum_phase_has_the_gain_that_was_asked_for() -> None:
    response = minimum_phase(lambda hz: np.where(hz > 2000, -12.0, 0.0), 512)
    assert gain_db(response, 500) == pytest.approx(0.0, abs=0.5)
    assert gain_db(response, 5000) == pytest.approx(-12.0, abs=0.5)
