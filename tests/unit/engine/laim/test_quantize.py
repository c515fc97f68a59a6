"""int8 and int4: error bounds, packing, and that rows are quantized one by one."""

import pytest
import torch
from torch import Tensor

from everlisten.engine.laim.quantize import (
    dequantize,
    matrix_kind,
    pack_int4,
    quantize,
    unpack_int4,
)
from everlisten.engine.laim.sizes import RELEASED_LANGUAGE_MODEL
from everlisten.engine.laim.weights import GROUP, Int4Matrix, Int8Matrix


@pytest.fixture
def weights() -> Tensor:
    """[96, 512], rows of very different scale, some values far out."""
    numbers = torch.Generator().manual_seed(1)
    rows = torch.randn(96, 512, generator=numbers) * torch.logspace(-4, 1, 96)[:, None]
    rows[:, ::97] *= 4
    return rows


def plain_int4(matrix: Tensor) -> Tensor:
    """What levels spread over each group's whole range give."""
    groups = matrix.unflatten(1, (-1, GROUP))
    low, high = groups.aminmax(dim=2, keepdim=True)
    scale = (high - low) / 15
    return (((groups - low) / scale).round() * scale + low).flatten(1)


def test_int8_is_within_half_a_step_of_its_row(weights: Tensor) -> None:
    matrix = quantize(weights, "int8")
    assert isinstance(matrix, Int8Matrix)
    assert matrix.values.dtype == torch.int8
    assert torch.equal(matrix.scale, weights.abs().amax(1) / 127)
    error = (dequantize(matrix) - weights).abs()
    assert (error <= matrix.scale[:, None] * 0.5001).all()
    assert matrix.values.abs().amax(1).eq(127).all()


def test_int4_costs_less_than_the_plain_range_in_every_row(weights: Tensor) -> None:
    matrix = quantize(weights, "int4")
    assert isinstance(matrix, Int4Matrix)
    assert matrix.packed.shape == (96, 256)
    assert matrix.scale.shape == matrix.zero.shape == (96, 512 // GROUP)
    error = (dequantize(matrix) - weights).square().sum(1)
    plain = (plain_int4(weights) - weights).square().sum(1)
    assert (error <= plain * 1.0001).all()
    assert error.sum() < 0.9 * plain.sum()
    assert error.sum() < 0.02 * weights.square().sum()


def test_int4_is_exact_for_sixteen_even_levels() -> None:
    levels = torch.arange(16).repeat(8).float()
    rows = torch.stack([levels * 0.25 - 1, 3 - levels])
    matrix = quantize(rows, "int4")
    assert torch.allclose(dequantize(matrix), rows, atol=1e-6)


@pytest.mark.parametrize("kind", ["int8", "int4"])
@pytest.mark.parametrize("value", [0.0, 0.3, -2.0])
def test_constant_rows(kind: str, value: float) -> None:
    rows = torch.full((3, 2 * GROUP), value)
    assert torch.allclose(dequantize(quantize(rows, kind)), rows, atol=1e-6)  # type: ignore[arg-type]


def test_packing_is_as_described() -> None:
    levels = torch.randint(0, 16, (5, 256), dtype=torch.uint8)
    packed = pack_int4(levels)
    assert torch.equal(packed & 15, levels[:, :128])
    assert torch.equal(packed >> 4, levels[:, 128:])
    assert torch.equal(unpack_int4(packed), levels)


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_rows_stacked_after_quantizing_are_the_fused_matrix(weights: Tensor, kind: str) -> None:
    whole = quantize(weights, kind)  # type: ignore[arg-type]
    parts = [quantize(part, kind) for part in weights.split([50, 46])]  # type: ignore[arg-type]
    for name in type(whole).__slots__:
        stacked = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(getattr(whole, name), stacked), name


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_matrix_larger_than_a_block_is_the_same(
    weights: Tensor, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dequantize(quantize(weights, kind))  # type: ignore[arg-type]
    monkeypatch.setattr("everlisten.engine.laim.quantize._BLOCK_ELEMENTS", 7 * 512)
    assert torch.equal(dequantize(quantize(weights, kind)), whole)  # type: ignore[arg-type]


def test_what_stays_in_high_precision() -> None:
    size = RELEASED_LANGUAGE_MODEL
    assert matrix_kind("gate_up", 34, size, "int4") == "int4"
    assert matrix_kind("gate_up", 35, size, "int4") == "float"
    assert matrix_kind("qkv", 35, size, "int8") == "float"
    assert matrix_kind("qkv_bias", 0, size, "int8") == "float"
    assert matrix_kind("embedding", None, size, "int8") == "float"
    assert matrix_kind("head", None, size, "int8") == "int8"
    assert matrix_kind("head", None, size, "int4") == "int8"
    assert matrix_kind("down", 0, size, "bf16") == "float"
