"""Where the examples of a sound that is being taught come from: what is heard, and files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from everlisten.app.alert_clips import read_sound
from everlisten.app.alert_kit import AlertKit
from everlisten.app.listener import NOT_LISTENING, Listener, watch_of
from everlisten.app.samples import from_window, to_window
from everlisten.app.sound_player import SoundPlayer
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.events import EngineState
from everlisten.ui.teaching_protocols import Samples

_LOWEST_DB = -120.0


class ExampleSource:
    """Implements `ui.teaching_protocols.ExampleSource`.

    Args:
        kit: Knows which sources alerts listen to.
        listener: Has the session.
        player: Plays examples.
        problem: Why alerts do not work; "" while they do.
    """

    def __init__(
        self,
        kit: AlertKit,
        listener: Listener,
        player: SoundPlayer,
        problem: Callable[[], str],
    ) -> None:
        self._kit = kit
        self._listener = listener
        self._player = player
        self._problem = problem
        self._recording_s: float | None = None

    def last_seconds(self, seconds: float) -> Samples | None:
        """A copy of what was heard last."""
        watch = watch_of(self._listener)
        hearing = watch.hearing if watch is not None else None
        if hearing is None:
            return None
        heard = hearing.last_30_s()[-max(0, round(seconds * SAMPLE_RATE_HZ)) :]
        return to_window(heard) if len(heard) else None

    def record_begin(self) -> str:
        """Begin to take an example down."""
        watch = watch_of(self._listener)
        if watch is None or watch.hearing is None:
            return self._problem() or NOT_LISTENING
        if self._listener.state() is EngineState.PAUSED:
            return "Listening is paused; go on first."
        self._recording_s = time.monotonic()
        return ""

    def record_level_db(self) -> float:
        """Level of the last 0.1 s or so."""
        session = self._listener.session()
        if session is None:
            return _LOWEST_DB
        heard = self._kit.sources
        levels = [
            one.level_db
            for one in session.feed.health().sources
            if one.source in heard or one.source not in ("mic", "system")
        ]
        return max(levels, default=_LOWEST_DB)

    def record_stop(self) -> Samples | None:
        """End it."""
        began_s, self._recording_s = self._recording_s, None
        return None if began_s is None else self.last_seconds(time.monotonic() - began_s)

    def read_file(self, path: Path) -> Samples:
        """The sound of a file.

        Raises:
            EngineError: It cannot be read.
        """
        return to_window(read_sound(path))

    def play(self, samples: Samples) -> str:
        """Play an example."""
        sound = from_window(samples)
        self._player.cut()
        self._player.play(lambda: (sound, SAMPLE_RATE_HZ))
        return self._player.problem

    def stop_playing(self) -> None:
        """Stop what `play` began."""
        self._player.cut()
