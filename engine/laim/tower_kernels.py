"""Triton kernels of the audio tower's layers; their products are `kernels.project_kernel`'s."""

from __future__ import annotations

import triton
import triton.language as tl

from everlisten.engine.laim.kernels import wait


@triton.jit
def add_layer_norm_kernel(
    residual,
    delta,
    delta_bias,
    weight,
    bias,
    out,
    M,
    eps,
    D: tl.constexpr,
    BLOCK_D: tl.constexpr,
    SPLITS: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """residual += sum of delta's splits + its bias; out = its layer norm. One program a row."""
    wait(OVERLAP)
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK_D)
    mask = columns < D
    total = tl.load(residual + row * D + columns, mask=mask, other=0.0)
    total += tl.load(delta_bias + columns, mask=mask, other=0.0).to(tl.float32)
    for split in tl.static_range(SPLITS):
        total += tl.load(delta + (split * M + row) * D + columns, mask=mask, other=0.0)
    tl.store(residual + row * D + columns, total, mask=mask)
    centred = tl.where(mask, total - tl.sum(total) / D, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred) / D + eps)
    gain = tl.load(weight + columns, mask=mask, other=0.0).to(tl.float32)
    shift = tl.load(bias + columns, mask=mask, other=0.0).to(tl.float32)
    normed = centred * scale * gain + shift
    tl.store(out + row * D + columns, normed.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _head(qkv, bias, columns, rows, row_mask, M, W: tl.constexpr, SPLITS: tl.constexpr):
    """float32 [BLOCK_T, C]: some columns of every row, splits and bias added up."""
    total = tl.zeros((rows.shape[0], columns.shape[0]), dtype=tl.float32)
    total += tl.load(bias + columns).to(tl.float32)[None, :]
    for split in tl.static_range(SPLITS):
        at = qkv + (split * M + rows)[:, None] * (3 * W) + columns[None, :]
        total += tl.load(at, mask=row_mask[:, None], other=0.0)
    return total


@triton.jit
def chunk_attention_kernel(
    qkv,
    bias,
    out,
    M,
    W: tl.constexpr,
    C: tl.constexpr,
    BLOCK_T: tl.constexpr,
    SPLITS: tl.constexpr,
    SCALE_LOG2: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """Attention of all rows to all rows of one chunk. One program a head of width C."""
    wait(OVERLAP)
    head = tl.program_id(0)
    rows = tl.arange(0, BLOCK_T)
    row_mask = rows < M
    columns = head * C + tl.arange(0, C)
    q = _head(qkv, bias, columns, rows, row_mask, M, W, SPLITS).to(out.dtype.element_ty)
    k = _head(qkv, bias, W + columns, rows, row_mask, M, W, SPLITS).to(out.dtype.element_ty)
    v = _head(qkv, bias, 2 * W + columns, rows, row_mask, M, W, SPLITS).to(out.dtype.element_ty)
    scores = tl.dot(q, tl.trans(k)) * SCALE_LOG2
    scores = tl.where(row_mask[None, :], scores, -float("inf"))
    weight = tl.exp2(scores - tl.max(scores, axis=1)[:, None])
    mixed = tl.dot(weight.to(out.dtype.element_ty), v) / tl.sum(weight, axis=1)[:, None]
    at = out + rows[:, None] * W + columns[None, :]
    tl.store(at, mixed.to(out.dtype.element_ty), mask=row_mask[:, None])


@triton.jit
def gelu_kernel(
    product, bias, out, M, N: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    OVERLAP: tl.constexpr,
):  # fmt: skip
    """out [M, N] = gelu(sum of product's splits + bias)."""
    wait(OVERLAP)
    row = tl.program_id(0)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    total = tl.load(bias + columns).to(tl.float32)
    for split in tl.static_range(SPLITS):
        total += tl.load(product + (split * M + row) * N + columns)
    value = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    tl.store(out + row * N + columns, value.to(out.dtype.element_ty))
