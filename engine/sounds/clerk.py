"""Does what may wait for a disk, so that the sound thread never does."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from everlisten.engine.errors import EngineError

logger = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 5.0

Task = Callable[[], None]


class Clerk:
    """One task after the other in a thread of its own, which begins with the first one.

    Args:
        on_problem: Takes one sentence about a task that failed; called from that thread.
    """

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        self._on_problem = on_problem
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, task: Task) -> None:
        """Queue a task; one thread alone may call this and `stop`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sounds-disk", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def stop(self) -> None:
        """Do what waits, and end."""
        if self._thread is None:
            return
        self._tasks.put(None)
        self._thread.join(JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            logger.error("the disk thread of sounds did not end within %.0f s", JOIN_TIMEOUT_S)
        self._thread = None

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except EngineError as error:
                self._on_problem(str(error))
            except Exception as error:
                logger.exception("a task of the sound thread failed")
                self._on_problem(f"The clip could not be kept: {error!r}.")
