"""The operations of one layer on a CUDA GPU, by kernels of its own.

The same contract as `operations.TorchOperations`; tests compare the two. Tile sizes were chosen on
an H100 (docs/engine-log.md).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import triton
from torch import Tensor

from everlisten.engine.laim import attention_kernels, kernels, product_kernels
from everlisten.engine.laim.operations import Places
from everlisten.engine.laim.weights import GROUP, Int4Matrix, Int8Matrix, LanguageModelSize, Matrix

_BLOCK_M_LEAST = 16
"""Rows that a tensor core takes at least."""
_LARGE = 65_536
_LONG = 8_192
"""Outputs, and inputs, from which on a matrix is cut otherwise."""
_VOCABULARY_PIECE = 2048
"""Logits that one program looks through."""


class Tiles(NamedTuple):
    """How a product is cut: outputs and inputs of a tile, splits along K, and Triton's settings."""

    block_n: int
    block_k: int
    split_k: int
    warps: int
    stages: int


class _Stored(NamedTuple):
    """A matrix as the kernels take it; what a format lacks points at the values, unread."""

    values: Tensor
    scale: Tensor
    zero: Tensor
    outputs: int
    inputs: int
    format: int


def supported(size: LanguageModelSize, dtype: torch.dtype) -> bool:
    """Whether the kernels' tiles fit these sizes, and attention sees everything, as the kernels do;
    other models run in plain PyTorch.
    """
    widths = (size.width, size.feed_forward, size.query_heads * size.head_width)
    return (
        dtype is torch.bfloat16
        and size.window_chunks is None
        and size.head_width in (16, 32, 64, 128)
        and all(width % (2 * GROUP) == 0 for width in widths)
    )


def overlaps(device: torch.device) -> bool:
    """Whether the card can start a kernel while the one before ends (Hopper and later)."""
    return torch.cuda.get_device_capability(device) >= (9, 0)


def tiles_of(rows: int, outputs: int, inputs: int, matrix_format: int) -> Tiles:
    """The cut of a product of few rows, chosen inside whole layers on an H100."""
    if outputs > _LARGE:  # the head: outputs alone make enough programs
        return Tiles(64, 128, 1, 4, 4 if matrix_format == product_kernels.PLAIN else 3)
    if matrix_format == product_kernels.INT4:
        return Tiles(64, 128, 8, 4, 3)
    if inputs > _LONG:
        return Tiles(64, 128, 4, 4, 4)
    return Tiles(32 if matrix_format == product_kernels.INT8 else 64, 64, 4, 4, 4)


def gate_tiles_of(rows: int, matrix_format: int) -> Tiles:
    """The cut of the gated product."""
    if matrix_format == product_kernels.INT8:
        return Tiles(64, 64, 1, 4, 4)
    if matrix_format == product_kernels.INT4 or rows <= _BLOCK_M_LEAST:
        return Tiles(64, 128, 1, 4, 3)
    return Tiles(64, 64, 1, 4, 3)


def attention_share(rows: int) -> int:
    """Positions that one program attends to: few where there are few programs to share the work."""
    return 64 if rows == 1 else 128 if rows <= _BLOCK_M_LEAST else 256


