"""Whisper's log-mel spectrum as a stream of chunks of 40 frames; F bins, 128 in the released tower.

Frame i is centred on sample 160 i and reaches 200 samples to either side, so the last frame of a
chunk needs 40 samples of the next one. A live stream therefore runs 40 samples (2.5 ms) behind the
sound: it begins with 40 zeros, and chunk n of the model holds samples 6,400 n - 40 to
6,400 (n + 1) - 40 of what was captured. Every chunk that arrives completes exactly one chunk, and
each frame equals the whole-clip computation over the shifted sound. Without this lead
(`lead_samples=0`) the chunks coincide with those of the whole clip, and each is complete 40 samples
later.

One thing cannot be known before the end: Whisper lifts everything to 8 decades below the loudest
value of the whole clip. Here it is the loudest of the last 30 s. A maximum that never forgets would
leave the model half deaf for the rest of the day after one loud click; 30 s is the length of the
clips that the tower was trained on, and longer than the streams (24 s) of the whole model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

MEL_BINS = 128
HOP_SAMPLES = 160
CHUNK_FRAMES = CHUNK_SAMPLES // HOP_SAMPLES
_FFT_SAMPLES = 400
_LEFT_SAMPLES = _FFT_SAMPLES // 2
LOOK_AHEAD_SAMPLES = _LEFT_SAMPLES - HOP_SAMPLES
"""What the last frame of a chunk needs of the next one: 2.5 ms."""
_BUFFER_SAMPLES = _LEFT_SAMPLES + CHUNK_SAMPLES + LOOK_AHEAD_SAMPLES
_MAXIMUM_CHUNKS = 75
"""30 s; see above."""
_SMALLEST_POWER = 1e-10
_DECADES = 8.0
_SHORTEST_CLIP_SAMPLES = _LEFT_SAMPLES + 1
"""What mirroring the edges of a clip takes."""

Frames = NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class LogMelState:
    """One stream's samples that are still needed, and how loud it was.

    Attributes:
        buffer: float32 [6640]: the 200 samples before the next chunk, the chunk, 40 samples more.
        filled: Samples of `buffer` that are there.
        chunks: Chunks that have been computed.
        maxima: float32 [75], a ring: the loudest log10 power of each of the last chunks.
        lead_samples: Zeros that the stream began with.
    """

    buffer: Samples = field(default_factory=lambda: np.zeros(_BUFFER_SAMPLES, np.float32))
    filled: int = _LEFT_SAMPLES
    chunks: int = 0
    maxima: NDArray[np.float32] = field(
        default_factory=lambda: np.full(_MAXIMUM_CHUNKS, -np.inf, np.float32)
    )
    lead_samples: int = 0


class LogMelStream:
    """Computes each frame once, when its samples are there.

    Args:
        bins: F.
    """

    def __init__(self, bins: int = MEL_BINS) -> None:
        self._bins = bins
        self._spectrum = LogSpectrum(bins)

    def new_state(self, lead_samples: int = LOOK_AHEAD_SAMPLES) -> LogMelState:
        """State of a stream that has heard nothing but `lead_samples` zeros."""
        state = LogMelState(lead_samples=lead_samples)
        self.reset(state)
        return state

    def reset(self, state: LogMelState) -> None:
        """Make `state` equal to a fresh one with the same lead."""
        state.buffer[:] = 0.0
        state.filled = _LEFT_SAMPLES + state.lead_samples
        state.chunks = 0
        state.maxima[:] = -np.inf

    def step(self, samples: Samples, state: LogMelState) -> Frames:
        """Take in sound.

        Args:
            samples: float32 [T] at 16 kHz, T >= 0.
            state: Of this stream; updated in place.

        Returns:
            float32 [n, F, 40]: the chunks that are now complete, owned by the caller. With the lead
            and T = 6,400, n is 1.
        """
        made: list[Frames] = []
        taken = 0
        while taken < len(samples):
            count = min(len(samples) - taken, _BUFFER_SAMPLES - state.filled)
            state.buffer[state.filled : state.filled + count] = samples[taken : taken + count]
            state.filled += count
            taken += count
            if state.filled == _BUFFER_SAMPLES:
                made.append(self._next_chunk(state))
        return np.stack(made) if made else np.empty((0, self._bins, CHUNK_FRAMES), np.float32)

    def flush(self, state: LogMelState) -> Frames:
        """End the stream as the released code ends a clip: zeros up to a whole chunk, mirrored.

        A tail that is no longer than the lead was already heard by the frame before it and makes
        no chunk of its own. The state is of no use afterwards, until it is reset.

        Returns:
            float32 [n, F, 40].
        """
        rest = state.filled - _LEFT_SAMPLES
        if rest <= state.lead_samples:
            return np.empty((0, self._bins, CHUNK_FRAMES), np.float32)
        made = self.step(np.zeros(-rest % CHUNK_SAMPLES, np.float32), state)
        end = _LEFT_SAMPLES + CHUNK_SAMPLES
        assert state.filled == end, state.filled
        mirrored = state.buffer[end - 1 - LOOK_AHEAD_SAMPLES : end - 1][::-1]
        return np.concatenate((made, self.step(mirrored.copy(), state)))

    def _next_chunk(self, state: LogMelState) -> Frames:
        buffer = state.buffer
        if state.chunks == 0:
            buffer[:_LEFT_SAMPLES] = buffer[_LEFT_SAMPLES + 1 : 2 * _LEFT_SAMPLES + 1][::-1]
        frames = self._spectrum(buffer)
        state.maxima[state.chunks % _MAXIMUM_CHUNKS] = frames.max()
        state.chunks += 1
        kept = _LEFT_SAMPLES + LOOK_AHEAD_SAMPLES
        buffer[:kept] = buffer[CHUNK_SAMPLES:].copy()
        state.filled = kept
        return _scaled(frames, float(state.maxima.max()))


class LogSpectrum:
    """log10 of the mel power of every frame that lies wholly in some samples; F is `bins`."""

    def __init__(self, bins: int = MEL_BINS) -> None:
        # Computed in double precision, as Whisper's own NumPy version does: 0.1 ms a chunk.
        self._window = np.hanning(_FFT_SAMPLES + 1)[:-1]
        self._filters = mel_filters(bins)

    def __call__(self, samples: Samples) -> Frames:
        """Compute float32 [F, (T - 400) // 160 + 1] from float32 [T], T >= 400."""
        windows = np.lib.stride_tricks.sliding_window_view(samples, _FFT_SAMPLES)[::HOP_SAMPLES]
        spectrum = np.fft.rfft(windows * self._window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        mel = self._filters @ power.T
        return np.log10(np.maximum(mel, _SMALLEST_POWER)).astype(np.float32)


def whole_log_mel(samples: Samples, bins: int = MEL_BINS) -> Frames:
    """The log-mel spectrum of a whole clip, exactly as Whisper computes it.

    Args:
        samples: float32 [T] at 16 kHz. Fewer than 201 are filled up with zeros.
        bins: F.

    Returns:
        float32 [F, T // 160].
    """
    missing = max(0, _SHORTEST_CLIP_SAMPLES - len(samples))
    padded = np.pad(np.pad(samples, (0, missing)), _LEFT_SAMPLES, mode="reflect")
    frames = LogSpectrum(bins)(padded)[:, : len(samples) // HOP_SAMPLES]
    return _scaled(frames, float(frames.max(initial=-np.inf)))


def mel_filters(bins: int = MEL_BINS) -> NDArray[np.float64]:
    """Slaney's mel filters, each of unit area: float64 [bins, 201]."""
    edges_hz = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE_HZ / 2), bins + 2))
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, _FFT_SAMPLES // 2 + 1)
    left, centre, right = (edges_hz[i : bins + i, None] for i in range(3))
    rising = (bins_hz - left) / (centre - left)
    falling = (right - bins_hz) / (right - centre)
    filters: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return filters * (2.0 / (right - left))


# Slaney's scale: 15 mel a kHz up to 1 kHz, then 27 mel for each factor of 6.4.
_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_MEL_PER_NEPER = 27.0 / np.log(6.4)


def _hz_to_mel(above_knee_hz: float) -> float:
    return float(_KNEE_MEL + np.log(above_knee_hz / _KNEE_HZ) * _MEL_PER_NEPER)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * (_KNEE_HZ / _KNEE_MEL)
    logarithmic = _KNEE_HZ * np.exp((mel - _KNEE_MEL) / _MEL_PER_NEPER)
    return np.where(mel < _KNEE_MEL, linear, logarithmic)


def _scaled(frames: Frames, maximum: float) -> Frames:
    """Whisper's last step: lift what is far below `maximum`, then bring into about -1..1."""
    return (np.maximum(frames, np.float32(maximum - _DECADES)) + np.float32(4.0)) / np.float32(4.0)
