"""The way that we compare ourselves with computes what the released code computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from everlisten.app.bench.engine_released import ReleasedSession
from everlisten.app.bench.released_way import ReleasedLanguageModel, ReleasedState, ReleasedTower
from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint
from everlisten.engine.laim.log_mel import mel_filters
from everlisten.engine.laim.tokens import AUDIO_TOKENS, CHUNK_TOKENS

AUDIO_ROWS = tuple(range(1, 1 + AUDIO_TOKENS))


@pytest.fixture(scope="module")
def tiny(shared: Path) -> Path:
    return shared / "fixtures" / "laim-tiny"


@pytest.fixture(scope="module")
def expected(tiny: Path) -> dict[str, np.ndarray]:
    with np.load(tiny / "expected.npz") as read:
        return {name: read[name] for name in read.files}


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Checkpoint:
    return load_checkpoint(tiny, device="cpu", precision="float32")


def test_features(expected: dict[str, np.ndarray], checkpoint: Checkpoint) -> None:
    filters = torch.from_numpy(mel_filters()).float().T
    tower = ReleasedTower(checkpoint.tower_state, checkpoint.tower_size, filters)
    features = tower.encode(torch.from_numpy(expected["audio"])).numpy()
    assert np.abs(features - expected["features"]).max() < 1e-5


def test_logits(expected: dict[str, np.ndarray], checkpoint: Checkpoint) -> None:
    model = ReleasedLanguageModel(checkpoint.weights)
    state = ReleasedState(torch.zeros(0))
    features = torch.from_numpy(expected["features"]).split(AUDIO_TOKENS)
    model.forward(expected["prefix"].tolist(), (), None, state)
    forced = iter(expected["forced"].tolist())
    made = []
    for heard, count in zip(features, expected["forced_lengths"], strict=True):
        logits = model.forward(CHUNK_TOKENS, AUDIO_ROWS, heard, state)
        for _ in range(count):
            made.append(logits[-1].numpy())
            logits = model.forward([next(forced)], (), None, state)
    assert [int(each.argmax()) for each in made] == expected["argmax"].tolist()
    top = np.take_along_axis(np.stack(made), expected["top_ids"].astype(np.int64), axis=1)
    assert np.abs(top - expected["top_logits"]).max() < 1e-4


def test_its_cost_grows_with_the_stream(checkpoint: Checkpoint) -> None:
    session = ReleasedSession(checkpoint.weights, checkpoint.tower_state, checkpoint.tower_size)
    short, long = (session.measure(n, count=3, limit_s=5.0)[1].p50_ms for n in (2, 200))
    assert long > 2 * short
