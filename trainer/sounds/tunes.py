"""Music of a kind: it has tones, chords and rhythm, and no alarm in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from everlisten.trainer.sounds.rhythms import plain
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
    noise,
    saw,
    square,
    tone,
    uniform,
    wander,
)


def tune(rng: Rng) -> Synthetic:
    """Chords, a bass and a melody, on synthetic instruments; no composer would sign it."""
    beat_s = uniform(rng, 0.25, 0.6)
    beats = round(uniform(rng, 3.5, 8.0) / beat_s)
    root_hz = log_uniform(rng, 110, 330)
    scale = np.array([0, 2, 3, 5, 7, 8, 10] if chance(rng, 0.5) else [0, 2, 4, 5, 7, 9, 11])
    lead, pad = _instrument(rng), _instrument(rng)
    parts: list[tuple[float, Wave]] = []
    degree = 0
    for beat in range(beats):
        if beat % 4 == 0:
            degree = int(rng.integers(0, 6))
            for step in (0, 2, 4):
                pitch = scale[(degree + step) % 7] + 12 * ((degree + step) // 7)
                parts.append((beat * beat_s, 0.3 * pad(root_hz * 2 ** (pitch / 12), 4 * beat_s)))
        parts.append((beat * beat_s, 0.5 * pad(root_hz / 2 * 2 ** (scale[degree] / 12), beat_s)))
        for half in (0.0, 0.5):
            if chance(rng, 0.7):
                pitch = scale[int(rng.integers(0, 7))] + 12 * int(rng.integers(0, 2))
                parts.append(
                    ((beat + half) * beat_s, 0.5 * lead(2 * root_hz * 2 ** (pitch / 12), beat_s))
                )
    if chance(rng, 0.5):
        parts += _drums(rng, beats, beat_s)
    return finished(laid(parts), "music", "tune")


def _instrument(rng: Rng) -> Callable[[float, float], Wave]:
    """What plays a note of so many Hz for so many seconds."""
    partials = [square(10), saw(14, 1.0), saw(10, 2.0), [1.0, 0.3, 0.1]][int(rng.integers(4))]
    fall_s, attack_s = log_uniform(rng, 0.3, 4.0), uniform(rng, 0.003, 0.06)
    vibrato = uniform(rng, 0, 0.008)

    def note(frequency_hz: float, seconds: float) -> Wave:
        length = count(seconds)
        time = np.arange(length) / RATE_HZ
        track_hz = frequency_hz * (1 + vibrato * np.sin(2 * np.pi * 5.5 * time))
        return (
            tone(rng, track_hz, length, partials)
            * decay(length, fall_s)
            * gate(length, attack_s, 0.03)
        )

    return note


def _drums(rng: Rng, beats: int, beat_s: float) -> list[tuple[float, Wave]]:
    length = count(0.15)
    time = np.arange(length) / RATE_HZ
    kick = np.sin(2 * np.pi * 60 * time + 6 * (1 - np.exp(-time / 0.02))) * decay(length, 0.2)
    snare = noise(rng, length, band(300, 6000, 6.0)) * decay(length, 0.12)
    hat = noise(rng, length, band(4500, 7500, 9.0)) * decay(length, 0.05)
    parts = [((beat + 0.5) * beat_s, 0.12 * hat) for beat in range(beats)]
    return parts + [
        (beat * beat_s, 0.3 * (snare if beat % 2 else 2 * kick)) for beat in range(beats)
    ]


def held_chord(rng: Rng) -> Synthetic:
    """An organ's or a string section's long chord."""
    length = count(uniform(rng, 2.0, 6.0))
    root_hz = log_uniform(rng, 130, 500)
    wave = np.zeros(length)
    for step in (0, int(rng.choice([3, 4])), 7, 12):
        track_hz = root_hz * 2 ** (step / 12) * (1 + 0.004 * wander(rng, length, 5))
        wave += tone(rng, track_hz, length, saw(10, uniform(rng, 0.8, 2.0)))
    wave = filtered(wave, [(100, 0.0), (1000, 0.0), (8000, -18.0)])
    return finished(wave * gate(length, uniform(rng, 0.02, 0.5), 0.3), "music", "chord")


def plain_melody(rng: Rng) -> Synthetic:
    """A tune of single notes: a toy, a keyboard, a game."""
    voice_partials = square(9) if chance(rng, 0.5) else [1.0, 0.4, 0.2, 0.1]
    root_hz = log_uniform(rng, 250, 900)
    step_s = uniform(rng, 0.12, 0.4)
    parts, time_s, pitch = [], 0.0, 0
    for _ in range(int(rng.integers(6, 20))):
        pitch = int(np.clip(pitch + rng.choice([-4, -3, -2, -1, 0, 1, 2, 3, 4, 7]), -7, 14))
        length_s = step_s * int(rng.choice([1, 1, 1, 2, 3]))
        parts.append(
            (time_s, plain(rng, root_hz * 2 ** (pitch / 12), voice_partials)(0.9 * length_s))
        )
        time_s += length_s
    unsure = ("phone_ringing", "appliance_beep")
    return finished(laid(parts)[: 8 * RATE_HZ], "music", "melody", unsure=unsure)
