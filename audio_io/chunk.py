"""The unit of audio that crosses from capture to the engine: 0.4 s at 16 kHz.

0.4 s is the decision period of Audio-Interaction (arXiv 2606.05121, section 3.1); 16 kHz is the
rate of every model here. The sources of a chunk stay apart, so that captions can say You or Others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 6_400
CHUNK_S = CHUNK_SAMPLES / SAMPLE_RATE_HZ

Samples = NDArray[np.float32]


class SourceName(StrEnum):
    """Where sound comes from."""

    MIC = "mic"
    SYSTEM = "system"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AudioChunk:
    """0.4 s of every source of a session.

    Attributes:
        index: Number of the chunk in its session, from 0; a gap means dropped chunks.
        sources: Names of the rows of `samples`.
        samples: float32 [len(sources), 6400] at 16 kHz, nominally -1..1. Owned by the receiver.
        captured_s: `time.monotonic()` when the last sample was captured; the engine's lag is
            measured from here.
    """

    index: int
    sources: tuple[SourceName, ...]
    samples: Samples
    captured_s: float

    def __post_init__(self) -> None:
        assert self.samples.shape == (len(self.sources), CHUNK_SAMPLES), self.samples.shape
        assert self.samples.dtype == np.float32, self.samples.dtype

    @property
    def start_s(self) -> float:
        """Stream time of the first sample, seconds."""
        return self.index * CHUNK_S

    @property
    def end_s(self) -> float:
        """Stream time just after the last sample, seconds."""
        return (self.index + 1) * CHUNK_S

    def of(self, source: SourceName) -> Samples:
        """float32 [6400]: the samples of one source; a view."""
        row: Samples = self.samples[self.sources.index(source)]
        return row

    @property
    def mixed(self) -> Samples:
        """float32 [6400]: the sum of all sources, clipped to -1..1; a new array."""
        mixed: Samples = np.clip(self.samples.sum(axis=0), -1.0, 1.0, dtype=np.float32)
        return mixed
