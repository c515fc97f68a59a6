"""What the user gives as examples, and what is refused, in one sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError

FEWEST = 3
MOST = 50
SHORTEST_S = 0.2
LONGEST_S = 30.0
_FRAME_SAMPLES = 320
"""20 ms: shorter than the shortest knock."""
_SILENT_DB = -60.0
"""The loudest frame of a silent example; a quiet room through a microphone is near -70 dB."""
_ACTIVE_DB = 25.0
"""What is so much quieter than the loudest frame is the pause around the sound."""
_CLIPPED = 0.98
_CLIPPED_SHARE = 0.02
"""Files that were made loud touch full scale in a few samples; overload does it in every wave."""
_SAME = 0.95
"""Correlation of two recordings, one of which is a piece of the other or the same file again."""


class TeachingError(EngineError):
    """A sound cannot be taught so; the sentence says what to do."""


def checked(examples: Sequence[Samples]) -> tuple[list[Samples], int]:
    """The examples that can be learnt from, float32 and without DC.

    Args:
        examples: [T] each, 16 kHz, nominally -1..1.

    Returns:
        The distinct ones, and how many were the same recording again.

    Raises:
        TeachingError: What is wrong with them.
    """
    if not FEWEST <= len(examples) <= MOST:
        raise TeachingError(
            f"{len(examples)} example{'' if len(examples) == 1 else 's'} given:"
            f" give {FEWEST} to {MOST} recordings of the sound"
        )
    sound = [_checked(example, number) for number, example in enumerate(examples, 1)]
    distinct = _distinct(sound)
    if len(distinct) < FEWEST:
        raise TeachingError(
            f"Only {len(distinct)} of the {len(sound)} examples differ, the others are the same"
            f" recording again: record the sound at least {FEWEST} times"
        )
    return distinct, len(sound) - len(distinct)


def active_samples(samples: Samples) -> NDArray[np.bool_]:
    """Where the sound itself is: bool [T], frames near the loudest one, pauses of 60 ms bridged."""
    levels = _levels_db(samples)
    active = levels > max(float(levels.max()) - _ACTIVE_DB, _SILENT_DB - 10)
    bridged = np.convolve(active, np.ones(3), "same") > 0
    return np.repeat(bridged, _FRAME_SAMPLES)[: len(samples)]


def _checked(example: Samples, number: int) -> Samples:
    samples = np.asarray(example, np.float32)
    seconds = samples.size / SAMPLE_RATE_HZ
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise TeachingError(f"Example {number} is damaged: record it again")
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise TeachingError(
            f"Example {number} lasts {seconds:.1f} s: give {SHORTEST_S:g} to {LONGEST_S:g} s"
        )
    if np.mean(np.abs(samples) > _CLIPPED) > _CLIPPED_SHARE:
        raise TeachingError(
            f"Example {number} is overloaded (clipped): record it from further away or with a lower"
            " level"
        )
    samples = samples - samples.mean(dtype=np.float64).astype(np.float32)
    if _levels_db(samples).max() < _SILENT_DB:
        raise TeachingError(f"Example {number} is silent: record the sound itself")
    return np.asarray(samples, np.float32)


def _levels_db(samples: Samples) -> NDArray[np.float32]:
    """RMS of each frame of 20 ms, dB below full scale."""
    frames = np.pad(samples, (0, -len(samples) % _FRAME_SAMPLES)).reshape(-1, _FRAME_SAMPLES)
    power = np.mean(np.square(frames), axis=1)
    return np.asarray(10 * np.log10(power + 1e-12), np.float32)


def _distinct(examples: Sequence[Samples]) -> list[Samples]:
    """Without those that repeat an earlier one, also in part, shifted or at another level."""
    size = 1 << (2 * max(map(len, examples)) - 1).bit_length()
    spectra = [np.fft.rfft(example, size).astype(np.complex64) for example in examples]
    again: set[int] = set()
    for first, second in combinations(range(len(examples)), 2):
        if first in again or second in again:
            continue
        correlation = np.abs(np.fft.irfft(spectra[first] * spectra[second].conj(), size)).max()
        shorter = min(first, second, key=lambda index: len(examples[index]))
        longer = second if shorter == first else first
        scale = _energy(examples[shorter]) * _loudest_energy(
            examples[longer], len(examples[shorter])
        )
        if correlation > _SAME * np.sqrt(scale):
            again.add(second)
    return [example for index, example in enumerate(examples) if index not in again]


def _energy(samples: Samples) -> float:
    return float(np.sum(np.square(samples), dtype=np.float64))


def _loudest_energy(samples: Samples, length: int) -> float:
    """Energy of the loudest piece of `length` samples."""
    total = np.concatenate(((0.0,), np.cumsum(np.square(samples), dtype=np.float64)))
    return float((total[length:] - total[: len(total) - length]).max())
