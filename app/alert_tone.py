"""The tones of alerts: one for each severity, unlike any alarm that alerts listen for.

Low and soft-edged on purpose: smoke alarms beep near 3 kHz or at 520 Hz in threes and fours, so a
tone of ours in the next room's microphone is not taken for one.
"""

from __future__ import annotations

import numpy as np

from everlisten.audio_io.chunk import Samples

TONE_RATE_HZ = 48_000
LOUDER_DB = 4.0
"""For each time that an alert was repeated."""
QUIETEST_DB = -12.0
"""Of the first tone, below full scale."""
_EDGE_S = 0.012
_NOTES: dict[str, tuple[tuple[float, float], ...]] = {
    "emergency": 3 * ((784.0, 0.13), (1047.0, 0.13), (784.0, 0.13), (0.0, 0.06)),
    "warning": ((659.0, 0.18), (0.0, 0.05), (880.0, 0.28)),
    "notice": ((587.0, 0.35),),
}
"""Frequency and length of each note; 0 Hz is a rest."""


def tone(severity: str, *, level: int = 0, volume: float = 1.0) -> Samples:
    """An alert's tone.

    Args:
        severity: An unknown one sounds as a notice.
        level: How often the alert was repeated; each time it is louder.
        volume: 0 to 1, as the user set it.

    Returns:
        float32 [T] at 48 kHz.
    """
    notes = [_note(*note) for note in _NOTES.get(severity, _NOTES["notice"])]
    gain_db = min(0.0, QUIETEST_DB + LOUDER_DB * level)
    amplitude = np.float32(10 ** (gain_db / 20) * volume)
    return np.asarray(np.concatenate(notes) * amplitude, np.float32)


def _note(frequency_hz: float, seconds: float) -> Samples:
    """float32 [T]: a sine with a soft octave above it, faded at both ends."""
    time_s = np.arange(round(seconds * TONE_RATE_HZ)) / TONE_RATE_HZ
    if frequency_hz == 0.0:
        return np.zeros(len(time_s), np.float32)
    phase = 2 * np.pi * frequency_hz * time_s
    wave = (np.sin(phase) + 0.3 * np.sin(2 * phase)) / 1.3
    edge = np.minimum(1.0, np.minimum(time_s, seconds - time_s) / _EDGE_S)
    return np.asarray(wave * edge, np.float32)
