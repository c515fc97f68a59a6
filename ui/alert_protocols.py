"""What the window needs for alerts about sounds, stated as Protocols; `app/alerting.py` wires them.

Nothing waits but what says so; those calls come from a worker thread of the window, and their
errors are `EngineError` with a plain sentence. Sound crosses as `Samples`: the window has no numpy.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from everlisten.engine.events import SoundAlert

SAFETY_SENTENCE = "Everlisten is not a certified safety device. Keep your smoke and CO alarms."
SAMPLE_RATE_HZ = 16_000
SEVERITIES = ("emergency", "warning", "notice")
Severity = Literal["emergency", "warning", "notice"]
Samples: TypeAlias = "array[float]"
"""array("f"): float32 [N] at 16 kHz, one channel, owned by the receiver.

From numpy: `array("f", sound.astype("<f4").tobytes())`; to numpy: `frombuffer(samples, float32)`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundRow:
    """One sound that can be alerted about: a shipped one, one of the user's file, a taught one."""

    id: str
    label: str
    severity: Severity
    advice: str = ""
    enabled: bool = True
    sensitivity: float = 0.5
    """0 (only the clearest) to 1 (also the faintest)."""
    taught: bool = False
    last_heard_s_ago: float | None = None
    """None: never, as far as is known."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReading:
    """How alerting goes now."""

    enabled: bool = True
    """False: the user wants none now: "alerts.enabled" is off, or listening is paused."""
    working: bool = True
    problem: str = ""
    """One sentence; "" while it works. "Alerts are not working: the microphone is gone. ..." """
    snoozed: str = ""
    """One sentence while something is snoozed ("All alerts are snoozed until 14:35."), else ""."""
    open: tuple[SoundAlert, ...] = ()
    """Alerts that were not acknowledged, as last emitted, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How alerts reach the user; the banner is always there.

    The switches are settings: the page "Sounds" takes the `SettingField`s "alerts.*" from
    `Settings.fields()` (page "Sounds") and changes them with `Settings.change`.
    """

    banner: bool = True
    tray: bool = True
    tone: bool = True
    tone_volume: float = 0.8
    spoken: bool = False
    flash: bool = True


class Alerting(Protocol):
    """Alerts and what the user can do about them."""

    def reading(self) -> AlertReading:
        """A snapshot; cheap, called several times a second."""

    def delivery(self) -> Delivery:
        """The switches as they are now; cheap."""

    def sounds(self) -> Sequence[SoundRow]:
        """Every sound that can be alerted about, taught ones too; cheap."""

    def set_enabled(self, id: str, on: bool) -> str:
        """Switch alerts about one sound; returns "" or one sentence saying why not."""

    def set_sensitivity(self, id: str, value: float) -> str:
        """0 to 1; returns "" or one sentence saying why not."""

    def test(self, id: str) -> str:
        """Send an example through the real path; returns "" or one sentence saying why not."""

    def acknowledge(self, alert_id: str) -> None:
        """The user knows."""

    def acknowledge_all(self) -> None:
        """The user knows of everything that is open."""

    def snooze(self, sound_id: str | None, minutes: float) -> None:
        """No alerts about one sound for a while, or (None) about any that is no emergency.

        Those that are open are closed. 0 minutes ends the snooze; with None, every snooze.
        """

    def not_this(self, alert_id: str) -> None:
        """It was something else: keep the clip as a counter-example and close the alert."""

    def has_clip(self, alert_id: str) -> bool:
        """Whether the alert's sound can still be played: in memory, recorded or kept; cheap."""

    def keep_clip(self, alert_id: str) -> str:
        """Keep the alert's sound on disk; returns "" or one sentence saying why not."""

    def clip(self, alert_id: str) -> Path | None:
        """The kept file; None if none is kept."""

    def play(self, alert_id: str) -> str:
        """Play the alert's sound; returns "" or one sentence saying why not."""

    def play_samples(self, samples: Samples) -> str:
        """Play an example; returns "" or one sentence saying why not."""

    def stop_playing(self) -> None:
        """Stop what `play` or `play_samples` began."""

    # Teaching

    def last_seconds(self, seconds: float) -> Samples | None:
        """A copy of what the microphone heard last, at most 30 s; None while nothing is heard."""

    def record_begin(self) -> str:
        """Begin to take an example down; returns "" or one sentence saying why not."""

    def record_level_db(self) -> float:
        """Level of the last 0.1 s or so while recording, dBFS; cheap."""

    def record_stop(self) -> Samples | None:
        """End it; at most the last 30 s. None if nothing came."""

    def read_clip(self, path: Path) -> Samples:
        """The sound of a file, mixed to one channel, at most 30 s of it. Waits."""

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

    def taught(self) -> Sequence[TaughtRow]:
        """The sounds that the user taught; cheap."""

    def rename(self, id: str, name: str) -> str:
        """Give a taught sound another name; returns "" or one sentence saying why not."""

    def set_taught_enabled(self, id: str, on: bool) -> str:
        """Switch a taught sound; returns "" or one sentence saying why not."""

    def delete_taught(self, id: str) -> str:
        """Delete a taught sound and its examples for good; "" or why not."""

    def export_taught(self, id: str, path: Path) -> str:
        """Write a taught sound as one file; returns "" or one sentence saying why not. Waits."""

    def import_taught(self, path: Path) -> str:
        """Take a taught sound over from a file; "" or one sentence saying why not. Waits."""
