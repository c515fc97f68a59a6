"""First the disk, then the world: order, refusal, recovery from it, and the end."""

import dataclasses
import itertools
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import (
    AlertAcknowledged,
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    EngineFailed,
    EngineHealth,
    SessionEnded,
    SessionStarted,
    SoundAlert,
)
from everlisten.engine.timeline import feed as feed_module
from everlisten.engine.timeline import spill
from everlisten.engine.timeline import writer as writer_module
from everlisten.engine.timeline.feed import EventFeed
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.records import RecordedPiece, SessionDetails
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.timeline.writer import TimelineWriter

from .conftest import caption, ended, started


@pytest.fixture
def writer(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TimelineWriter]:
    monkeypatch.setattr(writer_module, "_RETRY_FIRST_S", 0.02)
    monkeypatch.setattr(writer_module, "_RETRY_LAST_S", 0.05)
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        writer._retry_after_s = 0.02
        writer.start()
        yield writer
        assert writer.stop()
    assert not [t for t in threading.enumerate() if t.name == "timeline"]


@pytest.fixture
def history(writer: TimelineWriter) -> TimelineHistory:
    return TimelineHistory(writer._store)


def partial(text: str = "so far") -> CaptionPartial:
    return CaptionPartial(id="u", session="s1", unstable=text)


def take(feed: EventFeed, count: int) -> list[EngineEvent]:
    events = []
    for _ in range(count):
        event = feed.get(10.0)
        assert event is not None
        events.append(event)
    return events


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Refusal:
    """Makes the disk refuse, as SQLite tells it, until lifted."""

    def __init__(self, writer: TimelineWriter) -> None:
        self._connection = writer._store._connection
        self._connection.execute("PRAGMA query_only = ON")

    def lift(self) -> None:
        self._connection.execute("PRAGMA query_only = OFF")


def test_order_is_kept_and_finals_are_on_disk_when_they_arrive(
    writer: TimelineWriter, history: TimelineHistory
) -> None:
    feed = writer.subscribe()
    sent: list[EngineEvent] = [started()]
    for i in range(100):
        sent += [partial(str(i)), caption(f"text {i}", start_s=float(i))]
    for event in sent:
        writer.put(event)
    for expected in sent:
        (event,) = take(feed, 1)
        assert event == expected
        if isinstance(event, CaptionFinal):
            assert event in history.events("s1")


