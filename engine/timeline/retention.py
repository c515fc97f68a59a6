"""Deleting for good: rows, search words, log and recordings.

Deleted words leave the search index, the file is rebuilt without them and the write-ahead log is
emptied (`TimelineStore.erase_traces`). What the file system or an SSD keeps of
overwritten blocks is beyond this module.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from everlisten.engine.errors import TimelineError
from everlisten.engine.timeline.owner import is_alive
from everlisten.engine.timeline.recording import session_folder
from everlisten.engine.timeline.store import TimelineStore

logger = logging.getLogger(__name__)

_DAY_S = 86_400.0
_DAMAGED = "*.damaged-*"


def delete_older(store: TimelineStore, days: int, *, now_s: float | None = None) -> Sequence[str]:
    """Delete ended sessions that began more than `days` days ago, with their recordings.

    Damaged histories that were kept aside hold what was said too; they go by the same rule.

    Args:
        store: The open history.
        days: At least 1.
        now_s: Seconds since 1970; by default the computer's clock.

    Returns:
        Ids of the deleted sessions.

    Raises:
        TimelineError: Something could not be deleted.
    """
    assert days >= 1, days
    limit_s = (time.time() if now_s is None else now_s) - days * _DAY_S
    with store.reader() as reader:
        rows = reader.execute(
            "SELECT id FROM session WHERE started_s < ? AND ended = 1", (limit_s,)
        ).fetchall()
    sessions = [row["id"] for row in rows]
    if sessions:
        _delete(store, sessions)
        logger.info("retention deleted %d sessions older than %d days", len(sessions), days)
    elif store.traces_left:
        store.erase_traces()
    for path in (*store.folder.glob(_DAMAGED), *_orphans(store)):
        if path.stat().st_mtime < limit_s:
            _remove(path)
    return sessions


def delete_session(store: TimelineStore, session: str) -> None:
    """Delete one session that nobody listens to any more.

    Raises:
        TimelineError: It is still being written, or could not be deleted.
    """
    if session in _open_sessions(store):
        raise TimelineError("This session is still listening; end it, then delete it")
    _delete(store, [session])


def delete_all(store: TimelineStore) -> None:
    """Delete every session but those that listen now, damaged histories kept aside included.

    Raises:
        TimelineError: Something could not be deleted.
    """
    listening = _open_sessions(store)
    with store.reader() as reader:
        rows = reader.execute("SELECT id FROM session").fetchall()
    _delete(store, [row["id"] for row in rows if row["id"] not in listening])
    for path in (*store.folder.glob(_DAMAGED), *_orphans(store)):
        _remove(path)


def _open_sessions(store: TimelineStore) -> set[str]:
    """Sessions that a live process, this one or another, still writes to."""
    with store.reader() as reader:
        rows = reader.execute("SELECT id, owner FROM session WHERE ended = 0").fetchall()
    return {row["id"] for row in rows if row["owner"] and is_alive(store.owners, row["owner"])}


def _delete(store: TimelineStore, sessions: Sequence[str]) -> None:
    # Sound first: if the program dies in between, the row is still there to be deleted again.
    for session in sessions:
        _remove(session_folder(store.recordings, session))
    store.mark_traces()
    with store.transaction() as connection:
        for session in sessions:
            connection.execute(
                "DELETE FROM search WHERE rowid IN (SELECT seq FROM event WHERE session = ?)",
                (session,),
            )
            connection.execute("DELETE FROM session WHERE id = ?", (session,))
    store.erase_traces()


def _orphans(store: TimelineStore) -> list[Path]:
    """Recordings of sessions that the history does not know (any more)."""
    if not store.recordings.is_dir():
        return []
    with store.reader() as reader:
        rows = reader.execute("SELECT id FROM session").fetchall()
    known = {session_folder(store.recordings, row["id"]) for row in rows}
    return [path for path in store.recordings.iterdir() if path not in known]


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
    except OSError as error:
        raise TimelineError(
            f"{path} could not be deleted: {error.strerror or error}; delete it by hand"
        ) from error
