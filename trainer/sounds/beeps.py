"""Devices that beep: smoke and carbon-monoxide alarms, appliances, alarm clocks.

Smoke: ISO 8201's temporal-three (three pulses of 0.5 s with 0.5 s between, then 1.5 s of pause),
and the fast beeps without a pause that EN 14604 allows. Carbon monoxide: temporal-four (four pulses
of 0.1 s with 0.1 s between, then 5 s). Nothing else here has those rhythms at those pitches: a
microwave's beep is an appliance's, however loud.
"""

from __future__ import annotations

import numpy as np

from everlisten.trainer.sounds.rhythms import Rhythm, Voice, patterned, piezo, plain, sweeping
from everlisten.trainer.sounds.waves import (
    RATE_HZ,
    Rng,
    Synthetic,
    Wave,
    chance,
    count,
    finished,
    gate,
    laid,
    log_uniform,
    modes,
    saw,
    square,
    tone,
    uniform,
)

_FAST_KNOWN_S = 2.0
"""A row of fast beeps is known after so long; one beep of it is not."""


def temporal_three(rng: Rng) -> Synthetic:
    """A smoke alarm by ISO 8201."""
    tempo = uniform(rng, 0.9, 1.1)
    groups = int(rng.choice([1, 2, 2, 2, 3, 3, 4, 5, 6]))
    kind, voice = _smoke_voice(rng)
    duty = uniform(rng, 0.42, 0.54)
    rhythm = Rhythm(3, duty * tempo, (1 - duty) * tempo, 1.5 * tempo, groups)
    cut = groups > 1 and chance(rng, 0.5)
    return patterned(rng, rhythm, voice, "smoke_alarm", f"temporal-three {kind}", cut_in=cut)


def _smoke_voice(rng: Rng) -> tuple[str, Voice]:
    draw = rng.random()
    pitch_hz = uniform(rng, 2800, 3600)
    if draw < 0.58:
        return "piezo", piezo(rng, pitch_hz)
    if draw < 0.76:
        return "520 Hz", plain(rng, uniform(rng, 500, 540), square(14))
    if draw < 0.86:
        return "whoop", sweeping(rng, uniform(rng, 2000, 2900), uniform(rng, 3000, 3700), 0)
    if draw < 0.94:
        low_hz = uniform(rng, 2300, 2900)
        return "warble", sweeping(rng, low_hz, low_hz * uniform(rng, 1.1, 1.4), uniform(rng, 4, 25))
    first, second = piezo(rng, pitch_hz), piezo(rng, pitch_hz * uniform(rng, 0.8, 0.95))

    def two_tone(seconds: float) -> Wave:
        return np.concatenate([first(seconds / 2), second(seconds / 2)])

    return "two-tone", two_tone


def fast_smoke(rng: Rng) -> Synthetic:
    """A smoke alarm with even beeps and no pause, as many European ones have."""
    on_s = uniform(rng, 0.1, 0.5)
    off_s = uniform(rng, 0.06, 0.5) if on_s > 0.2 else uniform(rng, 0.05, 0.25)
    total_s = uniform(rng, 3.0, 9.0)
    voice = (
        piezo(rng, uniform(rng, 2800, 3500))
        if chance(rng, 0.75)
        else sweeping(rng, uniform(rng, 2200, 2800), uniform(rng, 3000, 3600), 0)
    )
    per_group = max(2, round(_FAST_KNOWN_S / (on_s + off_s)))
    groups = max(1, round(total_s / (per_group * (on_s + off_s))))
    rhythm = Rhythm(per_group, on_s, off_s, off_s, groups)
    made = patterned(rng, rhythm, voice, "smoke_alarm", "fast beeps", cut_in=groups > 1)
    # Every stretch of an even row is as good as the next: known after 2 s, wherever it was cut.
    known_s = min(made.onset_s + _FAST_KNOWN_S, made.end_s)
    return Synthetic(
        made.samples, made.onset_s, known_s, made.end_s, made.sound, made.kind, made.unsure
    )


def carbon_monoxide(rng: Rng) -> Synthetic:
    """A carbon-monoxide alarm: temporal-four."""
    tempo = uniform(rng, 0.9, 1.1)
    pause_s = uniform(rng, 4.5, 5.5) * tempo
    groups = int(rng.integers(1, 3))
    voice = (
        piezo(rng, uniform(rng, 2900, 3500))
        if chance(rng, 0.85)
        else plain(rng, uniform(rng, 500, 540), square(14))
    )
    duty = uniform(rng, 0.42, 0.58)
    rhythm = Rhythm(4, 0.2 * duty * tempo, 0.2 * (1 - duty) * tempo, pause_s, groups)
    return patterned(rng, rhythm, voice, "co_alarm", "temporal-four")


def microwave(rng: Rng) -> Synthetic:
    """One to five even beeps, then silence: dinner is ready."""
    beeps = int(rng.integers(1, 6))
    on_s = uniform(rng, 0.25, 1.0)
    off_s = uniform(rng, 0.25, 1.2)
    frequency_hz = log_uniform(rng, 900, 2500) if chance(rng, 0.8) else uniform(rng, 3750, 4300)
    voice = piezo(rng, frequency_hz) if chance(rng, 0.6) else plain(rng, frequency_hz, _beeper(rng))
    wave = laid([(beep * (on_s + off_s), voice(on_s)) for beep in range(beeps)])
    return finished(wave, "appliance_beep", f"{beeps} beeps")


