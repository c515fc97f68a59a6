"""Samples to audio embeddings, as a stream and as a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.laim.checkpoint import load_checkpoint
from everlisten.engine.laim.log_mel import LOOK_AHEAD_SAMPLES
from everlisten.engine.laim.perception import Perception
from everlisten.engine.laim.tower import TowerStep, tower_weights


@pytest.fixture(scope="module")
def perception(shared: Path) -> Perception:
    folder = shared / "fixtures" / "laim-tiny"
    loaded = load_checkpoint(folder, device="cpu", precision="float32")
    return Perception(TowerStep(tower_weights(loaded.tower_state, loaded.tower_size)))


@pytest.fixture(scope="module")
def expected(shared: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared / "fixtures" / "laim-tiny" / "expected.npz"))


def heard(perception: Perception, samples: np.ndarray) -> torch.Tensor:
    state = perception.new_state()
    features = []
    for index in range(len(samples) // CHUNK_SAMPLES):
        part = samples[index * CHUNK_SAMPLES : (index + 1) * CHUNK_SAMPLES]
        chunk = AudioChunk(
            index=index, sources=(SourceName.MIC,), samples=part[np.newaxis], captured_s=0.0
        )
        features.append(perception.heard(chunk, perception.frames(chunk, state)).features)
    return torch.cat(features)


def test_a_clip_is_encoded_as_the_released_code_does(
    perception: Perception, expected: dict[str, np.ndarray]
) -> None:
    features = torch.cat(perception.clip(expected["audio"]))
    released = torch.from_numpy(expected["features"])
    # In chunks 1 and 2 the floor of the whole clip is not known yet.
    torch.testing.assert_close(features[20:], released[20:], atol=2e-3, rtol=0)


def test_the_stream_is_the_clip_a_little_later(
    perception: Perception, expected: dict[str, np.ndarray]
) -> None:
    later = np.concatenate((np.zeros(LOOK_AHEAD_SAMPLES, np.float32), expected["audio"]))
    clip = torch.cat(perception.clip(later))[:80]
    torch.testing.assert_close(heard(perception, expected["audio"]), clip, atol=1e-5, rtol=0)


def test_a_clip_is_filled_up_to_whole_chunks(perception: Perception) -> None:
    assert [one.shape for one in perception.clip(np.full(7000, 0.1, np.float32))] == [(10, 8)] * 2
    assert perception.clip(np.zeros(0, np.float32)) == []


def test_energy_is_kept_by_source(perception: Perception) -> None:
    samples = np.zeros((2, CHUNK_SAMPLES), np.float32)
    samples[1] = 0.5
    sources = (SourceName.MIC, SourceName.SYSTEM)
    chunk = AudioChunk(index=3, sources=sources, samples=samples, captured_s=0.0)
    one = perception.heard(chunk, perception.frames(chunk, perception.new_state()))
    assert one.index == 3
    assert one.energy == {SourceName.MIC: 0.0, SourceName.SYSTEM: pytest.approx(1600.0)}
