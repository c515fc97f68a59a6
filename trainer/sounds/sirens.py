"""Sounds of the street: sirens, car alarms, reverse beepers, horns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from everlisten.trainer.sounds.rhythms import Voice, piezo
from everlisten.trainer.sounds.waves import (
    HIGHEST_HZ,
    RATE_HZ,
    Rng,
    Synthetic,
    Wave,
    band,
    chance,
    count,
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

_SOUND_SPEED_M_S = 343.0


def _wail(rng: Rng, length: int) -> Wave:
    """Hz [T]: up quickly, down slowly."""
    return _swept(rng, length, uniform(rng, 2.5, 8.0), rise=uniform(rng, 0.25, 0.55))


def _yelp(rng: Rng, length: int) -> Wave:
    return _swept(rng, length, uniform(rng, 0.22, 0.5), rise=uniform(rng, 0.3, 0.9))


def _phaser(rng: Rng, length: int) -> Wave:
    return _swept(rng, length, uniform(rng, 0.05, 0.12), rise=uniform(rng, 0.1, 0.5))


def _swept(rng: Rng, length: int, period_s: float, rise: float) -> Wave:
    low_hz, high_hz = uniform(rng, 450, 800), uniform(rng, 1150, 1800)
    place = (np.arange(length) / RATE_HZ / period_s + rng.random()) % 1
    height = np.where(place < rise, place / rise, (1 - place) / (1 - rise))
    return np.asarray(low_hz * (high_hz / low_hz) ** height)


def _hi_lo(rng: Rng, length: int) -> Wave:
    """Two tones in turn, 435 and 580 Hz in Germany, others elsewhere."""
    low_hz = uniform(rng, 360, 700)
    high_hz = low_hz * uniform(rng, 1.12, 1.4)
    step_s = uniform(rng, 0.35, 0.85)
    place = np.floor(np.arange(length) / RATE_HZ / step_s + 2 * rng.random()) % 2
    smooth = max(1, count(uniform(rng, 0.002, 0.04)))
    place = np.convolve(
        np.pad(place, (smooth, smooth), "edge"), np.full(smooth, 1 / smooth), "same"
    )
    return np.asarray(low_hz + (high_hz - low_hz) * place[smooth : smooth + length])


def _air_raid(rng: Rng, length: int) -> Wave:
    """A motor that runs up and down, or holds its tone."""
    high_hz = uniform(rng, 380, 750)
    time = np.arange(length) / RATE_HZ
    if chance(rng, 0.5):
        return np.asarray(high_hz * (1 - 0.85 * np.exp(-time / uniform(rng, 0.8, 2.0))))
    period_s = uniform(rng, 4.0, 9.0)
    return np.asarray(
        high_hz * (0.72 + 0.28 * np.sin(2 * np.pi * (time / period_s + rng.random())))
    )


_TRACKS: tuple[tuple[str, Callable[[Rng, int], Wave]], ...] = (
    ("wail", _wail),
    ("yelp", _yelp),
    ("hi-lo", _hi_lo),
    ("hi-lo", _hi_lo),
    ("phaser", _phaser),
    ("air raid", _air_raid),
)


def _loudspeaker(rng: Rng, track_hz: Wave, mechanical: bool) -> Wave:
    """What a horn loudspeaker, or a rotor's chopped air, makes of a frequency."""
    partials = saw(16, uniform(rng, 0.8, 1.6)) if mechanical else square(14)
    if not mechanical and chance(rng, 0.4):
        partials = [1.0, *(uniform(rng, 0.05, 0.6) / n for n in range(2, 14))]
    wave = tone(rng, track_hz, track_hz.size, partials)
    return filtered(wave, band(uniform(rng, 250, 600), uniform(rng, 2200, 5000), 12.0))


def _passing(rng: Rng, track_hz: Wave) -> tuple[Wave, Wave]:
    """Frequency and loudness of a source that drives by: Hz [T] and gain [T]."""
    time = np.arange(track_hz.size) / RATE_HZ
    speed, near_m = uniform(rng, 6, 28), uniform(rng, 6, 40)
    along = speed * (time - uniform(rng, -2, time[-1] + 2))
    distance = np.hypot(along, near_m)
    towards = -speed * along / distance
    gain = near_m / distance
    return track_hz / (1 - towards / _SOUND_SPEED_M_S), np.asarray(gain / gain.max())


def siren(rng: Rng) -> Synthetic:
    """An ambulance, fire engine or police car, or an air-raid siren; often driving by."""
    seconds = uniform(rng, 3.0, 9.0)
    length = count(seconds)
    kind, make = _TRACKS[int(rng.integers(len(_TRACKS)))]
    track_hz = make(rng, length)
    if kind != "air raid" and chance(rng, 0.25):
        other = _TRACKS[int(rng.integers(5))][1](rng, length)
        track_hz = np.where(np.arange(length) < length * uniform(rng, 0.3, 0.7), track_hz, other)
    gain = np.ones(length)
    if kind != "air raid" and chance(rng, 0.6):
        track_hz, gain = _passing(rng, track_hz)
        gain = 0.15 + 0.85 * gain
    wave = _loudspeaker(rng, track_hz, kind == "air raid") * gain
    return finished(wave * gate(length, 0.05, 0.2), "siren", kind, unsure=("vehicle_alarm",))


