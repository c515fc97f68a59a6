"""The voice-activity model as a stream."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.engine.embedded.vad import WINDOW_SAMPLES, SileroVad


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


@pytest.mark.parametrize("size", [100, 512, 1_600, 6_400, 10_000])
def test_chunked_equals_whole(vad: SileroVad, rng: np.random.Generator, size: int) -> None:
    samples = (rng.standard_normal(32_000) * 0.1).astype(np.float32)
    whole = vad.step(samples, vad.new_state())
    state = vad.new_state()
    parts = [vad.step(samples[i : i + size], state) for i in range(0, len(samples), size)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    assert len(whole) == len(samples) // WINDOW_SAMPLES


def test_silence_is_not_speech(vad: SileroVad) -> None:
    assert vad.step(np.zeros(32_000, np.float32), vad.new_state()).max() < 0.1


def test_speech_is_speech(vad: SileroVad, speech: np.ndarray) -> None:
    probabilities = vad.step(speech, vad.new_state())
    assert np.mean(probabilities[15:300] > 0.5) > 0.8
    assert probabilities[:10].max() < 0.5
