"""The released code's reference outputs, eager, compiled and captured, on a GPU in float32."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from laim_fixture import tiny_checkpoint
from laim_reference import (
    BOUND,
    LogitStep,
    Reference,
    assert_features,
    assert_logits,
    assert_readings,
    teacher_forced,
)

pytestmark = pytest.mark.gpu
if not torch.cuda.is_available():
    pytest.skip("needs a CUDA GPU", allow_module_level=True)

from everlisten.app.bench.engine_stream import LANES, Sound  # noqa: E402
from everlisten.engine.event_json import to_dict  # noqa: E402
from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint  # noqa: E402
from everlisten.engine.laim.model import AudioInteractionModel  # noqa: E402
from everlisten.engine.laim.step import StepMode  # noqa: E402
from everlisten.engine.laim.tower import TowerStep, tower_weights  # noqa: E402

DEVICE = "cuda"
MODES: tuple[StepMode, ...] = get_args(StepMode)


@pytest.fixture(scope="module")
def tiny(shared: Path) -> Path:
    return shared / "fixtures" / "laim-tiny"


@pytest.fixture(scope="module")
def reference(tiny: Path) -> Reference:
    return Reference.read(tiny)


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Checkpoint:
    return load_checkpoint(tiny, device=DEVICE, precision="float32")


@pytest.mark.parametrize("mode", MODES)
def test_features(mode: StepMode, reference: Reference, checkpoint: Checkpoint) -> None:
    weights = tower_weights(checkpoint.tower_state, checkpoint.tower_size, device=DEVICE)
    tower = TowerStep(weights, mode)
    tower.prepare()
    features = torch.cat([tower.forward(frames) for frames in reference.whole_frames()])
    assert_features(features.cpu(), reference.features)


@pytest.mark.parametrize("mode", MODES)
def test_every_logit(mode: StepMode, reference: Reference, checkpoint: Checkpoint) -> None:
    """The captured pass's as well: its graph leaves them where they were captured."""
    step = LogitStep(checkpoint.weights, slots=2, positions=512, lanes=1, mode=mode)
    step.prepare()
    logits, readings = teacher_forced(step, reference, reference.features.to(DEVICE))
    assert_logits(logits, reference)
    assert_readings(readings, logits)


def test_the_whole_model_captured_says_what_it_says_eagerly(shared: Path, tmp_path: Path) -> None:
    folder = tiny_checkpoint(shared, tmp_path)
    eager, captured = (_said(folder, eager) for eager in (True, False))
    assert [_words(each) for each in eager] == [_words(each) for each in captured]
    scores = zip(_scores(eager), _scores(captured), strict=True)
    assert all(abs(one - other) < BOUND for one, other in scores)


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
