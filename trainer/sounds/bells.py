"""Telephones and doorbells."""

from __future__ import annotations

import numpy as np

from everlisten.trainer.sounds.beeps import clapper, gong
from everlisten.trainer.sounds.rhythms import Voice
from everlisten.trainer.sounds.waves import (
    RATE_HZ,
    Rng,
    Synthetic,
    Wave,
    band,
    chance,
    count,
    decay,
    filtered,
    finished,
    gate,
    laid,
    log_uniform,
    modes,
    noise,
    saw,
    square,
    tone,
    uniform,
)

_BAR_RATIOS = (1.0, 2.756, 5.404, 8.933)
"""Of a free bar's modes: a chime's, a glockenspiel's."""
_WESTMINSTER = ((0, -4, -2, -9), (0, -2, -4, 0), (-4, 0, -2, -9), (-4, -2, 0, -9))
_CADENCES = ((2.0, 4.0), (1.0, 2.0), (1.0, 4.0), (0.4, 0.2), (1.2, 1.2), (0.8, 0.8))
"""(on, off) seconds of telephones here and there; 0.4 is a British double ring."""


def bell_phone(rng: Rng) -> Synthetic:
    """A clapper between two gongs at about 20 Hz, in rings."""
    strikes_hz = uniform(rng, 17, 28)
    return _rings(rng, lambda on_s: clapper(rng, on_s, strikes_hz, bells=2), "bell")


def warbling_phone(rng: Rng) -> Synthetic:
    """Two tones in quick turn, as office telephones ring."""
    low_hz = log_uniform(rng, 450, 1700)
    high_hz = low_hz * uniform(rng, 1.1, 1.4)
    rate_hz = uniform(rng, 8, 28)
    partials = square(9) if chance(rng, 0.4) else [1.0, uniform(rng, 0, 0.4), uniform(rng, 0, 0.3)]

    def ring(on_s: float) -> Wave:
        length = count(on_s)
        turn = np.floor(np.arange(length) / RATE_HZ * rate_hz) % 2
        return tone(rng, low_hz + (high_hz - low_hz) * turn, length, partials) * gate(
            length, 0.005, 0.02
        )

    return _rings(rng, ring, "warble")


def _rings(rng: Rng, ring: Voice, kind: str) -> Synthetic:
    on_s, off_s = _CADENCES[int(rng.integers(len(_CADENCES)))]
    on_s, off_s = on_s * uniform(rng, 0.8, 1.2), off_s * uniform(rng, 0.8, 1.2)
    starts = [0.0, on_s + off_s, 2 * (on_s + off_s)][: int(rng.integers(1, 4))]
    if on_s < 0.6:  # double rings come in pairs
        starts = [group * 3.0 + start for group in range(2) for start in (0.0, on_s + off_s)]
    wave = laid([(start, ring(on_s)) for start in starts])
    return finished(wave[: 9 * RATE_HZ], "phone_ringing", kind)


def marimba_phone(rng: Rng) -> Synthetic:
    """A short figure of wooden or glassy notes, over and over."""
    root_hz = log_uniform(rng, 350, 1100)
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    step_s = uniform(rng, 0.09, 0.22)
    figure = [(n, int(rng.choice(scale))) for n in range(int(rng.integers(5, 12)))]
    figure = [note for note in figure if note[0] == 0 or chance(rng, 0.8)]
    fall_s = uniform(rng, 0.2, 0.8)
    length_s = (figure[-1][0] + int(rng.integers(1, 5))) * step_s
    parts = []
    for turn in range(max(2, round(uniform(rng, 3.0, 7.0) / length_s))):
        for step, pitch in figure:
            parts.append(
                (turn * length_s + step * step_s, bar(rng, root_hz * 2 ** (pitch / 12), fall_s))
            )
    return finished(laid(parts), "phone_ringing", "melody", unsure=("music", "chime"))


def vibrating_phone(rng: Rng) -> Synthetic:
    """A telephone that buzzes on a table."""
    motor_hz = uniform(rng, 130, 220)
    on_s, off_s = uniform(rng, 0.3, 1.2), uniform(rng, 0.3, 1.2)
    parts = []
    for ring in range(int(rng.integers(3, 6))):
        length = count(on_s)
        time = np.arange(length) / RATE_HZ
        track_hz = motor_hz * (1 - 0.3 * np.exp(-time / 0.05))
        buzz = tone(rng, track_hz, length, saw(30, uniform(rng, 0.5, 1.2)))
        rattle = noise(rng, length, band(800, 4000, 9.0)) * np.clip(buzz, 0, None)
        parts.append(
            (
                ring * (on_s + off_s),
                (buzz + uniform(rng, 0, 1.5) * rattle) * gate(length, 0.03, 0.05),
            )
        )
    return finished(laid(parts), "phone_ringing", "vibration", unsure=("engine", "alarm_clock"))


