"""The recording: what was put in comes out, in pieces, also after gaps, refusals and deletion."""

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, Samples, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.timeline import recording
from everlisten.engine.timeline.config import TimelineConfig
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.recording import AudioRecorder, session_folder
from everlisten.engine.timeline.records import RecordedPiece
from everlisten.engine.timeline.store import TimelineStore

from .conftest import caption, ended, started

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM


def noise(chunks: int, sources: int = 1, seed: int = 0) -> Samples:
    """float32 [chunks, sources, 6400]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.5, 0.5, (chunks, sources, CHUNK_SAMPLES)).astype(np.float32)


def chunk(index: int, samples: Samples, sources: tuple[SourceName, ...] = (MIC,)) -> AudioChunk:
    return AudioChunk(index=index, sources=sources, samples=samples, captured_s=0.0)


class Recording:
    """A recorder with what it told, stopped by `close`."""

    def __init__(self, folder: Path) -> None:
        self.pieces: list[RecordedPiece] = []
        self.problems: list[str] = []
        self.ring = ChunkRing((MIC, SYSTEM))
        self.recorder = AudioRecorder(
            folder, "s1", self.ring, self.pieces.append, self.problems.append
        )
        self.recorder.start()

    def put(self, chunk: AudioChunk) -> None:
        while self.ring.full:
            threading.Event().wait(0.01)
        assert self.ring.push(chunk)

    def until_lost(self, count: int) -> None:
        while self.recorder.lost_chunks < count:
            threading.Event().wait(0.01)

    def close(self) -> None:
        self.ring.close()
        self.recorder.stop()
        assert not [t for t in threading.enumerate() if t.name == "recording"]


def read(folder: Path, piece: RecordedPiece) -> Samples:
    samples: Samples = soundfile.read(folder / piece.file, dtype="float32", always_2d=True)[0]
    return samples


def spans(pieces: list[RecordedPiece]) -> list[tuple[float, float]]:
    return [(round(p.start_s, 3), round(p.end_s, 3)) for p in pieces]


def test_sound_comes_out_as_it_went_in(tmp_path: Path) -> None:
    sound = noise(160, sources=2)
    run = Recording(tmp_path)
    for i, samples in enumerate(sound):
        run.put(chunk(i, samples, (MIC, SYSTEM)))
    run.close()
    assert spans(run.pieces) == [(0.0, 30.0), (30.0, 60.0), (60.0, 64.0)]
    assert all(piece.sources == (MIC, SYSTEM) for piece in run.pieces)
    together = np.concatenate([read(tmp_path, piece) for piece in run.pieces])
    np.testing.assert_allclose(together, np.concatenate(sound, axis=1).T, atol=2**-15)
    assert run.recorder.lost_chunks == 0
    assert not run.problems


def test_files_are_private(tmp_path: Path) -> None:
    run = Recording(tmp_path / "recordings")
    run.put(chunk(0, noise(1)[0]))
    run.close()
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.rglob("*")}
    assert modes == {"recordings": 0o700, "s1": 0o700, "00000000-mic.flac": 0o600}


def test_gap_and_change_of_sources_begin_new_pieces(tmp_path: Path) -> None:
    run = Recording(tmp_path)
    for index in (0, 1, 5, 6):
        run.put(chunk(index, noise(1)[0]))
    run.put(chunk(7, noise(1, sources=2)[0], (MIC, SYSTEM)))
    run.close()
    assert spans(run.pieces) == [(0.0, 0.8), (2.0, 2.8), (2.8, 3.2)]
    assert [len(piece.sources) for piece in run.pieces] == [1, 1, 2]


def test_samples_that_are_no_numbers_or_too_loud(tmp_path: Path) -> None:
    samples = noise(1)[0]
    samples[0, :4] = [np.nan, np.inf, -np.inf, 7.0]
    run = Recording(tmp_path)
    run.put(chunk(0, samples))
    run.close()
    out = read(tmp_path, run.pieces[0])[:4, 0]
    np.testing.assert_allclose(out, [0.0, 1.0, -1.0, 1.0], atol=1e-4)
    assert np.isnan(samples[0, 0])


def test_disk_that_refuses_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_RETRY_S", 0.0)
    folder = tmp_path / "recordings"
    folder.write_text("in the way")
    run = Recording(folder)
    for index in range(5):
        run.put(chunk(index, noise(1)[0]))
    run.until_lost(5)
    folder.unlink()
    run.put(chunk(5, noise(1)[0]))
    run.close()
    (problem,) = run.problems
    assert str(folder) in problem
    assert problem.endswith("switch the recording off")
    assert spans(run.pieces) == [(2.0, 2.4)]


def test_sound_is_kept_only_on_request() -> None:
    assert TimelineConfig().record_audio is False


def test_nothing_put_nothing_written(tmp_path: Path) -> None:
    run = Recording(tmp_path)
    run.close()
    assert not run.pieces
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("session", ["../elsewhere", "a/b", "", ".hidden", "\ud83d"])
def test_odd_session_ids_stay_below_the_folder(tmp_path: Path, session: str) -> None:
    assert session_folder(tmp_path, session).parent == tmp_path


def test_pieces_are_listed_and_go_with_the_session(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), caption("x")])
    ring = ChunkRing((MIC,))
    recorder = AudioRecorder(
        store.recordings, "s1", ring, lambda piece: store.commit([piece]), print
    )
    recorder.start()
    for i, samples in enumerate(noise(100)):
        ring.push(chunk(i, samples))
    recorder.stop()
    store.commit([ended()])
    (info,) = history.sessions()
    assert info.recorded
    assert [piece.end_s for piece in history.recording("s1")] == [30.0, 40.0]
    files = [store.recordings / piece.file for piece in history.recording("s1")]
    assert all(path.exists() for path in files)
    history.delete("s1")
    assert not any(path.exists() for path in files)
    assert not list(store.recordings.iterdir())


def test_session_with_sound_only_is_no_empty_session(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started()])
    piece = RecordedPiece(session="s1", file="s1/f", sources=(MIC,), start_s=0.0, end_s=12.0)
    store.commit([piece, ended(at_s=0.0)])
    (info,) = history.sessions()
    assert (info.captions, info.length_s) == (0, 12.0)


def test_unreadable_piece_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s1").mkdir()
    for name in ("00000000-mic.flac.part", "00000075-mic.flac", "notes.txt"):
        (tmp_path / "s1" / name).write_bytes(b"nonsense")
    assert recording.rescue_pieces(tmp_path, "s1") == []
    assert recording.rescue_pieces(tmp_path, "s2") == []
