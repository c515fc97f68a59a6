"""The networks that are trained: whole streams equal steps, and the exported file equals both."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from everlisten.trainer.sounds.export import export, write_facts
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import Ear, EarConfig, TowerLayer

CHUNKS = 30
"""More than the window of nano's attention."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


def built(kind: str) -> Nano | Ear:
    if kind == "nano":
        return Nano(1, len(SOUNDS)).eval()
    left = 0 if kind == "no context" else 3
    config = EarConfig(kind="small" if kind == "small" else "whisper", layers=1, left_chunks=left)
    ear = Ear(config, len(SOUNDS))
    for layer in ear.modules():
        if isinstance(layer, TowerLayer):
            torch.nn.init.normal_(layer.age_bias)
    return ear.eval()


def sound() -> Tensor:
    return torch.randn(1, MEL_BINS, CHUNK_FRAMES * CHUNKS) * 0.4


@torch.inference_mode()
def stepped(network: Nano | Ear, log_mel: Tensor) -> Tensor:
    state = [torch.zeros(shape) for shape in network.state_shapes()]
    heard = []
    for chunk in log_mel.split(CHUNK_FRAMES, 2):
        probabilities, _, state = network.step(chunk, state)
        heard.append(probabilities)
    return torch.cat(heard)


@pytest.mark.parametrize("kind", ["nano", "whisper", "no context", "small"])
def test_steps_equal_the_whole_stream(kind: str) -> None:
    network, log_mel = built(kind), sound()
    with torch.inference_mode():
        whole = network(log_mel).sigmoid()[0]
    assert torch.allclose(stepped(network, log_mel), whole, atol=1e-5)


@pytest.mark.parametrize("kind", ["nano", "whisper"])
def test_nothing_is_heard_before_it_sounds(kind: str) -> None:
    network, log_mel = built(kind), sound()
    changed = log_mel.clone()
    changed[:, :, CHUNK_FRAMES * 20 :] += 1.0
    with torch.inference_mode():
        before, after = network(log_mel)[0], network(changed)[0]
    assert torch.allclose(before[:20], after[:20], atol=1e-5)
    assert not torch.allclose(before[20:], after[20:], atol=1e-3)


def test_the_exported_file_hears_the_same(tmp_path: Path) -> None:
    """But for the rounding of its matrices to 7 bits."""
    network, log_mel, path = built("nano"), sound(), tmp_path / "sound.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export(network, path, version="test")
    write_facts(path, thresholds={"siren": 0.25})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {each.name: np.zeros(each.shape, np.float16) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    heard = []
    for chunk in log_mel.split(CHUNK_FRAMES, 2):
        feeds["log_mel"] = chunk.numpy()
        outputs = dict(zip(names, session.run(names, feeds), strict=True))
        heard.append(outputs["probabilities"][0])
        feeds |= {name[:-4] + "_in": outputs[name] for name in names if name.endswith("_out")}
    error = np.abs(np.stack(heard) - stepped(network, log_mel).numpy())
    assert error.max() < 0.05
    facts = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(facts["sounds"])) == SOUNDS
    thresholds = json.loads(facts["thresholds"])
    assert thresholds["siren"] == 0.25
    assert thresholds["thunder"] == 0.5
    assert facts["version"] == "test"
