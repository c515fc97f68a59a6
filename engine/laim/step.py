"""One forward pass of the language model: rows of several lanes in, what the model says out.

The fast path runs passes of few static shapes over buffers that never move, each captured in a CUDA
graph. The eager path is the same code without capture; tests compare the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from everlisten.engine.laim.horizon import Horizon
from everlisten.engine.laim.kv_cache import KvCache
from everlisten.engine.laim.language_model import hidden_rows, layer_step, rotary_table
from everlisten.engine.laim.operations import Operations, Places, TorchOperations
from everlisten.engine.laim.reading import (
    SAMPLED_AMONG,
    RowReading,
    inadmissible_text,
    read_controls,
    read_text,
    to_readings,
)
from everlisten.engine.laim.tokens import OFFLINE_PAD, PAD
from everlisten.engine.laim.weights import LanguageModelWeights

StepMode = Literal["eager", "compiled", "captured"]

MAX_ROWS = 104
"""Rows of the longest pass: eight chunks of 13."""
SHAPES = ((1, 1), (13, 1), (14, 2), (MAX_ROWS, 8))
"""(rows, rows that can be read) of the static passes: a text token; the token before and a chunk; a
chunk that rides along with a text token; eight chunks at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlock:
    """Rows that one pass appends to one cache slot.

    Attributes:
        slot: Cache slot.
        position: Of the first row; the others follow. What lay there is overwritten.
        tokens: Ids of the rows; PAD or OFFLINE_PAD where audio embeddings go.
        features: [n, D] on the model's device: the audio embeddings, in order; None without any.
        read: Indices of the rows whose readings are wanted.
        temperature: 0 chooses the likeliest text token, else one of the 3 likeliest is drawn.
        text: Whether a text token is wanted; without, the pass leaves the large head out.
    """

    slot: int
    position: int
    tokens: Sequence[int]
    features: Tensor | None = None
    read: tuple[int, ...] = ()
    temperature: float = 0.0
    text: bool = True


@dataclass(frozen=True, slots=True)
class _Buffers:
    """What goes into a pass of one shape; views of memory that stays where it is.

    Attributes:
        integers: int64, one copy from the host fills all: ids [B, T], the first position that each
            row sees [B, T], then slot, position and count [B] each, then the rows to read [B R],
            counted over B T.
        noise: float32 [B R, 3].
        features: [B, T, D]; audio embeddings at their rows, anything elsewhere.
        output: float32 [B R, 3]; see `reading.to_readings`.
    """

    integers: Tensor
    noise: Tensor
    features: Tensor
    output: Tensor


