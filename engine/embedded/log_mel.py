"""Whisper's log-mel spectrum as a stream: each frame is computed once, when its samples are there.

Frames are not yet clipped and scaled, because Whisper does that relative to the loudest frame of
the piece that is decoded; `whisper_input` does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

HOP_SAMPLES = 160
FRAMES_PER_S = 100
MEL_BINS = 80
_FFT_SAMPLES = 400
_HALF_SAMPLES = _FFT_SAMPLES // 2
_FLOOR = -10.0
"""log10 of 1e-10, Whisper's smallest power; what digital silence gives."""
_HISTORY_FRAMES = 32 * FRAMES_PER_S
"""More than Whisper's longest window of 30 s."""

Frames = NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class LogMelState:
    """The newest frames of one stream.

    Attributes:
        frames: float32 [80, 2 * 3200]; columns `begin`..`begin + kept` hold the newest frames.
        total: Frames computed since the start of the stream.
        pending: Samples from the left edge of the next frame on.
    """

    frames: Frames = field(
        default_factory=lambda: np.zeros((MEL_BINS, 2 * _HISTORY_FRAMES), np.float32)
    )
    begin: int = 0
    kept: int = 0
    total: int = 0
    pending: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(_HALF_SAMPLES, np.float32)
    )


class LogMelStream:
    """Computes frames of 10 ms; frame i is centred on sample 160 i of the stream."""

    def __init__(self) -> None:
        self._window = np.hanning(_FFT_SAMPLES + 1)[:-1].astype(np.float32)
        self._filters = FeatureExtractor(feature_size=MEL_BINS).mel_filters

    def new_state(self) -> LogMelState:
        """State of a stream that has heard nothing."""
        return LogMelState()

    def step(self, samples: NDArray[np.float32], state: LogMelState) -> None:
        """Append the frames that `samples` (float32 [T], 16 kHz) complete."""
        pending = np.concatenate((state.pending, samples))
        count = (len(pending) - _FFT_SAMPLES) // HOP_SAMPLES + 1
        if count > 0:
            self._append(self._frames(pending, count), state)
            pending = pending[count * HOP_SAMPLES :]
        state.pending = pending

    def frames(self, first: int, end: int, state: LogMelState) -> Frames:
        """Frames `first`..`end` of the stream, float32 [80, end - first]; a copy.

        Up to three frames past the newest complete one are computed with zeros for what is still
        to come, as if the sound ended here.
        """
        assert first >= state.total - state.kept, (first, state.total, state.kept)
        offset = state.begin - (state.total - state.kept)
        known = state.frames[:, offset + first : offset + min(end, state.total)]
        missing = end - max(first, state.total)
        if missing <= 0:
            return known.copy()
        padded = np.pad(state.pending, (0, _FFT_SAMPLES + missing * HOP_SAMPLES))
        return np.concatenate((known, self._frames(padded, missing)), axis=1)

    def _append(self, new: Frames, state: LogMelState) -> None:
        count = new.shape[1]
        state.total += count
        if state.begin + state.kept + count > state.frames.shape[1]:
            kept = min(state.kept, _HISTORY_FRAMES)
            end = state.begin + state.kept
            state.frames[:, :kept] = state.frames[:, end - kept : end].copy()
            state.begin, state.kept = 0, kept
        end = state.begin + state.kept
        state.frames[:, end : end + count] = new
        state.kept += count

    def _frames(self, samples: NDArray[np.float32], count: int) -> Frames:
        windows = np.lib.stride_tricks.sliding_window_view(samples, _FFT_SAMPLES)
        spectrum = np.fft.rfft(windows[::HOP_SAMPLES][:count] * self._window, axis=1)
        power = np.abs(spectrum).astype(np.float32) ** 2
        mel = self._filters @ power.T
        return np.asarray(np.log10(np.maximum(mel, 1e-10)), np.float32)


def whisper_input(frames: Frames, padding_s: float) -> Frames:
    """Clip and scale as Whisper does, after appending silence.

    The length is rounded up to whole seconds: the convolution library keeps 2-4 MB for every
    length that it has ever seen, so arbitrary lengths cost 0.3 GB a minute at first.

    Args:
        frames: float32 [80, T] from `LogMelStream.frames`.
        padding_s: Digital silence to append, seconds, at least.

    Returns:
        float32 [1, 80, 100 * S], contiguous; S is a whole number of seconds.
    """
    length = frames.shape[1] + round(padding_s * FRAMES_PER_S)
    padding = -(-length // FRAMES_PER_S) * FRAMES_PER_S - frames.shape[1]
    padded = np.pad(frames, ((0, 0), (0, padding)), constant_values=_FLOOR)
    clipped = np.maximum(padded, padded.max() - 8.0)
    return np.ascontiguousarray((clipped[None] + 4.0) / 4.0, dtype=np.float32)