def bar(rng: Rng, frequency_hz: float, t60_s: float) -> Wave:
    """One stroke on a bar of wood or metal."""
    levels = [1.0, *rng.uniform(0.05, 0.4, 3)]
    falls = [t60_s, 0.4 * t60_s, 0.2 * t60_s, 0.1 * t60_s]
    return modes(rng, [frequency_hz * ratio for ratio in _BAR_RATIOS], falls, levels)


def ding_dong(rng: Rng) -> Synthetic:
    """Two chime bars, the second lower by a third or so; struck once or twice."""
    high_hz = log_uniform(rng, 480, 1100)
    low_hz = high_hz * 2 ** (-int(rng.choice([3, 4, 4, 4, 5])) / 12)
    fall_s = uniform(rng, 0.9, 3.0)
    gap_s = uniform(rng, 0.35, 0.9)
    electronic = chance(rng, 0.35)
    parts = []
    for time_s, pitch_hz in ((0.0, high_hz), (gap_s, low_hz)):
        parts.append(
            (
                time_s,
                _electronic(rng, pitch_hz, fall_s) if electronic else bar(rng, pitch_hz, fall_s),
            )
        )
    if chance(rng, 0.25):
        parts += [(start + 2 * gap_s + uniform(rng, 0, 0.6), wave) for start, wave in parts]
    return finished(laid(parts), "doorbell", "ding-dong", unsure=("chime",))


def _electronic(rng: Rng, frequency_hz: float, t60_s: float) -> Wave:
    length = count(t60_s)
    partials = [1.0, uniform(rng, 0, 0.4), uniform(rng, 0, 0.4), uniform(rng, 0, 0.2)]
    return (
        tone(rng, frequency_hz, length, partials) * decay(length, t60_s) * gate(length, 0.004, 0.05)
    )


def door_buzzer(rng: Rng) -> Synthetic:
    """A coil on the mains that rattles while the button is held."""
    mains_hz = float(rng.choice([50.0, 60.0])) * int(rng.integers(1, 3))
    parts, time_s = [], 0.0
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        seconds = log_uniform(rng, 0.25, 1.8)
        length = count(seconds)
        buzz = tone(rng, mains_hz, length, saw(60, uniform(rng, 0.0, 0.5)))
        parts.append((time_s, buzz * gate(length, 0.005, 0.01)))
        time_s += seconds + uniform(rng, 0.15, 0.6)
    low_hz = uniform(rng, 300, 1200)
    wave = filtered(laid(parts), band(low_hz, low_hz * uniform(rng, 2.0, 5.0), 9.0))
    return finished(wave, "doorbell", "buzzer", unsure=("alarm_clock",))


def mechanical_doorbell(rng: Rng) -> Synthetic:
    """A ringer on one bell for as long as the button is held; or one stroke with a finger."""
    if chance(rng, 0.25):
        strokes = int(rng.integers(1, 4))
        dish = gong(rng, log_uniform(rng, 900, 2600))
        wave = laid([(n * uniform(rng, 0.25, 0.5), dish) for n in range(strokes)])
        return finished(wave, "doorbell", "dish", unsure=("chime", "phone_ringing"))
    wave = clapper(rng, uniform(rng, 0.5, 2.0), uniform(rng, 12, 35), bells=1)
    return finished(wave, "doorbell", "ringer", unsure=("phone_ringing", "alarm_clock"))


def melody_doorbell(rng: Rng) -> Synthetic:
    """A quarter of Westminster's, or the few notes of a cheap radio bell."""
    root_hz = log_uniform(rng, 450, 1200)
    step_s, fall_s = uniform(rng, 0.28, 0.6), uniform(rng, 0.6, 1.8)
    if chance(rng, 0.5):
        notes: list[int] = list(_WESTMINSTER[int(rng.integers(4))])
        if chance(rng, 0.5):
            notes += _WESTMINSTER[int(rng.integers(4))]
    else:
        notes = [int(rng.choice([0, 4, 7, 12, 9, 5])) for _ in range(int(rng.integers(4, 9)))]
        step_s *= 0.5
    electronic = chance(rng, 0.6)
    parts = []
    for n, note in enumerate(notes):
        pitch_hz = root_hz * 2 ** (note / 12)
        sound = _electronic(rng, pitch_hz, fall_s) if electronic else bar(rng, pitch_hz, fall_s)
        parts.append((n * step_s, sound))
    return finished(laid(parts), "doorbell", "melody", unsure=("chime", "music", "church_bells"))
