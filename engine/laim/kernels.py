"""Triton kernels of the fast path: how they follow each other, the norm, the choice of a token.

A pass has 1 to 50 rows, so its time is that of reading the weights (`product_kernels`) and the
cache (`attention_kernels`); what is between is joined into few kernels.
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait


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
