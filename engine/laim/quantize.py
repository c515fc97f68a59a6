"""Quantized matrices: int8 by rows, int4 by groups of inputs.

What stays in high precision: the embedding (a lookup), norms and biases (small), the last layer,
and the head's rows that decide. Silence or speech is the difference of two logits, and one
attention head of the last layer carries that choice (arXiv 2606.05121, section 4): there an error
changes what the assistant does, elsewhere how it says it. So the head's `control_rows` are always
exact; its other rows, which choose text pieces, are int8 under int8 and under int4, where 4 bits
would be too few. A matrix whose inputs are no multiple of `GROUP` stays in high
precision under int4 (only test models have such).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from everlisten.engine.laim.key_map import LayerPart, ModelPart, part_inputs
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.weights import (
    GROUP,
    Int4Matrix,
    Int8Matrix,
    LanguageModelSize,
    Matrix,
)

MatrixKind = Literal["float", "int8", "int4"]

_BLOCK_ELEMENTS = 1 << 23
"""Quantized at once: bounds the temporary tensors to some 200 MB."""
_SHRINKS = (1.0, 0.9, 0.8)
"""Shares of a group's range that are tried as the range of the 16 levels."""
_REFITS = 2


def float_dtype(precision: Precision) -> torch.dtype:
    """What is not quantized is kept in this."""
    return torch.float32 if precision == "float32" else torch.bfloat16


def matrix_kind(
    part: LayerPart | ModelPart, layer: int | None, size: LanguageModelSize, precision: Precision
) -> MatrixKind:
    """How a part is kept in a precision (see the module's docstring)."""
    inputs = part_inputs(part, size)
    if part == "head":
        return "int8" if precision in ("int8", "int4") else "float"
    if layer is None or layer == size.layers - 1 or inputs is None:
        return "float"
    if precision == "int8":
        return "int8"
    return "int4" if precision == "int4" and inputs % GROUP == 0 else "float"


def quantize(matrix: Tensor, kind: Literal["int8", "int4"]) -> Int8Matrix | Int4Matrix:
    """Quantize a matrix [N, K] of any float dtype on its own device, some rows at a time."""
    step = max(1, _BLOCK_ELEMENTS // matrix.shape[1])
    blocks = [block.float() for block in torch.split(matrix, step)]
    if kind == "int8":
        values, scales = zip(*(_int8_rows(block) for block in blocks), strict=True)
        return Int8Matrix(torch.cat(values), torch.cat(scales))
    packed, scale, zero = zip(*(_int4_rows(block) for block in blocks), strict=True)
    return Int4Matrix(torch.cat(packed), torch.cat(scale), torch.cat(zero))


def dequantize(matrix: Matrix) -> Tensor:
    """The matrix [N, K] that the step computes with; float32 if it was quantized."""
    if isinstance(matrix, Int8Matrix):
        return deinterleave(matrix.values).float() * matrix.scale[:, None]
    if isinstance(matrix, Int4Matrix):
        levels = unpack_int4(matrix.packed).float()
        groups = levels.view(len(levels), -1, GROUP)
        return torch.flatten((groups - matrix.zero[..., None]) * matrix.scale[..., None], 1)
    return matrix


def interleave(values: Tensor) -> Tensor:
    """[N, K] in the order of the inputs -> the order of `Int8Matrix`."""
    return torch.stack(values.chunk(2, dim=1), dim=2).flatten(1)


def deinterleave(values: Tensor) -> Tensor:
    """The inverse of `interleave`."""
    return values.view(len(values), -1, 2).transpose(1, 2).flatten(1)


def pack_int4(levels: Tensor) -> Tensor:
    """uint8 [N, K] with values 0 to 15 -> uint8 [N, K / 2]: see `Int4Matrix`."""
    low, high = levels.chunk(2, dim=1)
    return low | (high << 4)


def unpack_int4(packed: Tensor) -> Tensor:
    """uint8 [N, K / 2] -> uint8 [N, K] with values 0 to 15."""
    return torch.cat([packed & 15, packed >> 4], dim=1)


def _int8_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    scale = _positive(rows.abs().amax(dim=1) / 127)
    return interleave((rows / scale[:, None]).round_().to(torch.int8)), scale


def _int4_rows(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Float32 [N, K] -> packed levels, scale and zero.

    The extremes of a group are rare, so levels spread over somewhat less than its range cost less
    in all, and scale and zero are best fitted to the levels by least squares: together 13 % less
    squared error on normal weights than the plain range, which is tried
    too, so that no group gets worse.
    """
    groups = rows.view(len(rows), -1, GROUP)
    low, high = groups.aminmax(dim=2)
    scale = _positive((high - low) / 15)
    zero = -low / scale
    best = [_squared_error(groups, scale, zero), scale, zero]
    for shrink in _SHRINKS:
        scale = _positive((high - low) * (shrink / 15))
        zero = -low * shrink / scale
        for _ in range(_REFITS):
            scale, zero = _refit(groups, _levels(groups, scale, zero))
            candidate = (_squared_error(groups, scale, zero), scale, zero)
            less = candidate[0] < best[0]
            best = [torch.where(less, new, old) for new, old in zip(candidate, best, strict=True)]
    _, scale, zero = best
    return pack_int4(_levels(groups, scale, zero).to(torch.uint8).flatten(1)), scale, zero


def _refit(groups: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
    """The scale and zero with the least squared error for given levels."""
    level_mean, mean = levels.mean(2, keepdim=True), groups.mean(2, keepdim=True)
    spread = levels - level_mean
    slope = (spread * (groups - mean)).sum(2) / spread.square().sum(2)
    # A constant group has no slope; its error is nought already.
    scale = _positive(torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0))
    return scale, level_mean[..., 0] - mean[..., 0] / scale


def _squared_error(groups: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    levels = _levels(groups, scale, zero)
    return ((levels - zero[..., None]) * scale[..., None] - groups).square_().sum(2)


def _levels(groups: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    return (groups / scale[..., None] + zero[..., None]).round_().clamp_(0, 15)


def _positive(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.ones_like(scale))
