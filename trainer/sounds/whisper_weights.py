"""The first layers of Whisper base's encoder, read from the captions' model.

CTranslate2 keeps a model as: uint32 version, string spec, uint32 revision, uint32 count, then for
each array string name, uint8 rank, uint32 dimensions, uint8 type, uint32 bytes, data; a string is
a uint16 length, its closing zero byte counted, and bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_LINEAR = {"linear_0": "qkv", "linear_1": "out"}
_FEED = {"linear_0": "up", "linear_1": "down"}
_NORM = {"beta": "bias", "gamma": "weight"}

Weights = dict[str, NDArray[np.float32]]


def encoder_weights(file: Path, layers: int) -> Weights:
    """The same from `model.bin`, or from what `numpy.savez` kept of it for a smaller parcel."""
    if file.suffix == ".npz":
        with np.load(file) as kept:
            return {key: kept[key].astype(np.float32) for key in kept.files}
    return read_encoder(file, layers)


def read_encoder(model: Path, layers: int) -> Weights:
    """Convolutions and the first layers.

    Args:
        model: The captions' `model.bin`.
        layers: How many of its six layers.

    Returns:
        float32 arrays by the names of `network.Tower`.

    Raises:
        ValueError: The file has not so many layers.
    """
    found: Weights = {}
    with model.open("rb") as file:
        for name, array in _arrays(file):
            key = _key(name)
            if key is not None and (not key.startswith("layers.") or _layer(key) < layers):
                found[key] = array.astype(np.float32)
    if not any(key.startswith(f"layers.{layers - 1}.") for key in found):
        raise ValueError(f"{model} has no layer {layers}; the captions' model has six")
    return found


def _arrays(file: BinaryIO) -> list[tuple[str, NDArray[np.generic]]]:
    _version, _spec = struct.unpack("<I", file.read(4)), _string(file)
    _revision, count = struct.unpack("<II", file.read(8))
    arrays = []
    for _ in range(count):
        name = _string(file)
        (rank,) = struct.unpack("<B", file.read(1))
        shape = struct.unpack(f"<{rank}I", file.read(4 * rank))
        kind, size = struct.unpack("<BI", file.read(5))
        data = file.read(size)
        if name.startswith("encoder/"):
            arrays.append((name, np.frombuffer(data, _TYPES[kind]).reshape(shape)))
    return arrays


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<H", file.read(2))
    return file.read(length)[:-1].decode()


def _layer(key: str) -> int:
    return int(key.split(".")[1])


def _key(name: str) -> str | None:
    """The network's name of one of the encoder's arrays; None if it is not used."""
    parts = name.split("/")[1:]
    if parts[0] in ("conv1", "conv2"):
        return ".".join(parts)
    if not parts[0].startswith("layer_") or parts[0] == "layer_norm":
        return None
    head = f"layers.{parts[0].removeprefix('layer_')}"
    attention = parts[1] == "self_attention"
    if parts[2] == "layer_norm":
        return f"{head}.{'attention_norm' if attention else 'feed_norm'}.{_NORM[parts[3]]}"
    return f"{head}.{(_LINEAR if attention else _FEED)[parts[2]]}.{parts[3]}"
