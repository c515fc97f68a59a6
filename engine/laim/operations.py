"""The operations of one layer in plain PyTorch: the reference of `fast_operations`, and what runs
where there is no CUDA.

The residual stream is float32; everything between is the weights' dtype. `project` returns partial
sums [S, M, N] in float32 (S = 1 here) that the next operation adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from everlisten.engine.laim.quantize import dequantize
from everlisten.engine.laim.weights import LanguageModelSize, Matrix


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of a pass lie.

    Attributes:
        slots: int64 [B]; cache slot of each block.
        positions: int64 [B, T]; position of each row.
        writes: int64 [B, T]; where its key and value go: its position, or, for padding, behind all.
        cos: float32 [B, T, C / 2]; of the rotary angle.
        sin: float32 [B, T, C / 2].
        since: int64 [B, T]; the first position that each row sees.
        limit: Positions that attention looks at, at most; above every row's position.
    """

    slots: Tensor
    positions: Tensor
    writes: Tensor
    cos: Tensor
    sin: Tensor
    since: Tensor
    limit: int


class Operations(Protocol):
    """What a layer is made of; M = B T rows."""

    def add_norm(self, residual: Tensor, delta: Tensor, weight: Tensor, eps: float) -> Tensor:
        """Add `delta` [S, M, D] to `residual` [M, D] in place; return its RMS norm [M, D]."""

    def project(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """Partial sums float32 [S, M, N] of `rows` [M, K] times `matrix` [N, K]."""

    def rotate_store(
        self,
        qkv: Tensor,
        bias: Tensor,
        keys: Tensor,
        values: Tensor,
        places: Places,
        size: LanguageModelSize,
    ) -> Tensor:
        """Rotate; put keys and values [S, G, P, C] in place; return queries [B, T, H, C]."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, places: Places) -> Tensor:
        """Causal attention over the cache, from each row's `since` on: [M, H C]."""

    def gate(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """silu(gate) * up of a matrix [2 F, D]: [M, F]."""

    def choose(self, logits: Tensor, refused: Tensor, noise: Tensor) -> Tensor:
        """Of the three largest of `logits` [S, M, V] (summed) that are not `refused` (bool [V]),
        the id of the largest after adding `noise` [M, 3]: float32 [M], exact below 2^24.
        """


def dense(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """The matrix [N, K] without quantization; the same tensor if it has none."""
    return matrix if isinstance(matrix, Tensor) else dequantize(matrix).to(dtype)


class TorchOperations:
    """`Operations` in plain PyTorch, on any device."""

    def add_norm(self, residual: Tensor, delta: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Operations`."""
        residual += delta.sum(dim=0)
        scale = torch.rsqrt(residual.square().mean(dim=-1, keepdim=True) + eps)
        return (residual * scale * weight.float()).to(weight.dtype)

    def project(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """See `Operations`."""
        return F.linear(rows, dense(matrix, rows.dtype)).float()[None]

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
        heads = (qkv.sum(dim=0) + bias.float()).view(batch, rows, -1, size.head_width)
        rotated = size.query_heads + size.kv_heads
        first, second = heads[:, :, :rotated].chunk(2, dim=-1)
        cos, sin = places.cos[:, :, None], places.sin[:, :, None]
        turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
        turned = turned.to(bias.dtype)
        groups = torch.arange(size.kv_heads, device=qkv.device)
        target = (places.slots[:, None, None], groups[None, None], places.writes[:, :, None])
        keys.index_put_(target, turned[:, :, size.query_heads :])
        values.index_put_(target, heads[:, :, rotated:].to(bias.dtype))
        return turned[:, :, : size.query_heads]

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, places: Places) -> Tensor:
        """See `Operations`."""
        batch, rows, heads, width = queries.shape
        groups = keys.shape[1]
        keys = keys[:, :, : places.limit][places.slots]
        values = values[:, :, : places.limit][places.slots]
        # The query heads of a group become rows, so that its keys are read once, not expanded.
        grouped = queries.view(batch, rows, groups, -1, width).permute(0, 2, 3, 1, 4).flatten(2, 3)
        scores = (grouped @ keys.transpose(-1, -2)).float() * width**-0.5
        behind = torch.arange(places.limit, device=keys.device)
        seen = (behind >= places.since[..., None]) & (behind <= places.positions[..., None])
        scores = scores.view(batch, groups, -1, rows, places.limit)
        scores = scores.masked_fill(~seen[:, None, None], -torch.inf)
        weights = torch.softmax(scores, dim=-1).to(values.dtype).flatten(2, 3)
        mixed = (weights @ values).view(batch, groups, -1, rows, width)
        return mixed.permute(0, 3, 1, 2, 4).reshape(batch * rows, heads * width)

    def gate(self, rows: Tensor, matrix: Matrix) -> Tensor:
        """See `Operations`."""
        gate, up = F.linear(rows, dense(matrix, rows.dtype)).float().chunk(2, dim=-1)
        return (F.silu(gate) * up).to(rows.dtype)

    def choose(self, logits: Tensor, refused: Tensor, noise: Tensor) -> Tensor:
        """See `Operations`."""
        admissible = logits.sum(dim=0).masked_fill(refused, -torch.inf)
        likeliest = admissible.topk(noise.shape[-1], dim=-1)
        chosen = (likeliest.values + noise).argmax(dim=-1, keepdim=True)
        return likeliest.indices.gather(-1, chosen)[:, 0].float()
