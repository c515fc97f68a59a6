"""Triton kernels of the fast path: few rows against large matrices, a cache read in place.

A pass has 1 to 50 rows, so its time is that of reading the weights. Hence: matrices are read once,
by enough programs to keep the memory busy (split along K where a matrix has few rows, the partial
sums being added by whoever comes next); the rows of a key/value group's query heads are stacked, so
that its keys are read once and never expanded; no mask is ever stored.
"""

from __future__ import annotations

import os

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

PLAIN, INT8, INT4 = 0, 1, 2
"""Format of a matrix."""
GROUP = 128
"""Inputs of an int4 group, and of a tile along K."""

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
def wait(OVERLAP: tl.constexpr):
    """Wait until the kernel before has written its results, then let the next one start up.

    Programmatic dependent launch: a kernel's start-up overlaps the end of the one before. Every
    kernel waits, so what the one before the last wrote is complete too. In this order at most two
    kernels share the card; the other way round, waiting ones fill it and the running one starves.
    """
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()


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


@triton.jit(do_not_specialize=["M"])
def add_norm_kernel(
    residual,
    delta,
    weight,
    out,
    M,
    eps,
    D: tl.constexpr,
    BLOCK_D: tl.constexpr,
    SPLITS: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """residual += sum of delta's splits; out = its RMS norm. One program a row."""
    wait(OVERLAP)
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK_D)
    mask = columns < D
    total = tl.load(residual + row * D + columns, mask=mask, other=0.0)
    for split in tl.static_range(SPLITS):
        total += tl.load(delta + (split * M + row) * D + columns, mask=mask, other=0.0)
    tl.store(residual + row * D + columns, total, mask=mask)
    scale = tl.rsqrt(tl.sum(total * total) / D + eps)
    gain = tl.load(weight + columns, mask=mask, other=0.0).to(tl.float32)
    tl.store(out + row * D + columns, (total * scale * gain).to(out.dtype.element_ty), mask=mask)


