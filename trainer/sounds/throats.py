"""Coughs, sneezes, snores and screams: crude throats, to help the few real ones."""

from __future__ import annotations

import numpy as np

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
    formants,
    gate,
    laid,
    log_uniform,
    noise,
    saw,
    tone,
    uniform,
    wander,
)


def _throat(rng: Rng, wave: Wave, opening_hz: float) -> Wave:
    """The wave through a vocal tract; `opening_hz` is the first resonance."""
    size = uniform(rng, 0.9, 1.25)
    peaks = [
        (opening_hz * size, uniform(rng, 90, 260)),
        (uniform(rng, 1000, 1700) * size, uniform(rng, 120, 350)),
        (uniform(rng, 2300, 2900) * size, uniform(rng, 200, 500)),
        (uniform(rng, 3300, 4200) * size, uniform(rng, 250, 600)),
    ]
    return formants(wave, peaks)


def _dulled(rng: Rng, wave: Wave, knee_hz: float, slope_db: tuple[float, float]) -> Wave:
    """Above the knee, a mouth that is half shut takes so many dB an octave."""
    fall_db = -uniform(rng, *slope_db) * float(np.log2(8000 / knee_hz))
    return filtered(wave, [(20, 0.0), (knee_hz, 0.0), (8000, fall_db)])


def _voice(rng: Rng, track_hz: Wave, tilt: float) -> Wave:
    shaken = track_hz * (1 + 0.015 * wander(rng, track_hz.size, 30))
    return tone(rng, shaken, shaken.size, saw(40, tilt))


def coughing(rng: Rng) -> Synthetic:
    """One to five coughs of one person: a burst, a rush of air, often a voiced end."""
    pitch_hz = log_uniform(rng, 110, 330)
    opening_hz = uniform(rng, 450, 900)
    voiced = uniform(rng, 0.0, 1.2)
    parts, time_s = [], 0.0
    for _ in range(int(rng.choice([1, 2, 2, 3, 3, 4, 5]))):
        seconds = uniform(rng, 0.16, 0.45)
        parts.append(
            (time_s, uniform(rng, 0.6, 1.0) * _cough(rng, seconds, pitch_hz, opening_hz, voiced))
        )
        time_s += seconds + uniform(rng, 0.05, 0.5)
    return finished(laid(parts), "coughing", "coughs")


def _cough(rng: Rng, seconds: float, pitch_hz: float, opening_hz: float, voiced: float) -> Wave:
    length = count(seconds)
    time = np.arange(length) / RATE_HZ
    air = noise(rng, length, band(300, uniform(rng, 3500, 6500), 6.0))
    burst = np.exp(-time / uniform(rng, 0.01, 0.04))
    middle = 0.35 * np.sin(np.pi * np.clip(time / seconds, 0, 1)) ** 0.7
    breath = air * (burst + middle)
    sung = _voice(rng, pitch_hz * (1.2 - 0.5 * time / seconds), 1.0)
    sung *= voiced * np.clip((time / seconds - 0.3) * 3, 0, 1)
    rough = 1 + 0.5 * wander(rng, length, 60)
    wave = _throat(rng, (breath + 0.4 * sung) * rough, opening_hz)
    wave /= np.abs(wave).max()
    # The chest's thump below the burst.
    wave += uniform(rng, 0.0, 0.5) * np.sin(2 * np.pi * 90 * time) * decay(length, 0.12)
    return _dulled(rng, wave, uniform(rng, 500, 1200), (3, 9)) * gate(length, 0.002, 0.08)


def sneezing(rng: Rng) -> Synthetic:
    """A gasp or two, then the burst: high hiss from nose and teeth, often with a voice."""
    parts, time_s = [], 0.0
    if chance(rng, 0.7):
        seconds = uniform(rng, 0.25, 0.8)
        length = count(seconds)
        gasp = noise(rng, length, band(500, 4500, 6.0)) * np.linspace(0.1, 1, length) ** 1.5
        if chance(rng, 0.5):
            gasp += 0.5 * _voice(rng, np.linspace(180, uniform(rng, 250, 450), length), 1.2)
        parts.append(
            (0.0, uniform(rng, 0.05, 0.3) * _throat(rng, gasp, 500) * gate(length, 0.05, 0.03))
        )
        time_s = seconds + uniform(rng, 0.02, 0.25)
    length = count(uniform(rng, 0.18, 0.5))
    hiss = noise(rng, length, band(log_uniform(rng, 500, 2500), uniform(rng, 4000, 7500), 6.0))
    hiss *= decay(length, uniform(rng, 0.25, 0.7))
    time = np.arange(length) / RATE_HZ
    pitch_hz = log_uniform(rng, 180, 500)
    cry = _throat(rng, _voice(rng, pitch_hz * (1.3 - 0.6 * time * 2), 0.9), uniform(rng, 350, 700))
    cry *= decay(length, uniform(rng, 0.2, 0.6)) / (np.abs(cry).max() + 1e-9)
    wave = hiss / np.abs(hiss).max() + uniform(rng, 0, 1.6) * cry
    wave = _dulled(rng, wave, uniform(rng, 800, 2500), (0, 6))
    parts.append((time_s, wave * gate(length, 0.004, 0.06)))
    return finished(laid(parts), "sneezing", "sneeze")


