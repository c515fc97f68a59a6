"""The first stage of hearing: samples that a model may be given, and whether to trust them.

A broken converter, a driver that delivers no numbers or an input that is overdriven beyond
recognition must never raise an alarm. A loud alarm close to the microphone clips too, so clipping
alone breaks nothing: only what is noise as well does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

NO_NUMBERS = "The sound holds values that are no numbers."
OVERDRIVEN = "The sound is overdriven beyond recognition."
STUCK = "The input is stuck at one value."

_CUTOFF_HZ = 20.0
"""Below speech and every alarm; what is slower is offset."""
_KEEP = math.exp(-2.0 * math.pi * _CUTOFF_HZ / SAMPLE_RATE_HZ)
_BLOCK_SAMPLES = 1600
_GROWTH = _KEEP ** -np.arange(1, _BLOCK_SAMPLES + 1, dtype=np.float64)
"""At most e^12.6: the sums below stay exact."""
_RAIL = 0.999
_OVERDRIVEN_SHARE = 0.8
"""A sine reaches it at 10 dB over full scale, noise at 12 dB."""
_TONAL_SHARE = 0.3
"""Of the power, in the strongest band of some 60 Hz: a clipped tone has 0.8, clipped noise 0.05."""
_STUCK_SHARE = 0.9
_SILENCE = 1e-7


@dataclass(slots=True)
class SignalState:
    """The offset of one stream so far."""

    offset: float = 0.0
    begun: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CleanSound:
    """One chunk as the model gets it.

    Attributes:
        samples: float32 [T], finite, within -1..1, without offset.
        silent: Nothing but digital silence.
        broken: "" or one sentence why nothing may be concluded from it.
    """

    samples: Samples
    silent: bool
    broken: str


def new_state() -> SignalState:
    """State of a stream that has heard nothing."""
    return SignalState()


def reset(state: SignalState) -> None:
    """Make `state` equal to a fresh one."""
    state.offset, state.begun = 0.0, False


def step(samples: Samples, state: SignalState) -> CleanSound:
    """Clean a piece of a stream.

    Args:
        samples: float32 [T] at 16 kHz, whatever a driver delivers.
        state: Updated in place.
    """
    finite = np.isfinite(samples)
    whole = bool(finite.all())
    bounded = np.clip(samples if whole else np.where(finite, samples, 0.0), -1.0, 1.0)
    clean = _without_offset(bounded, state)
    silent = bool(np.abs(bounded).max(initial=0.0) < _SILENCE)
    return CleanSound(clean, silent, _broken(bounded, whole, silent))


def _without_offset(samples: Samples, state: SignalState) -> Samples:
    """Subtract the running mean (one pole at 20 Hz)."""
    if not state.begun and len(samples):
        # Otherwise a constant offset would begin with a click.
        state.offset, state.begun = float(samples[:160].mean(dtype=np.float64)), True
    clean = np.empty(len(samples), np.float32)
    for begin in range(0, len(samples), _BLOCK_SAMPLES):
        block = samples[begin : begin + _BLOCK_SAMPLES].astype(np.float64)
        growth = _GROWTH[: len(block)]
        offset = (state.offset + (1.0 - _KEEP) * np.cumsum(block * growth)) / growth
        clean[begin : begin + len(block)] = block - offset
        state.offset = float(offset[-1])
    return clean


def _broken(samples: Samples, whole: bool, silent: bool) -> str:
    if not whole:
        return NO_NUMBERS
    if silent or len(samples) == 0:
        return ""
    railed = np.abs(samples) >= _RAIL
    if railed.mean() >= _OVERDRIVEN_SHARE and not _is_tonal(samples):
        return OVERDRIVEN
    same = np.abs(np.diff(samples, prepend=np.inf)) < _SILENCE
    if same.mean() >= _STUCK_SHARE and not railed.any() and np.abs(np.median(samples)) > 0.01:
        return STUCK
    return ""


def _is_tonal(samples: Samples) -> bool:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    width = max(1, round(60.0 * len(samples) / SAMPLE_RATE_HZ))
    bands = np.add.reduceat(power, np.arange(0, len(power), width))
    pairs = bands[:-1] + bands[1:] if len(bands) > 1 else bands
    return bool(pairs.max() >= _TONAL_SHARE * power.sum())