def smoke_pitched_beep(rng: Rng) -> Synthetic:
    """One or two beeps at a smoke alarm's own pitch: its rhythm is missing."""
    voice = piezo(rng, uniform(rng, 2700, 3700))
    beeps = int(rng.integers(1, 3))
    on_s = uniform(rng, 0.15, 1.0)
    wave = laid([(beep * (on_s + uniform(rng, 0.3, 1.5)), voice(on_s)) for beep in range(beeps)])
    return finished(wave, "appliance_beep", f"{beeps} beeps at 3 kHz")


def battery_chirp(rng: Rng) -> Synthetic:
    """The chirp of a detector whose battery is low."""
    wave = piezo(rng, uniform(rng, 2700, 3700))(uniform(rng, 0.04, 0.15))
    return finished(laid([(0.0, wave)]), "appliance_beep", "battery chirp", unsure=("chime",))


def washing_machine(rng: Rng) -> Synthetic:
    """A melody of bare tones: the washing is done."""
    root_hz = uniform(rng, 900, 2200)
    steps = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    partials = _beeper(rng)
    parts, time_s, step_s = [], 0.0, uniform(rng, 0.1, 0.3)
    for _ in range(int(rng.integers(4, 13))):
        pitch_hz = root_hz * 2 ** (rng.choice(steps) / 12)
        length_s = step_s * int(rng.integers(1, 3))
        voice = plain(rng, pitch_hz, partials)
        parts.append((time_s, voice(0.85 * length_s)))
        time_s += length_s
    return finished(laid(parts), "appliance_beep", "melody", unsure=("music", "chime"))


def _beeper(rng: Rng) -> list[float]:
    return [1.0, uniform(rng, 0, 0.3), uniform(rng, 0, 0.5), uniform(rng, 0, 0.15)]


def clock_beeps(rng: Rng) -> Synthetic:
    """A digital alarm clock: groups of short beeps, about one a second."""
    beeps = int(rng.choice([2, 3, 4, 4, 4, 5]))
    on_s = uniform(rng, 0.045, 0.09)
    off_s = uniform(rng, 0.045, 0.08)
    frequency_hz = log_uniform(rng, 1700, 2700) if chance(rng, 0.7) else uniform(rng, 3750, 4300)
    voice = piezo(rng, frequency_hz) if chance(rng, 0.7) else plain(rng, frequency_hz, _beeper(rng))
    pause_s = uniform(rng, 0.3, 0.75)
    rhythm = Rhythm(beeps, on_s, off_s, pause_s, int(rng.integers(3, 9)))
    made = patterned(rng, rhythm, voice, "alarm_clock", "beeps", cut_in=chance(rng, 0.3))
    known_s = min(made.onset_s + 2 * rhythm.cycle_s, made.end_s)
    return Synthetic(made.samples, made.onset_s, known_s, made.end_s, made.sound, made.kind)


def clock_buzzer(rng: Rng) -> Synthetic:
    """A harsh buzzer, steady or on and off."""
    partials = saw(30, uniform(rng, 0.4, 0.9)) if chance(rng, 0.5) else square(30)
    frequency_hz = log_uniform(rng, 150, 700)
    seconds = uniform(rng, 2.0, 6.0)
    length = count(seconds)
    time = np.arange(length) / RATE_HZ
    wave = tone(rng, frequency_hz, length, partials) * gate(length, 0.01, 0.02)
    if chance(rng, 0.75):
        beat_hz = uniform(rng, 1.0, 3.0)
        wave = wave * np.clip(20 * np.sin(2 * np.pi * beat_hz * time) + 0.5, 0, 1)
    return finished(wave, "alarm_clock", "buzzer", unsure=("doorbell",))


def clock_bell(rng: Rng) -> Synthetic:
    """Two bells and a clapper between them, without the pauses of a telephone."""
    wave = clapper(rng, uniform(rng, 3.0, 6.0), uniform(rng, 11, 26), bells=2)
    return finished(wave, "alarm_clock", "bell", unsure=("phone_ringing",))


def clapper(rng: Rng, seconds: float, strikes_hz: float, bells: int) -> Wave:
    """Small bells struck in quick turn by one clapper, float64 [T]."""
    gongs = [gong(rng, log_uniform(rng, 900, 2400)) for _ in range(bells)]
    step_s = 1 / strikes_hz
    parts = []
    for strike in range(max(1, int(seconds * strikes_hz))):
        jitter_s = uniform(rng, 0, 0.06 * step_s)
        parts.append((strike * step_s + jitter_s, gongs[strike % bells] * uniform(rng, 0.7, 1.0)))
    return laid(parts)[: count(seconds + 0.8)]


def gong(rng: Rng, frequency_hz: float) -> Wave:
    """One stroke on a small metal bell."""
    ratios = np.array([1.0, 1.51, 2.0, 2.67, 3.6, 4.9, 6.1]) * rng.uniform(0.98, 1.02, 7)
    levels = rng.uniform(0.2, 1.0, 7) / np.arange(1, 8) ** 0.4
    falls = uniform(rng, 0.4, 1.0) / np.arange(1, 8) ** 0.5
    return modes(rng, list(ratios * frequency_hz), list(falls), list(levels))
