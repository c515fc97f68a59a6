"""What the engine's benchmark measures: one checkpoint in one precision on one device."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from everlisten.app.bench.engine_report import Row
from everlisten.app.bench.engine_stream import (
    LANES,
    SPEAKS_EVERY,
    TEXT_TOKENS,
    ChunkTimes,
    Sound,
    play,
)
from everlisten.app.bench.engine_timing import copy_bandwidth, finish
from everlisten.engine.laim.config import LaimConfig, Scripted
from everlisten.engine.laim.tokens import Emotion

if TYPE_CHECKING:
    import torch

    from everlisten.engine.laim.checkpoint import Checkpoint
    from everlisten.engine.laim.model import AudioInteractionModel
    from everlisten.engine.laim.precision import Precision

_GIB = 1 << 30


@dataclass(slots=True)
class Script:
    """One chunk in ten speaks, 8 text tokens; weights drawn at random would speak at random."""

    silent: bool = False
    """Nobody speaks at all."""

    def __call__(self, lane: str, chunk: int) -> Scripted:
        """What a lane does after a chunk."""
        speaks = not self.silent and chunk % SPEAKS_EVERY == SPEAKS_EVERY - 1
        return Scripted(TEXT_TOKENS if speaks else 0, Emotion.NORMAL)


@dataclass(kw_only=True)
class Subject:
    """Opens the model when the first suite needs it.

    Attributes:
        folder: Of the checkpoint.
        precision: As the loader names it.
        device: Where to run; "cuda" or "cpu".
        script: What the lanes do.
        load_s: Seconds from opening the checkpoint to ready; set by `model`.
    """

    folder: Path
    precision: Precision
    device: str
    script: Script = field(default_factory=Script)
    load_s: float = float("nan")
    _model: AudioInteractionModel | None = None

    @property
    def torch_device(self) -> torch.device:
        """The device."""
        import torch

        return torch.device(self.device)

    @cached_property
    def bandwidth(self) -> float:
        """Bytes per second of a copy inside the device's memory; measured once."""
        return copy_bandwidth(self.torch_device)

    def model(self) -> AudioInteractionModel:
        """The model as the application opens it, every shape prepared."""
        import torch

        from everlisten.engine.laim.model import AudioInteractionModel

        if self._model is None:
            if self.device.startswith("cuda"):
                torch.cuda.reset_peak_memory_stats()
            began_s = time.perf_counter()
            self._model = AudioInteractionModel(
                self.folder,
                device=self.device,
                precision=self.precision,
                config=LaimConfig(script=self.script),
            )
            finish(self.torch_device)
            self.load_s = time.perf_counter() - began_s
        return self._model

    def checkpoint(self) -> Checkpoint:
        """The weights alone, loaded by the real loader once more."""
        from everlisten.engine.laim.checkpoint import load_checkpoint

        return load_checkpoint(self.folder, device=self.device, precision=self.precision)

    def close(self) -> None:
        """Give the model's memory back."""
        import torch

        if self._model is not None:
            self._model.close()
            self._model = None
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def memory(self, when: str) -> Row:
        """Memory in use and at its peak, in GiB; row of a table."""
        import psutil
        import torch

        row: Row = {"when": when, "host GiB": _gib(psutil.Process().memory_info().rss)}
        if self.device.startswith("cuda"):
            free, total = torch.cuda.mem_get_info(self.device)
            row |= {
                "GPU tensors GiB": _gib(torch.cuda.memory_allocated()),
                "GPU tensors, peak GiB": _gib(torch.cuda.max_memory_allocated()),
                "GPU allocator, peak GiB": _gib(torch.cuda.max_memory_reserved()),
                "GPU in use in all GiB": _gib(total - free),
            }
        return row


@dataclass
class Listening:
    """A session with a number of lanes, whose chunks are timed."""

    subject: Subject
    lanes: int
    sound: Sound = field(default_factory=Sound)

    def __post_init__(self) -> None:
        """Begin, and wait until the lanes have their instructions."""
        self.model = self.subject.model()
        self.state: Any = self.model.new_state(LANES[self.lanes], "bench")
        self._settle()

    def restart(self) -> None:
        """An empty window."""
        self.model.reset(self.state)
        self._settle()

    def play(
        self, count: int, *, limit_s: float = float("inf"), pace_s: float = 0.0
    ) -> list[ChunkTimes]:
        """Time chunks until there are `count` or `limit_s` has passed."""
        until_s = time.perf_counter() + limit_s
        return list(
            _until(
                lambda: time.perf_counter() >= until_s,
                play(self.model, self.state, self.sound.chunks(count), pace_s=pace_s),
            )
        )

    def skip(self, count: int, *, limit_s: float = float("inf")) -> int:
        """Go through chunks in which nobody speaks; returns how many."""
        self.subject.script.silent = True
        try:
            return len(self.play(count, limit_s=limit_s))
        finally:
            self.subject.script.silent = False

    def _settle(self) -> None:
        # Instructions go in and all shapes are warm before anything is timed.
        for chunk in self.sound.chunks(2):
            self.model.step(chunk, self.state)
        while self.model.busy(self.state):
            self.model.advance(self.state)


def _until(ended: Callable[[], bool], played: Iterable[ChunkTimes]) -> Iterable[ChunkTimes]:
    for each in played:
        yield each
        if ended():
            return


def _gib(size: int) -> float:
    return round(size / _GIB, 3)