def test_the_stamp_is_the_time_since_the_session_began(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    before_s = time.monotonic()
    first = writer.begin_session().session
    after_s = time.monotonic()
    time.sleep(0.1)
    later_s = time.monotonic()
    second = writer.begin_session().session
    put_s = time.monotonic()
    writer.put(caption("of the first", session=first))
    writer.put(caption("of the second", session=second))
    done_s = time.monotonic()
    old, new = take(feed, 4)[2:]
    assert put_s - after_s <= old.wall_s <= done_s - before_s
    assert 0.0 <= new.wall_s <= done_s - later_s


def test_events_of_a_session_that_began_elsewhere_keep_their_stamp(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    writer.begin_session()
    take(feed, 1)
    foreign = dataclasses.replace(caption("x"), wall_s=7.0)
    writer.put(foreign)
    assert take(feed, 1) == [foreign]


def test_what_the_writer_tells_itself_is_stamped_too(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    session = writer.begin_session().session
    writer.put(caption("before", session=session))
    take(feed, 2)
    time.sleep(0.05)
    refusal = Refusal(writer)
    writer.put(caption("waits", session=session))
    (failure,) = take(feed, 1)
    refusal.lift()
    (late,) = take(feed, 1)
    assert isinstance(failure, EngineFailed)
    assert failure.wall_s >= late.wall_s > 0.0, "it waited with the stamp that it got at once"


@pytest.fixture
def hasty_switches() -> Iterator[None]:
    """Threads take turns as often as the interpreter can, so that a race is met, not missed."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.usefixtures("hasty_switches")
def test_what_several_threads_put_at_once_comes_in_the_order_of_its_stamps(
    writer: TimelineWriter,
) -> None:
    threads, each = 4, 1000
    feed = writer.subscribe()
    session = writer.begin_session().session
    take(feed, 1)
    ready = threading.Barrier(threads)

    def tell(name: str) -> None:
        ready.wait(10.0)
        for number in range(each):
            writer.put(CaptionPartial(id=name, session=session, start_s=float(number)))

    tellers = [threading.Thread(target=tell, args=(f"u{index}",)) for index in range(threads)]
    for teller in tellers:
        teller.start()
    events = take(feed, threads * each)
    for teller in tellers:
        teller.join()
    assert all(early.wall_s <= late.wall_s for early, late in itertools.pairwise(events))
    assert events[0].wall_s < events[-1].wall_s
    for index in range(threads):
        own = [event.start_s for event in events if event.id == f"u{index}"]
        assert own == [float(number) for number in range(each)]


def test_put_never_blocks_while_the_disk_hangs(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    with writer._store.transaction():
        began = time.perf_counter()
        for i in range(2000):
            writer.put(caption("text", start_s=float(i)))
        assert time.perf_counter() - began < 0.5
        assert feed.get(0.05) is None
    assert len(take(feed, 2000)) == 2000


def test_a_burst_is_one_commit(writer: TimelineWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = writer.subscribe()
    commits: list[int] = []
    commit = writer._store.commit

    def count(entries: list[EngineEvent]) -> None:
        commits.append(len(entries))
        commit(entries)

    monkeypatch.setattr(writer._store, "commit", count)
    with writer._store.transaction():
        for i in range(500):
            writer.put(caption("text", start_s=float(i)))
    take(feed, 500)
    assert len(commits) <= 2


def test_begin_session_names_it(writer: TimelineWriter, history: TimelineHistory) -> None:
    now = datetime(2026, 11, 22, 17, 5, 12, tzinfo=UTC)
    event = writer.begin_session(
        model="whisper-base", sources=[SourceName.MIC, SourceName.SYSTEM], now=now
    )
    assert event.text == "Sunday 22 November, 17:05"
    assert event.session.startswith("20261122-170512-")
    writer.put(caption("x", session=event.session))
    until(lambda: bool(history.events(event.session)))
    (info,) = history.sessions()
    assert info.started_at == now
    assert (info.model, info.sources) == ("whisper-base", (SourceName.MIC, SourceName.SYSTEM))


def test_last_saved_is_the_time_of_the_last_final(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    writer.put(started())
    writer.put(partial())
    take(feed, 2)
    assert writer.last_saved is None
    writer.put(caption("x"))
    take(feed, 1)
    assert writer.last_saved is not None
    assert 0.0 <= time.monotonic() - writer.last_saved < 5.0


def test_refusing_disk_is_told_once_partials_pass_finals_wait(
    writer: TimelineWriter, history: TimelineHistory
) -> None:
    feed = writer.subscribe()
    writer.put(started())
    writer.put(caption("before"))
    take(feed, 2)
    refusal = Refusal(writer)
    for i in range(5):
        writer.put(partial(str(i)))
        writer.put(caption(f"waiting {i}", start_s=10.0 + i))
    writer.put(ended())
    until(lambda: writer.unsaved == 5)
    time.sleep(0.3)
    events = feed.drain()
    assert [type(event) for event in events if not isinstance(event, CaptionPartial)] == [
        EngineFailed
    ]
    assert sum(isinstance(event, CaptionPartial) for event in events) == 5
    (failure,) = [event for event in events if isinstance(event, EngineFailed)]
    assert "read-only" in failure.text
    assert failure.session == "s1"
    refusal.lift()
    events = take(feed, 6)
    assert [event.start_s for event in events[:5]] == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert isinstance(events[5], SessionEnded)
    assert len(history.events("s1")) == 6
    assert writer.unsaved == 0


def test_an_alert_waits_for_no_disk(writer: TimelineWriter, history: TimelineHistory) -> None:
    feed = writer.subscribe()
    writer.put(started())
    take(feed, 1)
    refusal = Refusal(writer)
    alert = SoundAlert(id="a", session="s1", label="Smoke alarm")
    known = AlertAcknowledged(id="a", session="s1")
    writer.put(caption("waits"))
    writer.put(alert)
    writer.put(known)
    events = take(feed, 3)
    assert [event for event in events if not isinstance(event, EngineFailed)] == [alert, known]
    refusal.lift()
    (late,) = take(feed, 1)
    assert isinstance(late, CaptionFinal)
    time.sleep(0.1)
    assert feed.drain() == [], "told twice"
    assert {event.type for event in history.events("s1")} == {
        "caption_final",
        "sound_alert",
        "alert_acknowledged",
    }


def test_an_alert_comes_before_the_commit(
    writer: TimelineWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = writer.subscribe()
    writer.put(started())
    take(feed, 1)
    hangs = threading.Event()
    commit = writer._store.commit

    def slow(entries: object) -> None:
        assert hangs.wait(10.0)
        commit(entries)  # type: ignore[arg-type]

    monkeypatch.setattr(writer._store, "commit", slow)
    alert = SoundAlert(id="a", session="s1", label="Smoke alarm")
    writer.put(alert)
    try:
        assert take(feed, 1) == [alert]
    finally:
        hangs.set()


def test_a_test_of_an_alert_is_shown_and_not_kept(
    writer: TimelineWriter, history: TimelineHistory
) -> None:
    feed = writer.subscribe()
    writer.put(started())
    alert = SoundAlert(id="test-a", session="s1", label="Smoke alarm")
    writer.put(alert)
    writer.put(caption("after"))
    assert alert in take(feed, 3)
    assert [event.type for event in history.events("s1")] == ["caption_final"]


def test_second_trouble_is_told_again(writer: TimelineWriter) -> None:
    feed = writer.subscribe()
    for i in range(2):
        refusal = Refusal(writer)
        writer.put(caption("x", start_s=float(i)))
        (event,) = take(feed, 1)
        assert isinstance(event, EngineFailed)
        refusal.lift()
        (event,) = take(feed, 1)
        assert isinstance(event, CaptionFinal)


def test_full_disk_then_room(writer: TimelineWriter, history: TimelineHistory) -> None:
    feed = writer.subscribe()
    writer.put(started())
    take(feed, 1)
    connection = writer._store._connection
    connection.execute("PRAGMA max_page_count = 1")
    writer.put(caption("many words " * 5000))
    (event,) = take(feed, 1)
    assert isinstance(event, EngineFailed)
    assert "the disk is full; make room there" in event.text
    connection.execute("PRAGMA max_page_count = 1000000")
    take(feed, 1)
    assert len(history.events("s1")) == 1


def test_stop_flushes_what_waits(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        feed = writer.subscribe()
        writer.start()
        for i in range(300):
            writer.put(caption("x", start_s=float(i)))
        assert writer.stop()
        assert len(list(feed)) == 300
        assert feed.closed
        assert len(TimelineHistory(store).events("s1")) == 300
        assert writer.stop()


def test_what_cannot_be_saved_at_the_end_is_taken_in_by_the_next_start(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_RETRY_FIRST_S", 0.02)
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        feed = writer.subscribe()
        writer.start()
        writer.put(started(title="Kept"))
        take(feed, 1)
        store._connection.execute("PRAGMA query_only = ON")
        writer.put(caption("saved \ud83d later"))
        writer.put(ended())
        assert writer.stop()
        kinds = [type(event) for event in feed]
    assert kinds == [EngineFailed, CaptionFinal, SessionEnded]
    (path,) = db_path.parent.glob("unsaved-*.jsonl")
    assert path.stat().st_mode & 0o777 == 0o600
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        writer.start()
        assert writer.stop()
        assert [hit.session.title for hit in TimelineHistory(store).search("later")] == ["Kept"]
    assert not list(db_path.parent.glob("unsaved-*"))


def test_spill_keeps_every_kind_of_entry(tmp_path: Path) -> None:
    entries = [
        started(),
        SessionDetails(session="s1", model="m", sources=(SourceName.MIC,)),
        RecordedPiece(
            session="s1", file="s1/x.flac", sources=(SourceName.MIC,), start_s=0.0, end_s=3.0
        ),
        caption("x"),
        ended(),
    ]
    path = spill.write_spill(tmp_path, entries)
    assert path is not None
    with path.open("a") as stream:
        stream.write('{"type": "caption_fin')
    assert spill.read_spill(path) == entries


def test_spill_goes_to_the_temporary_folder_when_the_own_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = spill.write_spill(tmp_path / "missing", [caption("x")])
    assert path is not None
    assert path.parent == tmp_path
    path.with_name(f"{path.name[:-6]}x.jsonl").symlink_to(path)
    assert spill.find_spills(tmp_path / "missing") == [path]
    assert spill.find_spills(tmp_path / "another") == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert spill.write_spill(tmp_path / "missing", [caption("x")]) is None


def test_lost_in_every_folder_is_said_and_not_shown(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_RETRY_FIRST_S", 0.02)
    monkeypatch.setattr(spill, "write_spill", lambda *_: None)
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        feed = writer.subscribe()
        writer.start()
        store._connection.execute("PRAGMA query_only = ON")
        writer.put(caption("x"))
        assert writer.stop()
    refused, lost = list(feed)
    assert isinstance(refused, EngineFailed)
    assert isinstance(lost, EngineFailed)
    assert lost.text.startswith("Captions could not be saved anywhere and are lost (1); make room")


def test_damage_while_listening_goes_on_in_a_new_history(
    writer: TimelineWriter, history: TimelineHistory, db_path: Path
) -> None:
    feed = writer.subscribe()
    writer.put(started(title="Goes on"))
    writer.put(caption("before"))
    take(feed, 2)
    writer._store.erase_traces()
    with db_path.open("r+b") as stream:
        stream.write(b"\xff" * db_path.stat().st_size)
    writer._store._connection.execute("PRAGMA shrink_memory")
    writer.put(caption("after", start_s=9.0))
    failure, event = take(feed, 2)
    assert isinstance(failure, EngineFailed)
    assert "was damaged; it is kept as" in failure.text
    assert event.start_s == 9.0
    assert history.sessions()[0].title == "Goes on"


def test_notice_of_a_damaged_file_reaches_subscribers(db_path: Path) -> None:
    db_path.parent.mkdir()
    db_path.write_bytes(b"no database" * 1000)
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)
        feed = writer.subscribe()
        writer.start()
        (event,) = take(feed, 1)
        assert isinstance(event, EngineFailed)
        assert "kept as timeline.damaged-" in event.text
        writer.stop()


def test_retention_is_applied_at_the_start_and_when_it_changes(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        store.claim()
        for name, year in (("older", 2001), ("old", 2020)):
            store.commit(
                [started(name, f"{year}-01-01T00:00:00+00:00"), caption(name, session=name)]
            )
            store.commit([ended(name)])
        history = TimelineHistory(store)
        days = (datetime.now(UTC) - datetime(2010, 1, 1, tzinfo=UTC)).days
        writer = TimelineWriter(store, retention_days=days)
        feed = writer.subscribe()
        writer.start()
        until(lambda: [info.id for info in history.sessions()] == ["old"])
        writer.set_retention(30)
        until(lambda: not history.sessions())
        writer.stop()
        assert not list(feed)


def test_no_retention_keeps_all(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        store.claim()
        store.commit([started("s", "2001-01-01T00:00:00+00:00"), caption("x", session="s")])
        store.commit([ended("s")])
        writer = TimelineWriter(store)
        writer.start()
        writer._sweep()
        writer.stop()
        assert TimelineHistory(store).sessions()


def test_two_feeds_get_the_same_and_one_may_leave(writer: TimelineWriter) -> None:
    one, two = writer.subscribe(), writer.subscribe()
    writer.put(started())
    assert take(one, 1) == take(two, 1)
    writer.unsubscribe(two)
    writer.put(caption("x"))
    take(one, 1)
    assert two.drain() == []


def test_feed_that_nobody_reads_keeps_what_must_not_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "_PASSING_LIMIT", 3)
    feed = EventFeed()
    for i in range(5):
        feed.push(partial(str(i)))
    feed.push(EngineHealth(id="h", session="s1"))
    feed.push(caption("kept"))
    feed.push(SessionStarted(id="s", session="s"))
    feed.close()
    assert feed.skipped == 3
    assert [event.type for event in feed.drain()] == [
        *["caption_partial"] * 3,
        "caption_final",
        "session",
    ]
    assert feed.closed
    assert feed.get() is None
    assert feed.drain() == list(feed) == []


def test_a_bug_in_the_thread_is_told_and_ends_the_feeds(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TimelineStore(db_path) as store:
        writer = TimelineWriter(store)

        def fail(_: object) -> None:
            raise sqlite3.ProgrammingError("bug")

        monkeypatch.setattr(store, "commit", fail)
        feed = writer.subscribe()
        writer.start()
        writer.put(caption("x"))
        assert [type(event) for event in feed] == [EngineFailed]
        writer.stop()


def test_history_of_a_folder_that_refuses_fails_at_start(db_path: Path) -> None:
    with TimelineStore(db_path) as store:
        store.owners.write_text("in the way")
        with pytest.raises(TimelineError, match="cannot be written"):
            TimelineWriter(store).start()


def test_saving_goes_on_when_old_sessions_cannot_be_looked_through(
    writer: TimelineWriter, history: TimelineHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "recordings")

    monkeypatch.setattr(writer_module.retention, "delete_older", refuse)
    feed = writer.subscribe()
    writer.set_retention(30)
    failed = feed.get(10.0)
    assert isinstance(failed, EngineFailed)
    assert "recordings" in failed.text
    writer.put(started())
    writer.put(caption("still here"))
    assert [event.type for event in take(feed, 2)] == ["session", "caption_final"]
    assert len(history.events("s1")) == 1
