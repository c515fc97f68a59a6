"""What microphones and drivers do to sound, and signals that no one may conclude anything from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.staging import Rng, Samples, room_noise

_BROKEN_S = 24.0
_TELEPHONE_HZ = 3_800.0


def _quieter(samples: Samples) -> Samples:
    return samples * np.float32(0.1)


def _louder(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples * np.float32(10.0), -1.0, 1.0), np.float32)


def _telephone(samples: Samples) -> Samples:
    """What is left of a recording at 8 kHz."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ) > _TELEPHONE_HZ] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), np.float32)


def _offset(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples + np.float32(0.3), -1.0, 1.0), np.float32)


CONDITIONS: Mapping[str, Callable[[Samples], Samples]] = MappingProxyType(
    {
        "20 dB quieter": _quieter,
        "20 dB louder, clipped": _louder,
        "a source at 8 kHz": _telephone,
        "an offset of 0.3": _offset,
    }
)
"""Changes that a detector has to live with, by name."""


def _silence(rng: Rng) -> Samples:
    return np.zeros(_length(), np.float32)


def _constant(rng: Rng) -> Samples:
    """Steps between two voltages."""
    return np.where(np.arange(_length()) // 40_000 % 2, 0.8, -0.5).astype(np.float32)


def _not_numbers(rng: Rng) -> Samples:
    """Noise with gaps that are no numbers, in some chunks all over and in some a sample."""
    samples = room_noise(rng, _BROKEN_S, -30.0)
    for begin in range(20_000, len(samples) - 8_000, 26_000):
        samples[begin : begin + int(rng.choice([1, 300, 7_000]))] = np.nan
    return samples


def _infinite(rng: Rng) -> Samples:
    samples = room_noise(rng, _BROKEN_S, -30.0)
    samples[:: int(rng.integers(2_000, 9_000))] = np.inf
    samples[1 :: int(rng.integers(2_000, 9_000))] = -np.inf
    return samples


def _stuck(rng: Rng) -> Samples:
    """A driver that hands out full scale, one sign and then the other."""
    return np.where(rng.random(_length()) < 0.5, 1.0, -1.0).astype(np.float32)


BROKEN: Mapping[str, Callable[[Rng], Samples]] = MappingProxyType(
    {
        "digital silence": _silence,
        "steps of a constant": _constant,
        "no numbers": _not_numbers,
        "infinite samples": _infinite,
        "full scale at random": _stuck,
    }
)
"""Signals during which any alert is false, by name; float32 [T], 24 s."""


def _length() -> int:
    return round(_BROKEN_S * SAMPLE_RATE_HZ)
