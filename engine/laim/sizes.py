"""Sizes of a checkpoint's two networks, as its configuration files state them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.tokens import TURN_ROWS
from everlisten.engine.laim.weights import LanguageModelSize

LANGUAGE_MODEL_CONFIG = "model_config.yaml"
TOWER_CONFIG = "qwen25OmniConfig/config.json"

# What the step computes; another architecture under the same key names would give nonsense.
_ARCHITECTURE: dict[str, object] = {
    "norm_class_name": "RMSNorm",
    "mlp_class_name": "LLaMAMLP",
    "parallel_residual": False,
    "rotary_percentage": 1.0,
    "attn_bias": True,
    "bias": False,
    "lm_head_bias": False,
    "norm_qk": False,
    "scale_embeddings": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerSize:
    """Sizes of the audio tower (Qwen2.5-Omni's audio encoder)."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    mel_bins: int
    n_window: int
    """Half a window: without chunks, attention spans 2 * n_window frames of 10 ms."""
    positions: int
    """Rows of the sinusoid table, 20 ms each."""
    output_width: int
    """D of the language model."""


RELEASED_LANGUAGE_MODEL = LanguageModelSize(
    layers=36,
    width=2048,
    query_heads=16,
    kv_heads=2,
    head_width=128,
    feed_forward=11008,
    vocabulary=151936,
    norm_eps=1e-6,
    rope_base=1e6,
)
"""Qwen2.5-3B; embedding and head are separate matrices."""

RELEASED_TOWER = TowerSize(
    width=1280,
    layers=32,
    heads=20,
    feed_forward=5120,
    mel_bins=128,
    n_window=100,
    positions=1500,
    output_width=2048,
)
"""The audio tower of Qwen2.5-Omni-3B."""


def read_language_model_size(path: Path) -> LanguageModelSize:
    """Sizes from litgpt's `model_config.yaml`.

    Raises:
        ModelLoadError: The file is missing, is no YAML, lacks a key or names another architecture.
    """
    fields = ConfigFields(path, read_mapping(path))
    for key, wanted in _ARCHITECTURE.items():
        if key in fields.values and fields.values[key] != wanted:
            raise ModelLoadError(
                f"{path}: {key} is {fields.values[key]!r}, but only {wanted!r} can be run; "
                "use a checkpoint of Audio-Interaction's architecture"
            )
    width, heads = fields.count("n_embd"), fields.count("n_head")
    groups = fields.count("n_query_groups", heads)
    if heads % groups:
        raise ModelLoadError(f"{path}: n_head {heads} is not a multiple of n_query_groups {groups}")
    return LanguageModelSize(
        layers=fields.count("n_layer"),
        width=width,
        query_heads=heads,
        kv_heads=groups,
        head_width=fields.count("head_size", width // heads),
        feed_forward=fields.count("intermediate_size"),
        vocabulary=fields.count("padded_vocab_size"),
        norm_eps=fields.number("norm_eps"),
        rope_base=fields.number("rope_base"),
        window_chunks=_window_chunks(fields),
    )


def _window_chunks(fields: ConfigFields) -> int | None:
    """litgpt's window, which counts rows; here it moves by whole chunks, those that were silent."""
    if fields.values.get("sliding_window_size") is None:
        return None
    rows = fields.count("sliding_window_size")
    if rows % TURN_ROWS:
        wanted = f"a multiple of {TURN_ROWS}, the rows of a chunk"
        raise fields.error("sliding_window_size", rows, wanted)
    layers = fields.values.get("sliding_window_indices")
    if layers is not None and not (isinstance(layers, list) and all(layers)):
        raise fields.error("sliding_window_indices", layers, "a window in every layer")
    return rows // TURN_ROWS


def read_tower_size(path: Path) -> TowerSize:
    """Sizes from Qwen2.5-Omni's `config.json`, `thinker_config.audio_config` in it.

    Raises:
        ModelLoadError: The file is missing, is no JSON or lacks a key.
    """
    values: Any = read_mapping(path)
    for key in ("thinker_config", "audio_config"):
        values = values.get(key)
        if not isinstance(values, Mapping):
            raise ModelLoadError(f"{path}: the key {key} is missing; fetch this file again")
    fields = ConfigFields(path, values)
    return TowerSize(
        width=fields.count("d_model"),
        layers=fields.count("encoder_layers"),
        heads=fields.count("encoder_attention_heads"),
        feed_forward=fields.count("encoder_ffn_dim"),
        mel_bins=fields.count("num_mel_bins"),
        n_window=fields.count("n_window"),
        positions=fields.count("max_source_positions"),
        output_width=fields.count("output_dim"),
    )


@dataclass(frozen=True, slots=True)
class ConfigFields:
    """Values of one file; what is wrong is reported with the file's name."""

    path: Path
    values: Mapping[str, Any]

    def count(self, key: str, default: int | None = None) -> int:
        """A whole number above 0."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.error(key, value, "a whole number above 0")
        return value

    def number(self, key: str) -> float:
        """A number above 0."""
        value = self.values.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise self.error(key, value, "a number above 0")
        return float(value)

    def error(self, key: str, value: object, wanted: str) -> ModelLoadError:
        """What to raise about a value that is not what was wanted."""
        what = f"{key} is {value!r}, not {wanted}" if key in self.values else f"{key} is missing"
        return ModelLoadError(f"{self.path}: {what}; fetch this file again")


def read_mapping(path: Path) -> Mapping[str, Any]:
    """The settings in a JSON or YAML file.

    Raises:
        ModelLoadError: The file is missing or holds no settings.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError as error:
        raise ModelLoadError(f"{path} is missing; fetch the checkpoint again") from error
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        kind = path.suffix.lstrip(".").upper()
        raise ModelLoadError(f"{path} is not valid {kind}; fetch this file again") from error
    if not isinstance(values, Mapping):
        raise ModelLoadError(f"{path} holds no settings; fetch this file again")
    return values
