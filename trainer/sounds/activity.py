"""Where in a clip the sound really is: clips are padded with silence, and events have gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
_HOP_S = 0.01
_HOP_SAMPLES = 160
_SILENT_DB = -75.0
"""Below this a frame is padding or as good as that."""
_STEADY_DB = 15.0
"""A clip whose loudest and quietest parts differ by less has no gaps that could be told."""
_SHARE = 0.4
"""The bar lies at this share of the way, in dB, from the noise floor to the loudest part."""
_BELOW_PEAK_DB = 35.0
_MERGED_GAP_S = 0.3
_SHORTEST_S = 0.02

Samples = NDArray[np.float32]


def active(samples: Samples, *, continuous: bool = False) -> list[tuple[float, float]]:
    """The parts of a clip in which its event sounds, in seconds.

    Args:
        samples: float32 [T] at 16 kHz.
        continuous: The sound has no gaps (rain): only silent padding is left out.

    Returns:
        (start, end), rising and apart by at least 0.3 s; empty for a silent clip.
    """
    levels = _levels_db(samples)
    sounding = levels > _SILENT_DB
    if not sounding.any():
        return []
    peak = float(levels.max())
    # Padding says nothing about the noise of the recording.
    floor = float(np.percentile(levels[sounding], 10))
    if continuous or peak - floor < _STEADY_DB:
        bar = max(_SILENT_DB, peak - 60.0)
    else:
        bar = max(floor + _SHARE * (peak - floor), peak - _BELOW_PEAK_DB, _SILENT_DB)
    return _regions(levels > bar, samples.size / SAMPLE_RATE_HZ)


def _levels_db(samples: Samples) -> NDArray[np.float64]:
    """dB of full scale of each 10 ms, smoothed over 30 ms."""
    count = max(1, -(-samples.size // _HOP_SAMPLES))
    padded = np.zeros(count * _HOP_SAMPLES)
    padded[: samples.size] = samples
    power = (padded.reshape(count, _HOP_SAMPLES) ** 2).mean(axis=1)
    return np.asarray(10 * np.log10(np.convolve(power, np.full(3, 1 / 3), "same") + 1e-12))


def _regions(on: NDArray[np.bool_], length_s: float) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    merged: list[list[float]] = []
    for start, end in edges.reshape(-1, 2) * _HOP_S:
        if merged and start - merged[-1][1] < _MERGED_GAP_S:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    return [
        (float(start), float(min(end, length_s)))
        for start, end in merged
        if end - start >= _SHORTEST_S
    ]
