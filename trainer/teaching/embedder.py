"""What teaching needs of a sound model, and whole recordings put through one."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, Samples

Embeddings = NDArray[np.float32]
"""float32 [T, D], one row a chunk."""


class Heard(Protocol):
    """What a sound model says of one chunk."""

    @property
    def embedding(self) -> NDArray[np.float32]:
        """float32 [D]."""


class Embedder(Protocol):
    """A sound model, see `engine.sounds.model.SoundModel`."""

    @property
    def version(self) -> str:
        """Embeddings of different versions do not mix."""

    @property
    def embedding_width(self) -> int:
        """D."""

    def new_state(self) -> Any:
        """State of a stream that has heard nothing."""

    def step(self, samples: Samples, state: Any, /) -> Heard:
        """Hear one chunk, float32 [6400]."""


def embed(model: Embedder, samples: Samples) -> Embeddings:
    """Embeddings of a recording that is a stream of its own.

    Args:
        model: The sound model.
        samples: float32 [T], 16 kHz; what is missing of the last chunk is silence.

    Returns:
        float32 [ceil(T / 6400), D].
    """
    count = -(-len(samples) // CHUNK_SAMPLES)
    chunks = np.zeros((count, CHUNK_SAMPLES), np.float32)
    chunks.reshape(-1)[: len(samples)] = samples
    state = model.new_state()
    embeddings = np.empty((count, model.embedding_width), np.float32)
    for row, chunk in zip(embeddings, chunks, strict=True):
        row[:] = model.step(chunk, state).embedding
    return embeddings
