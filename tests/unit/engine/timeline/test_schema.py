"""Old files are brought to the newest version with everything in them."""

import json
import sqlite3
from pathlib import Path

import pytest

from everlisten.engine import event_json
from everlisten.engine.timeline import schema
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore

from .conftest import STARTED_AT, caption


def make_old_file(path: Path, version: int) -> None:
    """A file as the program of that version left it."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for step in schema.MIGRATIONS[:version]:
        step(connection)
    connection.execute(f"PRAGMA user_version = {version}")
    if version:
        connection.execute(
            "INSERT INTO session (id, title, started_at, started_s, zone, owner, ended) "
            "VALUES ('old', 'Old days', ?, 1.0, 'UTC', '', 1)",
            (STARTED_AT,),
        )
        for i, text in enumerate(("the early bird", "früher war alles besser")):
            event = caption(text, session="old", start_s=float(i))
            body = json.dumps(event_json.to_dict(event))
            connection.execute(
                "INSERT INTO event (session, type, id, start_s, end_s, body) "
                "VALUES ('old', ?, ?, ?, ?, ?)",
                (event.type, event.id, event.start_s, event.end_s, body),
            )
    connection.close()


def columns(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL").fetchall()
    connection.close()
    return dict(rows)


def test_from_the_first_version(db_path: Path) -> None:
    make_old_file(db_path, 1)
    with TimelineStore(db_path) as store:
        history = TimelineHistory(store)
        assert [hit.text for hit in history.search("FRUHER")] == ["früher war alles besser"]
        assert history.sessions()[0].captions == 2
        assert not history.recording("old")


@pytest.mark.parametrize("version", range(schema.VERSION + 1))
def test_every_version_ends_in_the_same_tables(tmp_path: Path, version: int) -> None:
    make_old_file(tmp_path / "old" / "t.db", version)
    for name in ("old", "new"):
        TimelineStore(tmp_path / name / "t.db").close()
    assert columns(tmp_path / "old" / "t.db") == columns(tmp_path / "new" / "t.db")


def test_failing_migration_changes_nothing(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_old_file(db_path, 1)
    before = columns(db_path)

    def fail(_: sqlite3.Connection) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:2], fail))
    with pytest.raises(RuntimeError, match="power cut"):
        TimelineStore(db_path)
    assert columns(db_path) == before
