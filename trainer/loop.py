"""The training loop: one for everything that is trained here; what differs comes as arguments."""

from __future__ import annotations

import copy
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long and how fast is learned.

    Attributes:
        steps: Of the optimiser.
        warm_up: Steps until the full learning rate.
        weight_decay: Of AdamW, for matrices.
        clip: Largest norm of a gradient.
        average: Share of the averaged weights that stays at each step; 0 averages nothing.
        tell_every: Steps.
    """

    steps: int
    warm_up: int = 200
    weight_decay: float = 0.05
    clip: float = 1.0
    average: float = 0.999
    tell_every: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < self.steps:
            raise ValueError(f"warm_up = {self.warm_up}: give 0 to steps ({self.steps}) - 1")
        if not 0 <= self.average < 1:
            raise ValueError(f"average = {self.average:g}: give 0 to below 1")


@dataclass(frozen=True, slots=True)
class Progress:
    """Told every so many steps: the mean loss since the last time, and the time that it took."""

    step: int
    loss: float
    seconds: float


def fit(
    model: nn.Module,
    rates: Callable[[str], float],
    loss: Callable[[], Tensor],
    config: LoopConfig,
    tell: Callable[[Progress], None],
) -> nn.Module:
    """Train.

    Args:
        model: Trained in place.
        rates: Learning rate of each parameter by its name; 0 freezes it.
        loss: Draws a batch and returns the model's loss on it.
        config: How long and how fast.
        tell: Takes progress.

    Returns:
        The averaged model, a copy.
    """
    groups = _groups(model, rates, config.weight_decay)
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, config))
    averaged = copy.deepcopy(model)
    since, losses = time.monotonic(), []
    for step in range(1, config.steps + 1):
        model.train()
        value = loss()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimiser.step()
        schedule.step()
        # Early weights are forgotten soon: the average is as long as the training so far at most.
        _follow(averaged, model, min(config.average, (step - 1) / (step + 9)))
        losses.append(value.detach())
        if step % config.tell_every == 0:
            mean = float(torch.stack(losses).mean())
            tell(Progress(step, mean, time.monotonic() - since))
            since, losses = time.monotonic(), []
    return averaged.eval()


def _groups(
    model: nn.Module, rates: Callable[[str], float], weight_decay: float
) -> list[dict[str, Any]]:
    """Parameters of equal rate and decay together: the optimiser then updates them in one go."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        rate = rates(name)
        parameter.requires_grad_(rate > 0)
        if rate > 0:
            groups[rate, weight_decay if parameter.ndim > 1 else 0.0].append(parameter)
    return [
        {"params": found, "lr": rate, "weight_decay": decay}
        for (rate, decay), found in groups.items()
    ]


def _rate(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then half a cosine to a twentieth."""
    if step < config.warm_up:
        return (step + 1) / config.warm_up
    share = (step - config.warm_up) / (config.steps - config.warm_up)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share))


@torch.no_grad()
def _follow(averaged: nn.Module, model: nn.Module, share: float) -> None:
    torch._foreach_lerp_(list(averaged.parameters()), list(model.parameters()), 1 - share)
    for kept, new in zip(averaged.buffers(), model.buffers(), strict=True):
        kept.copy_(new)
