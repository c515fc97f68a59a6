"""A thread that does what takes time, so that the window never waits: history, files, teaching."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from everlisten.engine.errors import EngineError

logger = logging.getLogger(__name__)

JOIN_S = 5.0
_Refused = Callable[[str], None]
_Job = tuple[Callable[[], Any], Callable[[Any], None], _Refused | None]


class HistoryWorker(QObject):
    """Runs calls one after the other; answers arrive in the GUI thread."""

    failed = Signal(str)
    """One sentence for the user."""
    _answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None, name: str = "history") -> None:
        super().__init__(parent)
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        call: Callable[[], Any],
        answer: Callable[[Any], None],
        refused: _Refused | None = None,
    ) -> None:
        """Do `call` on the thread, then `answer` with its result here.

        A failure goes to `refused` as a sentence, or to the signal `failed`.
        """
        if not self._closed:
            self._jobs.put((call, answer, refused))

    def close(self) -> None:
        """Finish what was submitted and end the thread; answers no longer arrive."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join(JOIN_S)
        if self._thread.is_alive():
            logger.error("The thread %s did not end within %.0f s", self._name, JOIN_S)

    @Slot(object, object)
    def _deliver(self, answer: Callable[[Any], None], result: Any) -> None:
        if not self._closed:
            answer(result)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, answer, refused = job
            try:
                self._answered.emit(answer, call())
            except EngineError as error:
                self._refuse(str(error), refused)
            except Exception as error:  # top of the thread: logged and shown, never lost
                logger.exception("A call in the thread %s failed", self._name)
                self._refuse(f"That could not be done ({self._name}): {error}", refused)

    def _refuse(self, sentence: str, refused: _Refused | None) -> None:
        if refused is None:
            self.failed.emit(sentence)
        else:
            self._answered.emit(refused, sentence)
