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
_SAME = 0.9
"""Correlation of what is unpredictable in two recordings, one of which is a piece of the other.
The same beep recorded twice correlates too, but the noise around it does not."""
_PREDICTOR_SAMPLES = 64


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
    again = _repeated(sound)
    distinct = [samples for number, samples in enumerate(sound) if number not in again]
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


def _repeated(examples: Sequence[Samples]) -> set[int]:
    """Numbers of those that repeat an earlier one, also in part, shifted or at another level."""
    size = 1 << (2 * max(map(len, examples)) - 1).bit_length()
    examples = _unpredictable(examples, size)
    spectra = [np.fft.rfft(example, size).astype(np.complex64) for example in examples]
    again: set[int] = set()
    for first, second in combinations(range(len(examples)), 2):
        if first in again or second in again:
            continue
        matches = np.fft.irfft(spectra[first] * spectra[second].conj(), size)
        lag = int(np.abs(matches).argmax())
        lag -= size if lag > size // 2 else 0
        if _overlap_cosine(examples[first], examples[second], lag) > _SAME:
            again.add(second)
    return again


def _overlap_cosine(first: Samples, second: Samples, lag: int) -> float:
    """Likeness of what overlaps when `second` begins `lag` samples later; 0 if that is little."""
    least = min(len(first), len(second)) // 2
    first, second = first[max(lag, 0) :], second[max(-lag, 0) :]
    count = min(len(first), len(second))
    first, second = first[:count].astype(np.float64), second[:count].astype(np.float64)
    energy = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    return abs(float(first @ second)) / energy if count >= least and energy > 0 else 0.0


def _unpredictable(examples: Sequence[Samples], size: int) -> list[Samples]:
    """The examples less what one linear predictor for all of them foresees: tones and hum."""
    power = sum(
        np.abs(np.fft.rfft(example / np.abs(example).max(), size)) ** 2 for example in examples
    )
    likeness = np.fft.irfft(power)[: _PREDICTOR_SAMPLES + 1]
    lags = np.abs(np.subtract.outer(*[np.arange(_PREDICTOR_SAMPLES)] * 2))
    matrix = likeness[lags] + 1e-6 * likeness[0] * np.eye(_PREDICTOR_SAMPLES)
    kernel = np.concatenate(((1.0,), -np.linalg.solve(matrix, likeness[1:])))
    return [np.convolve(example, kernel, "valid").astype(np.float32) for example in examples]
