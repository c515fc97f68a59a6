"""Any rate to 16 kHz mono: one persistent soxr stream per device.

A resampler made anew for each block would click at every seam and change lengths; the state here
lives as long as the device stays open and is made anew, at the rate read again, when it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples


@dataclass(slots=True, eq=False)
class ResamplerState:
    """Where one stream stands; `stream` is None when the rates are equal."""

    stream: Any
    flushed: bool = field(default=False)


class Resampler:
    """Downmixes and resamples blocks of one device."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        """Fix the native format.

        Args:
            rate_hz: Native sample rate.
            channels: Native channel count; the mono signal is the mean of all channels.
        """
        if rate_hz <= 0 or channels <= 0:
            raise ValueError(f"rate_hz = {rate_hz}, channels = {channels}: both must be positive")
        self.rate_hz = rate_hz
        self.channels = channels

    def new_state(self) -> ResamplerState:
        """The state of a stream that begins now."""
        if self.rate_hz == SAMPLE_RATE_HZ:
            return ResamplerState(stream=None)
        import soxr

        stream = soxr.ResampleStream(self.rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")
        return ResamplerState(stream=stream)

    def step(self, block: NDArray[np.float32], state: ResamplerState) -> Samples:
        """Convert one block, continuing from `state`.

        Args:
            block: float32 [frames, channels] at the native rate; any number of frames.
            state: Updated in place.

        Returns:
            float32 [n] at 16 kHz, owned by the caller; n varies, 0 included.
        """
        assert block.shape == (len(block), self.channels), block.shape
        assert not state.flushed, "step after flush"
        return self._convert(_downmix(block), state, last=False)

    def flush(self, state: ResamplerState) -> Samples:
        """The tail that the filter still holds, float32 [n]; the state is spent afterwards."""
        state.flushed = True
        return self._convert(np.zeros(0, np.float32), state, last=True)

    def reset(self, state: ResamplerState) -> None:
        """Make `state` equal to a fresh one."""
        state.stream = self.new_state().stream
        state.flushed = False

    def _convert(self, mono: Samples, state: ResamplerState, *, last: bool) -> Samples:
        if state.stream is None:
            return mono
        out: Samples = np.asarray(state.stream.resample_chunk(mono, last=last), np.float32)
        return out


def _downmix(block: NDArray[np.float32]) -> Samples:
    if block.shape[1] == 1:
        return block[:, 0].astype(np.float32)
    mono: Samples = block.mean(axis=1, dtype=np.float32)
    return mono
