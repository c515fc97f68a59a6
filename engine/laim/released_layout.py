"""The checkpoint's folder as it was released: litgpt's names, shards and an index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.key_map import LEGACY_KEYS, RELEASED_KEYS
from everlisten.engine.laim.sizes import (
    LANGUAGE_MODEL_CONFIG,
    TOWER_CONFIG,
    read_language_model_size,
    read_mapping,
    read_tower_size,
)
from everlisten.engine.laim.stored_checkpoint import StoredCheckpoint, StoredSummary
from everlisten.engine.laim.tensor_file import TensorFile
from everlisten.engine.laim.tower_weights import TOWER_FILE
from everlisten.engine.laim.weight_files import WeightFiles, wanted_language_model

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
