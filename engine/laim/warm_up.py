"""The first compilation, in a process of its own.

Compiling the fast path's kernels takes a minute in which Python is busy; in the program's own
process the window would stand still. A child process compiles them for a model of the same sizes
with two layers of random weights and leaves the results in Triton's cache on disk, where the real
model finds them. A stamp in that cache says that this was done for these sizes on this card.
"""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from everlisten.engine.laim.key_map import LAYER_PARTS, LayerPart, ModelPart, part_inputs, part_rows
from everlisten.engine.laim.precision import Precision
from everlisten.engine.laim.quantize import float_dtype, matrix_kind, quantize
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.step import LmStep
from everlisten.engine.laim.tokens import CONTROL_CHOICES
from everlisten.engine.laim.tower import TowerStep, tower_weights
from everlisten.engine.laim.tower_weights import tower_shapes
from everlisten.engine.laim.weights import LanguageModelSize, LanguageModelWeights, LayerWeights

logger = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Takes one sentence about how far it is."""
_POLL_S = 0.1
_LAYERS = 2
"""One as the model's inner layers, one as its last, which is never quantized."""
_SOURCES = ("*kernels.py", "fast_*.py", "step.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpPlan:
    """Everything that what is compiled depends on."""

    size: LanguageModelSize
    tower_size: TowerSize
    precision: Precision
    device: str
    lanes: int
    slots: int
    positions: int


def warm_up(plan: WarmUpPlan, tell: Tell, stop: threading.Event) -> None:
    """Compile in a child process, unless that was done before; a failure costs time, no more.

    Args:
        plan: For what.
        tell: Takes sentences about how far it is.
        stop: Set: the child is ended.
    """
    stamp = _stamp(plan)
    if stamp.exists():
        return
    try:
        code = _run_child(plan, tell, stop)
        if code == 0:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()
        elif not stop.is_set():
            logger.warning("compiling ahead failed with exit code %s", code)
    except OSError as error:
        logger.warning("compiling ahead failed: %s", error)


def _run_child(plan: WarmUpPlan, tell: Tell, stop: threading.Event) -> int | None:
    """Run `_compile` in a process of its own; returns its exit code."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_compile, args=(plan, sender), name="warm-up", daemon=True)
    child.start()
    sender.close()
    _follow(receiver, tell, stop)
    if stop.is_set():
        child.terminate()
    child.join()
    receiver.close()
    return child.exitcode


def _follow(receiver: Connection, tell: Tell, stop: threading.Event) -> None:
    """Pass on what the child says, until it is done or gone."""
    while not stop.is_set():
        try:
            if receiver.poll(_POLL_S):
                done, total = receiver.recv()
                tell(f"Compiling for this graphics card, once: {done} of {total}.")
        except (EOFError, OSError):
            return


def _compile(plan: WarmUpPlan, sender: Connection) -> None:
    """The child: prepare a small model of the same sizes."""
    step = LmStep(
        random_weights(replace(plan.size, layers=_LAYERS), plan.precision, plan.device),
        slots=plan.slots, positions=plan.positions, lanes=plan.lanes, mode="captured",
    )  # fmt: skip
    step.prepare(lambda done, total: sender.send((done, total)))
    size = replace(plan.tower_size, layers=1)
    dtype = float_dtype(plan.precision)
    state = {key: torch.randn(shape) * 0.02 for key, shape in tower_shapes(size).items()}
    TowerStep(tower_weights(state, size, device=plan.device, dtype=dtype), "captured").prepare()


def random_weights(
    size: LanguageModelSize, precision: Precision, device: str
) -> LanguageModelWeights:
    """Small random weights in the formats that a precision keeps them in."""
    dtype = float_dtype(precision)

    def tensor(part: LayerPart | ModelPart) -> Tensor:
        rows, inputs = sum(part_rows(part, size)), part_inputs(part, size)
        shape = (rows,) if inputs is None else (rows, inputs)
        return torch.randn(shape, device=device, dtype=dtype) * 0.02

    def matrix(part: LayerPart | ModelPart, layer: int | None = None) -> object:
        kind = matrix_kind(part, layer, size, precision)
        return tensor(part) if kind == "float" else quantize(tensor(part), kind)

    layers = tuple(
        LayerWeights(**{part: matrix(part, layer) for part in LAYER_PARTS})  # type: ignore[arg-type]
        for layer in range(size.layers)
    )
    return LanguageModelWeights(
        size=size,
        embedding=tensor("embedding"),
        layers=layers,
        norm=tensor("norm"),
        head=matrix("head"),  # type: ignore[arg-type]
        control_rows=tensor("head")[list(CONTROL_CHOICES)].clone(),
    )


def _stamp(plan: WarmUpPlan) -> Path:
    """The file that says that this plan was compiled, by these versions, for this card."""
    facts = [repr(plan), _version("torch"), _version("triton"), torch.cuda.get_device_name()]
    digest = hashlib.sha256("\n".join(facts).encode())
    for pattern in _SOURCES:  # frozen programs have none
        for path in sorted(Path(__file__).parent.glob(pattern)):
            digest.update(path.read_bytes())
    default = Path.home() / ".triton" / "cache"
    folder = Path(os.environ.get("TRITON_CACHE_DIR") or default)
    return folder / f"everlisten-{digest.hexdigest()[:16]}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
