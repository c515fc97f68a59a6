"""Tables of the history and the steps from each version to the next.

The version stands in the file's `user_version`. A migration is never edited once released: a
change is a further function at the end of MIGRATIONS.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from everlisten.engine.errors import TimelineError
from everlisten.engine.timeline.search_index import index_text

APPLICATION_ID = 0x45764C69
"""'EvLi', in the file's header: this is a history of Everlisten."""


def _sessions_and_events(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE session (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            started_at TEXT NOT NULL,   -- wall clock, ISO 8601 with offset
            started_s REAL NOT NULL,    -- the same as seconds since 1970, to sort by
            zone TEXT NOT NULL,
            owner TEXT NOT NULL,        -- the process that writes to it, see owner.py
            ended INTEGER NOT NULL DEFAULT 0,
            recovered INTEGER NOT NULL DEFAULT 0,
            length_s REAL NOT NULL DEFAULT 0,
            model TEXT NOT NULL DEFAULT '',
            sources TEXT NOT NULL DEFAULT '')"""
    )
    connection.execute(
        """CREATE TABLE event (
            seq INTEGER PRIMARY KEY,
            session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
            type TEXT NOT NULL,
            id TEXT NOT NULL,
            start_s REAL NOT NULL,
            end_s REAL NOT NULL,
            body TEXT NOT NULL,         -- the event as JSON, as `listen --json` prints it
            UNIQUE (session, type, id))"""
    )
    connection.execute("CREATE INDEX event_by_time ON event (session, start_s)")
    connection.execute("CREATE INDEX session_by_time ON session (started_s)")


def _search(connection: sqlite3.Connection) -> None:
    # Marks belong to words in Hindi, Thai and others; by default they would cut them.
    connection.execute(
        """CREATE VIRTUAL TABLE search USING fts5 (
            text, tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mc Mn'")"""
    )
    for seq, body in connection.execute("SELECT seq, body FROM event").fetchall():
        text = index_text(json.loads(body))
        if text:
            connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (seq, text))


def _recordings(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE recording (
            file TEXT PRIMARY KEY,      -- below the folder of recordings
            session TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
            sources TEXT NOT NULL,
            start_s REAL NOT NULL,
            end_s REAL NOT NULL)"""
    )
    connection.execute("CREATE INDEX recording_by_time ON recording (session, start_s)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _sessions_and_events,
    _search,
    _recordings,
)
"""Step i leads from version i to version i + 1."""

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to the newest version, all steps or none.

    Raises:
        TimelineError: A newer Everlisten wrote the file.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        version = _version(connection)
        if version > VERSION:
            raise TimelineError(
                f"The history was written by a newer Everlisten (version {version} of the file, "
                f"this one knows {VERSION}); update Everlisten, or set EVERLISTEN_DATA_DIR to "
                "another folder"
            )
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
