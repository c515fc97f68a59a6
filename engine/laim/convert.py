"""Writes a checkpoint in the converted layout, one part at a time."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.checkpoint import check_precision, open_checkpoint
from everlisten.engine.laim.converted_layout import (
    CONFIG_FILE,
    TENSOR_FILE,
    TOKENIZER_FILE,
    config_text,
    wanted_tensors,
)
from everlisten.engine.laim.key_map import CONTROL_ROWS_KEY, CONVERTED_KEYS, part_rows
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.quantize import float_dtype
from everlisten.engine.laim.stored_checkpoint import TOWER_PREFIX, StoredCheckpoint, Target
from everlisten.engine.laim.tensor_file import TensorFileWriter, TensorSpec
from everlisten.engine.laim.weight_files import all_parts, component_suffixes
from everlisten.engine.laim.weights import Int4Matrix, Int8Matrix, Matrix

ConvertProgress = Callable[[int, int], None]
"""Called with (bytes written, bytes in all)."""

_RESERVE_BYTES = 64 << 20
"""Left free on the disk."""


def convert(
    source: Path,
    target: Path,
    precision: Precision,
    progress: ConvertProgress | None = None,
    *,
    device: str | torch.device = "cpu",
) -> None:
    """Write the checkpoint in `source` to the new folder `target`.

    The folder appears under its name only when everything is in it.

    Args:
        source: A checkpoint in either layout, not quantized.
        target: Folder to make; may exist if it is empty.
        precision: Of what is written.
        progress: Called after each tensor.
        device: Where matrices are quantized; a GPU takes seconds where a CPU takes minutes.

    Raises:
        ModelLoadError: The source is damaged, the target is in use, or the disk refuses.
    """
    _check_target(target)
    stored = open_checkpoint(source)
    with stored.files:
        check_precision(stored.summary, precision)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.parent / f".{target.name}-{os.getpid()}"
            temporary.mkdir()
        except OSError as error:
            raise _unwritable(target, error) from error
        try:
            _write(stored, temporary, Target(torch.device(device), precision), progress)
            _rename(temporary, target)
        except OSError as error:
            raise _unwritable(target, error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(
    stored: StoredCheckpoint, folder: Path, to: Target, progress: ConvertProgress | None
) -> None:
    summary = dataclasses.replace(stored.summary, stored=to.precision)
    dtype = float_dtype(to.precision)
    specs = {
        key: TensorSpec(wanted.dtype or dtype, wanted.shape)
        for key, wanted in wanted_tensors(summary).items()
    }
    total = sum(spec.bytes for spec in specs.values())
    _check_space(folder, total)
    done = 0
    metadata = {"format": "pt", "precision": to.precision}
    with closing(TensorFileWriter(folder / TENSOR_FILE, specs, metadata)) as writer:
        for key, tensor in _tensors(stored, to):
            writer.write(key, tensor.to(specs[key].dtype))
            done += specs[key].bytes
            if progress is not None:
                progress(done, total)
    assert done == total
    if summary.tokenizer_file is not None:
        shutil.copyfile(summary.tokenizer_file, folder / TOKENIZER_FILE)
    (folder / CONFIG_FILE).write_text(config_text(summary), encoding="utf-8")


def _tensors(stored: StoredCheckpoint, to: Target) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the converted file with its key; one part is in memory at a time."""
    for key, tensor in stored.tower(to):
        yield TOWER_PREFIX + key, tensor
    size = stored.summary.size
    for part, layer in all_parts(size):
        matrix: Matrix
        if part == "head":
            matrix, control_rows = stored.head(to)
            if not isinstance(matrix, Tensor):
                yield CONTROL_ROWS_KEY, control_rows
        else:
            matrix = stored.matrix(part, layer, to)
        keys = CONVERTED_KEYS.keys(part, layer)
        rows = part_rows(part, size)
        for suffix, tensor in _components(matrix):
            for key, piece in zip(keys, torch.split(tensor, list(rows)), strict=True):
                yield key + suffix, piece


def _components(matrix: Matrix) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a matrix with what is added to its key."""
    if isinstance(matrix, Tensor):
        yield "", matrix
    elif isinstance(matrix, Int8Matrix):
        yield from zip(component_suffixes("int8"), (matrix.values, matrix.scale), strict=True)
    else:
        assert isinstance(matrix, Int4Matrix)
        tensors = (matrix.packed, matrix.scale, matrix.zero)
        yield from zip(component_suffixes("int4"), tensors, strict=True)


def _check_target(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ModelLoadError(f"{target} exists and is not empty; choose a new folder")


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _RESERVE_BYTES:
        raise ModelLoadError(
            f"The converted checkpoint needs {(needed + _RESERVE_BYTES) / 1e6:.0f} MB in "
            f"{folder.parent}, but only {free / 1e6:.0f} MB are free; make room there"
        )


def _rename(temporary: Path, target: Path) -> None:
    if target.exists():
        target.rmdir()
    temporary.rename(target)


def _unwritable(target: Path, error: OSError) -> ModelLoadError:
    return ModelLoadError(
        f"{target} could not be written: {error.strerror or error}; choose another folder, make "
        "room or make its folder writable"
    )
