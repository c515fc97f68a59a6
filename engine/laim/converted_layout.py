"""The checkpoint's folder as `everlisten models convert` writes it.

- `everlisten.json`: format and version, precision, sizes of both networks.
- `model.safetensors`: the language model by the names of transformers' Qwen2 (`KeyMap`), and the
  audio tower's tensors behind `audio_tower.`. A quantized matrix KEY is stored as KEY (int8) and
  KEY_scale, or as KEY_packed (uint8), KEY_scale and KEY_zero: see `Int8Matrix` and `Int4Matrix`.
- `tokenizer.json`, if the source had one.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.key_map import CONVERTED_KEYS
from everlisten.engine.laim.precision import PRECISIONS
from everlisten.engine.laim.sizes import ConfigFields, TowerSize, read_mapping
from everlisten.engine.laim.stored_checkpoint import (
    TOWER_PREFIX,
    StoredCheckpoint,
    StoredSummary,
)
from everlisten.engine.laim.tower_weights import tower_shapes
from everlisten.engine.laim.weight_files import WantedTensor, WeightFiles, wanted_language_model
from everlisten.engine.laim.weights import GROUP, LanguageModelSize

CONFIG_FILE = "everlisten.json"
TENSOR_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
_FORMAT = "everlisten-audio-interaction"
_VERSION = 1

Size = TypeVar("Size", LanguageModelSize, TowerSize)


def is_converted(folder: Path) -> bool:
    """Whether a folder is in this layout."""
    return (folder / CONFIG_FILE).exists()


def config_text(summary: StoredSummary) -> str:
    """What `everlisten.json` says of a checkpoint."""
    config = {
        "format": _FORMAT,
        "version": _VERSION,
        "precision": summary.stored,
        "int4_group": GROUP,
        "language_model": asdict(summary.size),
        "audio_tower": asdict(summary.tower_size),
    }
    return json.dumps(config, indent=1) + "\n"


def read_converted_summary(folder: Path) -> StoredSummary:
    """Precision and sizes of a converted checkpoint.

    Raises:
        ModelLoadError: The configuration is missing or wrong.
    """
    path = folder / CONFIG_FILE
    values = read_mapping(path)
    for key, wanted in (("format", _FORMAT), ("version", _VERSION), ("int4_group", GROUP)):
        if values.get(key) != wanted:
            raise ModelLoadError(
                f"{path}: {key} is {values.get(key)!r}, not {wanted!r}; convert the original "
                "checkpoint with this version"
            )
    if values.get("precision") not in PRECISIONS:
        raise ConfigFields(path, values).error(
            "precision", values.get("precision"), f"one of {', '.join(PRECISIONS)}"
        )
    tokenizer = folder / TOKENIZER_FILE
    return StoredSummary(
        folder=folder,
        size=_size(LanguageModelSize, path, values.get("language_model")),
        tower_size=_size(TowerSize, path, values.get("audio_tower")),
        stored=values["precision"],
        tokenizer_file=tokenizer if tokenizer.is_file() else None,
    )


def open_converted(folder: Path) -> StoredCheckpoint:
    """Open a converted checkpoint; the caller closes its `files`.

    Raises:
        ModelLoadError: A file or key is missing, damaged or not what it should be.
    """
    summary = read_converted_summary(folder)
    return StoredCheckpoint(
        summary=summary,
        keys=CONVERTED_KEYS,
        files=WeightFiles([folder / TENSOR_FILE], wanted_tensors(summary)),
        tower_file=None,
    )


def wanted_tensors(summary: StoredSummary) -> dict[str, WantedTensor]:
    """Every tensor of the converted file."""
    assert summary.stored is not None
    wanted = wanted_language_model(CONVERTED_KEYS, summary.size, summary.stored)
    for key, shape in tower_shapes(summary.tower_size).items():
        wanted[TOWER_PREFIX + key] = WantedTensor(shape)
    return wanted


def _size(kind: type[Size], path: Path, values: Any) -> Size:
    if not isinstance(values, dict):
        raise ModelLoadError(f"{path}: the sizes are missing; convert the checkpoint again")
    config = ConfigFields(path, values)
    # Annotations are strings here; both dataclasses hold nothing but these two types, or None.
    numbers: dict[str, Any] = {
        field.name: config.number(field.name) if field.type == "float" else config.count(field.name)
        for field in fields(kind)
        if field.default is MISSING or config.values.get(field.name) is not None
    }
    return kind(**numbers)
