"""What is done at start about sessions that a dead process left open."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path

from everlisten.engine.timeline.entries import remove_if_empty, write_entry
from everlisten.engine.timeline.owner import is_alive
from everlisten.engine.timeline.recording import rescue_pieces

logger = logging.getLogger(__name__)

_FRESH_S = 60.0
"""A claim this young may be just about to be locked."""


def recover(connection: sqlite3.Connection, owners: Path, recordings: Path) -> tuple[str, ...]:
    """Close every session that is not finalised and whose owner is dead.

    Returns:
        Their ids, without those that were empty and are gone.
    """
    rows = connection.execute("SELECT id, owner FROM session WHERE ended = 0").fetchall()
    alive = {owner: is_alive(owners, owner) for _, owner in rows if owner}
    found = [session for session, owner in rows if not alive.get(owner, False)]
    for session in found:
        for piece in rescue_pieces(recordings, session):
            write_entry(connection, piece, "")
        connection.execute("UPDATE session SET ended = 1, recovered = 1 WHERE id = ?", (session,))
        remove_if_empty(connection, session)
    kept = {row[0] for row in connection.execute("SELECT id FROM session WHERE recovered = 1")}
    return tuple(session for session in found if session in kept)


def sweep_owners(owners: Path) -> None:
    """Remove the claims of dead processes."""
    for path in owners.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _FRESH_S:
                is_alive(owners, path.name)
