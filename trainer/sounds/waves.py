"""What the syntheses are made of: tones, struck bodies, noise of a given colour, and time.

A wave is float64 [T] at 16 kHz, of any level; `finished` turns it into the samples of one sound.
Tones are sums of their partials below 7.6 kHz, so nothing folds back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE_HZ = 16_000
HIGHEST_HZ = 7_600.0
_PEAK = 0.9

Samples = NDArray[np.float32]
Wave = NDArray[np.float64]
Rng = np.random.Generator
Curve = Sequence[tuple[float, float]]
"""(Hz, dB) points of a filter; straight lines between them over log frequency."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """One synthetic sound, dry and near.

    Attributes:
        samples: float32 [T] at 16 kHz, peak at most 1.
        onset_s: Where the first sound begins.
        pattern_end_s: Where it can first be known: the end of the first complete pattern of a
            patterned alarm, else the onset. Before that, neither yes nor no is wrong.
        end_s: Where the last sound ends.
        sound: Its sound id.
        kind: How it was made, such as "temporal-three piezo".
        unsure: Sounds that it may pass for: neither right nor wrong for it.
    """

    samples: Samples
    onset_s: float
    pattern_end_s: float
    end_s: float
    sound: str
    kind: str
    unsure: tuple[str, ...] = ()


def count(seconds: float) -> int:
    """Samples of a time, at least 1."""
    return max(1, round(seconds * RATE_HZ))


def chance(rng: Rng, probability: float) -> bool:
    """True so often."""
    return bool(rng.random() < probability)


def uniform(rng: Rng, low: float, high: float) -> float:
    """A number between the two."""
    return float(rng.uniform(low, high))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number between the two, as likely in each octave."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def wander(rng: Rng, length: int, rate_hz: float) -> Wave:
    """A smooth random curve in -1..1 that turns about `rate_hz` times a second."""
    points = max(2, int(length / RATE_HZ * rate_hz) + 2)
    return np.interp(
        np.linspace(0, points - 1, length), np.arange(points), rng.uniform(-1, 1, points)
    )


def phase_of(frequency_hz: ArrayLike, length: int) -> Wave:
    """Radians of an oscillator that follows a frequency, constant or [T]."""
    track = np.broadcast_to(np.asarray(frequency_hz, np.float64), (length,))
    return np.asarray(2 * np.pi * np.cumsum(track) / RATE_HZ)


def tone(rng: Rng, frequency_hz: ArrayLike, length: int, partials: Sequence[float]) -> Wave:
    """A sum of harmonics.

    Args:
        rng: Draws their phases.
        frequency_hz: Of the first, constant or [T].
        length: Samples.
        partials: Amplitudes of the harmonics 1, 2, ...
    """
    track = np.broadcast_to(np.asarray(frequency_hz, np.float64), (length,))
    phase = phase_of(track, length)
    wave = np.zeros(length)
    lowest = float(track.min())
    for number, amplitude in enumerate(partials, start=1):
        if number * lowest > HIGHEST_HZ:
            break
        if amplitude == 0:
            continue
        heard = np.clip((HIGHEST_HZ - number * track) / 200, 0, 1)
        wave += amplitude * heard * np.sin(number * phase + rng.uniform(0, 2 * np.pi))
    return wave


def square(count_: int = 12) -> list[float]:
    """Amplitudes of a square wave's harmonics."""
    return [1 / number if number % 2 else 0.0 for number in range(1, count_ + 1)]


def saw(count_: int = 24, tilt: float = 1.0) -> list[float]:
    """Amplitudes of a saw tooth's harmonics; a larger tilt is duller."""
    return [number**-tilt for number in range(1, count_ + 1)]


