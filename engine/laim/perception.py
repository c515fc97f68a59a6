"""Hearing: samples to audio embeddings, each chunk once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from everlisten.audio_io.chunk import AudioChunk, Samples
from everlisten.engine.laim.log_mel import Frames, LogMelState, LogMelStream
from everlisten.engine.laim.outcomes import Heard
from everlisten.engine.laim.tower import TowerStep


@dataclass(slots=True, eq=False)
class Perception:
    """The log-mel stream, with as many bins F as the tower takes, and the audio tower.

    Its state is the stream's.
    """

    tower: TowerStep
    log_mel: LogMelStream = field(init=False)

    def __post_init__(self) -> None:
        """A stream for this tower."""
        self.log_mel = LogMelStream(self.tower.weights.size.mel_bins)

    def new_state(self) -> LogMelState:
        """State of a stream that has heard nothing."""
        return self.log_mel.new_state()

    def frames(self, chunk: AudioChunk, state: LogMelState) -> Frames:
        """float32 [F, 40]: the chunk's log-mel spectrum, 2.5 ms behind the sound."""
        complete = self.log_mel.step(chunk.mixed, state)
        assert len(complete) == 1, complete.shape
        frames: Frames = complete[0]
        return frames

    def heard(self, chunk: AudioChunk, frames: Frames) -> Heard:
        """Encode a chunk's frames."""
        energy = {
            source: float(np.dot(row, row))
            for source, row in zip(chunk.sources, chunk.samples, strict=True)
        }
        return Heard(chunk.index, self.tower.forward(torch.from_numpy(frames)), energy)

    def clip(self, samples: Samples) -> list[Tensor]:
        """Encode a whole clip as a stream of its own, filled up with silence.

        Args:
            samples: float32 [T] at 16 kHz.

        Returns:
            For every chunk, [10, D].
        """
        state = self.log_mel.new_state(lead_samples=0)
        frames = np.concatenate((self.log_mel.step(samples, state), self.log_mel.flush(state)))
        if not len(frames):
            return []
        return list(self.tower.forward_batch(torch.from_numpy(frames)))
