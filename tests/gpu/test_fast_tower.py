"""The tower's kernels compute what its plain layers compute."""

from __future__ import annotations

import os

import pytest
import torch

pytestmark = pytest.mark.gpu
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
if not torch.cuda.is_available() and not INTERPRETED:
    pytest.skip("needs a CUDA GPU", allow_module_level=True)

from everlisten.engine.laim.fast_tower import FastTowerLayers  # noqa: E402
from everlisten.engine.laim.tower import Affine, TowerLayer, layer_rows  # noqa: E402

DEVICE = "cpu" if INTERPRETED else "cuda"
DTYPE = torch.float16 if INTERPRETED else torch.bfloat16
WIDTH, HEADS, INNER, ROWS = 128, 2, 512, 20


def affine(random: torch.Generator, outputs: int, *inputs: int) -> Affine:
    weight = torch.randn(outputs, *inputs, generator=random) / 10 + (0.0 if inputs else 1.0)
    bias = torch.randn(outputs, generator=random) / 10
    return Affine(weight.to(DEVICE, DTYPE), bias.to(DEVICE, DTYPE))


@pytest.mark.parametrize("overlap", [False, True])
def test_layers(overlap: bool) -> None:
    if overlap and INTERPRETED:
        pytest.skip("the interpreter overlaps nothing")
    random = torch.Generator().manual_seed(3)
    layers = tuple(
        TowerLayer(
            attention_norm=affine(random, WIDTH),
            qkv=affine(random, 3 * WIDTH, WIDTH),
            out=affine(random, WIDTH, WIDTH),
            feed_forward_norm=affine(random, WIDTH),
            up=affine(random, INNER, WIDTH),
            down=affine(random, WIDTH, INNER),
        )
        for _ in range(3)
    )
    rows = torch.randn(ROWS, WIDTH, generator=random).to(DEVICE, DTYPE)
    fast = FastTowerLayers(layers, HEADS, 1e-5, overlap=overlap).run(rows).float()
    plain = rows[None].float()
    for layer in layers:
        exact = TowerLayer(
            **{
                name: Affine(value.weight.float(), value.bias.float())
                for name in TowerLayer.__dataclass_fields__
                if (value := getattr(layer, name))
            }
        )
        plain = layer_rows(plain, exact, HEADS)
    assert (fast - plain[0]).norm() / plain.norm() < 1e-2
