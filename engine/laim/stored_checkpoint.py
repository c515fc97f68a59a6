"""A checkpoint on disk, of either layout: reads one part at a time onto a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.laim.key_map import (
    CONTROL_ROWS_KEY,
    KeyMap,
    LayerPart,
    ModelPart,
    ungrouped_rows,
)
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.quantize import float_dtype, matrix_kind, quantize
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.tokens import CONTROL_CHOICES
from everlisten.engine.laim.tower_weights import read_tower, tower_shapes
from everlisten.engine.laim.weight_files import WeightFiles, component_suffixes
from everlisten.engine.laim.weights import Int4Matrix, Int8Matrix, LanguageModelSize, Matrix

TOWER_PREFIX = "audio_tower."
"""Before the tower's keys where they stand in the same file as the language model's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSummary:
    """What a checkpoint says of itself, without its tensors."""

    folder: Path
    size: LanguageModelSize
    tower_size: TowerSize
    stored: Precision | None
    """Precision of the converted layout; None where the tensors are of any floating-point type."""
    tokenizer_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """An open checkpoint."""

    summary: StoredSummary
    keys: KeyMap
    files: WeightFiles
    tower_file: Path | None
    """The tower's own file; None where its tensors stand in `files`."""

    def vector(self, part: LayerPart | ModelPart, layer: int | None, to: Target) -> Tensor:
        """A norm, a bias, or the embedding."""
        matrix = self.matrix(part, layer, to)
        assert isinstance(matrix, Tensor)
        return matrix

    def matrix(self, part: LayerPart | ModelPart, layer: int | None, to: Target) -> Matrix:
        """A part as it is kept in the target's precision, quantized on the target's device."""
        size = self.summary.size
        kind = matrix_kind(part, layer, size, to.precision)
        stored = matrix_kind(part, layer, size, self.summary.stored or "bf16")
        keys = self.keys.keys(part, layer)
        if stored != "float":
            assert stored == kind
            return self._quantized(keys, stored, to.device)
        # Quantized from the stored dtype: a 16-bit head takes half of what float32 would.
        dtype = to.dtype if kind == "float" else None
        matrix = self.files.stack(keys, dtype, to.device)
        if self.keys.interleaved and part in ("qkv", "qkv_bias"):
            matrix = matrix[ungrouped_rows(size).to(to.device)]
        return matrix if kind == "float" else quantize(matrix, kind)

    def head(self, to: Target) -> tuple[Matrix, Tensor]:
        """The head, and its rows of `CONTROL_CHOICES` in high precision."""
        size = self.summary.size
        if matrix_kind("head", None, size, self.summary.stored or "bf16") != "float":
            control_rows = self.files.stack([CONTROL_ROWS_KEY], to.dtype, to.device)
            return self.matrix("head", None, to), control_rows
        kind = matrix_kind("head", None, size, to.precision)
        dtype = to.dtype if kind == "float" else None
        head = self.files.stack(self.keys.keys("head"), dtype, to.device)
        control_rows = head[list(CONTROL_CHOICES)].to(to.dtype)
        return (head if kind == "float" else quantize(head, kind)), control_rows

    def tower(self, to: Target) -> Iterator[tuple[str, Tensor]]:
        """The audio tower's tensors by their own keys, never quantized."""
        if self.tower_file is not None:
            for key, tensor in read_tower(self.tower_file, self.summary.tower_size):
                # A copy in any case: what the file yields is a view of it.
                yield key, tensor.to(to.device, copy=True).to(to.tower_dtype)
            return
        for key in tower_shapes(self.summary.tower_size):
            yield key, self.files.stack([TOWER_PREFIX + key], to.tower_dtype, to.device)

    def _quantized(self, keys: tuple[str, ...], stored: str, device: torch.device) -> Matrix:
        # Rows are quantized one by one, so that stacking quantized rows gives the fused matrix.
        parts = []
        for number, suffix in enumerate(component_suffixes(stored)):
            dtype = torch.float32 if number else torch.int8 if stored == "int8" else torch.uint8
            parts.append(self.files.stack([key + suffix for key in keys], dtype, device))
        return Int8Matrix(*parts) if stored == "int8" else Int4Matrix(*parts)


@dataclass(frozen=True, slots=True)
class Target:
    """Where parts go, and as what."""

    device: torch.device
    precision: Precision

    @property
    def dtype(self) -> torch.dtype:
        """Of what is not quantized."""
        return float_dtype(self.precision)

    @property
    def tower_dtype(self) -> torch.dtype:
        """Of the tower: a CPU computes it faster in float32."""
        return torch.float32 if self.device.type == "cpu" else self.dtype
