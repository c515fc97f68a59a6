"""Triton kernels of attention over a cache that is read in place.

The rows of a key/value group's query heads are stacked, so that its keys are read once and never
expanded; no mask is ever stored.
"""

from __future__ import annotations

import triton
import triton.language as tl

from everlisten.engine.laim.kernels import wait


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
