"""Removes from the microphone what the loudspeakers brought into it (placeholder)."""

from __future__ import annotations

from everlisten.audio_io.chunk import Samples

LOOKAHEAD_SAMPLES = 1280


class EchoCanceller:
    """Passes the microphone through."""

    def step(self, mic: Samples, system_ahead: Samples) -> Samples:
        """Return `mic`."""
        return mic
