"""Deleted means gone: no byte of the words in any file, no sound left."""

import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from everlisten.engine.errors import TimelineError
from everlisten.engine.events import SoundAlert
from everlisten.engine.timeline import retention
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.records import RecordedPiece
from everlisten.engine.timeline.store import TimelineStore

from .conftest import caption, ended, started

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0


def at(days_ago: float) -> str:
    return datetime.fromtimestamp(NOW_S - days_ago * DAY_S, UTC).isoformat()


def put_piece(store: TimelineStore, session: str) -> Path:
    path = store.recordings / session / "00000000-mic.flac"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"fLaC")
    piece = RecordedPiece(
        session=session, file=f"{session}/{path.name}", sources=(), start_s=0.0, end_s=30.0
    )
    store.commit([piece])
    return path


def everything_on_disk(store: TimelineStore) -> bytes:
    files = [p for p in store.folder.rglob("*") if p.is_file() and "damaged" not in p.name]
    return b"".join(path.read_bytes() for path in files)


def test_old_sessions_and_their_sound_go_young_ones_stay(
    store: TimelineStore, history: TimelineHistory
) -> None:
    for name, days_ago in (("old", 30.5), ("young", 29.5), ("open", 40.0)):
        store.commit([started(name, at(days_ago)), caption(f"{name} words", session=name)])
    store.commit([ended("old"), ended("young")])
    sound = {name: put_piece(store, name) for name in ("old", "young")}
    assert retention.delete_older(store, 30, now_s=NOW_S) == ["old"]
    assert {info.id for info in history.sessions()} == {"young", "open"}
    assert not sound["old"].parent.exists()
    assert sound["young"].exists()
    assert not history.search("old")
    assert not history.recording("old")
    assert retention.delete_older(store, 30, now_s=NOW_S) == []


def test_no_byte_of_deleted_words_remains(store: TimelineStore, history: TimelineHistory) -> None:
    """Many sessions, interleaved, of all sizes: pages split, merge and are used again."""
    words = {f"s{i}": [secrets.token_hex(8) for _ in range(1 + i * 7)] for i in range(24)}
    store.commit([started(name, at(50.0 - int(name[1:]))) for name in words])
    for k in range(max(map(len, words.values()))):
        store.commit(
            [
                caption(f"secret {mine[k]} " * 9, session=name, start_s=float(k))
                for name, mine in words.items()
                if k < len(mine)
            ]
        )
    store.commit([SoundAlert(id="a", session="s1", label="firstlabel")])
    store.commit([SoundAlert(id="a", session="s1", label="secondlabel")])
    for name in words:
        store.commit([ended(name)])
        history.rename(name, f"title-{words[name][0]}")
    before = everything_on_disk(store)
    assert all(word.encode() in before for mine in words.values() for word in mine)
    gone = set(retention.delete_older(store, 30, now_s=NOW_S))
    assert len(gone) == 20
    after = everything_on_disk(store)
    for name, mine in words.items():
        left = [word for word in mine if word.encode() in after]
        assert left == ([] if name in gone else mine), name
    assert b"firstlabel" not in after
    for name in set(words) - gone:
        assert len(history.search("secret")) == sum(len(words[n]) for n in set(words) - gone)
        assert history.sessions()[0].title.startswith("title-")
        history.delete(name)
        assert not any(word.encode() in everything_on_disk(store) for word in words[name])
        gone.add(name)


def test_log_that_is_being_read_is_emptied_at_the_next_sweep(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("hushhush"), ended()])
    with store.reader() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM event").fetchall()
        retention.delete_session(store, "s1")
        assert store.traces_left
    retention.delete_older(store, 30)
    assert not store.traces_left
    assert b"hushhush" not in everything_on_disk(store)


def test_open_session_of_a_live_process_is_not_deleted(
    store: TimelineStore, history: TimelineHistory, db_path: Path
) -> None:
    store.commit([started("mine"), caption("a", session="mine")])
    store.commit([started("done"), caption("b", session="done"), ended("done")])
    with TimelineStore(db_path) as other:
        other.claim()
        other.commit([started("theirs"), caption("c", session="theirs")])
        for session in ("mine", "theirs"):
            with pytest.raises(TimelineError, match="still listening"):
                history.delete(session)
        history.delete_all()
        assert {info.id for info in history.sessions()} == {"mine", "theirs"}


def test_damaged_histories_and_stray_recordings_go_too(
    store: TimelineStore, history: TimelineHistory
) -> None:
    old = store.folder / "timeline.damaged-20260101-000000-0.db"
    young = store.folder / "timeline.damaged-20261101-000000-0.db"
    stray = store.recordings / "unknown"
    stray.mkdir(parents=True)
    for path in (old, young):
        path.write_bytes(b"words")
    for path in (old, stray):
        os.utime(path, (NOW_S - 31 * DAY_S,) * 2)
    os.utime(young, (NOW_S, NOW_S))
    retention.delete_older(store, 30, now_s=NOW_S)
    assert (old.exists(), young.exists(), stray.exists()) == (False, True, False)
    history.delete_all()
    assert not young.exists()


def test_default_clock_is_the_computers(store: TimelineStore) -> None:
    for name, age_s in (("old", 1.1 * DAY_S), ("young", 0.9 * DAY_S)):
        began = datetime.fromtimestamp(time.time() - age_s, UTC).isoformat()
        store.commit([started(name, began), caption("x", session=name), ended(name)])
    assert retention.delete_older(store, 1) == ["old"]
