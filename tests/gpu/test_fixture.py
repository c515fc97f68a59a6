"""The released code's reference outputs, eager, compiled and captured, on a GPU in float32."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from laim_fixture import tiny_checkpoint

pytestmark = pytest.mark.gpu
if not torch.cuda.is_available():
    pytest.skip("needs a CUDA GPU", allow_module_level=True)

from everlisten.app.bench.engine_stream import LANES, Sound  # noqa: E402
from everlisten.engine.event_json import to_dict  # noqa: E402
from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint  # noqa: E402
from everlisten.engine.laim.log_mel import CHUNK_FRAMES, whole_log_mel  # noqa: E402
from everlisten.engine.laim.model import AudioInteractionModel  # noqa: E402
from everlisten.engine.laim.step import LmStep, RowBlock, StepMode  # noqa: E402
from everlisten.engine.laim.tokens import (  # noqa: E402
    AUDIO_TOKENS,
    CHUNK_TOKENS,
    CONTROL_IDS,
    TEXT_END,
    TEXT_VOCABULARY,
)
from everlisten.engine.laim.tower import TowerStep, tower_weights  # noqa: E402

DEVICE = "cuda"
MODES: tuple[StepMode, ...] = get_args(StepMode)
BOUND = 2e-3
"""Of every logit and feature, as the fixture states it."""
SPECIAL = ("KEEP_SILENCE", "TEXT_BEGIN", "TEXT_END")


@pytest.fixture(scope="module")
def tiny(shared: Path) -> Path:
    return shared / "fixtures" / "laim-tiny"


@pytest.fixture(scope="module")
def expected(tiny: Path) -> dict[str, np.ndarray]:
    with np.load(tiny / "expected.npz") as read:
        return {name: read[name] for name in read.files}


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Checkpoint:
    return load_checkpoint(tiny, device=DEVICE, precision="float32")


@pytest.mark.parametrize("mode", MODES)
def test_features(mode: StepMode, expected: dict[str, np.ndarray], checkpoint: Checkpoint) -> None:
    weights = tower_weights(checkpoint.tower_state, checkpoint.tower_size, device=DEVICE)
    tower = TowerStep(weights, mode)
    tower.prepare()
    frames = torch.from_numpy(whole_log_mel(expected["audio"])).split(CHUNK_FRAMES, dim=1)
    features = torch.cat([tower.forward(each) for each in frames]).cpu()
    wanted = torch.from_numpy(expected["features"])
    assert (features - wanted).abs().max() <= BOUND
    assert torch.cosine_similarity(features, wanted, dim=1).min() >= 0.9999


@pytest.mark.parametrize("mode", MODES)
def test_decisions_and_text(
    mode: StepMode, expected: dict[str, np.ndarray], checkpoint: Checkpoint
) -> None:
    """Scores within the bounds, and the likeliest admissible text token, row by row."""
    step = LmStep(checkpoint.weights, slots=2, positions=512, lanes=1, mode=mode)
    step.prepare()
    features = torch.from_numpy(expected["features"]).to(DEVICE).split(AUDIO_TOKENS)
    position = 0

    def feed(tokens: list[int], heard: torch.Tensor | None = None) -> tuple[float, int]:
        nonlocal position
        block = RowBlock(
            slot=1, position=position, tokens=tokens, features=heard, read=(len(tokens) - 1,)
        )
        position += len(tokens)
        ((reading,),) = step.forward([block])
        return reading.score, reading.token

    prefix = expected["prefix"].tolist()
    for begin in range(0, len(prefix), step.max_rows):
        feed(prefix[begin : begin + step.max_rows])
    forced = iter(expected["forced"].tolist())
    made = []
    for heard, count in zip(features, expected["forced_lengths"], strict=True):
        read = feed(list(CHUNK_TOKENS), heard)
        for _ in range(count):
            made.append(read)
            read = feed([next(forced)])
    special = expected["special_logits"]
    wanted = special[:, SPECIAL.index("TEXT_BEGIN")] - special[:, SPECIAL.index("KEEP_SILENCE")]
    assert np.abs(np.array([score for score, _ in made]) - wanted).max() <= 2 * BOUND
    likeliest = zip(expected["argmax"].tolist(), made, strict=True)
    text = [(ours, top) for top, (_, ours) in likeliest if _is_text(top)]
    assert text, "the fixture has rows whose likeliest token is text"
    assert all(ours == top for ours, top in text)


def test_the_whole_model_captured_says_what_it_says_eagerly(shared: Path, tmp_path: Path) -> None:
    folder = tiny_checkpoint(shared, tmp_path)
    eager, captured = (_said(folder, eager) for eager in (True, False))
    assert [_words(each) for each in eager] == [_words(each) for each in captured]
    scores = zip(_scores(eager), _scores(captured), strict=True)
    assert all(abs(one - other) < BOUND for one, other in scores)


def _is_text(token: int) -> bool:
    return token == TEXT_END or (token < TEXT_VOCABULARY and token not in CONTROL_IDS)


def _said(folder: Path, eager: bool) -> list[dict[str, object]]:
    """Events of 24 s of noise through three lanes."""
    model = AudioInteractionModel(folder, device=DEVICE, precision="float32", eager=eager)
    state = model.new_state(LANES[3], "gpu")
    events = []
    for chunk in Sound().chunks(60):
        events += model.step(chunk, state)
        while model.busy(state):
            events += model.advance(state)
    events += model.flush(state)
    model.close()
    return [to_dict(event) for event in events]


def _words(event: dict[str, object]) -> tuple[object, ...]:
    return tuple(event.get(key) for key in ("type", "id", "speak", "text", "stable", "emotion"))


def _scores(events: list[dict[str, object]]) -> list[float]:
    return [float(str(event["score"])) for event in events if event["type"] == "decision"]
