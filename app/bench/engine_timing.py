"""Clocks of the engine's benchmark: percentiles of repeated calls, and what memory can do.

The clock is the host's, started after the device has finished what was queued before and read after
it has finished the call: what a user waits for, launch overhead included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from everlisten.app.bench.caption_measures import percentile

if TYPE_CHECKING:
    import torch

_COPY_BYTES = 2 << 30
_COPY_BYTES_WITHOUT_GPU = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Percentiles of `n` measurements in ms; NaN without any."""

    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, samples_ms: Sequence[float]) -> Timing:
        """From single measurements."""
        return cls(
            n=len(samples_ms),
            p50_ms=percentile(samples_ms, 0.5),
            p95_ms=percentile(samples_ms, 0.95),
            p99_ms=percentile(samples_ms, 0.99),
            max_ms=max(samples_ms, default=float("nan")),
        )

    def cells(self) -> dict[str, object]:
        """Columns of a table."""
        return {
            "p50 ms": round(self.p50_ms, 3),
            "p95 ms": round(self.p95_ms, 3),
            "p99 ms": round(self.p99_ms, 3),
            "max ms": round(self.max_ms, 3),
            "n": self.n,
        }


def finish(device: torch.device) -> None:
    """Wait until the device has done what was queued."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def measure(
    call: Callable[[], object],
    *,
    device: torch.device,
    count: int,
    warm_up: int = 10,
    limit_s: float = float("inf"),
) -> Timing:
    """Time `call`, `count` times after `warm_up`; fewer times once `limit_s` has passed."""
    for _ in range(warm_up):
        call()
    samples_ms: list[float] = []
    began_s = time.perf_counter()
    while len(samples_ms) < count and time.perf_counter() - began_s < limit_s:
        finish(device)
        start_s = time.perf_counter()
        call()
        finish(device)
        samples_ms.append((time.perf_counter() - start_s) * 1e3)
    return Timing.of(samples_ms)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes per second that a large copy inside the device's memory moves, read plus written."""
    import torch

    size = _COPY_BYTES if device.type == "cuda" else _COPY_BYTES_WITHOUT_GPU
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    timing = measure(lambda: target.copy_(source), device=device, count=20, warm_up=3)
    return 2 * size / (timing.p50_ms * 1e-3)
