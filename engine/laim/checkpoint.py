"""Loads a checkpoint from its folder, in the released or the converted layout."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.converted_layout import (
    is_converted,
    open_converted,
    read_converted_summary,
)
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.released_layout import is_released, open_released, read_released_summary
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.stored_checkpoint import StoredCheckpoint, StoredSummary, Target
from everlisten.engine.laim.tower_weights import TOWER_FILE
from everlisten.engine.laim.weights import LanguageModelWeights, LayerWeights

logger = logging.getLogger(__name__)

LoadProgress = Callable[[int, int], None]
"""Called with (layers done, layers in all)."""

_PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything that running a checkpoint needs."""

    weights: LanguageModelWeights
    tower_state: dict[str, Tensor]
    """Keys as in Qwen2.5-Omni's audio encoder; bf16, or float32 on a CPU."""
    tower_size: TowerSize
    tokenizer_file: Path | None
    precision: Precision


def read_summary(folder: Path) -> StoredSummary:
    """Sizes and stored precision of a checkpoint, without its tensors.

    Raises:
        ModelLoadError: The folder holds no checkpoint, holds a pickle, or its configuration is
            wrong.
    """
    return (
        read_converted_summary(folder) if _is_converted(folder) else read_released_summary(folder)
    )


def open_checkpoint(folder: Path) -> StoredCheckpoint:
    """Open a checkpoint of either layout; the caller closes its `files`.

    Raises:
        ModelLoadError: The folder holds no checkpoint, holds a pickle, or a file or key is missing,
            damaged or not what it should be.
    """
    return open_converted(folder) if _is_converted(folder) else open_released(folder)


def load_checkpoint(
    folder: Path,
    *,
    device: str | torch.device,
    precision: Precision,
    progress: LoadProgress | None = None,
) -> Checkpoint:
    """Load both networks onto a device, tensor by tensor.

    Args:
        folder: The checkpoint's folder.
        device: Where to.
        precision: What matrices are kept in; weights that are stored quantized can only be loaded
            as they are.
        progress: Called after each layer.

    Raises:
        ModelLoadError: The checkpoint is damaged or incomplete, cannot be had in this precision, or
            does not fit into the device's memory.
    """
    started = time.monotonic()
    stored = open_checkpoint(folder)
    with stored.files:
        check_precision(stored.summary, precision)
        target = Target(torch.device(device), precision)
        try:
            tower_state = dict(stored.tower(target))
            weights = _language_model(stored, target, progress)
        except torch.OutOfMemoryError as error:
            raise ModelLoadError(
                f"The weights in {folder} do not fit into the memory of {device} in {precision}; "
                "choose a lower precision or close programs that use this memory"
            ) from error
    logger.info("loaded %s in %s in %.1f s", folder, precision, time.monotonic() - started)
    return Checkpoint(
        weights=weights,
        tower_state=tower_state,
        tower_size=stored.summary.tower_size,
        tokenizer_file=stored.summary.tokenizer_file,
        precision=precision,
    )


def _language_model(
    stored: StoredCheckpoint, to: Target, progress: LoadProgress | None
) -> LanguageModelWeights:
    size = stored.summary.size
    # The largest first, while there is room for what quantizing it takes beside it.
    embedding = stored.vector("embedding", None, to)
    head, control_rows = stored.head(to)
    layers = []
    for layer in range(size.layers):
        layers.append(_layer(stored, layer, to))
        if progress is not None:
            progress(layer + 1, size.layers)
    return LanguageModelWeights(
        size=size,
        embedding=embedding,
        layers=tuple(layers),
        norm=stored.vector("norm", None, to),
        head=head,
        control_rows=control_rows,
    )


def _layer(stored: StoredCheckpoint, layer: int, to: Target) -> LayerWeights:
    return LayerWeights(
        input_norm=stored.vector("input_norm", layer, to),
        qkv=stored.matrix("qkv", layer, to),
        qkv_bias=stored.vector("qkv_bias", layer, to),
        out=stored.matrix("out", layer, to),
        post_norm=stored.vector("post_norm", layer, to),
        gate_up=stored.matrix("gate_up", layer, to),
        down=stored.matrix("down", layer, to),
    )


def check_precision(summary: StoredSummary, precision: Precision) -> None:
    """Refuse another precision for weights that are stored quantized."""
    if summary.stored in ("int8", "int4") and summary.stored != precision:
        raise ModelLoadError(
            f"The weights in {summary.folder} are stored as {summary.stored} and cannot be run in "
            f"{precision}; choose {summary.stored} or take the original checkpoint"
        )


def _is_converted(folder: Path) -> bool:
    """Which layout a folder is in; refuses what is neither, and any pickle that is not expected."""
    if not folder.is_dir():
        raise ModelLoadError(f"The model folder {folder} is missing; check the path")
    converted = is_converted(folder)
    if not converted and not is_released(folder):
        raise ModelLoadError(
            f"{folder} holds no Audio-Interaction checkpoint: neither model_config.yaml nor "
            "everlisten.json is there; check the path"
        )
    for path in sorted(folder.iterdir()):
        expected = path.name == TOWER_FILE and not converted
        if path.suffix.lower() in _PICKLE_SUFFIXES and not expected:
            raise ModelLoadError(
                f"{path} is a pickle, which can run code when it is loaded; delete it, its weights "
                "are read from safetensors files alone"
            )
    return converted
