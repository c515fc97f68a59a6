"""The thread between the engine and everybody who shows events: first the disk, then the world.

A final is handed to subscribers only once it is committed; an alert is handed on at once. What
waits is committed together, so a burst costs one sync of the disk. Partials pass through in order
without touching the disk.

When the disk refuses, listening goes on: partials still pass, the user is told once, and unsaved
finals wait in memory, in order, until a retry commits and publishes them. At `stop` the rest goes
to a spill file (see `spill`).

The threads that tell events meet here, so here each event gets its `wall_s`.
"""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import datetime

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import (
    FINAL_EVENTS,
    URGENT_EVENTS,
    EngineEvent,
    EngineFailed,
    SessionEnded,
    SessionStarted,
)
from everlisten.engine.timeline import retention, spill
from everlisten.engine.timeline.entries import DURABLE, Entry
from everlisten.engine.timeline.feed import EventFeed
from everlisten.engine.timeline.records import SessionDetails, default_title, new_session_id
from everlisten.engine.timeline.store import TimelineStore

logger = logging.getLogger(__name__)

_RETRY_FIRST_S = 0.5
_RETRY_LAST_S = 15.0
_SWEEP_EVERY_S = 3600.0
_SWEEP_SOON_S = 60.0
_STOP_TRIES = 3


