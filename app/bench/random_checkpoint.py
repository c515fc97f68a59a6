"""A checkpoint of the released sizes and layout with random weights, for measuring speed.

The real weights are 16 GB of download; how long a step takes does not depend on their values, as
long as activations stay finite. Run as a program: `python -m everlisten.app.bench.random_checkpoint
FOLDER`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.laim.key_map import RELEASED_KEYS, key_shapes
from everlisten.engine.laim.released_layout import INDEX_FILE, write_configurations
from everlisten.engine.laim.sizes import (
    RELEASED_LANGUAGE_MODEL,
    RELEASED_TOWER,
    TowerSize,
)
from everlisten.engine.laim.tensor_file import TensorFileWriter, TensorSpec
from everlisten.engine.laim.tower_weights import TOWER_FILE, tower_shapes
from everlisten.engine.laim.weight_files import all_parts
from everlisten.engine.laim.weights import LanguageModelSize

_STD = 0.02
_SHARD_BYTES = 4_000_000_000


def write_random_checkpoint(
    folder: Path,
    size: LanguageModelSize = RELEASED_LANGUAGE_MODEL,
    tower_size: TowerSize = RELEASED_TOWER,
    *,
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 0,
    shard_bytes: int = _SHARD_BYTES,
) -> None:
    """Write the released layout: shards with an index, the tower's pickle, both configurations.

    Matrices and biases are normal with deviation 0.02, norms' scales 1 with that deviation. The
    numbers depend on the device that draws them: the GPU, if there is one.

    Args:
        folder: Made if it is missing; files in it are overwritten.
        size: Of the language model.
        tower_size: Of the audio tower.
        dtype: As stored.
        seed: Of the random numbers.
        shard_bytes: A shard is closed before it would pass this size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    numbers = torch.Generator(device).manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    for part, layer in all_parts(size):
        shapes |= key_shapes(RELEASED_KEYS, part, layer, size)
    shards = _shards({key: TensorSpec(dtype, shape) for key, shape in shapes.items()}, shard_bytes)
    places: dict[str, str] = {}
    for number, specs in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        places |= dict.fromkeys(specs, name)
        _write_shard(folder / name, specs, numbers)
    index = {"metadata": {}, "weight_map": places}
    (folder / INDEX_FILE).write_text(json.dumps(index, indent=1), encoding="utf-8")
    state = {
        key: _draw(key, TensorSpec(dtype, shape), numbers).cpu()
        for key, shape in tower_shapes(tower_size).items()
    }
    torch.save(state, folder / TOWER_FILE)
    write_configurations(folder, size, tower_size, name="random")


def _shards(specs: Mapping[str, TensorSpec], limit: int) -> list[dict[str, TensorSpec]]:
    shards: list[dict[str, TensorSpec]] = [{}]
    used = 0
    for key, spec in specs.items():
        if shards[-1] and used + spec.bytes > limit:
            shards.append({})
            used = 0
        shards[-1][key] = spec
        used += spec.bytes
    return shards


def _write_shard(path: Path, specs: Mapping[str, TensorSpec], numbers: torch.Generator) -> None:
    writer = TensorFileWriter(path, specs, {"format": "pt"})
    try:
        for key, row, rows in _row_blocks(specs):
            spec = TensorSpec(specs[key].dtype, (rows, *specs[key].shape[1:]))
            writer.write(key, _draw(key, spec, numbers), row)
    finally:
        writer.close()


def _row_blocks(specs: Mapping[str, TensorSpec]) -> Iterator[tuple[str, int, int]]:
    """(key, first row, rows): blocks of some 64 million numbers."""
    for key, spec in specs.items():
        step = max(1, (1 << 26) // max(1, spec.shape[-1]))
        for row in range(0, spec.shape[0], step):
            yield key, row, min(step, spec.shape[0] - row)


def _draw(key: str, spec: TensorSpec, numbers: torch.Generator) -> Tensor:
    values = torch.randn(spec.shape, generator=numbers, device=numbers.device).mul_(_STD)
    scale = len(spec.shape) == 1 and key.endswith("weight")
    return (values.add_(1) if scale else values).to(spec.dtype)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_random_checkpoint(parser.parse_args().folder)
