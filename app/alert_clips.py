"""The sounds of alerts on disk, beside the recording of their session; and sound files read whole.

A clip is deleted with its session. Nothing is kept unless the user keeps it or recording is on.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.audio_io.errors import AudioError
from everlisten.audio_io.file_source import AudioFile
from everlisten.engine.errors import EngineError, TimelineError
from everlisten.engine.events import ClipKept, EngineEvent, SoundAlert, is_test
from everlisten.engine.runner import EventSink
from everlisten.engine.timeline.recording import session_folder

LONGEST_S = 30.0
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class AlertClips:
    """The kept clips of this user.

    Args:
        recordings: The folder of recordings (`TimelineStore.recordings`).
        tell: Takes a `ClipKept` for every clip.
    """

    def __init__(self, recordings: Path, tell: EventSink) -> None:
        self._root = recordings
        self._tell = tell
        self._paths = {path.stem: path for path in recordings.glob("*/alert-*.flac")}

    def path(self, alert_id: str) -> Path | None:
        """The kept file; None if none is kept, or it was deleted with its session."""
        path = self._paths.get(_stem(alert_id))
        return path if path is not None and path.is_file() else None

    def keep(self, alert: SoundAlert, samples: Samples) -> Path:
        """Write a clip and tell so.

        Args:
            alert: Whose.
            samples: float32 [T] at 16 kHz.

        Raises:
            TimelineError: The disk refuses.
        """
        folder = session_folder(self._root, alert.session)
        path = folder / f"{_stem(alert.id)}.flac"
        part = path.with_suffix(".part")
        try:
            for place in (self._root, folder):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            playable = np.clip(np.nan_to_num(samples), -1.0, 1.0)
            soundfile.write(part, playable, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
            part.replace(path)
        except (OSError, soundfile.SoundFileError) as error:
            raise TimelineError(
                f"The alert's sound cannot be kept in {folder}:"
                f" {getattr(error, 'strerror', None) or error}; make room there."
            ) from error
        self._paths[path.stem] = path
        self._tell(
            ClipKept(
                id=alert.id,
                session=alert.session,
                source=alert.source,
                start_s=alert.start_s,
                end_s=alert.end_s,
                emitted_s=alert.emitted_s,
                path=str(path),
            )
        )
        return path


class ClipKeeper:
    """Keeps the clip of every alert while recording is on, once its event is over.

    Args:
        keep: Keeps one; returns "" or why not.
        recording: Whether recording is on.
        later: Queues a task to another thread: events come from one that must not wait.
        tell: Takes a sentence when a clip cannot be kept.
    """

    def __init__(
        self,
        keep: Callable[[str], str],
        recording: Callable[[], bool],
        later: Callable[[Callable[[], None]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._keep = keep
        self._recording = recording
        self._later = later
        self._tell = tell

    def take(self, event: EngineEvent) -> None:
        """Note any event; never blocks."""
        over = isinstance(event, SoundAlert) and not event.ongoing
        if over and self._recording() and not is_test(event):
            self._later(lambda: self._keep_one(event.id))

    def _keep_one(self, alert_id: str) -> None:
        refusal = self._keep(alert_id)
        if refusal:
            self._tell(refusal)


def read_sound(path: Path) -> Samples:
    """The beginning of a sound file, at most 30 s: float32 [T] at 16 kHz, one channel.

    Raises:
        EngineError: It cannot be read.
    """
    try:
        file = AudioFile(path)
        try:
            pieces, length = [], 0
            for block in file.blocks():
                pieces.append(block)
                length += len(block)
                if length >= LONGEST_S * SAMPLE_RATE_HZ:
                    break
        finally:
            file.close()
    except AudioError as error:
        raise EngineError(str(error)) from error
    samples = np.concatenate(pieces)[: round(LONGEST_S * SAMPLE_RATE_HZ)]
    return np.ascontiguousarray(samples, np.float32)


def _stem(alert_id: str) -> str:
    """The name of an alert's clip; an id that is no plain name cannot lead elsewhere."""
    plain = _PLAIN.fullmatch(alert_id)
    return f"alert-{alert_id if plain else hashlib.sha256(alert_id.encode()).hexdigest()}"
