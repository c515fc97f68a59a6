"""The audio tower's layers for one chunk on a CUDA GPU: what `tower.encode` does, by kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import triton
from torch import Tensor

from everlisten.engine.laim import tower_kernels
from everlisten.engine.laim.fast_operations import FastOperations, Tiles

if TYPE_CHECKING:
    from everlisten.engine.laim.tower import TowerLayer

_TILES = Tiles(64, 64, 4, 4, 4)
_WIDE_TILES = Tiles(64, 64, 2, 4, 4)
_LONG_TILES = Tiles(64, 128, 8, 4, 3)
_GELU_BLOCK = 512


def supported(width: int, heads: int, feed_forward: int, dtype: torch.dtype) -> bool:
    """Whether the kernels' tiles fit these sizes."""
    return (
        dtype == torch.bfloat16
        and width // heads in (16, 32, 64, 128)
        and width % 128 == 0
        and feed_forward % _GELU_BLOCK == 0
    )


class FastTowerLayers:
    """All layers, for the rows of one chunk.

    Args:
        layers: Their weights, bfloat16.
        heads: Attention heads.
        eps: Of the norms.
        overlap: See `FastOperations`.
    """

    def __init__(
        self, layers: tuple[TowerLayer, ...], heads: int, eps: float, *, overlap: bool
    ) -> None:
        self._layers = layers
        self._heads = heads
        self._eps = eps
        self._operations = FastOperations(overlap=overlap)
        self._overlap = self._operations.launch_options

    def run(self, rows: Tensor) -> Tensor:
        """[T, W] -> [T, W], T at most 32."""
        residual = rows.float()
        delta = torch.zeros_like(residual)[None]
        bias = torch.zeros_like(self._layers[0].out.bias)
        for layer in self._layers:
            normed = self._add_norm(residual, delta, bias, layer.attention_norm)
            qkv = self._operations.product(normed, layer.qkv.weight, _WIDE_TILES)
            mixed = self._attend(qkv, layer.qkv.bias)
            delta = self._operations.product(mixed, layer.out.weight, _TILES)
            normed = self._add_norm(residual, delta, layer.out.bias, layer.feed_forward_norm)
            inner = self._operations.product(normed, layer.up.weight, _WIDE_TILES)
            inner = self._gelu(inner, layer.up.bias)
            delta = self._operations.product(inner, layer.down.weight, _LONG_TILES)
            bias = layer.down.bias
        return (residual + delta.sum(dim=0) + bias).to(rows.dtype)

    def _add_norm(self, residual: Tensor, delta: Tensor, bias: Tensor, norm: object) -> Tensor:
        weight, shift = norm.weight, norm.bias  # type: ignore[attr-defined]
        rows, width = residual.shape
        out = torch.empty(rows, width, device=residual.device, dtype=weight.dtype)
        tower_kernels.add_layer_norm_kernel[(rows,)](
            residual, delta, bias, weight, shift, out, rows, self._eps,
            D=width, BLOCK_D=triton.next_power_of_2(width), SPLITS=delta.shape[0],
            num_warps=8, **self._overlap,
        )  # fmt: skip
        return out

    def _attend(self, qkv: Tensor, bias: Tensor) -> Tensor:
        splits, rows, columns = qkv.shape
        width = columns // 3
        head_width = width // self._heads
        out = torch.empty(rows, width, device=qkv.device, dtype=bias.dtype)
        tower_kernels.chunk_attention_kernel[(self._heads,)](
            qkv, bias, out, rows, W=width, C=head_width,
            BLOCK_T=max(16, triton.next_power_of_2(rows)), SPLITS=splits,
            SCALE_LOG2=head_width**-0.5 * math.log2(math.e), num_warps=4, **self._overlap,
        )  # fmt: skip
        return out

    def _gelu(self, product: Tensor, bias: Tensor) -> Tensor:
        splits, rows, width = product.shape
        out = torch.empty(rows, width, device=product.device, dtype=bias.dtype)
        tower_kernels.gelu_kernel[(rows, width // _GELU_BLOCK)](
            product, bias, out, rows, N=width, BLOCK=_GELU_BLOCK, SPLITS=splits,
            num_warps=4, **self._overlap,
        )  # fmt: skip
        return out
