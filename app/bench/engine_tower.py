"""Time of the audio tower for one chunk, the streaming log-mel spectrum before it included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from everlisten.app.bench.engine_report import Row, Table
from everlisten.app.bench.engine_timing import measure
from everlisten.audio_io.chunk import CHUNK_SAMPLES

if TYPE_CHECKING:
    from torch import Tensor

    from everlisten.engine.laim.tower import TowerMode, TowerWeights

_SLOW_COUNT = 30
_LOUDNESS = 0.1


def tower_table(
    weights: TowerWeights,
    *,
    modes: Sequence[TowerMode],
    bandwidth: float,
    count: int,
    limit_s: float,
) -> Table:
    """Measure log-mel, and the tower in every mode; `count` chunks in the last one."""
    from everlisten.engine.laim.log_mel import LogMelStream
    from everlisten.engine.laim.tower import TowerStep

    device = weights.projection.weight.device
    floor_ms = tower_bytes(weights) / bandwidth * 1e3
    sound = np.random.default_rng(0).standard_normal(CHUNK_SAMPLES).astype(np.float32) * _LOUDNESS
    stream = LogMelStream(weights.size.mel_bins)
    state = stream.new_state()
    timing = measure(lambda: stream.step(sound, state), device=device, count=count, limit_s=limit_s)
    rows: list[Row] = [{"what": "log-mel spectrum (CPU)", **timing.cells()}]
    frames = _as_tensor(stream.step(sound, state)[0])
    for mode in modes:
        tower = TowerStep(weights, mode)
        tower.prepare()
        timing = measure(
            partial(tower.forward, frames),
            device=device,
            count=count if mode == modes[-1] else _SLOW_COUNT,
            limit_s=limit_s,
        )
        row: Row = {"what": f"audio tower, {mode}", **timing.cells()}
        row |= {"floor ms": round(floor_ms, 3), "times floor": round(timing.p50_ms / floor_ms, 2)}
        rows.append(row)
    return Table("Audio tower, one chunk of 0.4 s", tuple(rows))


def tower_bytes(weights: TowerWeights) -> int:
    """Bytes of weights that one chunk reads."""
    rows_used = 20 * weights.positions.shape[1] * weights.positions.element_size()
    everything = sum(each.numel() * each.element_size() for each in _tensors(weights))
    return everything - weights.positions.numel() * weights.positions.element_size() + rows_used


def _as_tensor(frames: np.ndarray) -> Tensor:
    import torch

    return torch.from_numpy(frames)


def _tensors(value: object) -> Iterator[Tensor]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _tensors(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))
