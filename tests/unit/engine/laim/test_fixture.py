"""The released code's reference outputs: from both layouts, eager and compiled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from laim_reference import (
    CAN_COMPILE,
    SETTLED,
    LogitStep,
    Reference,
    assert_features,
    assert_logits,
    assert_readings,
    compiled_graphs,
    compiler,
    teacher_forced,
)

from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint
from everlisten.engine.laim.convert import convert
from everlisten.engine.laim.step import StepMode
from everlisten.engine.laim.tokens import AUDIO_TOKENS, prefix
from everlisten.engine.laim.tower import TowerStep, tower_weights

COMPILED = pytest.mark.skipif(not CAN_COMPILE, reason="g++ or Python.h is not installed")
MODES = ("eager", pytest.param("compiled", marks=COMPILED))


@pytest.fixture(scope="module", autouse=True)
def compiling() -> Iterator[None]:
    with compiler():
        yield


@pytest.fixture(scope="module")
def tiny(shared: Path) -> Path:
    return shared / "fixtures" / "laim-tiny"


@pytest.fixture(scope="module")
def reference(tiny: Path) -> Reference:
    return Reference.read(tiny)


@pytest.fixture(scope="module", params=["released", "converted"])
def checkpoint(
    request: pytest.FixtureRequest, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """The same weights in the released layout and in ours."""
    folder = tiny
    if request.param == "converted":
        folder = tmp_path_factory.mktemp("layout") / "converted"
        convert(tiny, folder, "float32")
    return load_checkpoint(folder, device="cpu", precision="float32")


def tower(checkpoint: Checkpoint, mode: StepMode) -> TowerStep:
    return TowerStep(tower_weights(checkpoint.tower_state, checkpoint.tower_size), mode)


def new_step(checkpoint: Checkpoint, mode: StepMode) -> LogitStep:
    return LogitStep(checkpoint.weights, slots=2, positions=512, lanes=1, mode=mode)


def test_the_prefix_is_the_released_one(reference: Reference) -> None:
    system_text = reference.prefix[4:-1]
    assert prefix(system_text) == reference.prefix


@pytest.mark.parametrize("mode", MODES)
def test_features(checkpoint: Checkpoint, reference: Reference, mode: StepMode) -> None:
    step = tower(checkpoint, mode)
    whole = torch.cat([step.forward(frames) for frames in reference.whole_frames()])
    assert_features(whole, reference.features)
    streamed = torch.cat([step.forward(frames) for frames in reference.streamed_frames()])
    settled = SETTLED * AUDIO_TOKENS
    assert_features(streamed[settled:], reference.features[settled:])


@pytest.mark.parametrize("mode", MODES)
def test_every_logit_from_the_reference_s_features(
    checkpoint: Checkpoint, reference: Reference, mode: StepMode
) -> None:
    logits, readings = teacher_forced(new_step(checkpoint, mode), reference, reference.features)
    assert_logits(logits, reference)
    assert_readings(readings, logits)
    assert mode == "eager" or compiled_graphs() >= 2, "one for a chunk's rows, one for a token's"


@pytest.mark.parametrize("mode", MODES)
def test_every_logit_from_our_own_features(
    checkpoint: Checkpoint, reference: Reference, mode: StepMode
) -> None:
    """Sound to logits: the clip as a whole, and as a stream from its third chunk on.

    A stream cannot know of the loud part before it comes, and attention carries the difference of
    the first two chunks on; so these are the reference's for the bounds, and for the choices ours.
    """
    step = tower(checkpoint, mode)
    whole = torch.cat([step.forward(frames) for frames in reference.whole_frames()])
    assert_logits(teacher_forced(new_step(checkpoint, mode), reference, whole)[0], reference)

    streamed = torch.cat([step.forward(frames) for frames in reference.streamed_frames()])
    settled = SETTLED * AUDIO_TOKENS
    late = torch.cat((reference.features[:settled], streamed[settled:]))
    logits, readings = teacher_forced(new_step(checkpoint, mode), reference, late)
    assert_logits(logits, reference, reference.first_row(SETTLED))
    assert_readings(readings, logits)

    logits, _ = teacher_forced(new_step(checkpoint, mode), reference, streamed)
    assert torch.equal(logits.argmax(dim=1), reference.argmax)
