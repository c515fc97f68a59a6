"""Sounds that must not be taken for alarms: chimes, whistles, dial tones, hum, odd beeps."""

from __future__ import annotations

import numpy as np

from everlisten.trainer.sounds.bells import bar
from everlisten.trainer.sounds.rhythms import piezo
from everlisten.trainer.sounds.waves import (
    RATE_HZ,
    Rng,
    Synthetic,
    band,
    chance,
    count,
    decay,
    finished,
    gate,
    laid,
    log_uniform,
    noise,
    saw,
    tone,
    uniform,
    wander,
)


def random_beeps(rng: Rng) -> Synthetic:
    """Beeps with no rhythm at all, of any pitch, a smoke alarm's included."""
    parts, time_s = [], 0.0
    pitch_hz = uniform(rng, 2700, 3600) if chance(rng, 0.5) else log_uniform(rng, 500, 4500)
    for _ in range(int(rng.integers(3, 12))):
        seconds = log_uniform(rng, 0.03, 0.7)
        pitch_hz *= 1.0 if chance(rng, 0.6) else 2 ** uniform(rng, -0.4, 0.4)
        pitch_hz = float(np.clip(pitch_hz, 400, 5000))
        parts.append((time_s, piezo(rng, pitch_hz)(seconds)))
        time_s += seconds + log_uniform(rng, 0.05, 1.5)
    unsure = ("appliance_beep", "chime", "phone_ringing")
    return finished(laid(parts), "background", "random beeps", unsure=unsure)


def sustained_tone(rng: Rng) -> Synthetic:
    """One long tone: a test tone, a kettle, feedback."""
    length = count(uniform(rng, 1.5, 6.0))
    track_hz = log_uniform(rng, 250, 4500) * (1 + uniform(rng, 0, 0.03) * wander(rng, length, 1.0))
    wave = tone(rng, track_hz, length, [1.0, uniform(rng, 0, 0.4), uniform(rng, 0, 0.2)])
    wave += uniform(rng, 0, 0.5) * noise(rng, length, band(1500, 5000, 6.0))
    envelope = gate(length, uniform(rng, 0.005, 1.0), uniform(rng, 0.02, 0.5))
    return finished(wave * envelope, "background", "sustained tone", unsure=("appliance_beep",))


def whistling(rng: Rng) -> Synthetic:
    """Someone whistles a tune."""
    parts, time_s = [], 0.0
    root_hz = log_uniform(rng, 800, 1700)
    for _ in range(int(rng.integers(2, 10))):
        length = count(log_uniform(rng, 0.12, 0.9))
        target_hz = root_hz * 2 ** (int(rng.integers(-5, 8)) / 12)
        time = np.arange(length) / RATE_HZ
        track_hz = target_hz * (1 - uniform(rng, 0, 0.12) * np.exp(-time / 0.04))
        track_hz = track_hz * (1 + 0.01 * np.sin(2 * np.pi * uniform(rng, 4, 7) * time))
        wave = tone(rng, track_hz, length, [1.0, 0.05])
        wave += uniform(rng, 0.02, 0.2) * noise(rng, length, band(target_hz * 0.9, target_hz * 1.2))
        parts.append((time_s, wave * gate(length, 0.03, 0.05)))
        time_s += length / RATE_HZ + log_uniform(rng, 0.01, 0.4)
    return finished(laid(parts), "background", "whistling", unsure=("music", "birds"))


def chirping(rng: Rng) -> Synthetic:
    """Sweeps and trills like a bird's, as toys and squeaky hinges make them too."""
    parts, time_s = [], 0.0
    for _ in range(int(rng.integers(2, 8))):
        low_hz, width = log_uniform(rng, 1800, 4500), uniform(rng, 0.6, 1.6)
        for _ in range(int(rng.integers(1, 8))):
            length = count(log_uniform(rng, 0.025, 0.2))
            track_hz = np.clip(low_hz * width ** np.linspace(0, 1, length), 800, 7000)
            parts.append(
                (time_s, tone(rng, track_hz, length, [1.0, 0.1]) * gate(length, 0.008, 0.015))
            )
            time_s += length / RATE_HZ + uniform(rng, 0.01, 0.06)
        time_s += log_uniform(rng, 0.1, 0.9)
    return finished(laid(parts), "background", "chirps", unsure=("birds", "insects"))


def clicks(rng: Rng) -> Synthetic:
    """Clicks and taps, of switches, pens, plastic."""
    parts, time_s = [], 0.0
    for _ in range(int(rng.integers(1, 10))):
        length = count(log_uniform(rng, 0.002, 0.05))
        centre_hz = log_uniform(rng, 400, 6000)
        click = noise(rng, length, band(centre_hz * 0.6, centre_hz * 1.6, 9.0))
        parts.append((time_s, uniform(rng, 0.3, 1.0) * click * decay(length, length / RATE_HZ)))
        time_s += log_uniform(rng, 0.04, 1.2)
    return finished(laid(parts), "background", "clicks", unsure=("typing", "clock_tick"))


