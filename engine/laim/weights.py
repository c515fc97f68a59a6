"""The language model's weights as the step uses them: fused projections, one dataclass a layer.

A matrix is bf16/float32, or quantized:

- int8: per output row symmetric, w = value * scale. Byte 2j of a row holds input j of the first
  half of the row and byte 2j + 1 input j of the second half.
- int4: asymmetric in groups of `GROUP` inputs, w = (q - zero) * scale, q in 0..15. Byte j of a row
  holds input j of the first half of the row in its low nibble and input j of the second half in its
  high nibble, so that both halves of an unpacked tile are contiguous (tensor cores
  are fed 16-bit words, not bytes).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

GROUP = 128
"""Inputs that share one int4 scale and zero."""


@dataclass(frozen=True, slots=True)
class Int8Matrix:
    """values int8 [N, K], interleaved; scale float32 [N]."""

    values: Tensor
    scale: Tensor


@dataclass(frozen=True, slots=True)
class Int4Matrix:
    """packed uint8 [N, K / 2]; scale and zero float32 [N, K / GROUP]."""

    packed: Tensor
    scale: Tensor
    zero: Tensor


Matrix = Tensor | Int8Matrix | Int4Matrix
"""[N, K]: N outputs, K inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelSize:
    """Sizes of the language model (Qwen2.5's architecture; the released one is the 3B)."""

    layers: int
    width: int
    query_heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    vocabulary: int
    norm_eps: float
    rope_base: float
    window_chunks: int | None = None
    """A row sees its own chunk and those before it, so many in all; None sees everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """One layer. Rows of `qkv`: queries, keys, values; of `gate_up`: gate, then up."""

    input_norm: Tensor
    """[D]"""
    qkv: Matrix
    """[(H + 2 G) C, D]"""
    qkv_bias: Tensor
    """[(H + 2 G) C]"""
    out: Matrix
    """[D, H C]"""
    post_norm: Tensor
    """[D]"""
    gate_up: Matrix
    """[2 F, D]"""
    down: Matrix
    """[D, F]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelWeights:
    """All weights, on one device."""

    size: LanguageModelSize
    embedding: Tensor
    """[V, D]"""
    layers: tuple[LayerWeights, ...]
    norm: Tensor
    """[D]"""
    head: Matrix
    """[V, D]"""
    control_rows: Tensor
    """[8, D]: the head's rows of `tokens.CONTROL_CHOICES`, never quantized: they decide."""
