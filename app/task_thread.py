"""A thread that carries out one task after the other, and something else whenever it has none."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from everlisten.app.exit_codes import KNOWN_ERRORS

logger = logging.getLogger(__name__)

TICK_S = 0.25
Task = Callable[[], None]


class TaskThread:
    """Carries tasks out in the order in which they were given.

    Args:
        name: Of the thread.
        tick: Carried out after every `TICK_S` without a task.
        close: Carried out last.
        tell_error: Takes one sentence for every task that fails; the thread goes on.
    """

    def __init__(
        self, name: str, *, tick: Task, close: Task, tell_error: Callable[[str], None]
    ) -> None:
        self._tick = tick
        self._close = close
        self._tell_error = tell_error
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._quitting = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin with the tasks that were given."""
        self._thread.start()

    def put(self, task: Task) -> None:
        """Carry `task` out when it is its turn."""
        self._tasks.put(task)

    def stop(self, timeout_s: float) -> None:
        """Finish the task in hand, leave those that wait, close, and wait for the end."""
        self._quitting.set()
        self._tasks.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.error("the thread %s did not end within %.0f s", self._thread.name, timeout_s)

    def _run(self) -> None:
        while not self._quitting.is_set():
            try:
                task = self._tasks.get(timeout=TICK_S)
            except queue.Empty:
                self._guarded(self._tick)
                continue
            if task is not None and not self._quitting.is_set():
                self._guarded(task)
        self._guarded(self._close)

    def _guarded(self, task: Task) -> None:
        try:
            task()
        except KNOWN_ERRORS as error:
            self._tell_error(str(error))
        except Exception as error:
            logger.exception("a task of the thread %s failed", self._thread.name)
            self._tell_error(f"Something went wrong: {error!r}. The log file says more.")
