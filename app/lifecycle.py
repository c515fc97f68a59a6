"""The life-cycle of listening: one state, changed only here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from everlisten.engine.events import EngineState

logger = logging.getLogger(__name__)

_S = EngineState
_NEXT: dict[EngineState, frozenset[EngineState]] = {
    _S.STOPPED: frozenset({_S.LOADING}),
    _S.LOADING: frozenset({_S.READY, _S.STOPPING}),
    _S.READY: frozenset({_S.LISTENING, _S.STOPPING}),
    _S.LISTENING: frozenset({_S.PAUSED, _S.READY, _S.STOPPING}),
    _S.PAUSED: frozenset({_S.LISTENING, _S.READY, _S.STOPPING}),
    _S.STOPPING: frozenset({_S.STOPPED}),
    _S.FAILED: frozenset({_S.LOADING, _S.STOPPING}),
}
"""From each state; FAILED is reachable from all and therefore not listed."""


class Lifecycle:
    """Holds the state; any thread may read it, one thread (the controller's) changes it."""

    def __init__(self, on_change: Callable[[EngineState, str], None]) -> None:
        self._on_change = on_change
        self._state = EngineState.STOPPED
        self._lock = threading.Lock()

    @property
    def state(self) -> EngineState:
        """The current state."""
        return self._state

    def to(self, state: EngineState, reason: str = "") -> None:
        """Take a step; staying where it stands is no step.

        Raises:
            ValueError: The step is not part of the life-cycle.
        """
        with self._lock:
            if state is self._state:
                return
            if state is not EngineState.FAILED and state not in _NEXT[self._state]:
                raise ValueError(f"no step from {self._state} to {state}")
            logger.info("%s -> %s %s", self._state, state, reason)
            self._state = state
        self._on_change(state, reason)
