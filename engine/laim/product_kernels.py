"""Triton kernels of products of few rows with large matrices, in bfloat16, int8 or int4.

Matrices are read once, by enough programs to keep the memory busy: split along K where a matrix has
few rows, the partial sums being added by whoever comes next.
"""

from __future__ import annotations

import os

import triton
import triton.language as tl

from everlisten.engine.laim.kernels import wait

PLAIN, INT8, INT4 = 0, 1, 2
"""Format of a matrix."""

_ASSEMBLED = tl.constexpr(os.environ.get("TRITON_INTERPRET") != "1")
"""Triton's interpreter knows no assembly; it gets the plain conversions."""

# Two words of two int8 each to the bfloat16 of the low and of the high bytes. The card converts
# integers at a quarter of the rate at which memory brings them; instead each byte plus 128 becomes
# the low bits of the float32 8388608 + byte, 8388736 is taken off, and the upper halves are kept:
# exact, because 8 bits fit bfloat16's mantissa.
_INT8_TO_BFLOAT16 = tl.constexpr("""{
.reg .b32 t, a, b, c, d;
.reg .f32 e, f, g, h;
xor.b32 t, $2, 0x80808080;
prmt.b32 a, t, 0x4B000000, 0x7650;
prmt.b32 b, t, 0x4B000000, 0x7652;
prmt.b32 c, t, 0x4B000000, 0x7651;
prmt.b32 d, t, 0x4B000000, 0x7653;
mov.b32 e, a; mov.b32 f, b; mov.b32 g, c; mov.b32 h, d;
sub.f32 e, e, 0f4B000080;
sub.f32 f, f, 0f4B000080;
sub.f32 g, g, 0f4B000080;
sub.f32 h, h, 0f4B000080;
mov.b32 a, e; mov.b32 b, f; mov.b32 c, g; mov.b32 d, h;
prmt.b32 $0, a, b, 0x7632;
prmt.b32 $1, c, d, 0x7632;
}""")
# Four digits of 4 bits to four bfloat16, 128 too large: 0x4300 is 128.0 and has room for a digit.
_LOW_TO_BFLOAT16 = tl.constexpr("""{
.reg .b32 t;
and.b32 t, $2, 0x0F0F0F0F;
prmt.b32 $0, t, 0x43434343, 0x4140;
prmt.b32 $1, t, 0x43434343, 0x4342;
}""")
_HIGH_TO_BFLOAT16 = tl.constexpr("""{
.reg .b32 t;
shr.b32 t, $2, 4;
and.b32 t, t, 0x0F0F0F0F;
prmt.b32 $0, t, 0x43434343, 0x4140;
prmt.b32 $1, t, 0x43434343, 0x4342;
}""")
_OFFSET = tl.constexpr(128.0 if os.environ.get("TRITON_INTERPRET") != "1" else 0.0)
"""What the assembled digits are too large by."""


@triton.jit
def _bytes(tile, dtype: tl.constexpr):
    """The low and the high bytes, signed, of 16-bit words as floats."""
    if _ASSEMBLED:
        return tl.inline_asm_elementwise(
            _INT8_TO_BFLOAT16, "=r,=r,r", [tile], dtype=(tl.bfloat16, tl.bfloat16),
            is_pure=True, pack=2,
        )  # fmt: skip
    return ((tile << 8) >> 8).to(dtype), (tile >> 8).to(dtype)


@triton.jit
def _digits(tile, HIGH: tl.constexpr, dtype: tl.constexpr):
    """The low or high digits of packed bytes, plus `_OFFSET`, as floats."""
    if _ASSEMBLED:
        if HIGH:
            return tl.inline_asm_elementwise(
                _HIGH_TO_BFLOAT16, "=r,=r,r", [tile], dtype=tl.bfloat16, is_pure=True, pack=4
            )
        return tl.inline_asm_elementwise(
            _LOW_TO_BFLOAT16, "=r,=r,r", [tile], dtype=tl.bfloat16, is_pure=True, pack=4
        )
    if HIGH:
        return (tile >> 4).to(dtype)
    return (tile & 15).to(dtype)