def gate(length: int, attack_s: float, release_s: float) -> Wave:
    """An envelope of 1 with soft edges."""
    envelope = np.ones(length)
    rise = min(length, count(attack_s))
    fall = min(length, count(release_s))
    envelope[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    envelope[length - fall :] *= np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
    return envelope


def decay(length: int, t60_s: float) -> Wave:
    """An envelope that falls by 60 dB in `t60_s`."""
    return np.asarray(np.exp(-6.908 * np.arange(length) / (t60_s * RATE_HZ)))


def modes(
    rng: Rng, frequencies_hz: Sequence[float], t60_s: Sequence[float], levels: Sequence[float]
) -> Wave:
    """A body that was struck once: damped sines, as long as its slowest mode."""
    length = count(1.1 * max(t60_s))
    time = np.arange(length) / RATE_HZ
    wave = np.zeros(length)
    for frequency, fall, level in zip(frequencies_hz, t60_s, levels, strict=True):
        if frequency < HIGHEST_HZ:
            swing = np.sin(2 * np.pi * frequency * time + rng.uniform(0, 2 * np.pi))
            wave += level * swing * np.exp(-6.908 * time / fall)
    wave[:8] *= np.linspace(0, 1, 8)
    return wave


def filtered(wave: Wave, curve: Curve) -> Wave:
    """The wave through a filter of no delay that is given by points."""
    bins = np.fft.rfftfreq(wave.size, 1 / RATE_HZ)
    hz = np.log([point[0] for point in curve])
    gain_db = np.interp(np.log(np.maximum(bins, 1.0)), hz, [point[1] for point in curve])
    return np.fft.irfft(np.fft.rfft(wave) * 10 ** (gain_db / 20), wave.size)


def noise(rng: Rng, length: int, curve: Curve) -> Wave:
    """Noise of a colour, at a level of 1."""
    wave = filtered(rng.standard_normal(length), curve)
    return np.asarray(wave / (np.sqrt((wave**2).mean()) + 1e-12))


def band(low_hz: float, high_hz: float, slope_db: float = 24.0) -> Curve:
    """Points of a band pass that falls by `slope_db` an octave beyond its edges."""
    return [
        (low_hz / 8, -3 * slope_db),
        (low_hz, 0.0),
        (max(high_hz, low_hz * 1.01), 0.0),
        (max(high_hz, low_hz * 1.01) * 8, -3 * slope_db),
    ]


def formants(wave: Wave, peaks: Sequence[tuple[float, float]], floor_db: float = -26.0) -> Wave:
    """The wave through a throat.

    Args:
        wave: float64 [T].
        peaks: (Hz, width in Hz) of each resonance.
        floor_db: The gain far from all of them.
    """
    bins = np.fft.rfftfreq(wave.size, 1 / RATE_HZ)
    gain = np.full(bins.shape, 10 ** (floor_db / 20))
    for centre, width in peaks:
        gain += 1 / (1 + ((bins - centre) / (width / 2)) ** 2)
    return np.fft.irfft(np.fft.rfft(wave) * gain, wave.size)


def laid(parts: Iterable[tuple[float, Wave]], tail_s: float = 0.05) -> Wave:
    """One wave of several, each begun at its time in seconds."""
    listed = list(parts)
    end = max(count(start) + wave.size for start, wave in listed)
    total = np.zeros(end + count(tail_s))
    for start_s, wave in listed:
        start = round(start_s * RATE_HZ)
        total[start : start + wave.size] += wave
    return total


def finished(
    wave: Wave,
    sound: str,
    kind: str,
    *,
    onset_s: float = 0.0,
    pattern_end_s: float | None = None,
    end_s: float | None = None,
    unsure: tuple[str, ...] = (),
) -> Synthetic:
    """The wave as samples of one sound, its peak at 0.9."""
    peak = float(np.abs(wave).max())
    assert peak > 0, f"a silent {kind}"
    samples = (wave * (_PEAK / peak)).astype(np.float32)
    length_s = samples.size / RATE_HZ
    end = length_s if end_s is None else min(end_s, length_s)
    known = onset_s if pattern_end_s is None else pattern_end_s
    return Synthetic(samples, onset_s, known, end, sound, kind, unsure)
