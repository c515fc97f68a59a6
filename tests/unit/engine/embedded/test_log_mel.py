"""The log-mel spectrum as a stream."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from everlisten.engine.embedded.log_mel import LogMelStream, whisper_input

SAMPLES = 16_000


@pytest.mark.parametrize("size", [1, 77, 160, 400, 6_400])
def test_chunked_equals_whole(rng: np.random.Generator, size: int) -> None:
    samples = (rng.standard_normal(SAMPLES if size > 1 else 1_000) * 0.1).astype(np.float32)
    stream = LogMelStream()
    whole, parts = stream.new_state(), stream.new_state()
    stream.step(samples, whole)
    for i in range(0, len(samples), size):
        stream.step(samples[i : i + size], parts)
    assert parts.total == whole.total
    end = len(samples) // 160
    np.testing.assert_allclose(
        stream.frames(0, end, parts), stream.frames(0, end, whole), atol=1e-5
    )


def test_equals_faster_whisper(rng: np.random.Generator) -> None:
    samples = (rng.standard_normal(SAMPLES) * 0.1).astype(np.float32)
    stream = LogMelStream()
    state = stream.new_state()
    stream.step(samples, state)
    ours = whisper_input(stream.frames(0, 100, state), padding_s=0.0)[0]
    theirs = FeatureExtractor()(samples, padding=0)[:, :100]
    # Theirs mirrors the sound at both edges, ours has silence there.
    np.testing.assert_allclose(ours[:, 2:98], theirs[:, 2:98], atol=1e-3)


def test_history_outlives_the_buffer(rng: np.random.Generator) -> None:
    stream = LogMelStream()
    state = stream.new_state()
    samples = (rng.standard_normal(16_000) * 0.1).astype(np.float32)
    for _ in range(100):
        stream.step(samples, state)
    newest = stream.frames(9_900, 10_000, state)
    again = stream.frames(9_800, 9_900, state)
    np.testing.assert_allclose(newest[:, 2:98], again[:, 2:98], atol=1e-5)


def test_padding_is_silence_up_to_a_whole_second() -> None:
    made = whisper_input(np.zeros((80, 101), np.float32), padding_s=0.5)
    assert made.shape == (1, 80, 200)
    assert made.dtype == np.float32
    assert made[0, 0, -1] == pytest.approx((0.0 - 8.0 + 4.0) / 4.0)