@triton.jit
def _tile(
    weights,
    scale,
    zero,
    rows,
    row_mask,
    inputs,
    input_rows,
    input_mask,
    start,
    acc,
    K: tl.constexpr,
    BLOCK_K: tl.constexpr,
    FORMAT: tl.constexpr,
):
    """Add one tile along K to `acc` [BLOCK_N, BLOCK_M]; `start` counts columns of the storage."""
    columns = start + tl.arange(0, BLOCK_K)
    stored: tl.constexpr = K // 2 if FORMAT else K
    mask, x_mask = row_mask[:, None], input_mask[None, :]
    if stored % BLOCK_K != 0:
        mask &= (columns < stored)[None, :]
        x_mask &= (columns < stored)[:, None]
    tile = tl.load(weights + rows[:, None] * stored + columns[None, :], mask=mask, other=0)
    x_at = inputs + input_rows[None, :] * K + columns[:, None]
    x = tl.load(x_at, mask=x_mask, other=0.0)
    if FORMAT:
        high_x = tl.load(x_at + stored, mask=x_mask, other=0.0)
    if FORMAT == 2:
        groups: tl.constexpr = K // 128
        group = start // 128
        for half in tl.static_range(2):
            digits = _digits(tile, half == 1, x.dtype)
            values = x if half == 0 else high_x
            at = rows * groups + group + half * (groups // 2)
            s = tl.load(scale + at, mask=row_mask, other=0.0)
            z = tl.load(zero + at, mask=row_mask, other=0.0)
            raw = tl.dot(digits, values)
            total = tl.sum(values.to(tl.float32), axis=0)
            acc += s[:, None] * (raw - (z[:, None] + _OFFSET) * total[None, :])
    elif FORMAT == 1:
        low, high = _bytes(tile, x.dtype)
        acc = tl.dot(low, x, acc)
        acc = tl.dot(high, high_x, acc)
    else:
        acc = tl.dot(tile, x, acc)
    return acc


@triton.jit(do_not_specialize=["M"])
def project_kernel(
    inputs,
    weights,
    scale,
    zero,
    out,
    M,
    N: tl.constexpr,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    SPLIT_K: tl.constexpr,
    FORMAT: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """out float32 [SPLIT_K, M, N]: partial sums of inputs [M, K] times weights [N, K]."""
    split = tl.program_id(1)
    rows = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    row_mask = rows < N
    input_rows = tl.program_id(2) * BLOCK_M + tl.arange(0, BLOCK_M)
    input_mask = input_rows < M
    stored: tl.constexpr = K // 2 if FORMAT else K
    share: tl.constexpr = ((stored + BLOCK_K - 1) // BLOCK_K + SPLIT_K - 1) // SPLIT_K * BLOCK_K
    wait(OVERLAP)
    acc = tl.zeros((BLOCK_N, BLOCK_M), dtype=tl.float32)
    for start in range(split * share, min(split * share + share, stored), BLOCK_K):
        acc = _tile(
            weights, scale, zero, rows, row_mask, inputs, input_rows, input_mask, start, acc,
            K, BLOCK_K, FORMAT,
        )  # fmt: skip
    if FORMAT == 1:
        acc *= tl.load(scale + rows, mask=row_mask, other=0.0)[:, None]
    at = out + split * M * N + input_rows[None, :] * N + rows[:, None]
    tl.store(at, acc, mask=row_mask[:, None] & input_mask[None, :])


@triton.jit(do_not_specialize=["M"])
def gate_kernel(
    inputs,
    weights,
    scale,
    zero,
    out,
    M,
    F: tl.constexpr,
    K: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    FORMAT: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """out [M, F] = silu(gate) * up of weights [2 F, K]."""
    columns = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    row_mask = columns < F
    input_rows = tl.program_id(1) * BLOCK_M + tl.arange(0, BLOCK_M)
    input_mask = input_rows < M
    stored: tl.constexpr = K // 2 if FORMAT else K
    wait(OVERLAP)
    gate = tl.zeros((BLOCK_N, BLOCK_M), dtype=tl.float32)
    up = tl.zeros((BLOCK_N, BLOCK_M), dtype=tl.float32)
    for start in range(0, stored, BLOCK_K):
        gate = _tile(
            weights, scale, zero, columns, row_mask, inputs, input_rows, input_mask, start, gate,
            K, BLOCK_K, FORMAT,
        )  # fmt: skip
        up = _tile(
            weights, scale, zero, columns + F, row_mask, inputs, input_rows, input_mask, start, up,
            K, BLOCK_K, FORMAT,
        )  # fmt: skip
    if FORMAT == 1:
        gate *= tl.load(scale + columns, mask=row_mask, other=0.0)[:, None]
        up *= tl.load(scale + F + columns, mask=row_mask, other=0.0)[:, None]
    gated = gate * tl.sigmoid(gate) * up
    at = out + input_rows[None, :] * F + columns[:, None]
    tl.store(at, gated.to(out.dtype.element_ty), mask=row_mask[:, None] & input_mask[None, :])
