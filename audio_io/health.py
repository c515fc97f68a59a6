"""What capture knows about itself; measured from samples, never assumed from callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from everlisten.audio_io.chunk import SourceName

SILENCE_DB = -120.0
"""Level of digital silence."""


class Condition(StrEnum):
    """How a source does."""

    OK = "ok"
    OPENING = "opening"
    WAITING = "waiting"
    SILENT = "silent"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source now.

    Attributes:
        device: Name of the device that is open, or that is waited for.
        device_id: Its id in the picker; "" before anything was opened.
        rate_hz: Native sample rate; 0 while nothing is open.
        channels: Native channel count; 0 while nothing is open.
        level_db: RMS of the last 0.1 s after gain, dBFS; -120 for digital silence.
        peak_db: Peak of the same samples, dBFS.
        gain_db: Amplification in force.
        seconds_since_callback: Since the device last delivered anything; None before it did.
        seconds_since_nonzero: Since the last sample that was not exactly 0; None before one came.
        overflows: Times that the device or its ring lost samples.
        gap_samples: Samples at 16 kHz that the time line had to fill with silence.
        condition: See `Condition`.
        sentence: Plain words for every condition but ok.
    """

    source: SourceName
    device: str = ""
    device_id: str = ""
    rate_hz: int = 0
    channels: int = 0
    level_db: float = SILENCE_DB
    peak_db: float = SILENCE_DB
    gain_db: float = 0.0
    seconds_since_callback: float | None = None
    seconds_since_nonzero: float | None = None
    overflows: int = 0
    gap_samples: int = 0
    condition: Condition = Condition.OPENING
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHealth:
    """All of capture now.

    Attributes:
        sources: One entry per chosen source.
        chunks: Chunks made since the start.
        dropped: Chunks that a full ring refused, summed over the rings.
        running: The audio thread lives and is not paused.
        problem: One sentence when the audio thread itself has failed; else empty.
    """

    sources: tuple[SourceHealth, ...] = ()
    chunks: int = 0
    dropped: int = 0
    running: bool = False
    problem: str = ""

    @property
    def overflows(self) -> int:
        """Overflows of all sources."""
        return sum(source.overflows for source in self.sources)

    @property
    def gap_samples(self) -> int:
        """Filled samples of all sources, at 16 kHz."""
        return sum(source.gap_samples for source in self.sources)
