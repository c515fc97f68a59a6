"""The file itself: permissions, readers beside the writer, damage, refusal."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from everlisten.engine.errors import TimelineError
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.records import SessionDetails
from everlisten.engine.timeline.store import TimelineStore

from .conftest import caption, ended, started


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_private(store: TimelineStore) -> None:
    store.commit([started(), caption("hello")])
    assert mode(store.folder) == 0o700
    assert {p.name: mode(p) for p in store.folder.iterdir() if p.is_file()} == {
        "timeline.db": 0o600,
        "timeline.db-wal": 0o600,
        "timeline.db-shm": 0o600,
    }
    assert [mode(p) for p in store.owners.iterdir()] == [0o600]


def test_open_folder_and_file_are_made_private(db_path: Path) -> None:
    db_path.parent.mkdir(mode=0o755)
    db_path.touch(0o644)
    with TimelineStore(db_path):
        assert (mode(db_path.parent), mode(db_path)) == (0o700, 0o600)


def test_session_row(store: TimelineStore, history: TimelineHistory) -> None:
    store.commit([started(), SessionDetails(session="s1", model="whisper-base")])
    store.commit([caption("one"), caption("two", start_s=4.0)])
    (info,) = history.sessions()
    assert info.title == "Sunday 22 November, 17:05"
    assert info.started_at.isoformat() == "2026-11-22T17:05:12+01:00"
    assert (info.captions, info.length_s, info.ended, info.model) == (2, 6.8, False, "whisper-base")
    store.commit([ended(at_s=61.0)])
    (info,) = history.sessions()
    assert (info.length_s, info.ended, info.recovered) == (61.0, True, False)


def test_wall_clock_zone_is_stored(store: TimelineStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    store.commit([started()])
    with store.reader() as reader:
        assert reader.execute("SELECT zone FROM session").fetchone()[0] == "Europe/Berlin"


def test_empty_session_is_gone_at_its_end(store: TimelineStore, history: TimelineHistory) -> None:
    store.commit([started()])
    assert len(history.sessions()) == 1
    store.commit([ended()])
    assert not history.sessions()


def test_commit_twice_changes_nothing(store: TimelineStore, history: TimelineHistory) -> None:
    for _ in range(2):
        store.commit([started(), caption("only once")])
    assert len(history.events("s1")) == len(history.search("once")) == 1


def test_final_of_an_unknown_session_is_kept(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([caption("orphan", session="unknown")])
    assert [info.id for info in history.sessions()] == ["unknown"]


@pytest.mark.parametrize("text", ["half \ud83d pair", "nul \0 char", "line\nbreak", "'); DROP --"])
def test_any_text_is_kept(store: TimelineStore, history: TimelineHistory, text: str) -> None:
    store.commit([started(), caption(text)])
    (event,) = history.events("s1")
    assert event.text == text.replace("\ud83d", "?")  # type: ignore[attr-defined]


def test_times_that_are_no_numbers_are_kept_as_zero(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("odd", start_s=float("nan"))])
    assert len(history.events("s1")) == 1
    assert history.sessions()[0].length_s == 0.0


def test_readers_neither_wait_for_the_writer_nor_see_half_a_commit(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("before")])
    with store.transaction() as connection:
        connection.execute("DELETE FROM event")
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.append(len(history.events("s1"))))
        thread.start()
        thread.join(5.0)
        assert seen == [1]
        connection.execute("INSERT INTO event VALUES (9,'s1','t','i',0,0,'{}')")
        connection.execute("DELETE FROM event")
    assert not history.events("s1")


def test_many_readers_beside_one_writer(store: TimelineStore, history: TimelineHistory) -> None:
    store.commit([started()])
    errors: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        last = 0
        try:
            while not done.is_set():
                count = len(history.search("word"))
                assert count >= last
                last = count
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(150):
        store.commit([caption(f"word {i}", start_s=float(i))])
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(history.search("word")) == 150


def test_a_failing_transaction_leaves_nothing(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started()])

    def fail() -> None:
        with store.transaction() as connection:
            connection.execute("DELETE FROM session")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(history.sessions()) == 1


DAMAGE = {
    "no database": lambda data: b"this is not a database" * 300,
    "empty of sense": lambda data: bytes(len(data)),
    "middle overwritten": lambda data: data[:4096] + os.urandom(len(data) - 8192) + data[-4096:],
    "cut off": lambda data: data[: len(data) // 2],
    "header gone": lambda data: os.urandom(100) + data[100:],
}


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_damaged_file_is_kept_aside_and_a_new_one_started(db_path: Path, kind: str) -> None:
    with TimelineStore(db_path) as store:
        store.claim()
        store.commit([started()] + [caption(f"text {i} " * 40, start_s=i) for i in range(200)])
    damaged = DAMAGE[kind](db_path.read_bytes())
    db_path.write_bytes(damaged)
    with TimelineStore(db_path) as store:
        (aside,) = db_path.parent.glob("timeline.damaged-*.db")
        assert aside.read_bytes() == damaged
        (notice,) = store.notices
        assert str(db_path) in notice
        assert aside.name in notice
        store.claim()
        store.commit([started("s2"), caption("fresh", session="s2")])
        assert [info.id for info in TimelineHistory(store).sessions()] == ["s2"]
    with TimelineStore(db_path) as store:
        assert not store.notices


def overwrite_pages(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(size - 4096))


def test_damage_that_shows_while_writing(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        store.claim()
        store.commit([started(title="Kept title"), caption("before")])
        store.erase_traces()
        overwrite_pages(db_path)
        store._connection.execute("PRAGMA shrink_memory")
        store.commit([caption("after", start_s=9.0)])
        history = TimelineHistory(store)
        assert [event.start_s for event in history.events("s1")] == [9.0]
        assert history.sessions()[0].title == "Kept title"
        assert len(store.notices) == 1
        assert len(list(db_path.parent.glob("timeline.damaged-*.db"))) == 1


def test_damage_that_shows_while_reading_is_one_sentence(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("before")])
    store.erase_traces()
    overwrite_pages(store.path)
    with pytest.raises(TimelineError, match=r"cannot be read: it is damaged; start Everlisten"):
        history.sessions()


def test_damaged_search_index_is_rebuilt(store: TimelineStore, history: TimelineHistory) -> None:
    store.commit([started(), caption("alpha beta")])
    with store.transaction() as connection:
        connection.execute("UPDATE search_data SET block = x'00' WHERE id > 10")
    store.commit([caption("gamma", start_s=5.0), ended()])
    store.commit([caption("delta", start_s=8.0)])
    assert len(history.events("s1")) == 3


def test_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TimelineError, match=r"timeline\.db cannot be opened: .*another folder$"):
        TimelineStore(tmp_path / "file" / "data" / "timeline.db")


def test_path_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "timeline.db"
    path.mkdir()
    with pytest.raises(TimelineError, match="cannot be opened"):
        TimelineStore(path)


@pytest.fixture
def readonly_store(db_path: Path) -> Iterator[TimelineStore]:
    """Refuses writes as a read-only file does, also where the tests run as root."""
    with TimelineStore(db_path) as store:
        store._connection.execute("PRAGMA query_only = ON")
        yield store


def test_read_only_is_one_sentence(readonly_store: TimelineStore) -> None:
    with pytest.raises(TimelineError, match=r"cannot be written: it is read-only; make the file"):
        readonly_store.commit([started()])


def test_full_disk_is_one_sentence_and_harms_nothing(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("safe")])
    store._connection.execute("PRAGMA max_page_count = 1")
    many = [caption("x" * 5000, start_s=10.0 + i) for i in range(200)]
    with pytest.raises(TimelineError, match="the disk is full; make room there"):
        store.commit(many)
    assert len(history.events("s1")) == 1
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.commit([caption("again", start_s=1000.0)])
    assert history.search("safe")
    assert history.search("again")


def test_file_of_a_newer_version_is_refused_and_left_alone(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        store._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(TimelineError, match="newer Everlisten"):
        TimelineStore(db_path)
    assert not list(db_path.parent.glob("*damaged*"))
    connection = sqlite3.connect(db_path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 99
    connection.close()


def test_two_processes_may_write(db_path: Path, history: TimelineHistory) -> None:
    with TimelineStore(db_path) as other:
        assert other.claim() == ()
        other.commit([started("s2"), caption("from the other", session="s2")])
    assert history.search("other")
