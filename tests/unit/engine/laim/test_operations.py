"""The step's plain operations: quantized products, and attention over grouped heads."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch
from laim_reference import LogitStep
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention, silu

from everlisten.engine.laim import tokens
from everlisten.engine.laim.operations import Places, TorchOperations, dense
from everlisten.engine.laim.quantize import dequantize, quantize
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.step import RowBlock
from everlisten.engine.laim.weights import (
    GROUP,
    LanguageModelSize,
    LanguageModelWeights,
    LayerWeights,
)

FORMS = ("int8", "int4")
ROWS, OUTPUTS, INPUTS = 13, 24, 2 * GROUP


@pytest.fixture
def numbers() -> torch.Generator:
    return torch.Generator().manual_seed(8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_quantized_products(
    numbers: torch.Generator, form: Literal["int8", "int4"], dtype: torch.dtype
) -> None:
    """Equal to products with the dequantized matrix, and near those with the original."""
    original = torch.randn(OUTPUTS, INPUTS, generator=numbers)
    matrix = quantize(original, form)
    rows = torch.randn(ROWS, INPUTS, generator=numbers).to(dtype)
    made = TorchOperations().project(rows, matrix).sum(dim=0)
    plain = dequantize(matrix).to(dtype).float()
    exact = rows.double() @ plain.double().T
    rounding = 1e-5 if dtype == torch.float32 else 1e-2
    assert made.dtype == torch.float32
    assert (made - exact).norm() / exact.norm() < rounding
    wanted = rows.double() @ original.double().T
    coarse = {"int8": 0.02, "int4": 0.15}[form]
    assert 1e-4 < (made - wanted).norm() / wanted.norm() < coarse


@pytest.mark.parametrize("form", FORMS)
def test_the_quantized_gate(numbers: torch.Generator, form: Literal["int8", "int4"]) -> None:
    matrix = quantize(torch.randn(2 * OUTPUTS, INPUTS, generator=numbers) * 0.1, form)
    rows = torch.randn(ROWS, INPUTS, generator=numbers)
    gate, up = (rows @ dequantize(matrix).T).chunk(2, dim=1)
    made = TorchOperations().gate(rows, matrix)
    torch.testing.assert_close(made, silu(gate) * up)


@pytest.mark.parametrize("form", FORMS)
def test_a_step_with_quantized_weights_equals_what_they_stand_for(
    numbers: torch.Generator, form: Literal["int8", "int4"]
) -> None:
    quantized = quantized_weights(numbers, form)
    layers = tuple(
        replace(layer, **{name: dense(getattr(layer, name), torch.float32) for name in MATRICES})
        for layer in quantized.layers
    )
    plain = replace(quantized, layers=layers, head=dense(quantized.head, torch.float32))
    block = RowBlock(slot=0, position=0, tokens=tuple(range(40, 60)), read=tuple(range(20)))
    (logits, readings), (wanted, read) = (outcome(each, block) for each in (quantized, plain))
    torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=0)
    assert wanted.std() > 0.1
    assert [each.token for each in readings] == [each.token for each in read]


MATRICES = ("qkv", "out", "gate_up", "down")
SIZE = LanguageModelSize(
    layers=2, width=GROUP, query_heads=4, kv_heads=2, head_width=GROUP // 4, feed_forward=GROUP,
    vocabulary=151_936, norm_eps=1e-6, rope_base=1e4,
)  # fmt: skip


def quantized_weights(
    numbers: torch.Generator, form: Literal["int8", "int4"]
) -> LanguageModelWeights:
    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=numbers) * 0.1

    fused = (SIZE.query_heads + 2 * SIZE.kv_heads) * SIZE.head_width
    layers = tuple(
        LayerWeights(
            input_norm=torch.ones(SIZE.width),
            qkv=quantize(normal(fused, SIZE.width), form),
            qkv_bias=normal(fused),
            out=quantize(normal(SIZE.width, SIZE.width), form),
            post_norm=torch.ones(SIZE.width),
            gate_up=quantize(normal(2 * SIZE.feed_forward, SIZE.width), form),
            down=quantize(normal(SIZE.width, SIZE.feed_forward), form),
        )
        for _ in range(SIZE.layers)
    )
    embedding = normal(SIZE.vocabulary, SIZE.width)
    return LanguageModelWeights(
        size=SIZE, embedding=embedding, layers=layers, norm=torch.ones(SIZE.width),
        head=quantize(embedding, form), control_rows=embedding[list(tokens.CONTROL_CHOICES)],
    )  # fmt: skip


def outcome(
    weights: LanguageModelWeights, block: RowBlock
) -> tuple[Tensor, tuple[RowReading, ...]]:
    step = LogitStep(weights, slots=1, positions=32, lanes=1)
    (readings,) = step.forward([block])
    return step.logits, readings


def test_grouped_attention_over_the_cache(numbers: torch.Generator) -> None:
    """Equal to attention with the keys expanded and a dense mask; slots in any order."""
    batch, rows, heads, groups, width, slots, positions = 2, 5, 8, 2, 16, 4, 40
    queries = torch.randn(batch, rows, heads, width, generator=numbers)
    keys, values = torch.randn(2, slots, groups, positions, width, generator=numbers)
    places_of = torch.tensor([[20, 21, 22, 23, 24], [3, 4, 5, 6, 7]])
    chosen = torch.tensor([3, 1])
    since = torch.tensor([[0, 9, 9, 10, 24], [0, 0, 5, 5, 0]])
    places = Places(chosen, places_of, places_of, queries, queries, since, limit=30)
    made = TorchOperations().attend(queries, keys, values, places)
    behind = torch.arange(positions)
    seen = (behind >= since[..., None]) & (behind <= places_of[..., None])
    wide_keys, wide_values = (
        each[chosen].repeat_interleave(heads // groups, dim=1) for each in (keys, values)
    )
    wanted = scaled_dot_product_attention(
        queries.transpose(1, 2), wide_keys, wide_values, attn_mask=seen[:, None]
    )
    torch.testing.assert_close(made, wanted.transpose(1, 2).reshape(batch * rows, -1))


def test_the_choice_among_three(numbers: torch.Generator) -> None:
    """Partial sums are added, the refused left out, and noise may lift the third."""
    logits = torch.zeros(2, 1, 10)
    logits[0, 0], logits[1, 0] = torch.arange(10.0), torch.tensor([0.0] * 9 + [100.0])
    refused = torch.zeros(10, dtype=torch.bool)
    refused[9] = True
    operations = TorchOperations()
    assert operations.choose(logits, refused, torch.zeros(1, 3)).tolist() == [8.0]
    assert operations.choose(logits, refused, torch.tensor([[0.0, 0.0, 3.0]])).tolist() == [6.0]
    assert tokens.TEXT_END < 2**24, "ids are exact in float32"
