"""What the window needs for alerts about sounds, stated as Protocols. No call waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from everlisten.engine.events import SoundAlert

SAFETY_SENTENCE = "Everlisten is not a certified safety device. Keep your smoke and CO alarms."
SEVERITIES = ("emergency", "warning", "notice")
Severity = Literal["emergency", "warning", "notice"]


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


class Alerts(Protocol):
    """What is open, and what the user does about it."""

    def reading(self) -> AlertReading:
        """A snapshot; cheap, called several times a second."""

    def delivery(self) -> Delivery:
        """The switches as they are now; cheap."""

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


class ClipPlayback(Protocol):
    """The sounds of alerts, open or long over: played and kept."""

    def has(self, alert_id: str) -> bool:
        """Whether the alert's sound can still be played: in memory, recorded or kept; cheap."""

    def path(self, alert_id: str) -> Path | None:
        """The kept file; None if none is kept."""

    def keep(self, alert_id: str) -> str:
        """Keep the alert's sound on disk; returns "" or one sentence saying why not."""

    def play(self, alert_id: str) -> str:
        """Play the alert's sound; returns "" or one sentence saying why not."""


class SoundSwitches(Protocol):
    """Which sounds the user is warned about, and how readily."""

    def rows(self) -> Sequence[SoundRow]:
        """Every sound that can be alerted about, taught ones too; cheap."""

    def set_enabled(self, id: str, on: bool) -> str:
        """Switch alerts about one sound; returns "" or one sentence saying why not."""

    def set_sensitivity(self, id: str, value: float) -> str:
        """0 to 1; returns "" or one sentence saying why not."""

    def test(self, id: str) -> str:
        """Send an example through the real path; returns "" or one sentence saying why not."""
