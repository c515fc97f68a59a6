"""The tensors of a checkpoint: spread over safetensors files, and what each of them must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.key_map import (
    CONTROL_ROWS_KEY,
    LAYER_PARTS,
    MODEL_PARTS,
    KeyMap,
    LayerPart,
    ModelPart,
    key_shapes,
)
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.quantize import matrix_kind
from everlisten.engine.laim.tensor_file import TensorFile, TensorSpec
from everlisten.engine.laim.tokens import CONTROL_CHOICES
from everlisten.engine.laim.weights import GROUP, LanguageModelSize


@dataclass(frozen=True, slots=True)
class WantedTensor:
    """What a tensor must be; without a dtype, any floating-point one."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None = None

    def fault(self, found: TensorSpec) -> str | None:
        """What is wrong, as words after the key's name."""
        if found.shape != self.shape:
            return f"has shape {list(found.shape)}, not {list(self.shape)}"
        right = found.dtype.is_floating_point if self.dtype is None else found.dtype == self.dtype
        wanted = "a floating-point type" if self.dtype is None else str(self.dtype)
        return None if right else f"is {found.dtype}, not {wanted}"


def component_suffixes(kind: str) -> tuple[str, ...]:
    """What is added to a matrix's key for each of the tensors that it is stored as."""
    return {
        "float": ("",),
        "int8": ("", "_scale"),
        "int4": ("_packed", "_scale", "_zero"),
    }[kind]


def wanted_part(
    keys: KeyMap,
    part: LayerPart | ModelPart,
    layer: int | None,
    size: LanguageModelSize,
    stored: Precision,
) -> dict[str, WantedTensor]:
    """Every stored tensor of a part; `stored` float32 or bf16 means any floating-point type."""
    wanted: dict[str, WantedTensor] = {}
    kind = matrix_kind(part, layer, size, stored)
    for key, shape in key_shapes(keys, part, layer, size).items():
        if kind == "float":
            wanted[key] = WantedTensor(shape)
            continue
        rows, inputs = shape
        scale = (rows,) if kind == "int8" else (rows, inputs // GROUP)
        values = (rows, inputs) if kind == "int8" else (rows, inputs // 2)
        first, *others = component_suffixes(kind)
        dtype = torch.int8 if kind == "int8" else torch.uint8
        wanted[key + first] = WantedTensor(values, dtype)
        wanted |= {key + suffix: WantedTensor(scale, torch.float32) for suffix in others}
    return wanted


def all_parts(size: LanguageModelSize) -> Iterator[tuple[LayerPart | ModelPart, int | None]]:
    """Every part of the language model with its layer; None for the model's own."""
    for model_part in MODEL_PARTS:
        yield model_part, None
    for layer in range(size.layers):
        for layer_part in LAYER_PARTS:
            yield layer_part, layer


def wanted_language_model(
    keys: KeyMap, size: LanguageModelSize, stored: Precision
) -> dict[str, WantedTensor]:
    """Every stored tensor of the language model."""
    wanted: dict[str, WantedTensor] = {}
    for part, layer in all_parts(size):
        wanted |= wanted_part(keys, part, layer, size, stored)
    if matrix_kind("head", None, size, stored) != "float":
        wanted[CONTROL_ROWS_KEY] = WantedTensor((len(CONTROL_CHOICES), size.width))
    return wanted


class WeightFiles:
    """Several safetensors files as one store of tensors.

    Args:
        paths: The files.
        wanted: Every key that must be there; no other may be.
        places: File name of each key as an index states it, if there is one.

    Raises:
        ModelLoadError: A file is missing or damaged, a key is missing, unknown, stands twice, has
            another shape or another type.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        wanted: Mapping[str, WantedTensor],
        places: Mapping[str, str] | None = None,
    ) -> None:
        self._files: dict[str, TensorFile] = {}
        with ExitStack() as stack:
            for path in paths:
                self._add(stack.enter_context(TensorFile(path)), wanted)
            for key in (key for key in wanted if key not in self._files):
                where = paths[0].parent / places[key] if places and key in places else paths[0]
                raise ModelLoadError(f"{where} lacks {key}; fetch the checkpoint again")
            self._stack = stack.pop_all()

    def __enter__(self) -> WeightFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def stack(self, keys: Sequence[str], dtype: torch.dtype | None, device: torch.device) -> Tensor:
        """Tensors stacked by rows on a device, in a dtype or, for None, the stored one."""
        specs = [self._files[key].specs[key] for key in keys]
        dtype = dtype or reduce(torch.promote_types, {spec.dtype for spec in specs})
        rows = sum(spec.shape[0] for spec in specs)
        target = torch.empty(rows, *specs[0].shape[1:], dtype=dtype, device=device)
        first = 0
        for key, spec in zip(keys, specs, strict=True):
            for row, block in self._files[key].blocks(key):
                # To the device first: it converts faster than the host, and 16 bits travel lighter.
                target[first + row : first + row + len(block)].copy_(block.to(device))
            first += spec.shape[0]
        return target

    def _add(self, file: TensorFile, wanted: Mapping[str, WantedTensor]) -> None:
        for key, spec in file.specs.items():
            if key not in wanted:
                raise ModelLoadError(
                    f"{file.path}: the key {key} is unknown; use a checkpoint of "
                    "Audio-Interaction's architecture"
                )
            if key in self._files:
                raise ModelLoadError(
                    f"{file.path}: {key} stands in {self._files[key].path.name} too; fetch the "
                    "checkpoint again"
                )
            if fault := wanted[key].fault(spec):
                raise ModelLoadError(
                    f"{file.path}: {key} {fault}; the file does not belong to this configuration, "
                    "fetch the checkpoint again"
                )
            self._files[key] = file
