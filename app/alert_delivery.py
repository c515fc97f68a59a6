"""Alerts become sound: a tone, and the system's voice if the user wants it.

What is shown (banner, notification, flash) belongs to the window. Nothing here waits: tones are
made, and words are spoken, in the player's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from everlisten.app.alert_config import AlertConfig
from everlisten.app.alert_tone import TONE_RATE_HZ, tone
from everlisten.app.sound_player import SoundPlayer
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.events import EngineEvent, SoundAlert

logger = logging.getLogger(__name__)

_KEPT = 64
"""Alerts whose last level is remembered."""


class AlertDelivery:
    """Sounds every alert once, and again each time that it is repeated louder.

    Args:
        player: Plays; started and stopped by its owner.
        config: The switches as they are now.
        language: Of the alerts' words.
        tell: Takes one sentence when words cannot be spoken.
    """

    def __init__(
        self,
        player: SoundPlayer,
        config: Callable[[], AlertConfig],
        language: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        self._player = player
        self._config = config
        self._language = language
        self._tell = tell
        self._told = False
        self._levels: dict[str, int] = {}

    def deliver(self, event: EngineEvent) -> None:
        """Take any event; never blocks."""
        if not isinstance(event, SoundAlert) or event.level <= self._levels.get(event.id, -1):
            return
        self._levels[event.id] = event.level
        while len(self._levels) > _KEPT:
            self._levels.pop(next(iter(self._levels)))
        config = self._config()
        if config.tone and config.tone_volume > 0:
            self._player.play(
                lambda: (
                    tone(event.severity, level=event.level, volume=config.tone_volume),
                    TONE_RATE_HZ,
                ),
                urgent=True,
            )
        if config.spoken:
            self._player.play(lambda: self._words(event), urgent=True)

    def _words(self, alert: SoundAlert) -> tuple[Samples, int] | None:
        from everlisten.engine.laim.spoken import say

        try:
            samples = say(f"{alert.label}. {alert.advice}", self._language())
        except EngineError as error:
            logger.warning("the alert was not spoken: %s", error)
            if not self._told:
                self._told = True
                self._tell(f"Alerts cannot be spoken: {error}")
            return None
        self._told = False
        return samples, SAMPLE_RATE_HZ
