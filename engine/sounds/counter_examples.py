"""What the user said was not the sound that was told: "not this sound".

The clip is kept with the embeddings of its loudest moments, for each sound apart. When a sound is
about to be told again, likeness to one of them raises the bar, but only so far: a real smoke alarm
of which the model is sure gets through whatever was said of the toaster. They belong to the user
alone and are never exported.
"""

from __future__ import annotations

import io
import logging
import re
import secrets
import shutil
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds import taught_file
from everlisten.engine.sounds.whole_file import replace_file, write_file

logger = logging.getLogger(__name__)

MAX_PER_SOUND = 50
MAX_ROWS = 25
"""Chunks kept of one example: 10 s."""
HIGHEST_PENALTY = 3.0
"""Logits: what is told at a probability of 0.5 is told from 0.95 on."""
_UNLIKE, _ALIKE = 0.7, 0.9
"""Cosines of standardised embeddings between which the penalty grows from nothing to all."""
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")

Vector = NDArray[np.float32]


class CounterExamples:
    """All counter-examples of this user. Any thread may call.

    Args:
        folder: `<data>/sounds/not-this`; made when the first one is added.
        mean: float32 [D], of the background's embeddings; with `deviation` they are standardised.
        deviation: float32 [D], above 0.
        version: Of the sound model. What belongs to another one rests until `embed_again`.
    """

    def __init__(self, folder: Path, mean: Vector, deviation: Vector, version: str) -> None:
        assert mean.shape == deviation.shape, (mean.shape, deviation.shape)
        self._folder = folder
        self._mean, self._deviation, self._version = mean, deviation, version
        self._lock = threading.RLock()
        self._rows: dict[str, Vector] = {}
        """Unit vectors, float32 [N, D], by sound; replaced, never changed."""
        for place in folder.glob("*/"):
            self._gather(place.name)

    def sounds(self) -> dict[str, int]:
        """How many counter-examples there are, by sound."""
        with self._lock:
            return {
                place.name: len(files)
                for place in sorted(self._folder.glob("*/"))
                if (files := _clips(place))
            }

    def penalty(self, sound: str, embedding: Vector) -> float:
        """By how much the bar is raised now.

        Args:
            sound: Id of the sound that may be told.
            embedding: float32 [D] of this chunk.

        Returns:
            Logits, 0..`HIGHEST_PENALTY`, to be taken off the logit of the sound's probability.
        """
        rows = self._rows.get(sound)
        if rows is None:
            return 0.0
        likeness = float((rows @ self._unit(embedding[None])[0]).max())
        share = (likeness - _UNLIKE) / (_ALIKE - _UNLIKE)
        return HIGHEST_PENALTY * min(max(share, 0.0), 1.0)

    def add(self, sound: str, samples: Samples, embeddings: Vector) -> None:
        """Remember one. The 50 newest of a sound are kept.

        Args:
            sound: Id of the sound that it was taken for.
            samples: float32 [T] at 16 kHz; what was heard, at most its last 30 s.
            embeddings: float32 [N, D] of the chunks in which the sound was heard.

        Raises:
            EngineError: The disk refuses.
        """
        assert embeddings.ndim == 2, embeddings.shape
        assert len(embeddings) > 0
        place = self._place(sound)
        with self._lock:
            try:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Nanoseconds put the files in the order in which they came.
                stem = f"{time.time_ns():020d}-{secrets.token_hex(2)}"
                longest = round(taught_file.MAX_EXAMPLE_S * SAMPLE_RATE_HZ)
                write_file(place / f"{stem}.npz", self._packed(embeddings[-MAX_ROWS:]))
                write_file(place / f"{stem}.flac", taught_file.encode(samples[-longest:]))
                for old in _clips(place)[:-MAX_PER_SOUND]:
                    _remove(old)
            except OSError as error:
                raise EngineError(
                    f"The counter-example could not be kept in {place}: {error.strerror}"
                ) from error
            self._gather(sound)

    def embeddings(self, sound: str) -> list[Vector]:
        """Float32 [N, D] of each counter-example, for teaching that sound again."""
        with self._lock:
            found = (self._read(clip.with_suffix(".npz")) for clip in _clips(self._place(sound)))
            return [rows for rows in found if rows is not None]

    def outdated(self) -> int:
        """How many wait for `embed_again`."""
        return sum(
            self._read(clip.with_suffix(".npz")) is None
            for sound in self.sounds()
            for clip in _clips(self._place(sound))
        )

    def embed_again(self, embed: Callable[[str, Samples], Vector]) -> int:
        """Bring those of another sound model up to date, from their clips.

        Args:
            embed: Gives float32 [N, D] for a sound's id and samples, float32 [T]. What it raises
                beyond `EngineError` ends the work; those that are done stay done.

        Returns:
            How many there were.
        """
        renewed = 0
        for sound in self.sounds():
            for clip in _clips(self._place(sound)):
                if self._read(clip.with_suffix(".npz")) is not None:
                    continue
                try:
                    rows = embed(sound, taught_file.decode(clip.read_bytes(), clip.name))
                    with self._lock:
                        if clip.exists():
                            packed = self._packed(rows[-MAX_ROWS:])
                            replace_file(clip.with_suffix(".npz"), packed)
                    renewed += 1
                except (EngineError, OSError) as error:
                    logger.warning("counter-example %s: %s", clip, error)
            self._gather(sound)
        return renewed

    def forget(self, sound: str | None = None) -> None:
        """Delete those of one sound, or all.

        Raises:
            EngineError: The disk refuses.
        """
        place = self._folder if sound is None else self._place(sound)
        with self._lock:
            try:
                if place.exists():
                    shutil.rmtree(place)
            except OSError as error:
                raise EngineError(f"{place} could not be deleted: {error.strerror}") from error
            finally:
                for each in [sound] if sound is not None else list(self._rows):
                    self._gather(each)

    def _gather(self, sound: str) -> None:
        with self._lock:
            rows = self.embeddings(sound)
            if rows:
                self._rows[sound] = self._unit(np.concatenate(rows))
            else:
                self._rows.pop(sound, None)

    def _unit(self, embeddings: Vector) -> Vector:
        rows = (embeddings - self._mean) / self._deviation
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-6), np.float32)

    def _packed(self, embeddings: Vector) -> bytes:
        stream = io.BytesIO()
        np.savez_compressed(
            stream, embeddings=embeddings.astype(np.float32), version=np.array(self._version)
        )
        return stream.getvalue()

    def _read(self, path: Path) -> Vector | None:
        """None if the embeddings are another model's, damaged or gone."""
        try:
            with np.load(path, allow_pickle=False) as file:
                rows = np.asarray(file["embeddings"], np.float32)
                version = str(file["version"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            logger.info("counter-example %s: %s", path.name, error)
            return None
        fits = version == self._version and rows.ndim == 2 and rows.shape[1] == len(self._mean)
        return rows if fits and np.isfinite(rows).all() else None

    def _place(self, sound: str) -> Path:
        if not _SOUND.fullmatch(sound):
            raise EngineError(f"{sound!r} is no id of a sound")
        return self._folder / sound


def _clips(place: Path) -> list[Path]:
    """The oldest first."""
    return sorted(place.glob("*.flac"))


def _remove(clip: Path) -> None:
    clip.unlink(missing_ok=True)
    clip.with_suffix(".npz").unlink(missing_ok=True)
