"""Copies of an example as other rooms, distances, levels and moments would give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from everlisten.trainer.teaching.examples import active_samples

_Surroundings = Callable[[int], Samples]
_LONGEST_SAMPLES = 8 * SAMPLE_RATE_HZ
"""Of longer examples a copy takes a piece of 8 s that begins near the sound."""
_BEFORE_CHUNKS = 4
"""1.6 s of the room alone: the model has a memory, and in life a sound never comes first."""
_AFTER_CHUNKS = 2
_QUIET_DB = -70.0
_ACTIVE_SHARE = 0.25
"""A chunk with so much of the sound counts as the sound (0.1 s)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copy:
    """One copy in its surroundings.

    Attributes:
        samples: float32 [T], T a multiple of 6400.
        active: bool [T / 6400]; chunks that hold the sound.
    """

    samples: Samples
    active: NDArray[np.bool_]


def plain_copy(example: Samples) -> Copy:
    """The example as it is, in a quiet room."""
    rng = np.random.default_rng(0)
    sound = example[:_LONGEST_SAMPLES] if _is_early(example) else _piece(example, rng)
    return _placed(sound, 0, _BEFORE_CHUNKS, lambda count: _noise(count, rng, _QUIET_DB, 1.0))


def changed_copy(
    example: Samples, rng: np.random.Generator, backdrops: Sequence[Samples] = ()
) -> Copy:
    """A copy with another speed, room, level, moment and noise.

    Args:
        example: float32 [T], checked.
        rng: Decides everything.
        backdrops: Recordings to hear it under, at least as long as a copy; besides noise.
    """
    sound = _piece(example, rng)
    sound = soxr.resample(sound, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * rng.uniform(0.96, 1.04))
    if rng.random() < 0.7:
        sound = _in_room(sound, rng)
    sound = _tilted(sound, rng) * 10 ** (rng.uniform(-18, 6) / 20)
    loudness_db = _loudness_db(sound)
    noise_db = max(loudness_db - rng.uniform(3, 35), -80.0)
    noise_db = min(noise_db, -20.0)

    def surroundings(count: int) -> Samples:
        if rng.random() < 0.5 and backdrops:
            return _cut(backdrops[int(rng.integers(len(backdrops)))], count, rng, noise_db)
        return _noise(count, rng, noise_db, rng.uniform(0.0, 2.0))

    before = int(rng.integers(2, _BEFORE_CHUNKS + 2))
    return _placed(sound, int(rng.integers(CHUNK_SAMPLES)), before, surroundings)


def _is_early(example: Samples) -> bool:
    return len(example) <= _LONGEST_SAMPLES or not active_samples(example)[_LONGEST_SAMPLES:].any()


def _piece(example: Samples, rng: np.random.Generator) -> Samples:
    if len(example) <= _LONGEST_SAMPLES:
        return example
    loud = np.flatnonzero(active_samples(example))
    begin = int(loud[rng.integers(len(loud))]) - int(rng.integers(SAMPLE_RATE_HZ))
    begin = min(max(begin, 0), len(example) - _LONGEST_SAMPLES)
    return example[begin : begin + _LONGEST_SAMPLES]


def _placed(sound: Samples, offset: int, before: int, surroundings: _Surroundings) -> Copy:
    begin = before * CHUNK_SAMPLES + offset
    chunks = -(-(begin + len(sound)) // CHUNK_SAMPLES) + _AFTER_CHUNKS
    samples = surroundings(chunks * CHUNK_SAMPLES)
    active = np.zeros(len(samples), np.bool_)
    active[begin : begin + len(sound)] = active_samples(sound)
    samples[begin : begin + len(sound)] += sound
    share = active.reshape(chunks, CHUNK_SAMPLES).mean(axis=1)
    return Copy(
        samples=np.clip(samples, -1, 1),
        active=share >= min(_ACTIVE_SHARE, float(share.max())),
    )


def _noise(count: int, rng: np.random.Generator, level_db: float, slope: float) -> Samples:
    """Steady noise whose power falls with frequency to the power of `slope`; 0 is white."""
    spectrum = np.fft.rfft(rng.standard_normal(count).astype(np.float32))
    spectrum /= np.maximum(np.arange(len(spectrum)) * SAMPLE_RATE_HZ / count, 40.0) ** (slope / 2)
    return _at_level(np.fft.irfft(spectrum, count).astype(np.float32), level_db)


def _cut(backdrop: Samples, count: int, rng: np.random.Generator, level_db: float) -> Samples:
    begin = int(rng.integers(max(len(backdrop) - count, 0) + 1))
    return _at_level(np.resize(backdrop[begin : begin + count], count), level_db)


def _at_level(samples: Samples, level_db: float) -> Samples:
    rms = float(np.sqrt(np.mean(np.square(samples)))) + 1e-9
    return np.asarray(samples * (10 ** (level_db / 20) / rms), np.float32)


def _loudness_db(sound: Samples) -> float:
    loud = sound[active_samples(sound)]
    return float(10 * np.log10(np.mean(np.square(loud)) + 1e-12))


def _in_room(sound: Samples, rng: np.random.Generator) -> Samples:
    """The sound with an exponentially decaying tail, as a small to middling room gives it."""
    decay_s = rng.uniform(0.1, 0.6)
    times_s = np.arange(round(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(times_s)) * np.exp(-6.9 * times_s / decay_s)
    tail *= 10 ** (-rng.uniform(0, 12) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    count = len(sound) + len(tail)
    size = 1 << (count - 1).bit_length()
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[:count]
    return heard.astype(np.float32)


def _tilted(sound: Samples, rng: np.random.Generator) -> Samples:
    """Another microphone: up to 4 dB an octave more or less, and sometimes no high frequencies."""
    spectrum = np.fft.rfft(sound)
    hz = np.maximum(np.arange(len(spectrum)) * SAMPLE_RATE_HZ / len(sound), 60.0)
    curve = (hz / 1000) ** (rng.uniform(-4, 4) / 6.02)
    if rng.random() < 0.25:
        curve /= np.sqrt(1 + (hz / rng.uniform(3000, 7000)) ** 8)
    tilted = np.fft.irfft(spectrum * curve, len(sound)).astype(np.float32)
    return tilted * float(np.abs(sound).max() / (np.abs(tilted).max() + 1e-9))
