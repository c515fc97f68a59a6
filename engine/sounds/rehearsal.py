"""A test of an alert: an example through model, policy and sink, beside what is really heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, SourceName
from everlisten.engine.events import EngineEvent
from everlisten.engine.sounds.detector import SoundDetector

TAIL_S = 4.0
"""Silence after the example: the rest of a pattern, and what waits for it."""


class Rehearsal:
    """One test, in a state of its own: nothing of it is remembered by the real one.

    Args:
        detector: Made by `SoundDetector.for_test`.
        samples: float32 [T] at 16 kHz.
        session: Id of the session.
        begun_s: Stream time that counts as the test's start.
        source: That the alerts name.
    """

    def __init__(
        self,
        detector: SoundDetector,
        samples: NDArray[np.float32],
        session: str,
        begun_s: float,
        source: SourceName | None,
    ) -> None:
        self._detector = detector
        self._state = detector.new_state(session, test=True)
        count = -(-len(samples) // CHUNK_SAMPLES) + round(TAIL_S / CHUNK_S)
        self._chunks = np.zeros((count, CHUNK_SAMPLES), np.float32)
        self._chunks.reshape(-1)[: len(samples)] = samples
        self._begun_s = begun_s
        self._source = source
        self._heard = 0

    @property
    def done(self) -> bool:
        """Everything was heard."""
        return self._heard == len(self._chunks)

    def step(self) -> list[EngineEvent]:
        """Hear one more chunk of it."""
        start_s = self._begun_s + self._heard * CHUNK_S
        chunk = self._chunks[self._heard]
        self._heard += 1
        events = self._detector.step(chunk, start_s, start_s + CHUNK_S, self._source, self._state)
        return events + self._detector.flush(self._state) if self.done else events
