"""What the window needs for teaching sounds of the user's own, stated as Protocols.

Nothing waits but what says so; those calls come from a worker thread of the window, and their
errors are `EngineError` with a plain sentence. Sound crosses as `Samples`: the window has no numpy.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from everlisten.ui.alert_protocols import Severity

SAMPLE_RATE_HZ = 16_000
Samples: TypeAlias = "array[float]"
"""array("f"): float32 [N] at 16 kHz, one channel, owned by the receiver.

From numpy: `array("f", sound.astype("<f4").tobytes())`; to numpy: `frombuffer(samples, float32)`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtRow:
    """One sound that the user taught."""

    id: str
    name: str
    enabled: bool = True
    examples: int = 0
    estimate: str = ""
    """Plain words; `Estimate.words`."""
    severity: Severity = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How well a taught sound is told apart, as measured; never more than what was measured."""

    found: int
    """Examples that were recognised while each was left out of the teaching."""
    examples: int
    false_alarms_per_hour: float
    background_s: float = 0.0
    """Length of the household noise on which false alarms were counted."""
    warnings: tuple[str, ...] = ()
    """Sentences about what is doubtful."""

    @property
    def words(self) -> str:
        """What the user is told before it is switched on."""
        rate = self.false_alarms_per_hour
        minutes = max(1, round(self.background_s / 60))
        on = f" on {minutes} minute{'s' * (minutes != 1)} of household noise"
        on = on if self.background_s else " on household noise"
        false = f"about {rate:.1f} false alarms per hour" if rate >= 0.05 else "no false alarm"
        said = (
            f"Found {self.found} of your {self.examples} examples when each was left out; "
            f"{false}{on}."
        )
        return " ".join((said, *self.warnings))

    @property
    def good(self) -> bool:
        """Whether it is worth switching on: most examples found, few false alarms."""
        return self.found >= 0.75 * self.examples and self.false_alarms_per_hour <= 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtDraft:
    """A sound that was learned and not saved yet."""

    id: str
    name: str
    severity: Severity
    estimate: Estimate


class ExampleSource(Protocol):
    """Where examples come from: what is heard, and files. It plays them, too."""

    def last_seconds(self, seconds: float) -> Samples | None:
        """A copy of what the microphone heard last, at most 30 s; None while nothing is heard."""

    def record_begin(self) -> str:
        """Begin to take an example down; returns "" or one sentence saying why not."""

    def record_level_db(self) -> float:
        """Level of the last 0.1 s or so while recording, dBFS; cheap."""

    def record_stop(self) -> Samples | None:
        """End it; at most the last 30 s. None if nothing came."""

    def read_file(self, path: Path) -> Samples:
        """The sound of a file, mixed to one channel, at most 30 s of it. Waits."""

    def play(self, samples: Samples) -> str:
        """Play an example; returns "" or one sentence saying why not."""

    def stop_playing(self) -> None:
        """Stop what `play` began."""


class TaughtSounds(Protocol):
    """The sounds that the user taught."""

    def rows(self) -> Sequence[TaughtRow]:
        """All of them, the oldest first; cheap."""

    def teach(
        self,
        name: str,
        severity: Severity,
        examples: Sequence[Samples],
        progress: Callable[[float], None],
    ) -> TaughtDraft:
        """Learn a sound from 3 or more examples; tells progress 0..1. Waits, up to a minute.

        `progress` raises an `EngineError` when the user stops it: let it pass.
        """

    def save(self, draft: TaughtDraft, enabled: bool) -> None:
        """Keep what was learned, and switch it on or not. Waits."""

    def discard(self, draft: TaughtDraft) -> None:
        """Forget what was learned and not saved."""

    def rename(self, id: str, name: str) -> str:
        """Give one another name; returns "" or one sentence saying why not."""

    def enable(self, id: str, on: bool) -> str:
        """Listen for one, or no longer; returns "" or one sentence saying why not."""

    def delete(self, id: str) -> str:
        """Delete one and its examples for good; "" or why not."""

    def export(self, id: str, path: Path) -> str:
        """Write one as one file; returns "" or one sentence saying why not. Waits."""

    def import_file(self, path: Path) -> str:
        """Take one over from a file; "" or one sentence saying why not. Waits."""