def snoring(rng: Rng) -> Synthetic:
    """Two or three breaths: a rattle of 25 to 90 flaps a second, then a soft way out."""
    flaps_hz = log_uniform(rng, 25, 95)
    cycle_s = uniform(rng, 2.6, 4.6)
    in_s = cycle_s * uniform(rng, 0.3, 0.45)
    whistle = uniform(rng, 0.0, 0.3)
    opening_hz, knee_hz = uniform(rng, 120, 500), uniform(rng, 90, 350)
    parts = []
    for breath in range(int(rng.integers(2, 4))):
        length = count(in_s)
        time = np.arange(length) / RATE_HZ
        track_hz = flaps_hz * (1 + 0.15 * wander(rng, length, 4))
        phase = np.cumsum(track_hz) / RATE_HZ
        flap = np.exp(-((phase % 1) / uniform(rng, 0.06, 0.25))) * (
            1 + 0.4 * wander(rng, length, 30)
        )
        air = noise(rng, length, band(80, uniform(rng, 1200, 3500), 6.0))
        source = flap * (1 + 0.6 * air) - flap.mean() + uniform(rng, 0.05, 0.4) * air
        wave = _throat(rng, source, opening_hz) + uniform(rng, 0.1, 0.4) * source
        wave = _dulled(rng, wave, knee_hz, (7, 12)) * np.sin(np.pi * time / in_s) ** 0.6
        parts.append((breath * cycle_s, wave / np.abs(wave).max()))
        out = count(cycle_s * uniform(rng, 0.25, 0.4))
        sigh = noise(rng, out, band(400, 3000, 6.0)) * np.sin(np.pi * np.arange(out) / out) ** 2
        parts.append((breath * cycle_s + in_s + 0.15, whistle * 0.3 * sigh))
    return finished(laid(parts), "snoring", "snores")


def scream(rng: Rng) -> Synthetic:
    """A high rough voice, once or several times; or a short cry of pain."""
    pain = chance(rng, 0.35)
    screams = int(rng.choice([1, 1, 1, 2, 3]))
    parts, time_s = [], 0.0
    top_hz = log_uniform(rng, 260, 700) if pain else log_uniform(rng, 600, 1500)
    opening_hz = uniform(rng, 700, 1100)
    for _ in range(screams):
        seconds = uniform(rng, 0.2, 0.7) if pain else uniform(rng, 0.5, 2.0)
        parts.append((time_s, _cry(rng, seconds, top_hz * uniform(rng, 0.9, 1.1), opening_hz)))
        time_s += seconds + uniform(rng, 0.1, 0.6)
    return finished(laid(parts), "scream", "cry of pain" if pain else "scream")


def _cry(rng: Rng, seconds: float, top_hz: float, opening_hz: float) -> Wave:
    length = count(seconds)
    time = np.linspace(0, 1, length)
    rise, fall = uniform(rng, 0.05, 0.3), uniform(rng, 0.5, 0.9)
    track_hz = top_hz * np.interp(
        time,
        [0, rise, fall, 1],
        [uniform(rng, 0.6, 0.95), 1, uniform(rng, 0.9, 1.05), uniform(rng, 0.5, 0.9)],
    )
    voice = _voice(rng, track_hz, uniform(rng, 0.5, 1.5))
    rough_hz = uniform(rng, 30, 150) * (1 + 0.2 * wander(rng, length, 8))
    rough = 0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(rough_hz) / RATE_HZ)
    voice *= 1 - uniform(rng, 0.1, 0.8) * rough
    voice += uniform(rng, 0.02, 0.3) * noise(rng, length, band(500, 6000, 6.0))
    wave = _throat(rng, voice, opening_hz)
    lift_db = uniform(rng, -6, 6)
    wave = filtered(wave, [(100, -12.0), (300, 0.0), (1000, 0.0), (3000, lift_db), (8000, -12.0)])
    envelope = gate(length, uniform(rng, 0.01, 0.08), uniform(rng, 0.05, 0.2))
    return np.asarray(wave / np.abs(wave).max() * envelope)
