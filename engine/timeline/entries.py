"""What goes into the history, entry by entry: statements inside a transaction of the store."""

from __future__ import annotations

import json
import math
import sqlite3
from datetime import datetime, timedelta

from everlisten.engine import event_json
from everlisten.engine.events import (
    FINAL_EVENTS,
    EngineEvent,
    SessionEnded,
    SessionStarted,
    is_test,
)
from everlisten.engine.timeline.records import (
    RecordedPiece,
    SessionDetails,
    default_title,
    local_zone,
)
from everlisten.engine.timeline.search_index import index_text

Entry = EngineEvent | SessionDetails | RecordedPiece
DURABLE = (*FINAL_EVENTS, SessionStarted, SessionEnded, SessionDetails, RecordedPiece)
"""What the history keeps; everything else only passes through the writer."""


def write_entry(connection: sqlite3.Connection, entry: Entry, owner: str) -> None:
    """Write one entry. Writing it again changes nothing, so a doubtful commit may be repeated.

    A test of an alert is no part of what was heard, and is left out.
    """
    if isinstance(entry, SessionStarted):
        _start(connection, entry, owner)
    elif isinstance(entry, SessionDetails):
        connection.execute(
            "UPDATE session SET model = ?, sources = ? WHERE id = ?",
            (entry.model, " ".join(entry.sources), entry.session),
        )
    elif isinstance(entry, RecordedPiece):
        _record(connection, entry, owner)
    elif isinstance(entry, SessionEnded):
        _end(connection, entry)
    elif isinstance(entry, FINAL_EVENTS) and not is_test(entry):
        _keep(connection, entry, owner)


def remove_if_empty(connection: sqlite3.Connection, session: str) -> None:
    """Delete a session in which nothing was heard and nothing recorded."""
    connection.execute(
        """DELETE FROM session WHERE id = ?1
           AND NOT EXISTS (SELECT 1 FROM event WHERE session = ?1)
           AND NOT EXISTS (SELECT 1 FROM recording WHERE session = ?1)""",
        (session,),
    )


def _start(connection: sqlite3.Connection, event: SessionStarted, owner: str) -> None:
    try:
        started_at = datetime.fromisoformat(event.started_at)
    except ValueError:
        started_at = datetime.now()
    if started_at.tzinfo is None:
        started_at = started_at.astimezone()
    connection.execute(
        """INSERT INTO session (id, title, started_at, started_s, zone, owner)
           VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING""",
        (
            event.session,
            _clean(event.text) or default_title(started_at),
            started_at.isoformat(timespec="milliseconds"),
            started_at.timestamp(),
            local_zone(),
            owner,
        ),
    )


def _end(connection: sqlite3.Connection, event: SessionEnded) -> None:
    length_s = max(_finite(event.end_s), _finite(event.emitted_s))
    connection.execute(
        "UPDATE session SET ended = 1, length_s = max(length_s, ?) WHERE id = ?",
        (length_s, event.session),
    )
    remove_if_empty(connection, event.session)


def _keep(connection: sqlite3.Connection, event: EngineEvent, owner: str) -> None:
    """Insert a final, or replace the earlier state of the same alert, and index its words."""
    _ensure_session(connection, event, owner)
    fields = event_json.to_dict(event)
    seq = connection.execute(
        """INSERT INTO event (session, type, id, start_s, end_s, body) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (session, type, id) DO UPDATE
           SET start_s = excluded.start_s, end_s = excluded.end_s, body = excluded.body
           RETURNING seq""",
        (
            event.session,
            event.type,
            event.id,
            _finite(event.start_s),
            _finite(event.end_s),
            _clean(json.dumps(fields, ensure_ascii=False)),
        ),
    ).fetchone()[0]
    connection.execute("DELETE FROM search WHERE rowid = ?", (seq,))
    if text := _clean(index_text(fields)):
        connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (seq, text))
    connection.execute(
        "UPDATE session SET length_s = max(length_s, ?) WHERE id = ?",
        (max(_finite(event.emitted_s), _finite(event.end_s)), event.session),
    )


def _record(connection: sqlite3.Connection, piece: RecordedPiece, owner: str) -> None:
    _ensure_session(connection, SessionStarted(id="", session=piece.session), owner)
    connection.execute(
        "INSERT OR REPLACE INTO recording (file, session, sources, start_s, end_s) "
        "VALUES (?, ?, ?, ?, ?)",
        (piece.file, piece.session, " ".join(piece.sources), piece.start_s, piece.end_s),
    )
    connection.execute(
        "UPDATE session SET length_s = max(length_s, ?) WHERE id = ?", (piece.end_s, piece.session)
    )


def _ensure_session(connection: sqlite3.Connection, event: EngineEvent, owner: str) -> None:
    """A final without a known session is kept too: never lose one."""
    known = connection.execute("SELECT 1 FROM session WHERE id = ?", (event.session,)).fetchone()
    if known is None:
        began = datetime.now().astimezone() - timedelta(seconds=_finite(event.wall_s))
        start = SessionStarted(id=event.session, session=event.session, started_at=str(began))
        _start(connection, start, owner)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair would fail the whole commit."""
    return text.encode("utf-8", "replace").decode("utf-8")
