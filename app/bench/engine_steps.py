"""Time of one pass of the language model, for the shapes, lanes and windows of the fast path.

Floor: the bytes that the pass has to read (weights of all layers, the head if a text token is
wanted, keys and values up to the position) over the bandwidth of a copy inside the device's memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from everlisten.app.bench.engine_report import Row, Table
from everlisten.app.bench.engine_timing import Timing, measure
from everlisten.engine.laim.tokens import (
    ASSISTANT,
    AUDIO_TOKENS,
    CHUNK_TOKENS,
    KEEP_SILENCE,
    TEXT_VOCABULARY,
)

if TYPE_CHECKING:
    import torch

    from everlisten.engine.laim.step import LmStep, RowBlock, StepMode
    from everlisten.engine.laim.weights import LanguageModelWeights, Matrix

WINDOW = 2048
_EMPTY_POSITION = 50
"""Behind a prefix: a stream that has just begun."""
_ROOM_AT_END = 18
"""The full window: rows up to 14 fit behind this position."""
_SLOW_COUNT = 30
"""Passes that are timed of the modes and shapes that stand beside the fast path for comparison."""
_TEMPERATURE = 0.3


@dataclass(frozen=True, slots=True)
class StepShape:
    """Rows of one pass.

    Attributes:
        name: As in the table.
        tokens: Of every lane's block.
        read: Rows whose outputs are read.
        text: Whether a text token is chosen (the large head is needed), not only the decision.
    """

    name: str
    tokens: tuple[int, ...]
    read: tuple[int, ...]
    text: bool

    @property
    def chunks(self) -> int:
        """Audio chunks among the rows."""
        return self.tokens.count(ASSISTANT)


_TURN = (KEEP_SILENCE, *CHUNK_TOKENS)
_TEXT = TEXT_VOCABULARY // 2
SHAPES = (
    StepShape("1: text token", (_TEXT,), (0,), True),
    StepShape("13: chunk, decision", _TURN, (12,), False),
    StepShape("13: chunk, decision and text token", _TURN, (12,), True),
    StepShape(
        "14: chunk beside a text token", (*CHUNK_TOKENS, KEEP_SILENCE, _TEXT), (11, 13), True
    ),
)
CATCH_UP = StepShape("104: eight chunks", _TURN * 8, tuple(range(12, 104, 13)), False)


def step_tables(
    weights: LanguageModelWeights,
    *,
    modes: Sequence[StepMode],
    bandwidth: float,
    count: int,
    limit_s: float,
    precision: str,
) -> list[Table]:
    """Measure every mode, number of lanes, window and shape.

    Args:
        weights: On the device to measure.
        modes: How passes are run; `count` passes are timed of the last, fewer of the others.
        bandwidth: Bytes per second of a copy, for the floor.
        count: Passes that are timed.
        limit_s: Longest time for one row of the table.
        precision: For the title.
    """
    return [
        Table(
            f"One pass of the language model, {precision}, {mode}",
            tuple(
                _rows(
                    weights, mode, bandwidth, count if mode == modes[-1] else _SLOW_COUNT, limit_s
                )
            ),
            (f"Floor from a measured copy bandwidth of {bandwidth / 1e12:.3g} TB/s.",),
        )
        for mode in modes
    ]


def weight_bytes(weights: LanguageModelWeights, *, head: bool) -> int:
    """Bytes of weights that one pass reads; of the embedding it reads a few rows only."""
    matrices: list[Matrix] = [weights.norm, weights.control_rows]
    for layer in weights.layers:
        matrices += [layer.input_norm, layer.qkv, layer.qkv_bias, layer.out]
        matrices += [layer.post_norm, layer.gate_up, layer.down]
    if head:
        matrices.append(weights.head)
    return sum(_matrix_bytes(matrix) for matrix in matrices)


def cache_bytes(weights: LanguageModelWeights, positions: int) -> int:
    """Bytes of keys and values of one lane."""
    size = weights.size
    item = weights.embedding.element_size()
    return 2 * size.layers * size.kv_heads * size.head_width * positions * item


def _matrix_bytes(matrix: Matrix) -> int:
    import torch

    parts = (
        (matrix,)
        if isinstance(matrix, torch.Tensor)
        else tuple(getattr(matrix, name) for name in type(matrix).__slots__)
    )
    return sum(part.numel() * part.element_size() for part in parts)


def _rows(
    weights: LanguageModelWeights, mode: StepMode, bandwidth: float, count: int, limit_s: float
) -> Iterator[Row]:
    from everlisten.engine.laim.step import LmStep

    step = LmStep(weights, slots=4, positions=WINDOW, lanes=3, mode=mode)
    step.prepare()
    for lanes in (1, 3):
        for window, position in (("empty", _EMPTY_POSITION), ("full", WINDOW - _ROOM_AT_END)):
            for shape in SHAPES:
                timing = _time(step, shape, lanes, position, count, limit_s)
                bytes_read = weight_bytes(weights, head=shape.text)
                bytes_read += lanes * cache_bytes(weights, position)
                yield _row(shape, lanes, window, timing, bytes_read / bandwidth * 1e3)
        timing = _time(step, CATCH_UP, lanes, _EMPTY_POSITION, min(count, 50), limit_s)
        floor_ms = weight_bytes(weights, head=False) / bandwidth * 1e3
        yield _row(CATCH_UP, lanes, "empty", timing, floor_ms)


def _row(shape: StepShape, lanes: int, window: str, timing: Timing, floor_ms: float) -> Row:
    row: Row = {"rows": shape.name, "lanes": lanes, "window": window, **timing.cells()}
    row |= {"floor ms": round(floor_ms, 3), "times floor": round(timing.p50_ms / floor_ms, 2)}
    row["tokens/s"] = round(1e3 * lanes / timing.p50_ms) if len(shape.tokens) == 1 else ""
    return row


def _time(
    step: LmStep, shape: StepShape, lanes: int, position: int, count: int, limit_s: float
) -> Timing:
    device = step.weights.embedding.device
    blocks = [_block(shape, lane, position, device, step.weights) for lane in range(lanes)]
    return measure(lambda: step.forward(blocks), device=device, count=count, limit_s=limit_s)


def _block(
    shape: StepShape, slot: int, position: int, device: torch.device, weights: LanguageModelWeights
) -> RowBlock:
    import torch

    from everlisten.engine.laim.step import RowBlock

    features = None
    if shape.chunks:
        features = torch.randn(
            shape.chunks * AUDIO_TOKENS, weights.size.width,
            device=device, dtype=weights.embedding.dtype,
        )  # fmt: skip
    return RowBlock(
        slot=slot,
        position=position,
        tokens=shape.tokens,
        features=features,
        read=shape.read,
        temperature=_TEMPERATURE if shape.text else 0.0,
        text=shape.text,
    )
