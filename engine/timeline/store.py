"""The history's file: one SQLite database, one writing connection, any number of readers.

Writes come from the writer's thread and, seldom, from whoever deletes or renames; a lock gives them
turns. Every reader opens a connection of its own for as long as it reads: with the write-ahead log
it neither waits for the writer nor holds it up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from everlisten.engine.events import EngineEvent, SessionStarted
from everlisten.engine.timeline import faults, recovery, spill
from everlisten.engine.timeline.entries import Entry, write_entry
from everlisten.engine.timeline.owner import Owner
from everlisten.engine.timeline.schema import migrate

logger = logging.getLogger(__name__)

_BUSY_S = 5.0
_QUICK_CHECK_BYTES = 256 << 20
"""Files up to this size are checked at every start (under half a second), larger ones only after
an unclean end."""
_CHECKPOINT_TRIES = 20
_CHECKPOINT_PAUSE_S = 0.1
_CORRUPT_INDEX = sqlite3.SQLITE_CORRUPT_VTAB


class TimelineStore:
    """The open history file.

    Args:
        path: `<data>/timeline.db`. Its folder is made private to the user (0700, files 0600).

    Attributes:
        notices: Sentences for the user about what opening found, for example a damaged file.

    Raises:
        TimelineError: The file cannot be made, opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notices: list[str] = []
        self._erase_mark = path.with_name("erase-pending")
        self._lock = threading.RLock()
        self._owner: Owner | None = None
        self._recovered: tuple[str, ...] = ()
        self._open_sessions: dict[str, SessionStarted] = {}
        self._connection = self._open()

    def __enter__(self) -> TimelineStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.path.parent

    @property
    def recordings(self) -> Path:
        """Folder of the recordings, one folder a session."""
        return self.folder / "recordings"

    @property
    def owners(self) -> Path:
        """Folder of the claims of writing processes."""
        return self.folder / "owners"

    @property
    def recovered(self) -> Sequence[str]:
        """Ids of the sessions that `claim` found cut off."""
        return self._recovered

    def claim(self) -> Sequence[str]:
        """Become a writer: finish what dead processes left open.

        Returns:
            Ids of the sessions that were cut off, by their flag, never by their age.
        """
        with self._lock:
            if self._owner is None:
                try:
                    self._owner = Owner(self.owners)
                except OSError as error:
                    raise faults.timeline_error(error, self.path) from error
                # First, or a session whose finals all wait there would count as empty.
                self._take_spills()
                with self.transaction() as connection:
                    self._recovered = recovery.recover(connection, self.owners, self.recordings)
                recovery.sweep_owners(self.owners)
                self._empty_log()
            return self._recovered

    def commit(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction; when this returns they are on disk.

        A file that turns out to be damaged is set aside and the entries go into a new one.

        Raises:
            TimelineError: Nothing of it was written.
        """
        with self._lock:
            self._note_open_sessions(entries)
            try:
                self._commit(entries)
            except sqlite3.Error as error:
                if not faults.is_damage(error):
                    raise faults.timeline_error(error, self.path) from error
                self._mend(error, entries)

    def rename(self, session: str, title: str) -> None:
        """Give a session another title."""
        with self.transaction() as connection:
            connection.execute("UPDATE session SET title = ? WHERE id = ?", (title, session))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The writing connection inside a transaction, all or nothing.

        Raises:
            TimelineError: SQLite refused.
        """
        with self._lock:
            try:
                with self._atomic() as connection:
                    yield connection
            except sqlite3.Error as error:
                raise faults.timeline_error(error, self.path) from error

    @contextlib.contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection of the caller's own that can only read; for any thread.

        Raises:
            TimelineError: The file cannot be read.
        """
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=_BUSY_S,
                isolation_level=None,
            )
            try:
                connection.row_factory = sqlite3.Row
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise faults.timeline_error(error, self.path, doing="read") from error

    @property
    def traces_left(self) -> bool:
        """Deleted words may still stand in the file or its log, see `erase_traces`."""
        return self._erase_mark.exists()

    def mark_traces(self) -> None:
        """Note, before a deletion, that `erase_traces` is owed; also a later start sees it."""
        try:
            self._erase_mark.touch(0o600)
        except OSError as error:
            raise faults.timeline_error(error, self.path) from error

    def erase_traces(self) -> bool:
        """After a deletion: make sure that no byte of the deleted words is left in the files.

        `secure_delete` alone leaves copies in the slack of pages whose rows were once moved, so
        the file is rebuilt from its rows; before that, deleted words leave the search index, and
        after it the log is emptied.

        Returns:
            False if somebody read all the while or the disk refused; `traces_left` stays set and
            the next sweep of the retention, deletion or start tries again.
        """
        try:
            with self._lock:
                with self._atomic() as connection:
                    connection.execute("INSERT INTO search (search) VALUES ('optimize')")
                connection.execute("VACUUM")
        except sqlite3.Error as error:
            logger.warning("traces of deleted sessions could not be erased yet: %s", error)
            return False
        for _ in range(_CHECKPOINT_TRIES):
            if self._empty_log():
                self._erase_mark.unlink(missing_ok=True)
                return True
            time.sleep(_CHECKPOINT_PAUSE_S)
        logger.warning("the history's log could not be emptied yet: it is being read")
        return False

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            if self._owner is not None:
                self._owner.release()
                self._owner = None

    def _open(self) -> sqlite3.Connection:
        try:
            make_private(self.folder)
            try:
                return self._connect()
            except sqlite3.DatabaseError as error:
                if not faults.is_damage(error):
                    raise
                self._set_aside(error)
                return self._connect()
        except (sqlite3.Error, OSError) as error:
            raise faults.timeline_error(error, self.path, doing="opened") from error

    def _connect(self) -> sqlite3.Connection:
        unclean = self._sibling("-wal").exists()
        # Made here, so that the file and those that SQLite puts beside it are private from birth.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            # Survives a power cut too; a final every few seconds bears one fsync.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 1048576")
            if unclean or self.path.stat().st_size <= _QUICK_CHECK_BYTES:
                _quick_check(connection)
            migrate(connection)
            for suffix in ("", "-wal", "-shm"):
                if (path := self._sibling(suffix)).exists():
                    path.chmod(0o600)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Keep the damaged file under a dated name and tell the user."""
        aside = self.folder / f"{self.path.stem}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
        for suffix in ("-wal", "-shm", ""):
            if (path := self._sibling(suffix)).exists():
                path.rename(f"{aside}{suffix}")
        logger.error("damaged history set aside as %s: %s", aside, error)
        self.notices.append(
            f"The history {self.path} was damaged; it is kept as {aside.name} and a new history "
            "was started"
        )

    def _mend(self, error: sqlite3.Error, entries: Sequence[Entry]) -> None:
        """The file proved damaged while writing: mend it if only the index is, else start anew."""
        try:
            if error.sqlite_errorcode == _CORRUPT_INDEX:
                with self._atomic() as connection:
                    connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
                with contextlib.suppress(sqlite3.DatabaseError):
                    self._commit(entries)
                    return
            self._connection.close()
            self._set_aside(error)
            self._connection = self._connect()
            self._commit([*self._open_sessions.values(), *entries])
        except (sqlite3.Error, OSError) as second:
            raise faults.timeline_error(second, self.path) from second

    def _commit(self, entries: Sequence[Entry]) -> None:
        owner = self._owner.id if self._owner is not None else ""
        with self._atomic() as connection:
            for entry in entries:
                write_entry(connection, entry, owner)

    def _take_spills(self) -> None:
        """Take in what an earlier run could not save."""
        for path in spill.find_spills(self.folder):
            try:
                with self.transaction() as connection:
                    for entry in spill.read_spill(path):
                        write_entry(connection, entry, "")
                path.unlink()
                logger.info("took in %s", path.name)
            except OSError as error:
                logger.warning("%s stays for the next start: %s", path.name, error)

    def _note_open_sessions(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if isinstance(entry, SessionStarted):
                self._open_sessions[entry.session] = entry
            elif isinstance(entry, EngineEvent) and entry.type == "end":
                self._open_sessions.pop(entry.session, None)

    def _empty_log(self) -> bool:
        """Move the log into the file and cut it to nothing, unless somebody reads it now."""
        with self._lock:
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                row = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return bool(row[0] == 0)
            except sqlite3.Error as error:
                raise faults.timeline_error(error, self.path) from error
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000:.0f}")

    @contextlib.contextmanager
    def _atomic(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _sibling(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def make_private(folder: Path) -> None:
    """Make a folder that only the user may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def _quick_check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
