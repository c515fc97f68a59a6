"""A trained network as the ONNX file that the program runs, one chunk a call."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import Ear

_OPSET = 17


class _Step(nn.Module):
    """The network's step with the state as separate tensors, kept in half of the memory."""

    def __init__(self, network: Nano | Ear) -> None:
        super().__init__()
        self.network = network

    def forward(self, log_mel: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        before = [each.float() for each in state]
        probabilities, embedding, kept = self.network.step(log_mel, before)
        return (probabilities, embedding, *(each.half() for each in kept))


def export(
    network: Nano | Ear, path: Path, *, version: str, thresholds: Mapping[str, float] | None = None
) -> None:
    """Write `path`: matrices of int8, what a stream keeps in float16, everything else float32.

    Args:
        network: On the CPU, in float32.
        path: Of the file.
        version: Of the weights; taught sounds are tied to it.
        thresholds: Probability from which a sound counts; 0.5 where nothing is said.
    """
    # Heavy, and only for this.
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shapes = network.state_shapes()
    names = [f"state_{i}" for i in range(len(shapes))]
    state = (torch.zeros(shape, dtype=torch.float16) for shape in shapes)
    inputs = (torch.zeros(1, MEL_BINS, CHUNK_FRAMES), *state)
    step = _Step(network)
    step.eval()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            step, inputs, str(plain), opset_version=_OPSET, dynamo=False,
            input_names=["log_mel", *(f"{name}_in" for name in names)],
            output_names=["probabilities", "embedding", *(f"{name}_out" for name in names)],
        )  # fmt: skip
        quantize_dynamic(
            plain, path, op_types_to_quantize=["MatMul"], per_channel=True,
            # Without VNNI, products of 8 by 8 bits overflow; 7 bits never do.
            reduce_range=True, weight_type=QuantType.QInt8,
        )  # fmt: skip
    write_facts(path, version=version, thresholds=thresholds)
    onnx.checker.check_model(str(path))


def write_facts(
    path: Path, *, version: str | None = None, thresholds: Mapping[str, float] | None = None
) -> None:
    """Put what the program must know about the weights into the file's metadata."""
    import onnx

    model = onnx.load(str(path))
    facts = {each.key: each.value for each in model.metadata_props}
    facts["sounds"] = json.dumps(SOUNDS)
    if version is not None:
        facts["version"] = version
    given = json.loads(facts.get("thresholds", "{}")) | dict(thresholds or {})
    facts["thresholds"] = json.dumps({sound: given.get(sound, 0.5) for sound in SOUNDS})
    onnx.helper.set_model_props(model, facts)
    onnx.save(model, str(path))
