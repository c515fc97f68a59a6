"""The checkpoint's folder as it was released: litgpt's names, shards and an index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.key_map import LEGACY_KEYS, RELEASED_KEYS
from everlisten.engine.laim.sizes import (
    LANGUAGE_MODEL_CONFIG,
    TOWER_CONFIG,
    TowerSize,
    read_language_model_size,
    read_mapping,
    read_tower_size,
)
from everlisten.engine.laim.stored_checkpoint import StoredCheckpoint, StoredSummary
from everlisten.engine.laim.tensor_file import TensorFile
from everlisten.engine.laim.tokens import TEXT_VOCABULARY, TURN_ROWS
from everlisten.engine.laim.tower_weights import TOWER_FILE
from everlisten.engine.laim.weight_files import WeightFiles, wanted_language_model
from everlisten.engine.laim.weights import LanguageModelSize

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"


def is_released(folder: Path) -> bool:
    """Whether a folder is in this layout."""
    return (folder / LANGUAGE_MODEL_CONFIG).exists()


def read_released_summary(folder: Path) -> StoredSummary:
    """Sizes of a released checkpoint.

    Raises:
        ModelLoadError: A configuration file is missing or wrong.
    """
    size = read_language_model_size(folder / LANGUAGE_MODEL_CONFIG)
    tower_size = read_tower_size(folder / TOWER_CONFIG)
    if tower_size.output_width != size.width:
        raise ModelLoadError(
            f"{folder / TOWER_CONFIG}: output_dim is {tower_size.output_width}, but n_embd in "
            f"{LANGUAGE_MODEL_CONFIG} is {size.width}; fetch both files again"
        )
    tokenizer = folder / TOKENIZER_FILE
    return StoredSummary(
        folder=folder,
        size=size,
        tower_size=tower_size,
        stored=None,
        tokenizer_file=tokenizer if tokenizer.is_file() else None,
    )


def open_released(folder: Path) -> StoredCheckpoint:
    """Open a released checkpoint; the caller closes its `files`.

    Raises:
        ModelLoadError: A file or key is missing, damaged or not what it should be.
    """
    summary = read_released_summary(folder)
    places = _places(folder)
    paths = [folder / name for name in sorted(set(places.values()))]
    legacy = any(key.endswith(LEGACY_KEYS.layer["qkv"][0]) for key in places)
    keys = LEGACY_KEYS if legacy else RELEASED_KEYS
    wanted = wanted_language_model(keys, summary.size, "bf16")
    return StoredCheckpoint(
        summary=summary,
        keys=keys,
        files=WeightFiles(paths, wanted, places),
        tower_file=folder / TOWER_FILE,
    )


def write_configurations(
    folder: Path, size: LanguageModelSize, tower: TowerSize, *, name: str
) -> None:
    """Write both configuration files; what they say of the architecture is always the same.

    Args:
        folder: Of the checkpoint.
        size: Of the language model.
        tower: Of the audio tower.
        name: Of the model.
    """
    language_model: dict[str, Any] = {
        "name": name,
        "block_size": 4096,
        "vocab_size": TEXT_VOCABULARY,
        "n_layer": size.layers,
        "n_embd": size.width,
        "n_head": size.query_heads,
        "n_query_groups": size.kv_heads,
        "head_size": size.head_width,
        "intermediate_size": size.feed_forward,
        "padded_vocab_size": size.vocabulary,
        "norm_eps": size.norm_eps,
        "rope_base": size.rope_base,
        "attn_bias": True,
        "bias": False,
        "mlp_class_name": "LLaMAMLP",
        "norm_class_name": "RMSNorm",
        "parallel_residual": False,
        "rotary_percentage": 1.0,
    }
    if size.window_chunks is not None:
        language_model["sliding_window_size"] = size.window_chunks * TURN_ROWS
    audio = {
        "d_model": tower.width,
        "encoder_layers": tower.layers,
        "encoder_attention_heads": tower.heads,
        "encoder_ffn_dim": tower.feed_forward,
        "num_mel_bins": tower.mel_bins,
        "n_window": tower.n_window,
        "max_source_positions": tower.positions,
        "output_dim": tower.output_width,
    }
    (folder / LANGUAGE_MODEL_CONFIG).write_text(yaml.safe_dump(language_model), encoding="utf-8")
    path = folder / TOWER_CONFIG
    path.parent.mkdir(exist_ok=True)
    config = {"thinker_config": {"audio_config": audio}}
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")


def _places(folder: Path) -> dict[str, str]:
    """File name of every key, from the index or, where there is none, the one file's header."""
    index, single = folder / INDEX_FILE, folder / SINGLE_FILE
    if not index.exists() and single.exists():
        with TensorFile(single) as file:
            return dict.fromkeys(file.specs, SINGLE_FILE)
    places = read_mapping(index).get("weight_map")
    if not isinstance(places, Mapping) or not places:
        raise ModelLoadError(f"{index}: weight_map is missing; fetch this file again")
    for key, name in places.items():
        if not isinstance(name, str) or Path(name).name != name or "\\" in name:
            raise ModelLoadError(
                f"{index}: {key} is said to be in {name!r}, which is no file name; fetch this file "
                "again"
            )
        if not name.endswith(".safetensors"):
            raise ModelLoadError(
                f"{index}: {key} is said to be in {name}, and only safetensors files are read; use "
                "a checkpoint in that format"
            )
    return {str(key): str(name) for key, name in places.items()}
