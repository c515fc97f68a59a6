"""The kernels compute what plain PyTorch computes, for every format and shape of a pass.

Without a GPU, with triton installed, they run in its interpreter: TRITON_INTERPRET=1 pytest -m gpu.
"""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor

pytestmark = pytest.mark.gpu
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
if not torch.cuda.is_available() and not INTERPRETED:
    pytest.skip("needs a CUDA GPU", allow_module_level=True)

from everlisten.engine.laim.fast_operations import FastOperations  # noqa: E402
from everlisten.engine.laim.operations import Places, TorchOperations  # noqa: E402
from everlisten.engine.laim.quantize import quantize  # noqa: E402
from everlisten.engine.laim.weights import LanguageModelSize, Matrix  # noqa: E402

DEVICE = "cpu" if INTERPRETED else "cuda"
DTYPE = torch.float16 if INTERPRETED else torch.bfloat16  # the interpreter knows no bfloat16
TOLERANCE = 2e-3 if INTERPRETED else 1e-2
SIZE = LanguageModelSize(
    layers=1, width=256, query_heads=8, kv_heads=2, head_width=64, feed_forward=512,
    vocabulary=512, norm_eps=1e-6, rope_base=1e6,
)  # fmt: skip
FAST, PLAIN = FastOperations(), TorchOperations()


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def normal(random: torch.Generator, *shape: int, dtype: torch.dtype = DTYPE) -> Tensor:
    return torch.randn(*shape, generator=random).to(DEVICE, dtype)


def stored(matrix: Tensor, form: str) -> Matrix:
    return quantize(matrix, form) if form in ("int8", "int4") else matrix  # type: ignore[arg-type]


def assert_close(fast: Tensor, plain: Tensor) -> None:
    error = (fast.float() - plain.float()).norm() / plain.float().norm()
    assert error < TOLERANCE


@pytest.mark.parametrize("form", ["plain", "int8", "int4"])
@pytest.mark.parametrize("rows", [1, 3, 13, 39, 104])
def test_products(random: torch.Generator, form: str, rows: int) -> None:
    x = normal(random, rows, 512)
    matrix = stored(normal(random, 448, 512), form)
    fast = FAST.project(x, matrix).sum(dim=0)
    assert fast.shape == (rows, 448)
    assert_close(fast, PLAIN.project(x, matrix).sum(dim=0))
    gated = stored(normal(random, 2 * 320, 512) / 16, form)
    assert_close(FAST.gate(x, gated), PLAIN.gate(x, gated))


@pytest.mark.parametrize("splits", [1, 4])
def test_norm(random: torch.Generator, splits: int) -> None:
    residual = normal(random, 13, 256, dtype=torch.float32)
    delta = normal(random, splits, 13, 256, dtype=torch.float32)
    weight, other = normal(random, 256), residual.clone()
    fast = FAST.add_norm(residual, delta, weight, 1e-6)
    assert_close(fast, PLAIN.add_norm(other, delta, weight, 1e-6))
    torch.testing.assert_close(residual, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("rows", "start"), [(1, 0), (1, 700), (13, 5), (13, 640), (104, 300)])
def test_attention_over_the_cache(random: torch.Generator, rows: int, start: int) -> None:
    """Two blocks at different positions, one partly padding, in slots out of order."""
    capacity, batch = 832, 2
    cache = normal(random, 2, 4, SIZE.kv_heads, capacity + 16, SIZE.head_width)
    starts = torch.tensor([start, start // 2])
    counts = torch.tensor([rows, max(1, rows - 2)])
    offsets = torch.arange(rows)
    padding = offsets >= counts[:, None]
    positions = (starts[:, None] + offsets).masked_fill(padding, 0)
    writes = positions.masked_fill(padding, capacity)
    angles = torch.rand(batch, rows, SIZE.head_width // 2, generator=random)
    places = Places(
        torch.tensor([3, 1], device=DEVICE), positions.to(DEVICE), writes.to(DEVICE),
        angles.cos().to(DEVICE), angles.sin().to(DEVICE), torch.zeros_like(positions).to(DEVICE),
        capacity,
    )  # fmt: skip
    heads = SIZE.query_heads + 2 * SIZE.kv_heads
    qkv = normal(random, 2, batch * rows, heads * SIZE.head_width, dtype=torch.float32)
    bias = normal(random, heads * SIZE.head_width)
    results = []
    for operations in (FAST, PLAIN):
        keys, values = cache.clone()
        queries = operations.rotate_store(qkv, bias, keys, values, places, SIZE)
        mixed = operations.attend(queries, keys, values, places).view(batch, rows, -1)
        results.append((queries, keys[:, :, :capacity], values[:, :, :capacity], mixed))
    for fast, plain in zip(results[0][:3], results[1][:3], strict=True):
        assert_close(fast, plain)
    real = ~padding.to(DEVICE)
    assert_close(results[0][3][real], results[1][3][real])


def test_choice_among_the_three_likeliest(random: torch.Generator) -> None:
    logits = normal(random, 1, 5, 9000, dtype=torch.float32)
    refused = torch.zeros(9000, dtype=torch.bool, device=DEVICE)
    refused[logits[0].argmax(dim=-1)] = True
    noise = normal(random, 5, 3, dtype=torch.float32)
    noise[0] = 0.0
    chosen = FAST.choose(logits, refused, noise)
    assert torch.equal(chosen, PLAIN.choose(logits, refused, noise))
    assert not refused[chosen.long()].any()
