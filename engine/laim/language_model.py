"""The language model: Qwen2.5's layers over a preallocated cache, written once for every device.

The same functions run eagerly, compiled, or captured in a CUDA graph; only the `Operations` differ.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from everlisten.engine.laim.kv_cache import KvCache
from everlisten.engine.laim.operations import Operations, Places
from everlisten.engine.laim.weights import LanguageModelSize, LanguageModelWeights, LayerWeights

LayerFunction = Callable[..., Tensor]


def rotary_table(size: LanguageModelSize, positions: int, device: torch.device) -> Tensor:
    """float32 [2, P, C / 2]: cosine and sine of every position's angles.

    The released code rounds positions to float16, which is exact up to 2,048; in float32 all are.
    """
    exponents = torch.arange(0, size.head_width, 2, dtype=torch.float64) / size.head_width
    angles = torch.arange(positions, dtype=torch.float64)[:, None] / size.rope_base**exponents
    return torch.stack((angles.cos(), angles.sin())).float().to(device)


def layer_step(
    residual: Tensor,
    delta: Tensor,
    weights: LayerWeights,
    keys: Tensor,
    values: Tensor,
    places: Places,
    size: LanguageModelSize,
    operations: Operations,
) -> Tensor:
    """One layer.

    Args:
        residual: float32 [M, D]; `delta` and the attention's output are added in place.
        delta: float32 [S, M, D]; what the layer before adds.
        weights: Of this layer.
        keys: [S, G, P, C] of this layer; the rows' keys are put in place.
        values: The same for values.
        places: Where the rows lie.
        size: Sizes of the model.
        operations: How it is computed.

    Returns:
        float32 [S, M, D]: what this layer adds.
    """
    normed = operations.add_norm(residual, delta, weights.input_norm, size.norm_eps)
    qkv = operations.project(normed, weights.qkv)
    queries = operations.rotate_store(qkv, weights.qkv_bias, keys, values, places, size)
    mixed = operations.attend(queries, keys, values, places)
    delta = operations.project(mixed, weights.out)
    normed = operations.add_norm(residual, delta, weights.post_norm, size.norm_eps)
    return operations.project(operations.gate(normed, weights.gate_up), weights.down)


def hidden_rows(
    embeddings: Tensor,
    places: Places,
    read: Tensor,
    weights: LanguageModelWeights,
    cache: KvCache,
    operations: Operations,
    layer: LayerFunction = layer_step,
) -> Tensor:
    """All layers.

    Args:
        embeddings: [B, T, D]; what goes in.
        places: Where the rows lie.
        read: int64 [B R]; the rows of the B T that are wanted.
        weights: Of the model.
        cache: Keys and values; the rows' are put in place.
        operations: How it is computed.
        layer: `layer_step`, or the same compiled.

    Returns:
        [B R, D]: after the last norm.
    """
    residual = embeddings.flatten(0, 1).float()
    delta = torch.zeros_like(residual)[None]
    for index, one in enumerate(weights.layers):
        keys, values = cache.keys[index], cache.values[index]
        delta = layer(residual, delta, one, keys, values, places, weights.size, operations)
    wanted = residual[read]
    return operations.add_norm(wanted, delta[:, read], weights.norm, weights.size.norm_eps)
