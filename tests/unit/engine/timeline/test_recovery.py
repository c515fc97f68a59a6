"""Sessions that were cut off are told by their flag and their owner's lock, never by their age."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from everlisten.engine.timeline import recovery, retention
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.owner import Owner, is_alive
from everlisten.engine.timeline.records import default_title, local_zone, new_session_id
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.timeline.writer import TimelineWriter

from .conftest import caption, ended, started

LIVE_OWNER = """
import sys
from pathlib import Path
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.events import CaptionFinal, SessionStarted
store = TimelineStore(Path(sys.argv[1]))
store.claim()
store.commit([SessionStarted(id="live", session="live"),
              CaptionFinal(id="u", session="live", text="hello", emitted_s=3.0)])
print("ready", flush=True)
sys.stdin.read()
"""


def abandon(store: TimelineStore) -> None:
    """What remains of a killed process: the file as it is, the lock freed, no tidy end."""
    assert store._owner is not None
    store._owner._stream.close()
    store._owner = None
    store.close()


@pytest.mark.parametrize("began", ["2001-01-01T00:00:00+00:00", datetime.now(UTC).isoformat()])
def test_cut_off_session_is_recovered_whatever_its_age(db_path: Path, began: str) -> None:
    store = TimelineStore(db_path)
    store.claim()
    store.commit([started("cut", began), caption("kept", session="cut", start_s=7.0)])
    store.commit([started("whole", began), caption("x", session="whole"), ended("whole")])
    store.commit([started("empty", began)])
    abandon(store)
    with TimelineStore(db_path) as store:
        assert store.claim() == ("cut",)
        assert store.claim() == ("cut",)
        history = TimelineHistory(store)
        assert {info.id: (info.recovered, info.ended) for info in history.sessions()} == {
            "cut": (True, True),
            "whole": (False, True),
        }
        (info,) = history.recovered()
        assert info.length_s == pytest.approx(9.8)
    with TimelineStore(db_path) as store:
        assert store.claim() == ()
        assert TimelineHistory(store).recovered() == []
        assert sum(info.recovered for info in TimelineHistory(store).sessions()) == 1


def test_session_of_a_live_process_is_left_alone_until_it_dies(db_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE_OWNER, str(db_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with TimelineStore(db_path) as store:
        assert store.claim() == ()
        (info,) = TimelineHistory(store).sessions()
        assert (info.ended, info.recovered) == (False, False)
    process.kill()
    process.communicate()
    with TimelineStore(db_path) as store:
        assert store.claim() == ("live",)


def test_reading_alone_recovers_nothing(db_path: Path) -> None:
    store = TimelineStore(db_path)
    store.claim()
    store.commit([started(), caption("x")])
    abandon(store)
    with TimelineStore(db_path) as store:
        assert not TimelineHistory(store).sessions()[0].ended
    with TimelineStore(db_path) as store:
        assert store.claim() == ("s1",)


def test_owner_lives_until_released(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    owner, other = Owner(folder), Owner(folder)
    assert is_alive(folder, owner.id)
    assert is_alive(folder, owner.id)
    owner.release()
    assert not is_alive(folder, owner.id)
    assert is_alive(folder, other.id)
    other.release()
    assert not list(folder.iterdir())


def test_claims_of_dead_processes_are_swept_fresh_ones_are_not(tmp_path: Path) -> None:
    for name in ("old", "fresh"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "old", (1, 1))
    live = Owner(tmp_path)
    os.utime(tmp_path / live.id, (1, 1))
    recovery.sweep_owners(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"fresh", live.id}
    live.release()


def test_erasing_that_a_kill_interrupted_is_done_by_the_next_run(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TimelineStore(db_path)
    store.claim()
    store.commit([started(), caption("hushhush " * 50), caption("hush", start_s=9.0), ended()])
    monkeypatch.setattr(TimelineStore, "erase_traces", lambda _: False)
    retention.delete_session(store, "s1")
    abandon(store)
    monkeypatch.undo()
    with TimelineStore(db_path) as store:
        assert store.traces_left
        writer = TimelineWriter(store)
        writer.start()
        writer.set_retention(0)
        while store.traces_left:
            pass
        writer.stop()
    assert b"hushhush" not in db_path.read_bytes()


def test_titles_do_not_follow_the_locale() -> None:
    assert default_title(datetime(2026, 3, 1, 9, 5)) == "Sunday 1 March, 09:05"


def test_session_ids_sort_by_time_and_differ() -> None:
    first, second = (new_session_id(datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2))
    assert first < second
    assert len({new_session_id(datetime(2026, 1, 1)) for _ in range(50)}) == 50


def test_zone_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    assert local_zone()
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert local_zone() == "Asia/Tokyo"
