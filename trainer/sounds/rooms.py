"""Rooms, walls and microphones: what lies between a sound and the computer.

Everything here is a finite impulse response for 16 kHz, scaled so that it neither loudens nor
quietens a steady sound by much: levels are set when sounds are mixed. Responses begin with the
direct sound, so that onsets stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.sounds.waves import RATE_HZ, Rng, chance, log_uniform, uniform

LONGEST_ROOM = 8_000
"""Samples of the longest room response; half a second."""
LONGEST_MICROPHONE = 257
"""Samples of the longest microphone response."""
_BANDS_HZ = (0.0, 250.0, 1000.0, 3000.0, 8000.0)
"""Edges of the bands that fade at their own pace: high ones faster."""
_SOUND_SPEED_M_S = 343.0

Response = NDArray[np.float32]
Gain = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From Hz [N] to dB [N]."""


def room_response(rng: Rng, distance: float, *, wall: bool | None = None) -> Response:
    """How a room answers to one click.

    Args:
        rng: Draws the room.
        distance: 0 (at the microphone) to 1 (the far end of the room): the share of the room.
        wall: The source is next door; nothing leaves that to chance, likelier for far ones.

    Returns:
        float32 [at most 8000] at 16 kHz; the loudest direct part within 1 ms of its start, its
        energy 1.
    """
    t60_s = log_uniform(rng, 0.15, 0.9)
    length = min(LONGEST_ROOM, round(t60_s * RATE_HZ))
    response = _tail(rng, length, t60_s)
    metres = 0.2 + distance * uniform(rng, 2.0, 6.0)
    # At the critical distance the direct sound is as strong as all the rest.
    critical_m = uniform(rng, 0.5, 1.4) * (0.4 / t60_s) ** 0.5
    reflections = _reflections(rng, length, metres)
    rest = response / _norm(response) + uniform(rng, 0.3, 1.0) * reflections / _norm(reflections)
    rest *= (metres / critical_m) / _norm(rest)
    rest[0] += 1.0
    if wall if wall is not None else chance(rng, 0.25 * distance):
        rest = _through_wall(rng, rest)
    soft = min(length, 400)
    rest[length - soft :] *= np.linspace(1, 0, soft)
    return (rest / _norm(rest)).astype(np.float32)


def _tail(rng: Rng, length: int, t60_s: float) -> NDArray[np.float64]:
    """Noise that fades by 60 dB in `t60_s`, quicker at high frequencies."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    bins = np.fft.rfftfreq(length, 1 / RATE_HZ)
    time = np.arange(length) / RATE_HZ
    tail = np.zeros(length)
    paces = np.sort(rng.uniform(0.35, 1.15, len(_BANDS_HZ) - 1))[::-1]
    for low, high, pace in zip(_BANDS_HZ[:-1], _BANDS_HZ[1:], paces, strict=True):
        inside = np.fft.irfft(np.where((bins >= low) & (bins < high), spectrum, 0), length)
        tail += inside * np.exp(-6.908 * time / (t60_s * pace))
    # The diffuse part builds up after the first reflections.
    return np.asarray(tail * (1 - np.exp(-time / uniform(rng, 0.002, 0.012))))


def _reflections(rng: Rng, length: int, metres: float) -> NDArray[np.float64]:
    """Six to twenty echoes of the first 60 ms, weaker the longer their way."""
    response = np.zeros(length)
    for _ in range(int(rng.integers(6, 21))):
        way = metres + log_uniform(rng, 0.3, 18.0)
        at = round((way - metres) / _SOUND_SPEED_M_S * RATE_HZ)
        if 0 < at < length:
            sign = -1 if chance(rng, 0.3) else 1
            response[at] += sign * uniform(rng, 0.3, 0.95) * metres / way
    if not response.any():
        response[min(length - 1, 16)] = 1.0
    return response


def _through_wall(rng: Rng, response: NDArray[np.float64]) -> NDArray[np.float64]:
    """Duller: above an edge, a wall takes 6 to 15 dB an octave."""
    edge_hz, order = log_uniform(rng, 300, 1500), uniform(rng, 1.0, 2.5)
    taps = minimum_phase(lambda hz: -6.02 * order * np.log2(1 + hz / edge_hz), 256)
    return np.convolve(response, taps)[: response.size]


def microphone_response(rng: Rng) -> Response:
    """The colour of a microphone, its loudspeaker side, and of the line behind it.

    A third of them pass only the band of a telephone, up to 3.4 to 4 kHz: some recordings of the
    corpus were made at 8 kHz, and a model must not tell classes by that.

    Returns:
        float32 [257] at 16 kHz, about 0 dB in the band of speech.
    """
    tilt_db = uniform(rng, -3, 3)
    peaks = [
        (log_uniform(rng, 150, 6000), uniform(rng, -7, 7), uniform(rng, 0.4, 1.6))
        for _ in range(int(rng.integers(1, 5)))
    ]
    low_hz = log_uniform(rng, 30, 250) if chance(rng, 0.6) else 20.0
    narrow = chance(rng, 1 / 3)
    high_hz = uniform(rng, 3400, 4000) if narrow else uniform(rng, 5500, 9000)
    steep = 90.0 if narrow else 18.0

    def gain_db(hz: NDArray[np.float64]) -> NDArray[np.float64]:
        octaves = np.log2(np.maximum(hz, 20.0) / 1000)
        gain = tilt_db * octaves
        for centre_hz, height_db, width in peaks:
            gain = gain + height_db * np.exp(
                -(((octaves - np.log2(centre_hz / 1000)) / width) ** 2)
            )
        gain = gain - 12 * np.clip(np.log2(low_hz / np.maximum(hz, 5.0)), 0, 4)
        return np.asarray(
            gain - np.minimum(steep * np.clip(np.log2(np.maximum(hz, 1) / high_hz), 0, 4), 70)
        )

    taps = minimum_phase(gain_db, LONGEST_MICROPHONE)
    return taps.astype(np.float32)


def minimum_phase(gain_db: Gain, taps: int) -> NDArray[np.float64]:
    """The earliest possible response of a given gain, by the cepstrum.

    Args:
        gain_db: From float64 [N] Hz to float64 [N] dB.
        taps: Length of the response; the end is faded.
    """
    size = 4096
    bins = np.fft.rfftfreq(size, 1 / RATE_HZ)
    magnitude = np.maximum(gain_db(np.asarray(bins, np.float64)), -90.0) * (np.log(10) / 20)
    cepstrum = np.fft.irfft(magnitude, size)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), size)[:taps]
    soft = taps // 4
    response[taps - soft :] *= np.linspace(1, 0, soft)
    return np.asarray(response)


def _norm(response: NDArray[np.float64]) -> float:
    return float(np.sqrt((response**2).sum()) + 1e-12)
