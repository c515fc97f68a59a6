"""Aligns the sources on one time line and cuts it into chunks; the clock never stops.

Chunk i covers the monotonic time from `start + 0.4 i` to `start + 0.4 (i + 1)`, whatever the
devices do: what is missing when it is due becomes silence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from everlisten.audio_io.chunk import (
    CHUNK_S,
    CHUNK_SAMPLES,
    SAMPLE_RATE_HZ,
    AudioChunk,
    Samples,
    SourceName,
)
from everlisten.audio_io.echo import LOOKAHEAD_SAMPLES, EchoCanceller
from everlisten.audio_io.level import LevelMeter, to_amplitude
from everlisten.audio_io.track import Track

LIVE_S = 1.0
"""A source that delivered nothing for this long is not waited for any more."""


class SourceLine:
    """One source in the mix: its track, its gain and its meter."""

    def __init__(self, source: SourceName, gain_db: float) -> None:
        """Start empty, at `gain_db`."""
        self.source = source
        self.track = Track(count_gaps=source is SourceName.MIC)
        self.meter = LevelMeter()
        self.gain_db = gain_db
        self.last_write_s = float("-inf")

    def write(self, samples: Samples, arrival: float, now_s: float) -> None:
        """Take float32 [n] at 16 kHz that arrived at index `arrival`, monotonic `now_s`."""
        if len(samples):
            self.track.write(samples, arrival)
            self.meter.step(samples)
            self.last_write_s = now_s

    def live(self, now_s: float) -> bool:
        """The source delivers."""
        return now_s - self.last_write_s < LIVE_S

    def restart(self) -> None:
        """The device was opened anew, or is gone."""
        self.track.restart()
        self.meter.reset()
        self.last_write_s = float("-inf")


class Mixer:
    """Turns what the devices deliver into `AudioChunk`s with the sources apart."""

    def __init__(
        self, lines: Sequence[SourceLine], start_s: float, late_after_s: float, *, echo: bool
    ) -> None:
        """Begin a time line.

        Args:
            lines: The sources of every chunk, in this order.
            start_s: `time.monotonic()` of index 0.
            late_after_s: How long a chunk waits for a late source.
            echo: Remove the system sound from the microphone when both are there.
        """
        self._late_after_s = late_after_s
        self._echo = echo
        self.index = 0
        self._start_s = start_s
        self.set_lines(lines)

    def set_lines(self, lines: Sequence[SourceLine]) -> None:
        """Go on with other sources; the time line and its count go on."""
        self.lines = {line.source: line for line in lines}
        both = {SourceName.MIC, SourceName.SYSTEM} <= self.lines.keys()
        self._canceller = EchoCanceller() if both and self._echo else None
        self._echo_state = self._canceller.new_state() if self._canceller else None
        for line in lines:
            line.track.release(self.index * CHUNK_SAMPLES, live=False)

    def resume(self, now_s: float) -> None:
        """After a pause: the next chunk begins now, with the next index."""
        self._start_s = now_s - self.index * CHUNK_S
        for line in self.lines.values():
            line.restart()

    def write(self, source: SourceName, samples: Samples, now_s: float) -> None:
        """Take float32 [n] at 16 kHz of one source that arrived at monotonic `now_s`."""
        self.lines[source].write(samples, self._at(now_s), now_s)

    def due(self, now_s: float) -> AudioChunk | None:
        """The next chunk if it is complete or due, else None; call until None."""
        stop = (self.index + 1) * CHUNK_SAMPLES
        ahead = LOOKAHEAD_SAMPLES if self._canceller else 0
        now = self._at(now_s)
        if now < stop or (self._waits(stop, ahead, now_s) and not self._too_late(stop, ahead, now)):
            return None
        start = stop - CHUNK_SAMPLES
        rows = self._rows(start, ahead)
        for line in self.lines.values():
            line.track.release(stop, live=line.live(now_s))
        chunk = AudioChunk(
            index=self.index,
            sources=tuple(self.lines),
            samples=rows,
            captured_s=self._start_s + (self.index + 1) * CHUNK_S,
        )
        self.index += 1
        return chunk

    def _at(self, now_s: float) -> float:
        return (now_s - self._start_s) * SAMPLE_RATE_HZ

    def _too_late(self, stop: int, ahead: int, now: float) -> bool:
        return now >= stop + ahead + self._late_after_s * SAMPLE_RATE_HZ

    def _waits(self, stop: int, ahead: int, now_s: float) -> bool:
        for source, line in self.lines.items():
            needed = stop + (ahead if source is SourceName.SYSTEM else 0)
            if line.live(now_s) and (line.track.end is None or line.track.end < needed):
                return True
        return False

    def _rows(self, start: int, ahead: int) -> Samples:
        """float32 [S, 6400]: the samples of one chunk, echo removed, gains applied."""
        rows = np.zeros((len(self.lines), CHUNK_SAMPLES), np.float32)
        for row, line in zip(rows, self.lines.values(), strict=True):
            row[:] = line.track.read(start, CHUNK_SAMPLES)
        if self._canceller is not None and self._echo_state is not None:
            sources = list(self.lines)
            system = self.lines[SourceName.SYSTEM].track.read(start + ahead, CHUNK_SAMPLES)
            mic = rows[sources.index(SourceName.MIC)]
            mic[:] = self._canceller.step(mic, system, self._echo_state)
        for row, line in zip(rows, self.lines.values(), strict=True):
            if line.gain_db:
                row *= to_amplitude(line.gain_db)
                np.clip(row, -1.0, 1.0, out=row)
        return rows
