"""kill -9 at random moments: whatever was called final is there at the next start."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore

SCRIPT = Path(__file__).with_name("killed_writer.py")
ROUNDS = 6


def run_and_kill(db_path: Path, after_finals: int) -> list[tuple[str, str]]:
    """(session, id) of every final that the process showed before it was killed."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(db_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after_finals)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    lines += rest.splitlines(keepends=True)
    return [(line.split()[0], line.split()[1]) for line in lines if line.endswith("\n")]


def test_nothing_final_is_lost(db_path: Path) -> None:
    rng = random.Random(7)
    shown: list[tuple[str, str]] = []
    for _ in range(ROUNDS):
        mine = run_and_kill(db_path, rng.randrange(1, 150))
        shown += mine
        with TimelineStore(db_path) as store:
            assert store.claim() == (mine[0][0],)
            assert not store.notices
            history = TimelineHistory(store)
            (info,) = history.recovered()
            assert (info.recovered, info.ended, info.title) == (True, True, "Killed")
            assert info.captions >= len(mine)
            assert info.length_s >= len(mine) * 0.4
    with TimelineStore(db_path) as store:
        assert store.claim() == ()
        history = TimelineHistory(store)
        assert not history.recovered()
        assert sum(info.recovered for info in history.sessions()) == ROUNDS
        kept = {(s.id, event.id) for s in history.sessions() for event in history.events(s.id)}
        assert len(shown) > ROUNDS
        assert set(shown) <= kept


@pytest.mark.parametrize("after_finals", [1, 400])
def test_the_sound_of_a_killed_session_is_found(db_path: Path, after_finals: int) -> None:
    """Every piece, also the one that was being written, up to its last whole FLAC block."""
    ((session, _), *_rest) = shown = run_and_kill(db_path, after_finals)
    with TimelineStore(db_path) as store:
        store.claim()
        pieces = TimelineHistory(store).recording(session)
        assert not list(store.recordings.rglob("*.part"))
        end_s = 0.0
        for piece in pieces:
            assert piece.start_s == pytest.approx(end_s)
            end_s = piece.end_s
            length_s = soundfile.info(store.recordings / piece.file).duration
            assert length_s == pytest.approx(piece.end_s - piece.start_s)
            assert length_s <= 30.0
        if after_finals > 100:
            # The script runs much faster than sound: what waits in the ring (60 s) is lost.
            assert end_s > 0.4 * len(shown) - 62.0
