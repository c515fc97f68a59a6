"""What the released code computed from the tiny checkpoint, and how a step is held against it.

Import it as `import laim_reference`: `tests/conftest.py` puts this folder on the path.
"""

from __future__ import annotations

import shutil
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.laim.log_mel import CHUNK_FRAMES, LogMelStream, whole_log_mel
from everlisten.engine.laim.reading import RowReading, inadmissible_text
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.tokens import (
    AUDIO_TOKENS,
    CHUNK_TOKENS,
    KEEP_SILENCE,
    TEXT_BEGIN,
    TEXT_END,
    Emotion,
)

BOUND = 2e-3
"""Of every logit and feature, as the fixture states it."""
SMALLEST_COSINE = 0.9999
SPECIAL = (KEEP_SILENCE, TEXT_BEGIN, TEXT_END)
CAN_COMPILE = (
    shutil.which("g++") is not None and (Path(sysconfig.get_path("include")) / "Python.h").exists()
)
"""What `packaging/setup.sh test` installs; PyTorch builds its kernels with it."""
SETTLED = 2
"""From this chunk on the clip's loud part has set the spectrum's floor for a stream as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The released code's output, float32 on a CPU; N rows in all.

    Attributes:
        audio: float32 [T] at 16 kHz.
        features: [80, D]; eight chunks.
        prefix: Token ids before the first chunk.
        replies: For every chunk, the tokens that were fed after its ASSISTANT row.
        argmax: [N]; likeliest token before each of these was fed.
        top_ids: [N, 8]
        top_logits: [N, 8]
        special_logits: [N, 3] of `SPECIAL`.
    """

    audio: np.ndarray
    features: Tensor
    prefix: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]
    argmax: Tensor
    top_ids: Tensor
    top_logits: Tensor
    special_logits: Tensor

    @classmethod
    def read(cls, folder: Path) -> Reference:
        """Read `expected.npz` of the tiny checkpoint's folder."""
        with np.load(folder / "expected.npz") as file:
            read = dict(file)
        ends = np.cumsum(read["forced_lengths"])
        replies = np.split(read["forced"], ends[:-1])
        names = ("argmax", "top_ids", "top_logits", "special_logits", "features")
        return cls(
            audio=read["audio"],
            prefix=tuple(read["prefix"].tolist()),
            replies=tuple(tuple(reply.tolist()) for reply in replies),
            **{name: torch.from_numpy(read[name]) for name in names},
        )

    def first_row(self, chunk: int) -> int:
        """The row that follows a chunk's ASSISTANT token."""
        return sum(len(reply) for reply in self.replies[:chunk])

    def whole_frames(self) -> Tensor:
        """[8, 128, 40]: log-mel of the clip as a whole."""
        return torch.stack(torch.from_numpy(whole_log_mel(self.audio)).split(CHUNK_FRAMES, dim=1))

    def streamed_frames(self) -> Tensor:
        """[8, 128, 40]: log-mel of the clip as a stream of chunks."""
        stream = LogMelStream()
        state = stream.new_state(lead_samples=0)
        cuts = range(0, len(self.audio), CHUNK_SAMPLES)
        parts = [stream.step(self.audio[cut : cut + CHUNK_SAMPLES], state) for cut in cuts]
        return torch.from_numpy(np.concatenate([*parts, stream.flush(state)]))


class LogitStep(LmStep):
    """Keeps the logits that a pass chose from.

    Attributes:
        logits: float32 [M, V] of the last pass.
    """

    logits: Tensor

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._of_shape: dict[tuple[int, int, int], Tensor] = {}
        choose = self._operations.choose

        def note(logits: Tensor, refused: Tensor, noise: Tensor) -> Tensor:
            self.logits = logits.sum(dim=0)
            return choose(logits, refused, noise)

        # The choice lies outside what is compiled; the layers stay as they are.
        self._operations.choose = note  # type: ignore[method-assign]

    def _run(self, buffers: Any, shape: tuple[int, int, int], text: bool) -> None:
        # A graph's replay writes where its capture did: that tensor is the shape's for ever.
        fresh = self.mode != "captured" or (shape[0], shape[1], text) not in self._graphs
        super()._run(buffers, shape, text)
        if text and fresh:
            self._of_shape[shape] = self.logits
        elif text:
            self.logits = self._of_shape[shape]


def teacher_forced(
    step: LogitStep, reference: Reference, features: Tensor
) -> tuple[Tensor, list[RowReading]]:
    """Feed the fixture's tokens; what the model would have said before each of its replies' tokens.

    Args:
        step: With an empty cache.
        reference: Of the fixture.
        features: [80, D] on the step's device.

    Returns:
        Logits [N, V] on the CPU, and readings.
    """
    position = 0

    def feed(tokens: tuple[int, ...], heard: Tensor | None = None) -> tuple[Tensor, RowReading]:
        nonlocal position
        last = len(tokens) - 1
        block = RowBlock(slot=1, position=position, tokens=tokens, features=heard, read=(last,))
        position += len(tokens)
        ((reading,),) = step.forward([block])
        return step.logits[0].cpu().clone(), reading

    feed(reference.prefix)
    said = []
    for heard, reply in zip(features.split(AUDIO_TOKENS), reference.replies, strict=True):
        row = feed(CHUNK_TOKENS, heard)
        for token in reply:
            said.append(row)
            row = feed((token,))
    logits, readings = zip(*said, strict=True)
    return torch.stack(logits), list(readings)


def assert_logits(logits: Tensor, reference: Reference, first: int = 0) -> None:
    """Every stated logit within the bound and every argmax, from row `first` on."""
    rows = slice(first, None)
    assert logits.shape[0] == len(reference.argmax)
    likeliest = logits.gather(1, reference.top_ids) - reference.top_logits
    special = logits[:, list(SPECIAL)] - reference.special_logits
    assert likeliest[rows].abs().max() <= BOUND
    assert special[rows].abs().max() <= BOUND
    assert torch.equal(logits.argmax(dim=1)[rows], reference.argmax[rows])


def assert_readings(readings: list[RowReading], logits: Tensor) -> None:
    """What a step reads is what its logits say: decision, emotion and admissible text."""
    refused = inadmissible_text(logits.shape[1], logits.device)
    for reading, row in zip(readings, logits, strict=True):
        assert abs(reading.score - float(row[TEXT_BEGIN] - row[KEEP_SILENCE])) < BOUND
        assert reading.emotion == max(Emotion, key=lambda emotion: float(row[emotion]))
        assert reading.token == int(row.masked_fill(refused, -torch.inf).argmax())


def assert_features(features: Tensor, wanted: Tensor) -> None:
    """Within the fixture's bounds, token by token."""
    assert features.shape == wanted.shape
    assert (features - wanted).abs().max() <= BOUND
    assert torch.cosine_similarity(features, wanted, dim=1).min() >= SMALLEST_COSINE


@contextmanager
def compiler() -> Iterator[None]:
    """PyTorch's compiler, without worker processes or threads, and never silently left out."""
    with warnings.catch_warnings():
        # Its own import uses what PyTorch calls outdated.
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch._inductor.compile_fx
    import torch._dynamo.config
    import torch._inductor.config

    interval_s = tqdm.monitor_interval
    tqdm.monitor_interval = 0
    try:
        with (
            torch._inductor.config.patch(compile_threads=1),
            torch._dynamo.config.patch(fail_on_recompile_limit_hit=True),
        ):
            yield
    finally:
        tqdm.monitor_interval = interval_s


def compiled_graphs() -> int:
    """How many graphs PyTorch has compiled in this process."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])