def car_alarm(rng: Rng) -> Synthetic:
    """Four to eight short siren patterns in turn, as a parked car's alarm has."""
    parts, time_s = [], 0.0
    tilt = uniform(rng, 0.5, 1.2)
    for _ in range(int(rng.integers(4, 9))):
        seconds = uniform(rng, 0.6, 1.4)
        length = count(seconds)
        time = np.arange(length) / RATE_HZ
        base_hz, width = uniform(rng, 900, 1900), uniform(rng, 1.2, 1.9)
        rate_hz = log_uniform(rng, 2, 18)
        place = (time * rate_hz) % 1
        shapes = (place, 1 - place, 2 * np.abs(place - 0.5), np.round(place))
        track_hz = base_hz * width ** shapes[int(rng.integers(4))]
        parts.append(
            (time_s, tone(rng, track_hz, length, saw(8, tilt)) * gate(length, 0.005, 0.02))
        )
        time_s += seconds + 0.03
    wave = filtered(laid(parts), band(600, 5000, 12.0))
    return finished(wave, "vehicle_alarm", "car alarm", unsure=("siren",))


def horn_alarm(rng: Rng) -> Synthetic:
    """A car alarm that sounds the horn on and off."""
    on_s, off_s = uniform(rng, 0.25, 0.7), uniform(rng, 0.25, 0.7)
    blast = _horn(rng)(on_s)
    wave = laid([(n * (on_s + off_s), blast) for n in range(int(rng.integers(4, 10)))])
    return finished(wave, "vehicle_alarm", "horn alarm", unsure=("car_horn",))


def reverse_beeper(rng: Rng) -> Synthetic:
    """A lorry that backs up: even beeps near 1 kHz, or bursts of noise."""
    on_s, off_s = uniform(rng, 0.25, 0.6), uniform(rng, 0.25, 0.6)
    beeps = int(rng.integers(3, 9))
    if chance(rng, 0.75):
        kind, pulse = "reverse beeper", piezo(rng, log_uniform(rng, 800, 1600))(on_s)
    else:
        length = count(on_s)
        hiss = noise(rng, length, band(uniform(rng, 400, 900), uniform(rng, 3500, 6500), 12.0))
        kind, pulse = "broadband reverse beeper", hiss * gate(length, 0.01, 0.05)
    wave = laid([(n * (on_s + off_s), pulse) for n in range(beeps)])
    return finished(wave, "vehicle_alarm", kind)


def _horn(rng: Rng) -> Voice:
    """Two (a lorry: one, or three) discs or trumpets, sounded together; the same at each honk."""
    low_hz = log_uniform(rng, 180, 260) if chance(rng, 0.2) else uniform(rng, 320, 440)
    pitches = [low_hz, low_hz * uniform(rng, 1.17, 1.3)]
    if chance(rng, 0.25):
        pitches = pitches[:1] if chance(rng, 0.5) else [*pitches, low_hz * uniform(rng, 1.45, 1.6)]
    partials = [
        saw(min(40, int(HIGHEST_HZ / pitch_hz)), uniform(rng, 0.3, 1.0)) for pitch_hz in pitches
    ]
    glide_s, attack_s = uniform(rng, 0.01, 0.05), uniform(rng, 0.008, 0.04)
    release_s = uniform(rng, 0.02, 0.1)
    colour = [
        (100, -12.0),
        (uniform(rng, 350, 700), 0.0),
        (uniform(rng, 1500, 3200), uniform(rng, -4, 10)),
        (8000, -25.0),
    ]

    def honk(seconds: float) -> Wave:
        length = count(seconds)
        onset = 1 - 0.04 * np.exp(-np.arange(length) / RATE_HZ / glide_s)
        wave = np.zeros(length)
        for pitch_hz, amplitudes in zip(pitches, partials, strict=True):
            track_hz = pitch_hz * onset * (1 + 0.002 * wander(rng, length, 5))
            wave += tone(rng, track_hz, length, amplitudes)
        return filtered(wave, colour) * gate(length, attack_s, release_s)

    return honk


def car_horn(rng: Rng) -> Synthetic:
    """One to three honks of one car."""
    parts, time_s, horn = [], 0.0, _horn(rng)
    for honk in range(int(rng.choice([1, 1, 2, 2, 3]))):
        seconds = uniform(rng, 0.12, 0.6) if honk else log_uniform(rng, 0.15, 2.5)
        parts.append((time_s, horn(seconds)))
        time_s += seconds + uniform(rng, 0.08, 0.4)
    return finished(laid(parts), "car_horn", "horn", unsure=("vehicle_alarm",))
