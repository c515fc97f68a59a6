"""Level metering and the watch for runs of exact zeros."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.audio_io.health import SILENCE_DB

METER_SAMPLES = SAMPLE_RATE_HZ // 10
"""A meter shows 0.1 s: short enough to move with syllables, long enough not to flicker."""


def to_db(amplitude: float) -> float:
    """Amplitude 0..1 as dBFS, never below -120."""
    return max(SILENCE_DB, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else SILENCE_DB


def to_amplitude(db: float) -> float:
    """The factor that amplifies by `db`."""
    return float(10.0 ** (db / 20.0))


class LevelMeter:
    """RMS and peak of the last 0.1 s."""

    def __init__(self) -> None:
        """Start at digital silence."""
        self._window = np.zeros(METER_SAMPLES, np.float32)

    def step(self, samples: Samples) -> None:
        """Take float32 [n] at 16 kHz, any n."""
        if len(samples) >= METER_SAMPLES:
            self._window[:] = samples[-METER_SAMPLES:]
        elif len(samples):
            self._window[: -len(samples)] = self._window[len(samples) :]
            self._window[-len(samples) :] = samples

    def reset(self) -> None:
        """Back to digital silence."""
        self._window[:] = 0.0

    def read(self, gain: float = 1.0) -> tuple[float, float]:
        """(RMS, peak) in dBFS after the factor `gain`."""
        rms = math.sqrt(float(np.dot(self._window, self._window)) / METER_SAMPLES)
        peak = float(np.abs(self._window).max())
        return to_db(rms * gain), to_db(peak * gain)


class ZeroRunWatch:
    """Tells a quiet room, which is never exactly zero, from a muted or dead device, which is."""

    def __init__(self) -> None:
        """Nothing has been heard yet."""
        self.reset()

    def reset(self) -> None:
        """A device was opened anew."""
        self.callback_s: float | None = None
        self.nonzero_s: float | None = None
        self.first_s: float | None = None

    def step(self, block: NDArray[np.float32], now_s: float) -> None:
        """Take a native block, float32 [frames, channels], that arrived at monotonic `now_s`."""
        if not block.size:
            return
        self.callback_s = now_s
        if self.first_s is None:
            self.first_s = now_s
        if block.any():
            self.nonzero_s = now_s

    def zero_for_s(self, now_s: float) -> float:
        """Seconds for which everything that arrived was exactly zero."""
        since = self.nonzero_s if self.nonzero_s is not None else self.first_s
        return 0.0 if since is None else now_s - since
