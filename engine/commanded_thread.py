"""A thread that takes commands between two pieces of work, and whose owner can wait for its end."""

from __future__ import annotations

import logging
import queue
import threading
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

C = TypeVar("C")
JOIN_TIMEOUT_S = 10.0


class CommandedThread(ABC, Generic[C]):
    """What the engine thread and the sound thread have in common.

    Args:
        name: Of the thread.
        last: The command after which it ends.
    """

    def __init__(self, name: str, last: C) -> None:
        self._last = last
        self._commands: queue.SimpleQueue[C] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _run(self) -> None:
        """The whole life of the thread."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def send(self, command: C) -> None:
        """Queue a command; it is carried out between two pieces of work."""
        self._commands.put(command)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end (the ring closed and empty, or told to); False if it did not come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Ask for the end and wait for it."""
        if not self._thread.ident:
            return
        self.send(self._last)
        if not self.join(JOIN_TIMEOUT_S):
            logger.error(
                "the thread %s did not end within %.0f s", self._thread.name, JOIN_TIMEOUT_S
            )

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()
