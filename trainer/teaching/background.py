"""The background: embeddings of everything that a taught sound is not.

It is made once, with the sound model, and ships beside it, so that teaching needs no recordings of
others. The recordings stand in it as one stream, as in life, one after the other without a reset.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, Samples
from everlisten.engine.errors import ModelLoadError
from everlisten.trainer.teaching.embedder import Embedder

_BLOCK_CHUNKS = 150
"""A minute: neighbours share a room and a speaker, so halves are made of blocks this long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """What is heard when the taught sound is not.

    Attributes:
        embeddings: float16 [N, D], consecutive chunks.
        starts: int64 [S], ascending: rows where another recording begins; the first is 0.
        version: Of the sound model; "" if the file does not say.
        labels: What each of the S recordings is; empty if the file does not say.
    """

    embeddings: NDArray[np.float16]
    starts: NDArray[np.int64]
    version: str = ""
    labels: tuple[str, ...] = ()

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return len(self.embeddings) * CHUNK_S / 3600

    def blocks(self) -> NDArray[np.int64]:
        """int64 [N]: number of the block of each chunk; no recording stands in two blocks."""
        count = len(self.embeddings)
        if len(self.starts) < 2:  # nothing says where recordings begin
            return np.arange(count) // _BLOCK_CHUNKS
        begins = np.zeros(count, np.int64)
        begin = 0
        for start in self.starts.tolist():
            if start - begin >= _BLOCK_CHUNKS:
                begins[start] = 1
                begin = start
        return np.cumsum(begins)

    def recordings(self) -> NDArray[np.int64]:
        """int64 [N]: number of the recording of each chunk."""
        begins = np.zeros(len(self.embeddings), np.int64)
        begins[self.starts] = 1
        return np.cumsum(begins) - 1

    def statistics(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of each of the D numbers, float32 [D] both."""
        embeddings = self.embeddings.astype(np.float32)
        deviation = embeddings.std(axis=0)
        return embeddings.mean(axis=0), np.maximum(deviation, 1e-3 * max(deviation.max(), 1e-6))


def build_background(
    model: Embedder,
    recordings: Iterable[Samples],
    max_hours: float = 3.0,
    labels: Sequence[str] = (),
) -> Background:
    """Let the model hear recordings as one stream.

    Args:
        model: The sound model.
        recordings: float32 [T] each, 16 kHz. Recordings from one original are to stand side by
            side: false alarms are measured on blocks that were not learnt from.
        max_hours: What is longer is left out.
        labels: What each recording is, if that is to be kept.
    """
    state = model.new_state()
    rows: list[NDArray[np.float16]] = []
    starts: list[int] = []
    kept: list[str] = []
    pending = np.zeros(0, np.float32)
    limit = round(max_hours * 3600 / CHUNK_S)
    for number, recording in enumerate(recordings):
        if len(rows) >= limit:
            break
        pending = np.concatenate((pending, recording.astype(np.float32)))
        whole = len(pending) // CHUNK_SAMPLES
        if whole:
            starts.append(len(rows))
            kept += labels[number : number + 1]
        for chunk in pending[: whole * CHUNK_SAMPLES].reshape(whole, CHUNK_SAMPLES):
            rows.append(model.step(chunk, state).embedding.astype(np.float16))
        pending = pending[whole * CHUNK_SAMPLES :]
    del rows[limit:]
    embeddings = np.stack(rows) if rows else np.zeros((0, model.embedding_width), np.float16)
    return Background(
        embeddings=embeddings,
        starts=np.array(starts, np.int64),
        version=model.version,
        labels=tuple(kept),
    )


def save_background(background: Background, path: Path) -> None:
    """Write `background.npz`, whole or not at all."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        embeddings=background.embeddings,
        starts=background.starts,
        hours=np.float64(background.hours),
        version=np.array(background.version),
        labels=np.array(background.labels, np.str_),
    )
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_bytes(stream.getvalue())
    os.replace(temporary, path)


def load_background(path: Path, model: Embedder | None = None) -> Background:
    """Read `background.npz`.

    Args:
        path: The file beside the model.
        model: If given, the background must be this model's.

    Raises:
        ModelLoadError: The file is missing, damaged or of another model.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            embeddings = file["embeddings"].astype(np.float16)
            starts = file["starts"].astype(np.int64) if "starts" in file else np.zeros(1, np.int64)
            version = str(file["version"]) if "version" in file else ""
            labels = tuple(map(str, file["labels"])) if "labels" in file else ()
    except FileNotFoundError as error:
        raise ModelLoadError(
            f"{path} is missing: sounds cannot be taught; install Everlisten again"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelLoadError(f"{path} is damaged: install Everlisten again ({error})") from error
    whole = embeddings.ndim == 2 and np.isfinite(embeddings).all()
    bounds = np.append(starts, len(embeddings))
    in_order = bounds[0] == 0 and (np.diff(bounds) > 0).all()
    if not whole or not in_order or len(labels) not in (0, len(starts)):
        raise ModelLoadError(f"{path} is damaged: install Everlisten again")
    other = model is not None and (
        embeddings.shape[1] != model.embedding_width or version not in ("", model.version)
    )
    if other:
        raise ModelLoadError(f"{path} belongs to another sound model: install Everlisten again")
    return Background(embeddings=embeddings, starts=starts, version=version, labels=labels)
