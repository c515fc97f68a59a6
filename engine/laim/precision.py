"""Which device and precision a checkpoint runs in, from the memory that is free there.

torch is imported only inside the functions that ask a device, so that `models list` can say what a
precision needs without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from everlisten.engine.errors import ModelLoadError

if TYPE_CHECKING:
    from everlisten.engine.laim.sizes import TowerSize
    from everlisten.engine.laim.weights import LanguageModelSize

Precision = Literal["float32", "bf16", "int8", "int4"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_MATRIX_BYTES: dict[Precision, float] = {
    "float32": 4,
    "bf16": 2,
    "int8": 1,
    "int4": 0.5 + 8 / 128,  # a float32 scale and zero for every 128 inputs
}
WORKSPACE_BYTES = 800_000_000
"""Captured graphs, compiled kernels' scratch and activations; on an H100 0.6 to 1.0 GB."""
DEFAULT_SLOTS = 7
"""Three lanes, a spare each for the re-prefill, and the assistant's branch."""
DEFAULT_POSITIONS = 2048
_SMALL_BYTES = 1_000_000_000
"""Up to this size in float32 a CPU runs float32: exact, and faster there than bf16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """What of a checkpoint takes memory."""

    matrices: int
    """Weights that int8 and int4 quantize."""
    head: int
    """Weights that only int8 quantizes."""
    kept: int
    """Other weights of the language model: embedding, last layer, norms."""
    tower: int
    """Weights of the audio tower, never quantized."""
    cache_per_position: int
    """Keys and values that one position of one slot keeps."""

    @classmethod
    def of(cls, size: LanguageModelSize, tower: TowerSize) -> ParameterCounts:
        """Count them from the sizes."""
        queries, keys = (heads * size.head_width for heads in (size.query_heads, size.kv_heads))
        layer = size.width * (2 * queries + 2 * keys + 3 * size.feed_forward)
        vectors = size.layers * (2 * size.width + queries + 2 * keys) + size.width
        return cls(
            matrices=(size.layers - 1) * layer,
            head=size.vocabulary * size.width,
            kept=size.vocabulary * size.width + layer + vectors,
            tower=_tower_parameters(tower),
            cache_per_position=2 * size.layers * keys,
        )


def weight_bytes(counts: ParameterCounts, precision: Precision, device: str = "cuda") -> int:
    """Bytes of both networks' weights in a precision; on a CPU the tower is always float32."""
    kept = 4 if precision == "float32" else 2
    head = 1 if precision in ("int8", "int4") else kept
    tower = 4 if device == "cpu" else kept
    matrices = int(counts.matrices * _MATRIX_BYTES[precision])
    return matrices + counts.head * head + counts.kept * kept + counts.tower * tower


def needed_bytes(
    counts: ParameterCounts,
    precision: Precision,
    device: str = "cuda",
    *,
    slots: int = DEFAULT_SLOTS,
    positions: int = DEFAULT_POSITIONS,
) -> int:
    """Bytes that running in a precision takes: weights, cache and workspace."""
    element = 4 if precision == "float32" else 2
    cache = slots * positions * counts.cache_per_position * element
    return weight_bytes(counts, precision, device) + cache + WORKSPACE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where to run.

    Attributes:
        name: As torch calls it: "cuda", "cuda:1", "mps", "cpu".
        title: As its maker calls it.
        free_bytes: Memory that is free now.
    """

    name: str
    title: str
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A precision and, in one sentence, why it was chosen."""

    precision: Precision
    reason: str


def find_device(asked: str = "auto") -> Device:
    """The device that was asked for; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ModelLoadError: The device is unknown or not there.
    """
    import psutil
    import torch

    name = asked
    if asked == "auto":
        mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cpu" and not number:
        return Device(name=name, title="the CPU", free_bytes=psutil.virtual_memory().available)
    if kind == "cuda" and torch.cuda.is_available() and (number or "0").isdecimal():
        if int(number or 0) < torch.cuda.device_count():
            free = torch.cuda.mem_get_info(name)[0] + _unused_reserve(name)
            return Device(name=name, title=torch.cuda.get_device_name(name), free_bytes=free)
    if name == "mps" and torch.backends.mps.is_available():
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return Device(name=name, title="the Apple GPU", free_bytes=free)
    raise ModelLoadError(
        f"The device {asked!r} is not there; choose auto, cpu or, with such a GPU and a PyTorch "
        "for it, cuda or mps"
    )


def choose_precision(
    counts: ParameterCounts,
    device: Device,
    *,
    asked: str = "auto",
    stored: Precision | None = None,
    slots: int = DEFAULT_SLOTS,
    positions: int = DEFAULT_POSITIONS,
) -> Choice:
    """The highest precision that fits into the free memory of a device.

    Args:
        counts: What takes memory.
        device: Where to run.
        asked: "auto" or a precision.
        stored: The precision of weights that are stored quantized; only that one can be run.
        slots: Cache slots.
        positions: Positions of a slot.

    Raises:
        ModelLoadError: The precision is unknown, cannot be had from these weights or does not fit.
    """
    candidates = _candidates(counts, device, asked, stored)
    needs = {
        p: needed_bytes(counts, p, device.name, slots=slots, positions=positions)
        for p in candidates
    }
    free = f"{device.free_bytes / 1e9:.1f} GB are free on {device.title}"
    refused: list[str] = []
    for precision, needed in needs.items():
        what = f"{precision} needs {needed / 1e9:.1f} GB"
        if needed <= device.free_bytes:
            but = f"{', '.join(refused)}, but " if refused else ""
            return Choice(precision=precision, reason=f"{but}{what} and {free}: it is used")
        refused.append(what)
    raise ModelLoadError(
        f"{', '.join(refused)}, but only {free}; close programs that use this memory"
        f"{_ways_out(asked, stored, device)}"
    )


def _candidates(
    counts: ParameterCounts, device: Device, asked: str, stored: Precision | None
) -> Sequence[Precision]:
    if asked != "auto" and asked not in PRECISIONS:
        raise ModelLoadError(f"Unknown precision {asked!r}; choose auto or {', '.join(PRECISIONS)}")
    if stored in ("int8", "int4"):
        if asked not in ("auto", stored):
            raise ModelLoadError(
                f"These weights are stored as {stored} and cannot be run in {asked}; choose auto "
                "or take the original checkpoint"
            )
        return (stored,)
    if asked != "auto":
        return [precision for precision in PRECISIONS if precision == asked]
    if device.name == "cpu" and weight_bytes(counts, "float32", "cpu") <= _SMALL_BYTES:
        return ("float32",)
    return ("bf16", "int8", "int4")


def _ways_out(asked: str, stored: Precision | None, device: Device) -> str:
    if stored in ("int8", "int4"):
        way = f", or convert the original checkpoint to {'int4' if stored == 'int8' else 'less'}"
        return way if stored == "int8" else ""
    if asked not in ("auto", "int4"):
        return ", or choose the precision auto"
    return "" if device.name == "cpu" else ", or choose the device cpu"


def _unused_reserve(name: str) -> int:
    """What this process's allocator holds of the device without using it."""
    import torch

    return torch.cuda.memory_reserved(name) - torch.cuda.memory_allocated(name)


def _tower_parameters(tower: TowerSize) -> int:
    width, inner = tower.width, tower.feed_forward
    attention = 4 * width * width + 3 * width
    layer = attention + 2 * width * inner + inner + width + 4 * width
    convolutions = 3 * width * (tower.mel_bins + width) + 2 * width
    return convolutions + tower.layers * layer + 2 * width + (width + 1) * tower.output_width
