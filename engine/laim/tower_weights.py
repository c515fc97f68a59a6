"""The audio tower's weights: their keys and shapes, and the one pickle that is ever read."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.sizes import TowerSize

TOWER_FILE = "audiointeraction_ChunkwisedEncoder.pth"
UNUSED_KEYS = frozenset({"audio_bos_eos_token.weight"})
"""Stored beside the tower, never used by it."""


def tower_shapes(size: TowerSize) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor; keys as in Qwen2.5-Omni's audio encoder. Keys have no bias."""
    width, inner = size.width, size.feed_forward
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (width, size.mel_bins, 3),
        "conv1.bias": (width,),
        "conv2.weight": (width, width, 3),
        "conv2.bias": (width,),
    }
    layer: dict[str, tuple[int, ...]] = {"self_attn.k_proj.weight": (width, width)}
    for name, rows, columns in (
        ("self_attn.q_proj", width, width),
        ("self_attn.v_proj", width, width),
        ("self_attn.out_proj", width, width),
        ("fc1", inner, width),
        ("fc2", width, inner),
    ):
        layer |= {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
    for name in ("self_attn_layer_norm", "final_layer_norm"):
        layer |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    for number in range(size.layers):
        shapes |= {f"layers.{number}.{name}": shape for name, shape in layer.items()}
    shapes |= {"ln_post.weight": (width,), "ln_post.bias": (width,)}
    output = size.output_width
    return shapes | {"proj.weight": (output, width), "proj.bias": (output,)}


def read_tower(path: Path, size: TowerSize) -> Iterator[tuple[str, Tensor]]:
    """The tensors of the released tower file, in the stored dtype, on the CPU.

    The file is mapped, not read: what is yielded is a view of it.

    Raises:
        ModelLoadError: The file is missing, truncated, not plain tensors, or not this tower.
    """
    state = _load(path)
    shapes = tower_shapes(size)
    if missing := shapes.keys() - state.keys():
        raise _wrong(path, f"{min(missing)} is missing")
    if unknown := state.keys() - shapes.keys() - UNUSED_KEYS:
        raise _wrong(path, f"the key {min(unknown)} is unknown")
    for key, shape in shapes.items():
        tensor = state[key]
        if tuple(tensor.shape) != shape:
            raise _wrong(path, f"{key} has shape {list(tensor.shape)}, not {list(shape)}")
        if not tensor.is_floating_point():
            raise _wrong(path, f"{key} is {tensor.dtype}, not a floating-point type")
        yield key, tensor


def _load(path: Path) -> dict[str, Tensor]:
    try:
        # Only the zip format can be mapped; older files are read whole.
        mapped = zipfile.is_zipfile(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as error:
        raise ModelLoadError(f"{path} is missing; fetch the checkpoint again") from error
    except pickle.UnpicklingError as error:
        raise ModelLoadError(
            f"{path} is truncated or holds more than tensors and was refused without running any "
            "of it; fetch this file again from a source that you trust"
        ) from error
    # A damaged archive raises whatever its reader stumbled over.
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(f"{path} is damaged; fetch this file again") from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise _wrong(path, "it holds no state dictionary")
    return state


def _wrong(path: Path, why: str) -> ModelLoadError:
    return ModelLoadError(
        f"{path} is not the audio tower that its configuration describes: {why}; fetch this file "
        "again"
    )
