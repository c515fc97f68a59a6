"""A subscriber's queue of events."""

from __future__ import annotations

import queue
from collections.abc import Iterator

from everlisten.engine.events import (
    CaptionPartial,
    Decision,
    EngineEvent,
    EngineHealth,
    ReplyDelta,
    TranslationPartial,
)

_PASSING = (CaptionPartial, TranslationPartial, ReplyDelta, Decision, EngineHealth)
_PASSING_LIMIT = 10_000
"""About ten minutes of a subscriber that does not read; from then on only what must not be lost
is kept for it."""


class EventFeed:
    """Events in the order of the engine; finals are on disk when they arrive here.

    `push` and `close` are the writer's, the rest is for one reading thread.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()
        self.skipped = 0
        """Passing events left out because nobody read."""
        self.closed = False
        """The writer has stopped and everything was read."""

    def __iter__(self) -> Iterator[EngineEvent]:
        """Events as they come, until the writer stops."""
        while not self.closed:
            if (event := self.get()) is not None:
                yield event

    def get(self, timeout_s: float | None = None) -> EngineEvent | None:
        """The next event; None after `timeout_s`, or once the writer has stopped."""
        if self.closed:
            return None
        try:
            event = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self.closed = event is None
        return event

    def drain(self) -> list[EngineEvent]:
        """Everything that waits, without waiting."""
        events: list[EngineEvent] = []
        while not self.closed:
            try:
                event = self._queue.get_nowait()
            except queue.Empty:
                break
            if event is None:
                self.closed = True
            else:
                events.append(event)
        return events

    def push(self, event: EngineEvent) -> None:
        """Append an event; never blocks."""
        if isinstance(event, _PASSING) and self._queue.qsize() >= _PASSING_LIMIT:
            self.skipped += 1
            return
        self._queue.put(event)

    def close(self) -> None:
        """No event follows."""
        self._queue.put(None)
