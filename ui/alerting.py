"""What the window is given for alerts: one part for each of its widgets' concerns."""

from __future__ import annotations

from dataclasses import dataclass

from everlisten.ui.alert_protocols import Alerts, ClipPlayback, SoundSwitches
from everlisten.ui.teaching_protocols import ExampleSource, TaughtSounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Alerts of one window; `app/alert_service.py` puts it together.

    Attributes:
        alerts: What is open, and what the user does about it.
        clips: The sounds of alerts.
        sounds: Which sounds the user is warned about.
        taught: The sounds that the user taught.
        examples: Where examples for teaching come from.
    """

    alerts: Alerts
    clips: ClipPlayback
    sounds: SoundSwitches
    taught: TaughtSounds
    examples: ExampleSource
