"""Whisper's layers out of a file in CTranslate2's form, written here by its description."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from everlisten.trainer.sounds.whisper_weights import encoder_weights

LAYER = {
    "self_attention/layer_norm/gamma": "attention_norm.weight",
    "self_attention/linear_0/weight": "qkv.weight",
    "self_attention/linear_1/bias": "out.bias",
    "ffn/layer_norm/beta": "feed_norm.bias",
    "ffn/linear_0/weight": "up.weight",
    "ffn/linear_1/weight": "down.weight",
}


def text(value: str) -> bytes:
    raw = value.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def array(name: str, values: NDArray[np.generic]) -> bytes:
    kind = {"float32": 0, "float16": 4}[values.dtype.name]
    head = struct.pack("<B", values.ndim) + struct.pack(f"<{values.ndim}I", *values.shape)
    return text(name) + head + struct.pack("<BI", kind, values.nbytes) + values.tobytes()


@pytest.fixture
def model(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, dict[str, NDArray[np.float32]]]:
    """Of two layers; and what is in it by our names."""
    names = {"encoder/conv1/weight": "conv1.weight"}
    for i in range(2):
        names |= {f"encoder/layer_{i}/{old}": f"layers.{i}.{new}" for old, new in LAYER.items()}
    values = {name: rng.random((3, 4), np.float32) for name in names}
    others = {"decoder/layer_0/ffn/linear_0/weight": rng.random((2, 2), np.float32)}
    stored = [array(name, each) for name, each in (others | values).items()]
    stored.append(array("encoder/layer_norm/gamma", np.ones(3, np.float16)))
    path = tmp_path / "model.bin"
    path.write_bytes(
        struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(stored))
        + b"".join(stored)
    )  # fmt: skip
    return path, {names[old]: each for old, each in values.items()}


def test_layers_are_read_by_their_names(model, tmp_path):
    path, wanted = model
    found = encoder_weights(path, 2)
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    np.savez(tmp_path / "kept.npz", **found)
    again = encoder_weights(tmp_path / "kept.npz", 2)
    assert all(np.array_equal(again[name], wanted[name]) for name in wanted)


def test_no_more_layers_than_wanted(model):
    found = encoder_weights(model[0], 1)
    assert {name for name in found if name.startswith("layers.")} == {
        f"layers.0.{name}" for name in LAYER.values()
    }


def test_too_many_layers_are_refused(model):
    with pytest.raises(ValueError, match=r"has no layer 3"):
        encoder_weights(model[0], 3)