class TimelineWriter:
    """Commits events and publishes them.

    Args:
        store: The open history; claimed by `start`, closed by its owner after `stop`.
        retention_days: Sessions that began longer ago are deleted, at the start and every hour;
            0 keeps all.

    Attributes:
        last_saved: `time.monotonic()` of the last commit of a final; None before the first.
    """

    def __init__(self, store: TimelineStore, *, retention_days: int = 0) -> None:
        self._store = store
        self._retention_days = retention_days
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        # Held over stamping and queueing, so that what waits is in the order of its stamps.
        self._put_lock = threading.Lock()
        self._began_s: dict[str, float] = {}
        """By session; kept after its end, for what is told of it then."""
        self._feeds: list[EventFeed] = []
        self._feeds_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._unsaved: list[Entry] = []
        self._retry_at_s = 0.0
        self._retry_after_s = _RETRY_FIRST_S
        self._sweep_at_s = 0.0
        self._session = ""
        self.last_saved: float | None = None

    @property
    def unsaved(self) -> int:
        """Finals that wait in memory because the disk refuses."""
        return sum(isinstance(entry, FINAL_EVENTS) for entry in tuple(self._unsaved))

    def subscribe(self) -> EventFeed:
        """A feed of every event published from now on; it ends when the writer stops."""
        feed = EventFeed()
        with self._feeds_lock:
            self._feeds.append(feed)
        return feed

    def unsubscribe(self, feed: EventFeed) -> None:
        """Publish nothing more to `feed`."""
        with self._feeds_lock:
            self._feeds.remove(feed)

    def put(self, entry: Entry) -> None:
        """Hand over an event, from any thread; waits for no disk and no reader.

        Its `wall_s` is set, if its session was begun here.
        """
        with self._put_lock:
            self._queue.put(self._stamped(entry))

    def begin_session(
        self,
        *,
        model: str = "",
        sources: Sequence[SourceName] = (),
        title: str = "",
        now: datetime | None = None,
    ) -> SessionStarted:
        """Name a new session and hand over its first event.

        Args:
            model: Id of the model that captions it.
            sources: What it listens to.
            title: What the user reads; by default day and time.
            now: Wall-clock time with zone; by default the computer's.
        """
        now = datetime.now().astimezone() if now is None else now
        session = new_session_id(now)
        self._began_s[session] = time.monotonic()
        event = SessionStarted(
            id=session,
            session=session,
            text=title or default_title(now),
            started_at=now.isoformat(timespec="milliseconds"),
        )
        self.put(event)
        self.put(SessionDetails(session=session, model=model, sources=tuple(sources)))
        return event

    def set_retention(self, days: int) -> None:
        """Another retention, from the next sweep, which comes at once."""
        self._retention_days = days
        self._sweep_at_s = 0.0
        self._queue.put(None)

    def start(self) -> Sequence[str]:
        """Claim the history and begin.

        Returns:
            Ids of the sessions that an earlier run was cut off in.

        Raises:
            TimelineError: The history cannot be written.
        """
        recovered = self._store.claim()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)
        self._thread.start()
        return recovered

    def stop(self, timeout_s: float = 15.0) -> bool:
        """Commit and publish what waits, end the feeds, join the thread.

        Returns:
            False if the thread did not end in time.
        """
        if self._thread is None:
            return True
        self._stopping = True
        self._queue.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.error("the timeline thread did not end within %.0f s", timeout_s)
            return False
        self._thread = None
        return True

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn(self._collect(self._wait_s()))
            self._turn(self._collect(0.0))
            self._finish()
        except Exception:
            logger.exception("the timeline thread failed")
            self._fail("Saving the history failed unexpectedly; start Everlisten again")
        finally:
            with self._feeds_lock:
                for feed in self._feeds:
                    feed.close()

    def _wait_s(self) -> float:
        """How long the thread may sleep if nothing comes."""
        now_s = time.monotonic()
        if self._unsaved:
            return max(0.0, self._retry_at_s - now_s)
        return 1.0 if self._sweep_at_s <= now_s else min(60.0, self._sweep_at_s - now_s)

    def _collect(self, wait_s: float) -> list[Entry]:
        """Everything that waits, or the first thing that comes."""
        batch: list[Entry] = []
        try:
            entry = self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait()
            while True:
                if entry is not None:
                    batch.append(entry)
                entry = self._queue.get_nowait()
        except queue.Empty:
            return batch

    def _turn(self, batch: list[Entry]) -> None:
        self._tell_notices()
        durable = [entry for entry in batch if isinstance(entry, DURABLE)]
        if not any(isinstance(entry, SessionStarted | SessionEnded) for entry in batch):
            self._publish([entry for entry in batch if isinstance(entry, URGENT_EVENTS)])
            batch = [entry for entry in batch if not isinstance(entry, URGENT_EVENTS)]
        if not self._unsaved and self._commit(durable):
            self._publish(batch)
            self._sweep()
            return
        # The disk refuses. A session's start holds nobody up, so it passes with the partials.
        self._unsaved += durable
        self._publish([entry for entry in batch if not _is_withheld(entry)])
        if time.monotonic() >= self._retry_at_s and self._commit(self._unsaved):
            self._publish_saved()

    def _commit(self, entries: Sequence[Entry]) -> bool:
        """Whether the entries are on disk; tells the user the first time they are not."""
        if not entries:
            return True
        try:
            self._store.commit(entries)
        except TimelineError as error:
            self._retry_at_s = time.monotonic() + self._retry_after_s
            if self._retry_after_s == _RETRY_FIRST_S:
                logger.warning("history not saved, %d entries wait: %s", len(entries), error)
                self._fail(str(error))
            self._retry_after_s = min(_RETRY_LAST_S, 2 * self._retry_after_s)
            return False
        self._tell_notices()
        self._retry_after_s = _RETRY_FIRST_S
        if any(isinstance(entry, FINAL_EVENTS) for entry in entries):
            self.last_saved = time.monotonic()
        return True

    def _publish_saved(self) -> None:
        saved, self._unsaved = self._unsaved, []
        logger.info("history saved again, %d entries had waited", len(saved))
        self._publish([entry for entry in saved if _is_withheld(entry)])

    def _finish(self) -> None:
        """The end: last tries, then the spill file."""
        for _ in range(_STOP_TRIES):
            if not self._unsaved:
                return
            if self._commit(self._unsaved):
                self._publish_saved()
                return
            time.sleep(_RETRY_FIRST_S / 2)
        path = spill.write_spill(self._store.folder, self._unsaved)
        if path is None:
            self._fail(
                f"Captions could not be saved anywhere and are lost ({self.unsaved}); make room in "
                f"{self._store.folder}"
            )
            return
        logger.warning("%d unsaved entries were put into %s", len(self._unsaved), path)
        if path.parent != self._store.folder:
            self._fail(
                f"Captions could not be saved in {self._store.folder} and were put "
                f"into {path}; make room and start Everlisten again, which takes them in"
            )
        self._publish_saved()

    def _sweep(self) -> None:
        """Apply the retention, once an hour."""
        if time.monotonic() < self._sweep_at_s:
            return
        # Before the work: `set_retention` may ask for another sweep meanwhile.
        self._sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
        try:
            if self._retention_days > 0:
                retention.delete_older(self._store, self._retention_days)
            elif self._store.traces_left:
                self._store.erase_traces()
        except TimelineError as error:
            self._fail(str(error))
        except OSError as error:
            # Saving goes on.
            self._fail(f"Old sessions could not be looked through: {error}")
        if self._store.traces_left:
            self._sweep_at_s = min(self._sweep_at_s, time.monotonic() + _SWEEP_SOON_S)

    def _tell_notices(self) -> None:
        while self._store.notices:
            self._fail(self._store.notices.pop(0))

    def _fail(self, sentence: str) -> None:
        failed = EngineFailed(id="timeline", session=self._session, text=sentence)
        self._publish([self._stamped(failed)])

    def _stamped(self, entry: Entry) -> Entry:
        began_s = self._began_s.get(entry.session)
        if began_s is None or not isinstance(entry, EngineEvent):
            return entry
        return dataclasses.replace(entry, wall_s=time.monotonic() - began_s)

    def _publish(self, entries: Sequence[Entry]) -> None:
        events = [entry for entry in entries if isinstance(entry, EngineEvent)]
        if events:
            self._session = events[-1].session
        with self._feeds_lock:
            for feed in self._feeds:
                for event in events:
                    feed.push(event)


def _is_withheld(entry: Entry) -> bool:
    """Published only once it is on disk; a session's end waits for its finals."""
    passes = isinstance(entry, (SessionStarted, *URGENT_EVENTS))
    return isinstance(entry, DURABLE) and not passes
