"""A sound model that needs no weights but does tell sounds apart, and sounds to teach it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ
from everlisten.engine.embedded.log_mel import LogMelStream

WIDTH = 80


@dataclass(frozen=True)
class Heard:
    embedding: np.ndarray


@dataclass
class LogMelStatistics:
    """Mean and maximum over each chunk of 40 log-mel bands: float32 [80].

    Attributes:
        steps: Chunks heard by all streams.
    """

    version: str = "statistics-1"
    embedding_width: int = WIDTH
    steps: int = 0
    _stream: LogMelStream = field(default_factory=LogMelStream)

    def new_state(self):
        return self._stream.new_state()

    def step(self, samples, state, /):
        assert samples.shape == (CHUNK_SAMPLES,)
        self.steps += 1
        self._stream.step(samples, state)
        frames = self._stream.frames(max(state.total - 40, 0), state.total, state)
        bands = np.maximum(frames, -7.0).reshape(40, 2, -1).mean(axis=1)
        return Heard(np.concatenate((bands.mean(axis=1), bands.max(axis=1))).astype(np.float32))


def chime(rng, pitch_hz=880.0, level=0.3):
    """A ding and a lower dong, each recording a little different: float32 [T], 1.6 s."""
    pieces = []
    for factor in (1.0, 0.8):
        times_s = np.arange(round(0.8 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        hz = pitch_hz * factor * rng.uniform(0.99, 1.01)
        tone = sum(
            np.sin(2 * np.pi * hz * partial * times_s + rng.uniform(0, 6)) / partial
            for partial in (1, 2.76, 5.4)
        )
        pieces.append(tone * np.exp(-times_s / rng.uniform(0.25, 0.35)))
    sound = np.concatenate(pieces) * level * rng.uniform(0.6, 1.2)
    return (sound + rng.standard_normal(len(sound)) * 0.001).astype(np.float32)


def murmur(rng, seconds):
    """Something like speech: a buzz with moving formants, in syllables. float32 [T]."""
    count = round(seconds * SAMPLE_RATE_HZ)
    times_s = np.arange(count) / SAMPLE_RATE_HZ
    pitch_hz = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.2, 1) * times_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    formants_hz = []
    for low_hz, high_hz in ((300, 800), (900, 2200), (2300, 3200)):
        glide = np.sin(2 * np.pi * rng.uniform(1, 4) * times_s + rng.uniform(0, 6))
        formants_hz.append((low_hz + high_hz) / 2 + (high_hz - low_hz) / 2 * glide)
    sound = np.zeros(count)
    for harmonic in range(1, 17):
        near = sum(1 / (1 + ((harmonic * pitch_hz - hz) / 120) ** 2) for hz in formants_hz)
        sound += np.sin(harmonic * phase) * near
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2, 4) * times_s), 0, 1)
    sound *= syllables * 0.05 * rng.uniform(0.3, 1.5)
    return (sound + rng.standard_normal(count) * 0.002).astype(np.float32)


def hiss(rng, seconds):
    """Noise of any colour and level. float32 [T]."""
    count = round(seconds * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 50) ** rng.uniform(0, 1)
    sound = np.fft.irfft(spectrum, count)
    return (sound / np.abs(sound).max() * 10 ** rng.uniform(-2.5, -0.3)).astype(np.float32)


def knocks(rng, seconds):
    """Dull blows at odd times. float32 [T]."""
    count = round(seconds * SAMPLE_RATE_HZ)
    sound = rng.standard_normal(count) * 0.001
    for begin in rng.integers(0, count - 4000, round(seconds)):
        decay = np.exp(-np.arange(4000) / rng.uniform(200, 800))
        blow = np.sin(np.arange(4000) * rng.uniform(0.03, 0.2)) + rng.standard_normal(4000) * 0.3
        sound[begin : begin + 4000] += blow * decay * rng.uniform(0.05, 0.5)
    return np.clip(sound, -1, 1).astype(np.float32)


def everyday(rng, recordings=45, seconds=10.0):
    """Recordings that hold no chime."""
    kinds = (murmur, hiss, knocks)
    return [kinds[number % len(kinds)](rng, seconds) for number in range(recordings)]
