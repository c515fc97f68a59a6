"""The rhythm of an alarm, as a second opinion beside the sound model.

Smoke alarms beep in temporal-three (ISO 8201: three pulses of 0.5 s, 0.5 s apart, then a pause of
1.5 s), carbon monoxide alarms in temporal-four (four pulses of 0.1 s, 0.1 s apart, then a pause of
5 s), both as one narrow tone near 3.1 kHz or 520 Hz. A microwave's beep has neither rhythm. What is
computed here is a pure function of the last seconds; it costs some 4 ms.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ

SECONDS = 10.0
"""So much is looked at: two cycles of temporal-three, or two bursts of temporal-four."""
TEMPORAL_3, TEMPORAL_4, REGULAR = "temporal-3", "temporal-4", "regular"
ALARMS = (TEMPORAL_3, TEMPORAL_4)

_HOP = 320
_FRAME_S = _HOP / SAMPLE_RATE_HZ
_FFT = 512
_BANDS_HZ = ((420.0, 640.0), (2400.0, 4100.0))
_TONES = 3
"""So many candidates for the tone are followed."""
_CONTRAST_DB = 8.0
"""A pulse stands out of its pauses by so much at least."""
_DEEPEST_DB = 9.0
"""Below its loudest a pulse ends, because a room goes on sounding after it."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What was found.

    Attributes:
        kind: TEMPORAL_3, TEMPORAL_4, REGULAR (beeps in another rhythm) or "" (none).
        confidence: 0..1.
        cycles: Groups of pulses that fit.
    """

    kind: str = ""
    confidence: float = 0.0
    cycles: int = 0


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a group of pulses must be like, seconds."""

    kind: str
    pulses: int
    every_s: tuple[float, float]
    length_s: tuple[float, float]
    pause_s: float
    """Least time without a pulse before and after a group."""
    cycle_s: tuple[float, float]


_PATTERNS = (
    _Pattern(TEMPORAL_3, 3, (0.85, 1.15), (0.26, 0.80), 0.95, (3.4, 4.6)),
    _Pattern(TEMPORAL_4, 4, (0.15, 0.26), (0.04, 0.19), 2.5, (4.7, 6.7)),
)

Pulse = tuple[float, float]
"""Begin and end, seconds from the first sample."""


def rhythm(samples: NDArray[np.float32]) -> Rhythm:
    """The rhythm of a narrow tone in the last seconds.

    Args:
        samples: float32 [T] at 16 kHz, up to 10 s, the newest last.
    """
    if len(samples) < _FFT:
        return Rhythm()
    levels = _levels(samples)
    length_s = len(samples) / SAMPLE_RATE_HZ
    found = [_judge(_pulses(level), length_s) for level in levels]
    # One tone that pulses like an alarm outweighs another that merely repeats.
    return max(found, key=lambda one: (one.kind in ALARMS, one.confidence), default=Rhythm())


def _levels(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Level of the most pulsing tones over time, dB, one frame every 20 ms."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _FFT)[::_HOP]
    spectrum = np.fft.rfft(windows * np.hanning(_FFT).astype(np.float32), axis=1)
    power = np.abs(spectrum).astype(np.float32) ** 2 + 1e-9
    bins_hz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HZ)
    found: list[tuple[float, NDArray[np.float32]]] = []
    for low_hz, high_hz in _BANDS_HZ:
        inside = np.flatnonzero((bins_hz >= low_hz) & (bins_hz <= high_hz))
        # A Hann window spreads a tone over three bins.
        tones = power[:, inside] + power[:, inside - 1] + power[:, inside + 1]
        decibels = 10 * np.log10(tones)
        loud, soft = np.percentile(decibels, (92, 25), axis=0)
        contrast = loud - soft
        for _ in range(_TONES):
            best = int(np.argmax(contrast))
            if contrast[best] < _CONTRAST_DB:
                break
            found.append((float(contrast[best]), decibels[:, best]))
            contrast[max(0, best - 2) : best + 3] = 0.0
    found.sort(key=lambda one: -one[0])
    return [level for _, level in found[:_TONES]]