class LmStep:
    """Runs passes over its cache. All calls come from one thread.

    Args:
        weights: On the device where it is to run.
        slots: Cache slots.
        positions: Positions of a slot.
        lanes: Lanes that are stepped together; a pass takes one block more.
        mode: "captured" needs CUDA.
        seed: Of the sampling.
    """

    max_rows = MAX_ROWS

    def __init__(
        self,
        weights: LanguageModelWeights,
        *,
        slots: int,
        positions: int,
        lanes: int,
        mode: StepMode = "eager",
        seed: int = 0,
    ) -> None:
        self.weights = weights
        self.positions = positions
        self.max_blocks = lanes + 1
        self.mode = mode
        self._device = weights.embedding.device
        self.cache = KvCache.allocate(
            weights.size, slots=slots, positions=positions,
            device=self._device, dtype=weights.embedding.dtype,
        )  # fmt: skip
        self._horizon = Horizon(slots, weights.size.window_chunks)
        self._rotary = rotary_table(weights.size, self.cache.keys.shape[3], self._device)
        self._refused = inadmissible_text(weights.size.vocabulary, self._device)
        self._operations = operations_for(weights, mode)
        self._layer = layer_step
        if mode == "compiled":
            self._layer = torch.compile(layer_step, dynamic=False)
        self._random = torch.Generator().manual_seed(seed)
        self._buffers: dict[tuple[int, int], _Buffers] = {}
        self._graphs: dict[tuple[int, int, bool], torch.cuda.CUDAGraph] = {}
        self._stream: torch.cuda.Stream | None = None

    @torch.inference_mode()
    def forward(self, blocks: Sequence[RowBlock]) -> list[tuple[RowReading, ...]]:
        """Append the rows of every block to its slot.

        Args:
            blocks: At most `max_blocks`, of different slots, each at most `max_rows` long.

        Returns:
            For every block, the readings of the rows that it wants read.
        """
        rows, reads = self._shape(blocks)
        buffers = self._fill(blocks, rows, reads)
        text = any(block.text and block.read for block in blocks)
        self._run(buffers, (len(blocks), rows, reads), text)
        readings = to_readings(buffers.output.cpu())
        return [
            tuple(readings[reads * index : reads * index + len(block.read)])
            for index, block in enumerate(blocks)
        ]

    def copy(self, source: int, target: int, length: int) -> None:
        """Make the first `length` positions of slot `target` equal to those of `source`."""
        self.cache.copy(source, target, length)
        self._horizon.copy(source, target, length)

    @torch.inference_mode()
    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Compile and capture every shape now, so that no later pass has to wait for it.

        Args:
            progress: Called with the passes done and all of them.
        """
        if self.mode == "eager":
            return
        counts = range(1, self.max_blocks + 1)
        passes = list(itertools.product(SHAPES, counts, (False, True)))
        for done, ((rows, reads), count, text) in enumerate(passes, start=1):
            self._run(self._fill((), rows, reads, count), (count, rows, reads), text)
            if progress is not None:
                progress(done, len(passes))

    def _shape(self, blocks: Sequence[RowBlock]) -> tuple[int, int]:
        assert 0 < len(blocks) <= self.max_blocks, len(blocks)
        rows = max(len(block.tokens) for block in blocks)
        reads = max(1, *(len(block.read) for block in blocks))
        assert rows <= MAX_ROWS, rows
        if self.mode == "eager":
            return rows, reads
        return next(shape for shape in SHAPES if shape[0] >= rows and shape[1] >= reads)

    def _buffers_of(self, count: int, rows: int, reads: int) -> _Buffers:
        """Static for a static shape; fresh ones in the eager mode."""
        known = self._buffers.get((count, rows))
        if known is not None:
            return known
        width, device = self.weights.size.width, self._device
        features = torch.zeros(count, rows, width, device=device, dtype=self._dtype)
        made = _Buffers(
            torch.zeros(count * (2 * rows + 3 + reads), dtype=torch.int64, device=device),
            torch.zeros(count * reads, SAMPLED_AMONG, device=device),
            features,
            torch.zeros(count * reads, 3, device=device),
        )
        if self.mode != "eager":
            self._buffers[count, rows] = made
        return made

    @property
    def _dtype(self) -> torch.dtype:
        return self.weights.embedding.dtype

    def _fill(
        self, blocks: Sequence[RowBlock], rows: int, reads: int, count: int | None = None
    ) -> _Buffers:
        """Put a pass's input in place; `count` blocks of padding where there is none."""
        count = len(blocks) if count is None else count
        buffers = self._buffers_of(count, rows, reads)
        ids, since, slots, starts, counts, wanted = [], [], [], [], [], []
        for index in range(count):
            block = blocks[index] if blocks else _PADDING
            length = len(block.tokens)
            assert block.position + length <= self.positions, (block.position, length)
            padding = (0,) * (rows - length)
            ids += [*block.tokens, *padding]
            since += [*self._horizon.since(block.slot, block.position, block.tokens), *padding]
            slots.append(block.slot)
            starts.append(block.position)
            counts.append(length)
            last = block.read[-1] if block.read else 0
            padded = (*block.read, *(last,) * (reads - len(block.read)))
            wanted += [index * rows + row for row in padded]
            _place_features(block, buffers.features[index])
        buffers.integers.copy_(torch.tensor([*ids, *since, *slots, *starts, *counts, *wanted]))
        self._fill_noise(blocks, reads, buffers.noise)
        return buffers

    def _fill_noise(self, blocks: Sequence[RowBlock], reads: int, noise: Tensor) -> None:
        if not any(block.temperature for block in blocks):
            noise.zero_()
            return
        temperatures = torch.tensor([block.temperature for block in blocks])
        uniform = torch.rand(noise.shape, generator=self._random).clamp_min(1e-20)
        gumbel = -(-uniform.log()).clamp_min(1e-20).log()
        noise.copy_(temperatures.repeat_interleave(reads)[:, None] * gumbel)

    def _run(self, buffers: _Buffers, shape: tuple[int, int, int], text: bool) -> None:
        if self.mode != "captured":
            self._pass(buffers, shape, text)
            return
        key = (shape[0], shape[1], text)
        if key not in self._graphs:
            self._graphs[key] = self._capture(buffers, shape, text)
        self._graphs[key].replay()

    def _capture(
        self, buffers: _Buffers, shape: tuple[int, int, int], text: bool
    ) -> torch.cuda.CUDAGraph:
        # Kernels are compiled and libraries set up outside the capture, on a stream of their own.
        # The pass only writes keys and values that the replay writes again. One stream serves all
        # captures: cuBLAS keeps a workspace of 32 MiB for every stream that it has seen.
        if self._stream is None:
            self._stream = torch.cuda.Stream()
        stream = self._stream
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._pass(buffers, shape, text)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self._graphs.values())).pool() if self._graphs else None
        with torch.cuda.graph(graph, pool=pool, stream=stream):
            self._pass(buffers, shape, text)
        return graph

    def _pass(self, buffers: _Buffers, shape: tuple[int, int, int], text: bool) -> None:
        count, rows, _ = shape
        ids, places, wanted = self._places(buffers.integers, count, rows)
        audio = (ids == PAD) | (ids == OFFLINE_PAD)
        embedded = self.weights.embedding[ids]
        embedded = torch.where(audio[..., None], buffers.features, embedded)
        hidden = hidden_rows(
            embedded, places, wanted, self.weights, self.cache, self._operations, self._layer
        )
        buffers.output[:, :2] = read_controls(hidden, self.weights)
        if text:
            buffers.output[:, 2] = read_text(
                hidden, buffers.noise, self._refused, self.weights, self._operations
            )
        else:
            buffers.output[:, 2] = -1.0

    def _places(self, integers: Tensor, count: int, rows: int) -> tuple[Tensor, Places, Tensor]:
        ids, since = integers[: 2 * count * rows].view(2, count, rows)
        behind = integers[2 * count * rows :]
        slots, starts, counts = behind[: 3 * count].view(3, count)
        offsets = torch.arange(rows, device=self._device)
        positions = starts[:, None] + offsets
        padding = offsets >= counts[:, None]
        positions = positions.masked_fill(padding, 0)
        writes = positions.masked_fill(padding, self.positions)
        cos, sin = self._rotary[0][positions], self._rotary[1][positions]
        limit = self.positions
        if self.mode == "eager":
            limit = int(positions.max()) + 1
        return (
            ids,
            Places(slots, positions, writes, cos, sin, since, limit),
            behind[3 * count :],
        )


_PADDING = RowBlock(slot=0, position=0, tokens=())


def _place_features(block: RowBlock, target: Tensor) -> None:
    """Put a block's audio embeddings at its PAD rows, one copy for each run of them."""
    taken = row = 0
    while row < len(block.tokens):
        end = row
        while end < len(block.tokens) and block.tokens[end] in (PAD, OFFLINE_PAD):
            end += 1
        if end > row:
            assert block.features is not None
            target[row:end].copy_(block.features[taken : taken + end - row])
            taken += end - row
        row = end + 1
    assert taken == (0 if block.features is None else len(block.features)), taken


def operations_for(weights: LanguageModelWeights, mode: StepMode) -> Operations:
    """The fast kernels where they run, else plain PyTorch."""
    if mode == "captured":
        from everlisten.engine.laim.fast_operations import FastOperations, overlaps, supported

        if supported(weights.size, weights.embedding.dtype):
            return FastOperations(overlap=overlaps(weights.embedding.device))
    return TorchOperations()
