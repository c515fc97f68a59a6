"""Audio files as a source: every format that libsndfile reads, as 16 kHz mono chunks.

Several files one after the other are one stream; each begins with a chunk of its own.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, AudioChunk, Samples, SourceName
from everlisten.audio_io.errors import AudioFileError
from everlisten.audio_io.health import CaptureHealth, Condition, SourceHealth
from everlisten.audio_io.level import LevelMeter
from everlisten.audio_io.resampler import Resampler
from everlisten.audio_io.ring_buffer import ChunkRing

logger = logging.getLogger(__name__)

BLOCK_FRAMES = 16_384
FULL_WAIT_S = 0.01
"""How long a fast reader sleeps when the ring is full."""
STOP_TIMEOUT_S = 2.0


class AudioFile:
    """An opened sound file, read as 16 kHz mono.

    Samples that are not numbers become 0 and are counted in `bad_samples`.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`; raises `AudioFileError` when it cannot be played."""
        self.path = path
        self._file = _open(path)
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.duration_s = float(self._file.frames) / self.rate_hz
        self.bad_samples = 0
        if self._file.frames == 0:
            self.close()
            raise AudioFileError(path, "holds no sound (0 samples)", "choose another file")

    def blocks(self) -> Iterator[Samples]:
        """Yield float32 [n] at 16 kHz until the end of the file."""
        resampler = Resampler(self.rate_hz, self.channels)
        state = resampler.new_state()
        while len(block := self._read()):
            yield resampler.step(block, state)
        yield resampler.flush(state)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _read(self) -> NDArray[np.float32]:
        import soundfile

        try:
            block: NDArray[np.float32] = self._file.read(
                BLOCK_FRAMES, dtype="float32", always_2d=True
            )
        except soundfile.LibsndfileError as error:
            reason = f"is damaged ({_say(error)})"
            raise AudioFileError(self.path, reason, "repair or replace it") from error
        good = np.isfinite(block)
        if not good.all():
            if not self.bad_samples:
                logger.warning("%s: samples that are not numbers are played as silence", self.path)
            self.bad_samples += int(block.size - good.sum())
            block = np.where(good, block, np.float32(0.0))
        return block


def _open(path: Path) -> Any:
    if path.is_dir():
        raise AudioFileError(path, "is a folder", "choose a sound file in it")
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise AudioFileError(path, "does not exist", "check the path") from error
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise AudioFileError(path, reason, "check its permissions") from error
    if size == 0:
        raise AudioFileError(path, "is empty (0 bytes)", "choose another file")
    try:
        import soundfile
    except OSError as error:
        raise AudioFileError(path, "cannot be read without libsndfile", "install it") from error
    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        reason = f"is not a sound file that can be read ({_say(error)})"
        raise AudioFileError(path, reason, "use WAV, FLAC, OGG, MP3 or AIFF") from error


def _say(error: Exception) -> str:
    text = getattr(error, "error_string", "") or str(error)
    return str(text).strip().rstrip(".")


class FileSource:
    """Plays one file, or several in a row, into rings from a thread of its own.

    A full ring is waited for at either pace: a file, unlike a microphone, loses nothing by it. The
    rings are closed at the end, also after an error.
    """

    def __init__(
        self,
        path: Path | Sequence[Path],
        rings: ChunkRing | Sequence[ChunkRing],
        *,
        name: str = "",
        fast: bool = False,
        seconds: float = math.inf,
        pause_s: float = 0.0,
    ) -> None:
        """Open every file, so that a bad one is told before anything starts.

        Args:
            path: The file, or several, of which each but the last is filled up to whole chunks.
            rings: One per consumer; each gets every chunk. Must know the source `file`.
            name: What people call it; by default the (first) file's name.
            fast: As fast as the ring accepts, instead of real time.
            seconds: How much of it is played, in whole chunks.
            pause_s: Silence after each file, in whole chunks.

        Raises:
            AudioFileError: A file cannot be played.
        """
        paths = [path] if isinstance(path, Path) else list(path)
        assert paths, "no file to play"
        self._files = _open_all(paths)
        self._rings = (rings,) if isinstance(rings, ChunkRing) else tuple(rings)
        self._name = name or paths[0].name
        self._fast = fast
        self._seconds = seconds
        self._pause_chunks = round(pause_s / CHUNK_S)
        self._stop = threading.Event()
        self._resume = threading.Event()
        self._resume.set()
        self._thread: threading.Thread | None = None
        self._playing = self._files[0]
        self._played_chunks = 0
        self._meter = LevelMeter()
        self.error: AudioFileError | None = None
        """What ended the file before its end."""

    @property
    def duration_s(self) -> float:
        """Length of what is played."""
        *others, last = self._files
        whole = sum(math.ceil(one.duration_s / CHUNK_S) for one in others)
        pauses = self._pause_chunks * len(self._files)
        return min((whole + pauses) * CHUNK_S + last.duration_s, self._seconds)

    @property
    def position_s(self) -> float:
        """How much of it has been handed over."""
        return min(self._played_chunks * CHUNK_S, self.duration_s)

    @property
    def bad_samples(self) -> int:
        """Samples that were not numbers and were played as silence."""
        return sum(one.bad_samples for one in self._files)

    @property
    def finished(self) -> bool:
        """Everything has been handed over, or it failed or was stopped."""
        return self._rings[0].closed

    def health(self) -> CaptureHealth:
        """A snapshot; cheap, from any thread."""
        level_db, peak_db = self._meter.read()
        source = SourceHealth(
            source=SourceName.FILE,
            device=self._name,
            rate_hz=self._playing.rate_hz,
            channels=self._playing.channels,
            level_db=level_db,
            peak_db=peak_db,
            condition=Condition.OK if self.error is None else Condition.FAILED,
            sentence=str(self.error or ""),
        )
        return CaptureHealth(
            sources=(source,),
            chunks=self._played_chunks,
            dropped=sum(ring.dropped for ring in self._rings),
            running=self._resume.is_set() and not self.finished,
        )

    def start(self) -> None:
        """Begin to play."""
        assert self._thread is None, "started twice"
        self._thread = threading.Thread(target=self._run, name="audio-file", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Hold on; time does not go on."""
        self._resume.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._resume.set()

    def stop(self) -> None:
        """End, wherever it is; returns when the thread has ended."""
        self._stop.set()
        self._resume.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)
        else:
            self._finish()

    def _run(self) -> None:
        try:
            self._play()
        except AudioFileError as error:
            self.error = error
            logger.warning("%s", error)
        except Exception as error:
            logger.exception("playing %s failed", self._playing.path)
            reason = f"could not be played ({error})"
            self.error = AudioFileError(self._playing.path, reason, "the log says more")
        finally:
            self._finish()

    def _finish(self) -> None:
        for one in self._files:
            one.close()
        for ring in self._rings:
            ring.close()

    def _play(self) -> None:
        start_s = time.monotonic()
        for index, samples in enumerate(self._chunks()):
            if index * CHUNK_S >= self._seconds:
                return
            end_s = start_s + (index + 1) * CHUNK_S
            start_s += self._wait_turn(end_s)
            if self._stop.is_set():
                return
            captured_s = time.monotonic() if self._fast else start_s + (index + 1) * CHUNK_S
            chunk = AudioChunk(
                index=index,
                sources=(SourceName.FILE,),
                samples=samples[np.newaxis],
                captured_s=captured_s,
            )
            for ring in self._rings:
                ring.push(chunk)
            self._meter.step(samples)
            self._played_chunks = index + 1

    def _wait_turn(self, end_s: float) -> float:
        """Wait until a chunk may be pushed; returns by how much that delays the rest, seconds."""
        before_s = time.monotonic()
        held = self._full or not self._resume.is_set()
        self._resume.wait()
        while self._full and not self._stop.wait(FULL_WAIT_S):
            pass
        held_s = time.monotonic() - before_s if held else 0.0
        if not self._fast:
            self._stop.wait(max(0.0, end_s + held_s - time.monotonic()))
        return held_s

    @property
    def _full(self) -> bool:
        return any(ring.full for ring in self._rings)

    def _chunks(self) -> Iterator[Samples]:
        """Yield float32 [6400], the last one of each file padded with zeros."""
        for one in self._files:
            self._playing = one
            yield from _chunks_of(one)
            for _ in range(self._pause_chunks):
                yield np.zeros(CHUNK_SAMPLES, np.float32)


def _open_all(paths: Sequence[Path]) -> list[AudioFile]:
    files: list[AudioFile] = []
    try:
        for path in paths:
            files.append(AudioFile(path))
    except AudioFileError:
        for one in files:
            one.close()
        raise
    return files


def _chunks_of(file: AudioFile) -> Iterator[Samples]:
    pending = np.zeros(0, np.float32)
    for block in file.blocks():
        pending = np.concatenate((pending, block))
        while len(pending) >= CHUNK_SAMPLES:
            yield pending[:CHUNK_SAMPLES]
            pending = pending[CHUNK_SAMPLES:]
    if len(pending):
        yield np.pad(pending, (0, CHUNK_SAMPLES - len(pending)))
