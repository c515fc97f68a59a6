"""One source on the session's time line: placed by arrival, then contiguous, drift taken out.

Blocks arrive late by a varying amount, never early, so the least late block of a few seconds tells
where the device's clock stands. A device that runs fast or slow against the monotonic clock is
bent by single samples (at most 1 in 3,200, inaudible and harmless to recognisers) so that two
devices stay aligned for days.
"""

from __future__ import annotations

import numpy as np

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples

BUFFER_SAMPLES = 8 * SAMPLE_RATE_HZ
SETTLE_SAMPLES = 3 * SAMPLE_RATE_HZ // 10
"""Blocks of the first 0.3 s are held back until their least late one is known."""
JUMP_SAMPLES = SAMPLE_RATE_HZ // 4
"""A device that stays 0.25 s late for a whole window has lost samples. A single late block means
nothing: on a busy computer blocks come late and then in a burst."""
HOLE_SAMPLES = SAMPLE_RATE_HZ
"""A block that is 1 s late follows a hole."""
WINDOW_SAMPLES = 3 * SAMPLE_RATE_HZ
DEADBAND_SAMPLES = 160
"""10 ms: below it nothing is bent."""
BEND_EVERY_SAMPLES = 3_200
"""312 ppm: more than clocks differ, and slow enough for the echo canceller to follow."""


class Track:
    """The samples of one source by their index on the time line.

    Indices count samples at 16 kHz from the start of the session. The buffer holds 8 s; `read`
    returns copies.
    """

    def __init__(self, *, count_gaps: bool) -> None:
        """Start empty.

        Args:
            count_gaps: Holes count in `gap_samples`; False where silence is normal, as for the
                computer's own sound, which some systems do not deliver while nothing plays.
        """
        self._buffer = np.zeros(BUFFER_SAMPLES, np.float32)
        self._count_gaps = count_gaps
        self.gap_samples = 0
        self.bent_samples = 0
        self._read_to = 0
        self.restart()

    def restart(self) -> None:
        """The device was opened anew: place its next block by arrival."""
        self._end: int | None = None
        self._settling: list[Samples] = []
        self._settling_n = 0
        self._settling_late = float("inf")
        self._excess = 0
        self._new_window()

    @property
    def end(self) -> int | None:
        """Index after the newest sample that is on the time line; None before the first."""
        return self._end

    def write(self, block: Samples, arrival: float) -> None:
        """Put a block on the time line.

        Args:
            block: float32 [n] at 16 kHz.
            arrival: Index on the time line of the moment when the block arrived.
        """
        if not len(block):
            return
        if self._end is None:
            self._settle(block, arrival)
            return
        late = arrival - (self._end + len(block))
        if late < -JUMP_SAMPLES or self._excess:
            block = self._without_excess(block, round(-late))
        elif late > HOLE_SAMPLES or (late > JUMP_SAMPLES and self._end < self._read_to):
            self._skip(round(late))
        else:
            self._watch_drift(late, len(block))
            block = self._bent(block)
        self._append(block)

    def read(self, start: int, count: int) -> Samples:
        """float32 [count] from index `start`; silence where nothing is. A new array."""
        out = np.zeros(count, np.float32)
        if self._end is None:
            return out
        first = max(start, self._end - BUFFER_SAMPLES)
        stop = min(start + count, self._end)
        if stop > first:
            where = np.arange(first, stop) % BUFFER_SAMPLES
            out[first - start : stop - start] = self._buffer[where]
        return out

    def release(self, upto: int, *, live: bool) -> None:
        """Samples before `upto` have been emitted; what arrives for them later is too late.

        Args:
            upto: Index on the time line.
            live: The device is open and should have delivered: missing samples are a gap.
        """
        end = self._read_to if self._end is None else self._end
        if live and self._end is not None:
            self._gap(upto - max(end, self._read_to))
        self._read_to = max(upto, self._read_to)

    def _settle(self, block: Samples, arrival: float) -> None:
        self._settling.append(block)
        self._settling_n += len(block)
        self._settling_late = min(self._settling_late, arrival - self._settling_n)
        if self._settling_n >= SETTLE_SAMPLES:
            self._end = round(self._settling_late)
            self._append(np.concatenate(self._settling))
            self._settling = []

    def _skip(self, count: int) -> None:
        """Leave a hole: the device has lost `count` samples, or had nothing to deliver."""
        assert self._end is not None
        start = self._end + count
        self._gap(start - max(self._end, self._read_to))
        self._append(np.zeros(min(count, BUFFER_SAMPLES), np.float32))
        self._end = start
        self._new_window()

    def _without_excess(self, block: Samples, excess: int) -> Samples:
        """Drop what the time line has no room for: it was begun while the device was late."""
        self._excess = self._excess or excess
        dropped = min(self._excess, len(block))
        self._excess -= dropped
        self._gap(dropped)
        self._new_window()
        return block[dropped:]

    def _new_window(self) -> None:
        self._late = float("inf")
        self._window_n = 0
        self._bend = 0
        self._unbent_n = 0

    def _append(self, block: Samples) -> None:
        assert self._end is not None
        kept = block[-BUFFER_SAMPLES:]
        start = self._end + len(block) - len(kept)
        at = start % BUFFER_SAMPLES
        first = min(len(kept), BUFFER_SAMPLES - at)
        self._buffer[at : at + first] = kept[:first]
        self._buffer[: len(kept) - first] = kept[first:]
        self._end += len(block)

    def _watch_drift(self, late: float, count: int) -> None:
        self._late = min(self._late, late)
        self._window_n += count
        if self._window_n < WINDOW_SAMPLES:
            return
        late = round(self._late)
        self._new_window()
        if late > JUMP_SAMPLES:
            self._skip(late)
        elif abs(late) > DEADBAND_SAMPLES:
            self._bend = late

    def _bent(self, block: Samples) -> Samples:
        """Stretch or shrink a block by what the drift still asks for, at most 1 in 3,200."""
        if not self._bend:
            return block
        self._unbent_n += len(block)
        if self._unbent_n < BEND_EVERY_SAMPLES:
            return block
        self._unbent_n = 0
        change = 1 if self._bend > 0 else -1
        self._bend -= change
        self.bent_samples += abs(change)
        count = len(block) + change
        where = np.linspace(0.0, len(block) - 1.0, count)
        return np.interp(where, np.arange(len(block)), block).astype(np.float32)

    def _gap(self, count: int) -> None:
        if self._count_gaps and count > 0:
            self.gap_samples += count