def hum(rng: Rng) -> Synthetic:
    """The mains, from a transformer's hum to a loose cable's buzz."""
    length = count(uniform(rng, 2.0, 6.0))
    mains_hz = float(rng.choice([50.0, 60.0, 100.0, 120.0]))
    wave = tone(rng, mains_hz, length, saw(50, uniform(rng, 0.3, 2.0)))
    wave *= 1 + 0.1 * wander(rng, length, 2)
    unsure = ("doorbell", "engine", "household_machine")
    return finished(wave * gate(length, 0.1, 0.1), "background", "hum", unsure=unsure)


def line_tone(rng: Rng) -> Synthetic:
    """What a telephone says to its holder: dial, busy and ring-back tones, and dialling."""
    if chance(rng, 0.3):
        return _dialling(rng)
    pair = ((350, 440), (425, 425), (480, 620), (440, 480), (400, 450))[int(rng.integers(5))]
    on_s, off_s = ((9.0, 0.0), (0.5, 0.5), (0.25, 0.25), (2.0, 4.0))[int(rng.integers(4))]
    length = count(uniform(rng, 2.0, 6.0))
    wave = tone(rng, float(pair[0]), length, [1.0]) + tone(rng, float(pair[1]), length, [1.0])
    place = (np.arange(length) / RATE_HZ) % (on_s + off_s)
    wave *= np.clip((on_s - place) * 200, 0, 1) * np.clip(place * 200, 0, 1)
    unsure = ("phone_ringing", "appliance_beep", "vehicle_alarm")
    return finished(wave, "background", "line tone", unsure=unsure)


def _dialling(rng: Rng) -> Synthetic:
    rows, columns = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0)
    on_s, off_s = uniform(rng, 0.06, 0.25), uniform(rng, 0.05, 0.3)
    parts = []
    for key in range(int(rng.integers(3, 12))):
        length = count(on_s)
        pair = tone(rng, rng.choice(rows), length, [1.0]) + tone(
            rng, rng.choice(columns), length, [1.0]
        )
        parts.append((key * (on_s + off_s), pair * gate(length, 0.003, 0.003)))
    return finished(laid(parts), "background", "dialling", unsure=("phone_ringing",))


def coloured_noise(rng: Rng) -> Synthetic:
    """A fan, air, a distant road: noise that hardly changes."""
    length = count(uniform(rng, 3.0, 6.0))
    colour = [(hz, uniform(rng, -12, 0) - 4 * n * uniform(rng, 0, 2))
              for n, hz in enumerate((40, 150, 500, 1500, 4000, 8000))]  # fmt: skip
    wave = noise(rng, length, colour) * (1 + uniform(rng, 0, 0.4) * wander(rng, length, 0.7))
    unsure = ("wind", "rain", "household_machine", "engine", "sea_waves", "water")
    return finished(wave, "background", "noise", unsure=unsure)


def ui_chime(rng: Rng) -> Synthetic:
    """One to four notes of a computer or a telephone that has something to say."""
    root_hz = log_uniform(rng, 400, 2000)
    step_s, fall_s = uniform(rng, 0.06, 0.25), uniform(rng, 0.15, 1.2)
    parts = []
    for n in range(int(rng.integers(1, 5))):
        pitch_hz = root_hz * 2 ** (int(rng.choice([0, 3, 4, 5, 7, 9, 12])) / 12)
        if chance(rng, 0.5):
            note = bar(rng, pitch_hz, fall_s)
        else:
            length = count(fall_s)
            partials = [1.0, uniform(rng, 0, 0.5), uniform(rng, 0, 0.3)]
            note = (
                tone(rng, pitch_hz, length, partials)
                * decay(length, fall_s)
                * gate(length, 0.003, 0.02)
            )
        parts.append((n * step_s, note))
    unsure = ("doorbell", "music", "phone_ringing")
    return finished(laid(parts), "chime", "interface", unsure=unsure)


def blip(rng: Rng) -> Synthetic:
    """A short blip or swoop of an interface."""
    length = count(log_uniform(rng, 0.03, 0.25))
    low_hz = log_uniform(rng, 300, 3000)
    track_hz = low_hz * 2 ** (
        uniform(rng, -1.2, 1.2) * np.linspace(0, 1, length) * chance(rng, 0.6)
    )
    wave = tone(rng, track_hz, length, [1.0, uniform(rng, 0, 0.4), uniform(rng, 0, 0.3)])
    wave = laid([(0.0, wave * gate(length, 0.004, 0.02))])
    return finished(wave, "chime", "blip", unsure=("appliance_beep",))
