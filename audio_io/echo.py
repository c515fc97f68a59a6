"""Removes from the microphone what the loudspeakers brought into it.

Two stages. A partitioned-block frequency-domain Kalman filter (Enzner and Vary, Signal Processing
86, 2006; partitioned by Kuech et al., ICASSP 2014) learns the way from loudspeaker to microphone
and subtracts the echo; its own uncertainty keeps it from diverging while both people talk. A gate
then closes while what is left is no more than that uncertainty, so that no recogniser finds a
second copy of the words; it opens for speech that stands out, which thus survives.

The filter spans -80 to +440 ms, so the delay need not be known, and the computer's sound may even
reach us later than its echo. It is linear: a loudspeaker that distorts leaves more to the gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

BLOCK = 320
"""20 ms."""
BLOCKS = CHUNK_SAMPLES // BLOCK
BINS = BLOCK + 1
PARTITIONS = 26
"""26 x 20 ms = 520 ms of echo path."""
LOOKAHEAD_SAMPLES = 4 * BLOCK
"""80 ms by which the system's samples run ahead of the microphone's in `step`."""

FORGET = 0.9998**2
"""Squared transition factor of the path per block."""
FIRST_SPREAD = 0.02
"""Variance of an unknown path per partition and bin: with more, speech over headphones, where
there is no echo, would be taken for one; with less, a loud echo would be taken for speech."""
EVIDENT_SPREAD = 0.04
"""The same once an echo is evident, for one as loud as the system; grows with its loudness."""
EVIDENT_PEAK = 8.5
EVIDENT_LAG = 32
"""An echo is evident from peaks of GCC-PHAT this far above its RMS in two chunks in a row, at
delays within 2 ms; a chance match of two voices can reach 15, but not twice."""
CAUTION = 4.0
CAUTION_CHUNKS = 5
"""For the first 1.6 s of sound from the system the gate asks for four times as much."""
LOUDEST = 10.0
"""Echoes of up to +10 dB are expected."""
NOISE_SMOOTH = 0.5
SPEECH_BINS = slice(6, 161)
"""150 to 4,000 Hz, in bins of 25 Hz."""
LEAK = 0.02
"""The filter is trusted to -17 dB of the echo, however sure of itself."""
STANDS_OUT = 4.0
"""Near speech is what is 6 dB above the possible rest of echo."""
HOLD_BLOCKS = 10
"""The gate stays open for 0.2 s after speech,"""
EARLY_BLOCKS = 4
"""and opens 80 ms before it, as far as the chunk allows."""
MOVED = 0.35
"""Resemblance of what is left to the estimated echo from which the path must have changed."""
LEARNED_RATIO = 0.03
"""15 dB of echo removed: one pass per chunk is enough."""
HEARD = 1e-5
"""Mean power from which an echo could be heard (-50 dBFS)."""
QUIET = 1e-9
"""Mean power below which the system is silent (-90 dBFS)."""

Spectra = NDArray[np.complexfloating]
Powers = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class EchoState:
    """Where the canceller stands; arrays are written in place.

    Attributes:
        path: complex64 [26, 321]: the echo path, one spectrum per partition.
        spread: float32 [26, 321]: variance of the error of `path`.
        played: complex64 [26, 321]: spectra of the last blocks of system sound, newest first.
        tail: float32 [320]: the last block of system sound.
        noise: float32 [321]: power of what is not echo, smoothed.
        open_blocks: Blocks for which the gate still stays open after near speech.
        gain: Gain of the gate at the end of the last chunk.
        quiet_chunks: Chunks of silence of the system in a row.
        learned: Enough echo was removed.
        evident: An echo was seen by its correlation, before it was learned.
        heard_chunks: Chunks with sound from the system so far, up to `CAUTION_CHUNKS`.
        lag: Delay at which the last chunk's correlation had a clear peak; None without one.
    """

    path: Spectra
    spread: Powers
    played: Spectra
    tail: Samples
    noise: Powers
    open_blocks: int = 0
    gain: float = 1.0
    quiet_chunks: int = PARTITIONS
    learned: bool = False
    evident: bool = False
    heard_chunks: int = 0
    lag: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """One chunk after the filter.

    Attributes:
        rest: float32 [6400]: the microphone without the estimated echo.
        echo: float32 [6400]: the estimated echo.
        rest_power: float64 [20]: power of `rest` in the speech band, per block.
        doubt_power: float64 [20]: echo that may be left in it.
    """

    rest: Samples
    echo: Samples
    rest_power: NDArray[np.float64]
    doubt_power: NDArray[np.float64]


class EchoCanceller:
    """Cleans the microphone chunk by chunk."""

    def new_state(self) -> EchoState:
        """An echo path of which nothing is known."""
        return EchoState(
            path=np.zeros((PARTITIONS, BINS), np.complex64),
            spread=np.full((PARTITIONS, BINS), FIRST_SPREAD, np.float32),
            played=np.zeros((PARTITIONS, BINS), np.complex64),
            tail=np.zeros(BLOCK, np.float32),
            noise=np.zeros(BINS, np.float32),
        )

    def step(self, mic: Samples, system_ahead: Samples, state: EchoState) -> Samples:
        """Clean one chunk.

        Args:
            mic: float32 [6400] at 16 kHz.
            system_ahead: float32 [6400]: what was played, 80 ms ahead of `mic` on the time line.
            state: Updated in place.

        Returns:
            float32 [6400]: the microphone without the echo, on the same time line; a new array,
            or `mic` itself while nothing is played.
        """
        assert mic.shape == system_ahead.shape == (CHUNK_SAMPLES,), (mic.shape, system_ahead.shape)
        quiet = float(np.dot(system_ahead, system_ahead)) < QUIET * CHUNK_SAMPLES
        state.quiet_chunks = state.quiet_chunks + 1 if quiet else 0
        if state.quiet_chunks > 2:  # the longest echo has died away
            return self._pass(mic, state)
        if _power(system_ahead) > HEARD * CHUNK_SAMPLES:
            state.heard_chunks = min(state.heard_chunks + 1, CAUTION_CHUNKS)
        filtered = self._learn(mic, system_ahead, state)
        return filtered.rest * self._gate(filtered, state)

    def _pass(self, mic: Samples, state: EchoState) -> Samples:
        state.played[:] = 0.0
        state.tail[:] = 0.0
        state.open_blocks = HOLD_BLOCKS
        state.gain = 1.0
        return mic

    def _learn(self, mic: Samples, system: Samples, state: EchoState) -> Filtered:
        """Filter a chunk; twice while the path is not known yet, so that less gets through."""
        if not (state.learned or state.evident):
            self._look(mic, system, state)
        before = state.played.copy(), state.tail.copy(), state.noise.copy()
        filtered = self._filter(mic, system, state)
        suspect = state.learned or state.evident or state.heard_chunks < CAUTION_CHUNKS
        moved = suspect and _resemblance(filtered.rest, filtered.echo) > MOVED
        if moved:
            np.maximum(state.spread, FIRST_SPREAD, out=state.spread)
        if moved or not state.learned:
            state.played[:], state.tail[:], state.noise[:] = before
            filtered = self._filter(mic, system, state)
        rest, echo = _power(filtered.rest), _power(filtered.echo)
        state.learned = not moved and (state.learned or rest < LEARNED_RATIO * echo)
        return filtered

    def _look(self, mic: Samples, system: Samples, state: EchoState) -> None:
        """Expect more of an echo that shows in the correlation before the filter has it."""
        height, lag = _peak(mic, system)
        before, state.lag = state.lag, lag if height > EVIDENT_PEAK else None
        if before is None or state.lag is None or abs(before - state.lag) > EVIDENT_LAG:
            return
        loudness = min(LOUDEST, max(1.0, _power(mic) / (_power(system) + 1e-9)))
        np.maximum(state.spread, EVIDENT_SPREAD * loudness, out=state.spread)
        state.evident = True

    def _filter(self, mic: Samples, system: Samples, state: EchoState) -> Filtered:
        rest = np.empty(CHUNK_SAMPLES, np.float32)
        rest_power, doubt_power = np.empty(BLOCKS), np.empty(BLOCKS)
        frame = np.zeros(2 * BLOCK, np.float32)
        for block in range(BLOCKS):
            here = slice(block * BLOCK, (block + 1) * BLOCK)
            _played(system[here], state)
            echo = np.fft.irfft((state.path * state.played).sum(axis=0))[BLOCK:]
            rest[here] = mic[here] - echo
            frame[BLOCK:] = rest[here]
            spectrum = np.fft.rfft(frame)
            doubt = self._update(spectrum, state)
            frame[BLOCK:] = echo
            leak = LEAK * _square(np.fft.rfft(frame))
            rest_power[block] = _square(spectrum)[SPEECH_BINS].sum()
            doubt_power[block] = np.maximum(doubt, leak)[SPEECH_BINS].sum()
        return Filtered(rest, mic - rest, rest_power, doubt_power)

    def _update(self, rest: Spectra, state: EchoState) -> Powers:
        """Kalman step for one block; returns float32 [321], the echo power that may be left."""
        played_power = _square(state.played)
        doubt: Powers = (state.spread * played_power).sum(axis=0)
        state.noise *= NOISE_SMOOTH
        state.noise += (1.0 - NOISE_SMOOTH) * _square(rest)
        step = state.spread / (doubt + state.noise + 1e-7)
        change = np.fft.irfft(step * state.played.conj() * rest)
        change[:, BLOCK:] = 0.0  # the path of a partition is one block long: no wrapping round
        state.path += np.fft.rfft(change)
        state.spread *= FORGET * (1.0 - 0.5 * np.minimum(step * played_power, 1.9))
        state.spread += (1.0 - FORGET) * _square(state.path)
        # Half of the frame is zero padding, so only half of the power can be there.
        return 0.5 * doubt

    def _gate(self, filtered: Filtered, state: EchoState) -> Samples:
        """float32 [6400]: gain per sample; 0 while there is nothing but echo."""
        cautious = state.heard_chunks < CAUTION_CHUNKS and not state.learned
        asked = STANDS_OUT * CAUTION if cautious else STANDS_OUT
        near = filtered.rest_power > asked * filtered.doubt_power
        # Alone, one block is chance; speech lasts.
        near &= np.roll(near, 1) | np.append(near[1:], False)
        gains = np.zeros(BLOCKS + 1)
        gains[0] = state.gain
        for block in range(BLOCKS):
            if near[block : block + EARLY_BLOCKS + 1].any():
                state.open_blocks = HOLD_BLOCKS
            gains[block + 1] = 1.0 if state.open_blocks > 0 else 0.0
            state.open_blocks = max(0, state.open_blocks - 1)
        state.gain = float(gains[-1])
        edges = np.arange(BLOCKS + 1) * BLOCK
        return np.interp(np.arange(CHUNK_SAMPLES), edges, gains).astype(np.float32)


def _played(block: Samples, state: EchoState) -> None:
    """Take the next 20 ms of system sound into the history."""
    state.played[1:] = state.played[:-1].copy()
    state.played[0] = np.fft.rfft(np.concatenate((state.tail, block)))
    state.tail[:] = block


def _square(spectrum: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def _power(samples: Samples) -> float:
    return float(np.dot(samples, samples))


def _resemblance(rest: Samples, echo: Samples) -> float:
    """Correlation of what is left with the echo, or with its slope: louder, or shifted in time.

    Two devices whose clocks drift apart shift the echo by a sample or two per second.
    """
    slope = np.gradient(echo)
    return max(_correlation(rest, echo), _correlation(rest, slope))


def _correlation(left: Samples, right: Samples) -> float:
    scale = _power(left) * _power(right)
    return abs(float(np.dot(left, right))) / scale**0.5 if scale > 0.0 else 0.0


def _peak(mic: Samples, system: Samples) -> tuple[float, int]:
    """Height over RMS, and delay, of the peak of the cross-correlation with phase transform."""
    size = 2 * CHUNK_SAMPLES
    cross = np.fft.rfft(mic, size) * np.fft.rfft(system, size).conj()
    cross /= np.abs(cross) + 1e-6
    cross[: size * 300 // SAMPLE_RATE_HZ] = 0.0
    cross[size * 7_000 // SAMPLE_RATE_HZ :] = 0.0
    correlation = np.abs(np.fft.irfft(cross)[:CHUNK_SAMPLES])
    lag = int(correlation.argmax())
    return float(correlation[lag] / (np.sqrt(np.mean(np.square(correlation))) + 1e-12)), lag