@triton.jit(do_not_specialize=["M"])
def rotate_store_kernel(
    qkv,
    bias,
    cos,
    sin,
    slots,
    writes,
    queries,
    keys,
    values,
    M,
    T: tl.constexpr,
    slot_stride,
    group_stride,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    SPLITS: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """Sum the splits, add the bias, rotate, and put queries, keys and values where they belong."""
    wait(OVERLAP)
    row = tl.program_id(0)
    head = tl.program_id(1)
    width: tl.constexpr = 2 * HALF
    outputs: tl.constexpr = (HEADS + 2 * GROUPS) * width
    columns = head * width + tl.arange(0, HALF)
    first = tl.load(bias + columns).to(tl.float32)
    second = tl.load(bias + columns + HALF).to(tl.float32)
    for split in tl.static_range(SPLITS):
        at = qkv + (split * M + row) * outputs + columns
        first += tl.load(at)
        second += tl.load(at + HALF)
    if head < HEADS + GROUPS:
        angle = row * HALF + tl.arange(0, HALF)
        c, s = tl.load(cos + angle), tl.load(sin + angle)
        first, second = first * c - second * s, second * c + first * s
    group = (head - HEADS) % GROUPS
    place = tl.load(slots + row // T) * slot_stride + group * group_stride
    place += tl.load(writes + row) * width
    if head < HEADS:
        target = queries + row * HEADS * width + columns
    elif head < HEADS + GROUPS:
        target = keys + place + tl.arange(0, HALF)
    else:
        target = values + place + tl.arange(0, HALF)
    tl.store(target, first.to(queries.dtype.element_ty))
    tl.store(target + HALF, second.to(queries.dtype.element_ty))


@triton.jit
def attend_kernel(
    queries,
    keys,
    values,
    slots,
    positions,
    sums,
    peaks,
    mixed,
    slot_stride,
    group_stride,
    T: tl.constexpr,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    C: tl.constexpr,
    SHARE: tl.constexpr,
    SPLITS: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_P: tl.constexpr,
    SCALE_LOG2: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """One share of the positions, for the stacked query rows of one group of one block.

    Partial results of row r = t * (HEADS / GROUPS) + head: peaks (log2) and sums float32
    [B, GROUPS, SPLITS, R], mixed float32 [B, GROUPS, SPLITS, R, C], R = T * HEADS / GROUPS.
    Shares behind every row's position are left out and never read.
    """
    wait(OVERLAP)
    block = tl.program_id(0) // GROUPS
    group = tl.program_id(0) % GROUPS
    split = tl.program_id(1)
    stacked: tl.constexpr = HEADS // GROUPS
    total: tl.constexpr = T * stacked
    r = tl.program_id(2) * BLOCK_R + tl.arange(0, BLOCK_R)
    r_mask = r < total
    t = r // stacked
    head = group * stacked + r % stacked
    position = tl.load(positions + block * T + t, mask=r_mask, other=0)
    last = tl.max(position)
    begin = split * SHARE
    if begin <= last:
        c = tl.arange(0, C)
        q_at = queries + ((block * T + t) * HEADS + head)[:, None] * C + c[None, :]
        q = tl.load(q_at, mask=r_mask[:, None], other=0.0)
        base = tl.load(slots + block) * slot_stride + group * group_stride
        peak = tl.full((BLOCK_R,), -float("inf"), dtype=tl.float32)
        total_weight = tl.zeros((BLOCK_R,), dtype=tl.float32)
        acc = tl.zeros((BLOCK_R, C), dtype=tl.float32)
        for start in range(begin, min(begin + SHARE, last + 1), BLOCK_P):
            p = start + tl.arange(0, BLOCK_P)
            kv_at = base + p[:, None] * C + c[None, :]
            inside = (p <= last)[:, None]
            k = tl.load(keys + kv_at, mask=inside, other=0.0)
            v = tl.load(values + kv_at, mask=inside, other=0.0)
            scores = tl.dot(q, tl.trans(k)) * SCALE_LOG2
            scores = tl.where(p[None, :] <= position[:, None], scores, -float("inf"))
            new_peak = tl.maximum(peak, tl.max(scores, axis=1))
            # A row that sees nothing here has no peak; its weights come out as 0, not NaN.
            shown = tl.where(new_peak == -float("inf"), 0.0, new_peak)
            weight = tl.exp2(scores - shown[:, None])
            shrink = tl.exp2(peak - shown)
            total_weight = total_weight * shrink + tl.sum(weight, axis=1)
            acc = acc * shrink[:, None] + tl.dot(weight.to(v.dtype), v)
            peak = new_peak
        row_at = ((block * GROUPS + group) * SPLITS + split) * total + r
        tl.store(peaks + row_at, peak, mask=r_mask)
        tl.store(sums + row_at, total_weight, mask=r_mask)
        tl.store(mixed + row_at[:, None] * C + c[None, :], acc, mask=r_mask[:, None])


@triton.jit
def combine_kernel(
    sums,
    peaks,
    mixed,
    positions,
    out,
    T: tl.constexpr,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    C: tl.constexpr,
    SHARE: tl.constexpr,
    SPLITS: tl.constexpr,
    BLOCK_S: tl.constexpr,
    OVERLAP: tl.constexpr,
):
    """out [M, HEADS * C]: the shares of `attend_kernel` together. One program a row and head."""
    wait(OVERLAP)
    row = tl.program_id(0)
    head = tl.program_id(1)
    stacked: tl.constexpr = HEADS // GROUPS
    total: tl.constexpr = T * stacked
    used = tl.load(positions + row) // SHARE + 1
    s = tl.arange(0, BLOCK_S)
    c = tl.arange(0, C)
    block = row // T
    r = (row % T) * stacked + head % stacked
    at = ((block * GROUPS + head // stacked) * SPLITS + s) * total + r
    mask = s < used
    peak = tl.load(peaks + at, mask=mask, other=-float("inf"))
    scale = tl.exp2(peak - tl.max(peak))
    weight = tl.load(sums + at, mask=mask, other=0.0) * scale
    parts = tl.load(mixed + at[:, None] * C + c[None, :], mask=mask[:, None], other=0.0)
    value = tl.sum(parts * scale[:, None], axis=0) / tl.sum(weight)
    tl.store(out + (row * HEADS + head) * C + c, value.to(out.dtype.element_ty))


@triton.jit
def likeliest_kernel(
    logits, refused, values, ids, V: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr
):
    """The three largest admissible logits of one row in one piece of the vocabulary."""
    wait(OVERLAP)
    row, piece = tl.program_id(0), tl.program_id(1)
    columns = piece * BLOCK + tl.arange(0, BLOCK)
    allowed = tl.load(refused + columns, mask=columns < V, other=1) == 0
    left = tl.load(logits + row * V + columns, mask=allowed & (columns < V), other=-float("inf"))
    at = (row * tl.num_programs(1) + piece) * 3
    for rank in tl.static_range(3):
        peak, index = tl.max(left, axis=0, return_indices=True)
        tl.store(values + at + rank, peak)
        tl.store(ids + at + rank, piece * BLOCK + index)
        left = tl.where(columns == piece * BLOCK + index, -float("inf"), left)


@triton.jit
def choose_kernel(
    values, ids, noise, out, COUNT: tl.constexpr, BLOCK: tl.constexpr, OVERLAP: tl.constexpr
):
    """Of the pieces' candidates, the three largest; of these plus noise, the largest."""
    wait(OVERLAP)
    row = tl.program_id(0)
    offsets = tl.arange(0, BLOCK)
    mask = offsets < COUNT
    left = tl.load(values + row * COUNT + offsets, mask=mask, other=-float("inf"))
    best = -float("inf")
    chosen = 0
    for rank in tl.static_range(3):
        peak, index = tl.max(left, axis=0, return_indices=True)
        score = peak + tl.load(noise + row * 3 + rank)
        chosen = tl.where(score > best, index, chosen)
        best = tl.maximum(score, best)
        left = tl.where(offsets == index, -float("inf"), left)
    tl.store(out + row, tl.load(ids + row * COUNT + chosen).to(tl.float32))
