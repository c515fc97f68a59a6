"""Key names of the language model's tensors in the two layouts, and the shapes they must have.

The released layout names tensors as litgpt does and stores queries, keys and values as one matrix;
the converted layout names them as transformers' `Qwen2ForCausalLM` does, apart. In memory both
become the fused parts of `LayerWeights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from everlisten.engine.laim.weights import LanguageModelSize

LayerPart = Literal["input_norm", "qkv", "qkv_bias", "out", "post_norm", "gate_up", "down"]
ModelPart = Literal["embedding", "norm", "head"]

LAYER_PARTS: tuple[LayerPart, ...] = (
    "input_norm",
    "qkv",
    "qkv_bias",
    "out",
    "post_norm",
    "gate_up",
    "down",
)
MODEL_PARTS: tuple[ModelPart, ...] = ("embedding", "norm", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMap:
    """One layout's names; the tensors of a part are stacked by rows in the order given."""

    layer_prefix: str
    layer: Mapping[LayerPart, tuple[str, ...]]
    model: Mapping[ModelPart, str]
    interleaved: bool = False
    """Rows of qkv are grouped by key/value head: its queries, its key, its value, and so on."""

    def keys(self, part: LayerPart | ModelPart, layer: int | None = None) -> tuple[str, ...]:
        """The keys of a part: of layer `layer`, or of the model's own (embedding, norm, head)."""
        if layer is None:
            assert part in MODEL_PARTS
            return (self.model[part],)
        assert part in LAYER_PARTS
        prefix = self.layer_prefix.format(layer)
        return tuple(prefix + name for name in self.layer[part])


RELEASED_KEYS = KeyMap(
    layer_prefix="transformer.h.{}.",
    layer={
        "input_norm": ("norm_1.weight",),
        "qkv": ("attn.qkv.weight",),
        "qkv_bias": ("attn.qkv.bias",),
        "out": ("attn.proj.weight",),
        "post_norm": ("norm_2.weight",),
        "gate_up": ("mlp.fc_1.weight", "mlp.fc_2.weight"),
        "down": ("mlp.proj.weight",),
    },
    model={
        "embedding": "transformer.wte.weight",
        "norm": "transformer.ln_f.weight",
        "head": "lm_head.weight",
    },
)

LEGACY_KEYS = KeyMap(
    layer_prefix=RELEASED_KEYS.layer_prefix,
    layer={
        **RELEASED_KEYS.layer,
        "qkv": ("attn.attn.weight",),
        "qkv_bias": ("attn.attn.bias",),
    },
    model=RELEASED_KEYS.model,
    interleaved=True,
)
"""litgpt before 0.5: the same but for qkv's name and the order of its rows."""

CONVERTED_KEYS = KeyMap(
    layer_prefix="model.layers.{}.",
    layer={
        "input_norm": ("input_layernorm.weight",),
        "qkv": tuple(f"self_attn.{name}_proj.weight" for name in "qkv"),
        "qkv_bias": tuple(f"self_attn.{name}_proj.bias" for name in "qkv"),
        "out": ("self_attn.o_proj.weight",),
        "post_norm": ("post_attention_layernorm.weight",),
        "gate_up": ("mlp.gate_proj.weight", "mlp.up_proj.weight"),
        "down": ("mlp.down_proj.weight",),
    },
    model={
        "embedding": "model.embed_tokens.weight",
        "norm": "model.norm.weight",
        "head": "lm_head.weight",
    },
)


CONTROL_ROWS_KEY = "lm_head.control_rows"
"""The head's rows of `tokens.CONTROL_CHOICES`, stored beside a quantized head."""


def part_rows(part: LayerPart | ModelPart, size: LanguageModelSize) -> tuple[int, ...]:
    """Rows of the tensors that a part is made of, where they are stored apart."""
    queries = size.query_heads * size.head_width
    keys = size.kv_heads * size.head_width
    match part:
        case "qkv" | "qkv_bias":
            return (queries, keys, keys)
        case "gate_up":
            return (size.feed_forward, size.feed_forward)
        case "embedding" | "head":
            return (size.vocabulary,)
        case _:
            return (size.width,)


def part_inputs(part: LayerPart | ModelPart, size: LanguageModelSize) -> int | None:
    """K of a part that is a matrix; None for norms and biases."""
    match part:
        case "input_norm" | "post_norm" | "norm" | "qkv_bias":
            return None
        case "out":
            return size.query_heads * size.head_width
        case "down":
            return size.feed_forward
        case _:
            return size.width


def key_shapes(
    keys: KeyMap, part: LayerPart | ModelPart, layer: int | None, size: LanguageModelSize
) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of a part, unquantized."""
    names = keys.keys(part, layer)
    rows = part_rows(part, size)
    if len(names) != len(rows):
        rows = (sum(rows),)
    inputs = part_inputs(part, size)
    tail = () if inputs is None else (inputs,)
    return {name: (count, *tail) for name, count in zip(names, rows, strict=True)}


def ungrouped_rows(size: LanguageModelSize) -> Tensor:
    """Where each row of a fused qkv stands in an interleaved one; int64 [(H + 2 G) C]."""
    per_group = size.query_heads // size.kv_heads + 2
    rows = torch.arange(size.kv_heads * per_group * size.head_width)
    grouped = rows.view(size.kv_heads, per_group, size.head_width)
    parts = (grouped[:, :-2], grouped[:, -2], grouped[:, -1])
    return torch.cat([part.flatten() for part in parts])
