"""The optional recording of a session: FLAC files of at most 30 s each.

A piece is written under a name ending in `.part`, closed, synced and then renamed: what bears its
final name is whole. Its name tells its first chunk and its sources, so that the pieces of a killed
process, even the one it was writing, are found and registered at the next start.

A recording that fails never stops the captions, and captions that fail never stop a recording.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from everlisten.audio_io.chunk import CHUNK_S, SAMPLE_RATE_HZ, AudioChunk, Samples, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.timeline.records import RecordedPiece

logger = logging.getLogger(__name__)

PIECE_S = 30.0
_PIECE_CHUNKS = int(PIECE_S / CHUNK_S)
_POLL_S = 0.2
_RETRY_S = 10.0
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PIECE_NAME = re.compile(r"(\d{8})-([a-z+]+)\.flac(\.part)?")


class AudioRecorder:
    """Writes the sound of one session in a thread of its own.

    Args:
        folder: The folder of recordings (`TimelineStore.recordings`).
        session: Id of the session.
        ring: Emptied by the recorder alone; 60 s deep, so a slow disk costs nothing.
        register: Called with every closed piece; usually `TimelineWriter.put`.
        on_problem: Called with one sentence when a piece cannot be written, once per trouble.

    Attributes:
        lost_chunks: Chunks that were not recorded because the disk refused; what it was too slow
            for is counted by the ring.
    """

    def __init__(
        self,
        folder: Path,
        session: str,
        ring: ChunkRing,
        register: Callable[[RecordedPiece], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self._root = folder
        self._session = session
        self._ring = ring
        self._register = register
        self._on_problem = on_problem
        self._piece: _OpenPiece | None = None
        self._retry_at_s = 0.0
        self._troubled = False
        self._stopping = threading.Event()
        self.lost_chunks = 0
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin to empty the ring."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Record what is still in the ring, close the last piece, join the thread."""
        self._stopping.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.error("the recording thread did not end within %.0f s", timeout_s)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_POLL_S):
                self._empty_ring()
            self._empty_ring()
            self._close_piece()
        except Exception:
            logger.exception("the recording thread failed")
            self._on_problem("The recording failed unexpectedly and has stopped")

    def _empty_ring(self) -> None:
        while (chunk := self._ring.pop()) is not None:
            self._take(chunk)

    def _take(self, chunk: AudioChunk) -> None:
        if self._piece is not None and not self._piece.continues_with(chunk):
            self._close_piece()
        if self._piece is None and time.monotonic() < self._retry_at_s:
            self.lost_chunks += 1
            return
        try:
            if self._piece is None:
                self._piece = _OpenPiece(session_folder(self._root, self._session), chunk)
            self._piece.append(chunk)
            self._troubled = False
        except (OSError, soundfile.SoundFileError) as error:
            self.lost_chunks += 1
            self._tell(error)
            self._close_piece()

    def _close_piece(self) -> None:
        piece, self._piece = self._piece, None
        if piece is None:
            return
        try:
            path = piece.close()
        except (OSError, soundfile.SoundFileError) as error:
            self._tell(error)
            return
        if path is not None:
            self._register(_described(self._session, path, piece.chunks * CHUNK_S))

    def _tell(self, error: Exception) -> None:
        self._retry_at_s = time.monotonic() + _RETRY_S
        if not self._troubled:
            self._troubled = True
            reason = getattr(error, "strerror", None) or error
            logger.warning("recording failed: %s", error)
            self._on_problem(
                f"The sound cannot be recorded in {self._root}: {reason}; make room there or "
                "switch the recording off"
            )


class _OpenPiece:
    """A piece that is being written."""

    def __init__(self, folder: Path, chunk: AudioChunk) -> None:
        for path in (folder.parent, folder):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sources = chunk.sources
        self._first = chunk.index
        self.chunks = 0
        self._part = folder / f"{chunk.index:08d}-{'+'.join(chunk.sources)}.flac.part"
        os.close(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        self._file = _open_flac(self._part, len(chunk.sources))

    def continues_with(self, chunk: AudioChunk) -> bool:
        """The chunk follows without a gap, from the same sources, and there is room for it."""
        return (
            chunk.sources == self._sources
            and chunk.index == self._first + self.chunks
            and self.chunks < _PIECE_CHUNKS
        )

    def append(self, chunk: AudioChunk) -> None:
        self._file.write(_playable(chunk.samples))
        self.chunks += 1

    def close(self) -> Path | None:
        """Make the piece durable and give it its final name; None if nothing is in it."""
        self._file.close()
        if self.chunks == 0:
            self._part.unlink()
            return None
        return _finish(self._part)


def session_folder(root: Path, session: str) -> Path:
    """Where a session's pieces lie; an id that is no plain name cannot lead elsewhere."""
    if _PLAIN_NAME.fullmatch(session):
        return root / session
    return root / hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()


def rescue_pieces(root: Path, session: str) -> list[RecordedPiece]:
    """Every piece of a session that was cut off, an unfinished one read as far as it goes."""
    folder = session_folder(root, session)
    if not folder.is_dir():
        return []
    pieces: list[RecordedPiece] = []
    for path in sorted(folder.iterdir()):
        if not (match := _PIECE_NAME.fullmatch(path.name)):
            continue
        try:
            whole = _rewrite(path) if match[3] else path
            if whole is not None:
                pieces.append(_described(session, whole, soundfile.info(whole).duration))
        except (OSError, soundfile.SoundFileError) as error:
            logger.warning("piece %s cannot be read: %s", path.name, error)
    return pieces


def _rewrite(part: Path) -> Path | None:
    """Turn an unfinished piece into a finished one; None if nothing in it can be read."""
    samples = _read_as_far_as_it_goes(part)
    if len(samples) == 0:
        part.unlink()
        return None
    temporary = part.with_suffix(".rescued")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with _open_flac(temporary, samples.shape[1]) as file:
        file.write(samples)
    temporary.replace(part)
    return _finish(part)


def _read_as_far_as_it_goes(part: Path) -> Samples:
    blocks: list[Samples] = [np.zeros((0, 1), np.float32)]
    try:
        with soundfile.SoundFile(part) as file:
            blocks = [np.zeros((0, file.channels), np.float32)]
            while len(block := file.read(4096, dtype="float32", always_2d=True)):
                blocks.append(block)
    except soundfile.SoundFileError as error:
        logger.info("%s ends in the middle: %s", part.name, error)
    return np.concatenate(blocks)


def _open_flac(path: Path, channels: int) -> soundfile.SoundFile:
    return soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, channels, format="FLAC", subtype="PCM_16")


def _playable(samples: Samples) -> Samples:
    """float32 [T, sources], finite and within -1..1; a new array."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.ascontiguousarray(np.clip(finite, -1.0, 1.0).T, dtype=np.float32)


def _finish(part: Path) -> Path:
    """Sync, then rename: the final name is a promise."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    return part.rename(part.with_suffix(""))


def _described(session: str, path: Path, length_s: float) -> RecordedPiece:
    match = _PIECE_NAME.fullmatch(path.name)
    assert match is not None, path
    start_s = int(match[1]) * CHUNK_S
    return RecordedPiece(
        session=session,
        file=f"{path.parent.name}/{path.name}",
        sources=tuple(SourceName(name) for name in match[2].split("+")),
        start_s=start_s,
        end_s=start_s + length_s,
    )