def _pulses(level: NDArray[np.float32]) -> list[Pulse]:
    """Where the tone sounds."""
    loud = float(np.percentile(level, 97))
    soft = float(np.percentile(level, 25))
    bar = max((loud + soft) / 2, loud - _DEEPEST_DB)
    on = np.concatenate(([False], level > bar, [False]))
    edges = np.flatnonzero(on[1:] != on[:-1])
    pulses: list[Pulse] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        # A flutter of one frame neither splits a pulse nor is one.
        if pulses and begin * _FRAME_S - pulses[-1][1] < 1.5 * _FRAME_S:
            pulses[-1] = (pulses[-1][0], float(end * _FRAME_S))
        else:
            pulses.append((float(begin * _FRAME_S), float(end * _FRAME_S)))
    return [pulse for pulse in pulses if pulse[1] - pulse[0] > 1.5 * _FRAME_S]


def _judge(pulses: Sequence[Pulse], length_s: float) -> Rhythm:
    judged = [_match(pattern, pulses, length_s) for pattern in _PATTERNS]
    best = max(judged, key=lambda one: one.confidence)
    return best if best.confidence > 0 else _regular(pulses)


def _match(pattern: _Pattern, pulses: Sequence[Pulse], length_s: float) -> Rhythm:
    """Groups of the pattern, and how much of what sounded belongs to them."""
    groups: list[tuple[float, float]] = []
    inside = 0
    index = 0
    while index + pattern.pulses <= len(pulses):
        group = pulses[index : index + pattern.pulses]
        before_s = group[0][0] - pulses[index - 1][1] if index else group[0][0]
        follows = index + pattern.pulses < len(pulses)
        after_s = (pulses[index + pattern.pulses][0] if follows else length_s) - group[-1][1]
        alone = before_s >= pattern.pause_s or index == 0
        ends = after_s >= pattern.pause_s or not follows
        if _fits(pattern, group) and alone and ends:
            groups.append((group[0][0], min(after_s, pattern.pause_s)))
            inside += pattern.pulses
            index += pattern.pulses
        else:
            index += 1
    if not groups:
        return Rhythm()
    if len(groups) == 1:
        # The longer the pause after the last pulse, the surer that no further one comes.
        sure = 0.5 + 0.3 * groups[0][1] / pattern.pause_s
    else:
        gaps = np.diff([begin for begin, _ in groups])
        low_s, high_s = pattern.cycle_s
        even = float(np.mean((gaps >= low_s) & (gaps <= high_s)))
        sure = 0.4 + 0.6 * even
    # The first and the last group may be cut off by the window.
    spared = pattern.pulses - 1
    strangers = max(0, len(pulses) - inside - spared)
    return Rhythm(pattern.kind, sure * max(0.0, 1.0 - strangers / 4), len(groups))


def _fits(pattern: _Pattern, group: Sequence[Pulse]) -> bool:
    shortest_s, longest_s = pattern.length_s
    soonest_s, latest_s = pattern.every_s
    lengths = [end - begin for begin, end in group]
    spacings = [later[0] - sooner[0] for sooner, later in itertools.pairwise(group)]
    return (
        all(shortest_s <= length <= longest_s for length in lengths)
        and all(soonest_s <= spacing <= latest_s for spacing in spacings)
        and max(lengths) <= 1.8 * min(lengths) + 2 * _FRAME_S
    )


def _regular(pulses: Sequence[Pulse]) -> Rhythm:
    """Beeps that go on at equal distances: an alarm clock, a reversing lorry."""
    if len(pulses) < 5:
        return Rhythm()
    begins = np.array([begin for begin, _ in pulses])
    gaps = np.diff(begins)
    middle = float(np.median(gaps))
    even = float(np.mean(np.abs(gaps - middle) < 0.15 * middle + _FRAME_S))
    if even < 0.6 or not 0.1 <= middle <= 2.5:
        return Rhythm()
    return Rhythm(REGULAR, even * min(1.0, len(pulses) / 5), len(pulses))
