"""Looks after a running session: restarts a failed engine, tells of problems when they change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from everlisten.app.session import Session
from everlisten.engine.events import EngineEvent, EngineHealth

logger = logging.getLogger(__name__)

RESTART_FIRST_S = 1.0
RESTART_LAST_S = 30.0
"""The pause before a restart doubles from the first to the last; sound waits in the ring."""
WELL_AFTER_S = 120.0
"""An engine that ran for so long since its restart is well: the next failure is a new one."""


class EngineSupervisor:
    """Restarts a failed engine thread with back-off."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new session begins."""
        self._pause_s = RESTART_FIRST_S
        self._restart_at_s: float | None = None
        self._restarted_s = time.monotonic()
        self.failures = 0
        """In a row, since the engine was last well."""

    def look_after(self, session: Session) -> None:
        """Call several times a second."""
        if not session.engine.failed:
            return
        now_s = time.monotonic()
        if self._restart_at_s is None:
            if now_s - self._restarted_s > WELL_AFTER_S:
                self._pause_s = RESTART_FIRST_S
                self.failures = 0
            self.failures += 1
            self._restart_at_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, RESTART_LAST_S)
        elif now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._restarted_s = now_s
            logger.warning("restarting the engine of session %s", session.id)
            session.restart_engine()


class ProblemReporter:
    """Turns changes of a feed's condition into events."""

    def __init__(self, publish: Callable[[EngineEvent], None]) -> None:
        self._publish = publish
        self._told = ""

    def report(self, session: Session) -> None:
        """Publish an `EngineHealth` when the problem is another than the last one told."""
        problem = session.problem
        if problem == self._told:
            return
        self._told = problem
        load = session.engine.load
        self._publish(
            EngineHealth(
                id=f"{session.id}-health",
                session=session.id,
                emitted_s=load.consumed_s,
                lag_s=load.lag_s,
                load=load.load,
                dropped=session.ring.dropped,
                problem=problem,
            )
        )