class FastOperations:
    """`Operations` on a CUDA GPU.

    Args:
        overlap: Let each kernel start while the one before ends (compute capability 9.0 and up).
    """

    def __init__(self, *, overlap: bool = False) -> None:
        self.launch_options = {"OVERLAP": overlap} | ({"launch_pdl": True} if overlap else {})

    def add_norm(self, residual: Tensor, delta: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Operations`."""
        rows, width = residual.shape
        out = torch.empty(rows, width, device=residual.device, dtype=weight.dtype)
        kernels.add_norm_kernel[(rows,)](
            residual, delta, weight, out, rows, eps,
            D=width, BLOCK_D=triton.next_power_of_2(width), SPLITS=delta.shape[0],
            num_warps=8, **self.launch_options,
        )  # fmt: skip
        return out

    def project(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """See `Operations`."""
        stored = _stored(matrix)
        tiles = tiles_of(len(rows), stored.outputs, stored.inputs, stored.format)
        return self.product(rows, matrix, tiles)

    def product(self, rows: Tensor, matrix: Matrix, tiles: Tiles) -> Tensor:
        """`project` with a given cut: float32 [tiles.split_k, M, N]."""
        stored = _stored(matrix)
        count = len(rows)
        block_m = _block_m(count)
        shape = (tiles.split_k, count, stored.outputs)
        out = torch.empty(shape, device=rows.device, dtype=torch.float32)
        columns = triton.cdiv(stored.outputs, tiles.block_n)
        product_kernels.project_kernel[columns, tiles.split_k, triton.cdiv(count, block_m)](
            rows, stored.values, stored.scale, stored.zero, out, count,
            N=stored.outputs, K=stored.inputs, BLOCK_M=block_m, BLOCK_N=tiles.block_n,
            BLOCK_K=tiles.block_k, SPLIT_K=tiles.split_k, FORMAT=stored.format,
            num_warps=tiles.warps, num_stages=tiles.stages, **self.launch_options,
        )  # fmt: skip
        return out

    def rotate_store(
        self,
        qkv: Tensor,
        bias: Tensor,
        keys: Tensor,
        values: Tensor,
        places: Places,
        size: LanguageModelSize,
    ) -> Tensor:
        """See `Operations`."""
        batch, rows = places.positions.shape
        queries = torch.empty(
            batch, rows, size.query_heads, size.head_width, device=qkv.device, dtype=bias.dtype
        )
        attention_kernels.rotate_store_kernel[(batch * rows, size.query_heads + 2 * size.kv_heads)](
            qkv, bias, places.cos, places.sin, places.slots, places.writes, queries, keys, values,
            batch * rows, rows, keys.stride(0), keys.stride(1),
            HEADS=size.query_heads, GROUPS=size.kv_heads, HALF=size.head_width // 2,
            SPLITS=qkv.shape[0], num_warps=1, **self.launch_options,
        )  # fmt: skip
        return queries

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, places: Places) -> Tensor:
        """See `Operations`."""
        batch, rows, heads, width = queries.shape
        groups = keys.shape[1]
        share = attention_share(rows)
        splits = triton.cdiv(places.limit, share)
        stacked = rows * heads // groups
        partial = (batch, groups, splits, stacked)
        sums = torch.empty(partial, device=queries.device, dtype=torch.float32)
        peaks = torch.empty_like(sums)
        mixed = torch.empty(*partial, width, device=queries.device, dtype=torch.float32)
        block_r = min(64, max(16, triton.next_power_of_2(stacked)))
        attention_kernels.attend_kernel[(batch * groups, splits, triton.cdiv(stacked, block_r))](
            queries, keys, values, places.slots, places.positions, sums, peaks, mixed,
            keys.stride(0), keys.stride(1),
            T=rows, HEADS=heads, GROUPS=groups, C=width, SHARE=share, SPLITS=splits,
            BLOCK_R=block_r, BLOCK_P=64, SCALE_LOG2=width**-0.5 * math.log2(math.e),
            num_warps=4, num_stages=2, **self.launch_options,
        )  # fmt: skip
        out = torch.empty(batch * rows, heads * width, device=queries.device, dtype=queries.dtype)
        attention_kernels.combine_kernel[(batch * rows, heads)](
            sums, peaks, mixed, places.positions, out,
            T=rows, HEADS=heads, GROUPS=groups, C=width, SHARE=share, SPLITS=splits,
            BLOCK_S=triton.next_power_of_2(splits), num_warps=4, **self.launch_options,
        )  # fmt: skip
        return out

    def gate(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """See `Operations`."""
        stored = _stored(matrix)
        count, features = len(rows), stored.outputs // 2
        tiles = gate_tiles_of(count, stored.format)
        block_m = _block_m(count)
        out = torch.empty(count, features, device=rows.device, dtype=rows.dtype)
        grid = (triton.cdiv(features, tiles.block_n), triton.cdiv(count, block_m))
        product_kernels.gate_kernel[grid](
            rows, stored.values, stored.scale, stored.zero, out, count,
            F=features, K=stored.inputs, BLOCK_M=block_m, BLOCK_N=tiles.block_n,
            BLOCK_K=tiles.block_k, FORMAT=stored.format,
            num_warps=tiles.warps, num_stages=tiles.stages, **self.launch_options,
        )  # fmt: skip
        return out

    def choose(self, logits: Tensor, refused: Tensor, noise: Tensor) -> Tensor:
        """See `Operations`."""
        splits, rows, vocabulary = logits.shape
        assert splits == 1, splits
        pieces = triton.cdiv(vocabulary, _VOCABULARY_PIECE)
        values = torch.empty(rows, 3 * pieces, device=logits.device, dtype=torch.float32)
        ids = torch.empty(rows, 3 * pieces, device=logits.device, dtype=torch.int32)
        kernels.likeliest_kernel[(rows, pieces)](
            logits, refused, values, ids, V=vocabulary, BLOCK=_VOCABULARY_PIECE, num_warps=8,
            **self.launch_options,
        )  # fmt: skip
        out = torch.empty(rows, device=logits.device, dtype=torch.float32)
        kernels.choose_kernel[(rows,)](
            values, ids, noise, out, COUNT=3 * pieces, BLOCK=triton.next_power_of_2(3 * pieces),
            num_warps=4, **self.launch_options,
        )  # fmt: skip
        return out


def _block_m(rows: int) -> int:
    """Rows of a tile: at least what a tensor core takes, at most what registers hold."""
    return min(64, max(_BLOCK_M_LEAST, int(triton.next_power_of_2(rows))))


def _stored(matrix: Matrix) -> _Stored:
    if isinstance(matrix, Int8Matrix):
        outputs, inputs = matrix.values.shape
        words = matrix.values.view(torch.int16)
        return _Stored(words, matrix.scale, matrix.scale, outputs, inputs, product_kernels.INT8)
    if isinstance(matrix, Int4Matrix):
        outputs, half = matrix.packed.shape
        return _Stored(
            matrix.packed, matrix.scale, matrix.zero, outputs, 2 * half, product_kernels.INT4
        )
    outputs, inputs = matrix.shape
    return _Stored(matrix, matrix, matrix, outputs, inputs, product_kernels.PLAIN)
