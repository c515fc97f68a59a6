"""Who listens now, as alerts see it."""

from __future__ import annotations

from typing import Protocol

from everlisten.app.session import Session
from everlisten.app.sound_watch import SoundWatch
from everlisten.engine.events import EngineState

NOT_LISTENING = "Start listening first."


class Listener(Protocol):
    """Has the session that listens now."""

    def session(self) -> Session | None:
        """None while nothing listens."""

    def state(self) -> EngineState:
        """Where the life-cycle stands."""


def watch_of(listener: Listener) -> SoundWatch | None:
    """What judges the sounds of the session that listens now; None where nothing does."""
    session = listener.session()
    watch = session.watch if session is not None else None
    return watch if isinstance(watch, SoundWatch) else None
