"""What the window and the command line do with the history: list, search, rename, delete, export.

Every call opens a reading connection of its own, so any thread may call, also while a session is
being written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import event_json
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import EngineEvent
from everlisten.engine.timeline import export, retention
from everlisten.engine.timeline.records import RecordedPiece, SearchHit, SessionInfo
from everlisten.engine.timeline.search_index import match_query
from everlisten.engine.timeline.store import TimelineStore

_MOST_HITS = 1000
_COLUMNS = """s.id, s.title, s.started_at, s.length_s, s.recovered, s.ended, s.model, s.sources,
    (SELECT count(*) FROM event WHERE session = s.id AND type = 'caption_final') AS captions,
    EXISTS (SELECT 1 FROM recording WHERE session = s.id) AS recorded"""


class TimelineHistory:
    """The history of one store, as `ui.protocols.History` asks for it.

    Args:
        store: The open history; closed by its owner.
    """

    def __init__(self, store: TimelineStore) -> None:
        self._store = store

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        with self._store.reader() as reader:
            rows = reader.execute(
                f"SELECT {_COLUMNS} FROM session s ORDER BY s.started_s DESC, s.id DESC"
            ).fetchall()
        return [_info(row) for row in rows]

    def session(self, session: str) -> SessionInfo:
        """One session.

        Raises:
            TimelineError: There is none with this id.
        """
        with self._store.reader() as reader:
            return self._session(reader, session)

    def events(self, session: str) -> Sequence[EngineEvent]:
        """The final events of a session in time order."""
        with self._store.reader() as reader:
            rows = reader.execute(
                "SELECT body FROM event WHERE session = ? ORDER BY start_s, seq", (session,)
            ).fetchall()
        return [event_json.from_dict(json.loads(row["body"])) for row in rows]

    def search(self, text: str) -> Sequence[SearchHit]:
        """Everything that holds all words of `text`, each as the beginning of a word, newest first.

        Signs without any letter or digit are looked for as they are.
        """
        if not text.strip():
            return []
        if query := match_query(text):
            where, value = "e.seq IN (SELECT rowid FROM search WHERE search MATCH ?)", query
        else:
            where, value = "instr(json_extract(e.body, '$.text'), ?) > 0", text.strip()
        with self._store.reader() as reader:
            rows = reader.execute(
                f"""SELECT {_COLUMNS}, e.body, e.start_s FROM event e
                    JOIN session s ON s.id = e.session WHERE {where}
                    ORDER BY s.started_s DESC, e.start_s DESC, e.seq DESC LIMIT {_MOST_HITS}""",
                (value,),
            ).fetchall()
        return [_hit(row) for row in rows]

    def rename(self, session: str, title: str) -> None:
        """Give a session another title; an empty one changes nothing."""
        if title := " ".join(title.split()):
            self._store.rename(session, title)

    def delete(self, session: str) -> None:
        """Delete a session and its recording for good."""
        retention.delete_session(self._store, session)

    def delete_all(self) -> None:
        """Delete every session but the one that listens now."""
        retention.delete_all(self._store)

    def export(self, session: str, path: Path) -> None:
        """Write a session as SRT, VTT, TXT or JSON, by the suffix of `path`."""
        export.check_suffix(path)
        export.export_session(self.session(session), self.events(session), path)

    def recovered(self) -> Sequence[SessionInfo]:
        """Sessions that this start found open."""
        ids = set(self._store.recovered)
        return [info for info in self.sessions() if info.id in ids] if ids else []

    def recording(self, session: str) -> Sequence[RecordedPiece]:
        """The pieces of a session's recording in time order; files below `store.recordings`."""
        with self._store.reader() as reader:
            rows = reader.execute(
                "SELECT * FROM recording WHERE session = ? ORDER BY start_s", (session,)
            ).fetchall()
        return [
            RecordedPiece(
                session=session,
                file=row["file"],
                sources=_sources(row["sources"]),
                start_s=row["start_s"],
                end_s=row["end_s"],
            )
            for row in rows
        ]

    def _session(self, reader: sqlite3.Connection, session: str) -> SessionInfo:
        row = reader.execute(
            f"SELECT {_COLUMNS} FROM session s WHERE s.id = ?", (session,)
        ).fetchone()
        if row is None:
            raise TimelineError(
                f"There is no session {session!r}; 'everlisten history list' shows them"
            )
        return _info(row)


def _info(row: sqlite3.Row) -> SessionInfo:
    return SessionInfo(
        id=row["id"],
        title=row["title"],
        started_at=datetime.fromisoformat(row["started_at"]),
        length_s=row["length_s"],
        captions=row["captions"],
        recovered=bool(row["recovered"]),
        ended=bool(row["ended"]),
        model=row["model"],
        sources=_sources(row["sources"]),
        recorded=bool(row["recorded"]),
    )


def _hit(row: sqlite3.Row) -> SearchHit:
    fields = json.loads(row["body"])
    return SearchHit(
        session=_info(row),
        event=fields["id"],
        start_s=row["start_s"],
        text=fields.get("text") or fields.get("label", ""),
    )


def _sources(names: str) -> tuple[SourceName, ...]:
    return tuple(SourceName(name) for name in names.split())
