"""Pulses in time: what tells a smoke alarm from a microwave is the rhythm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
    tone,
    uniform,
    wander,
)

Voice = Callable[[float], Wave]
"""One pulse of so many seconds; the same device each time."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Groups of pulses.

    Attributes:
        pulses: Of one group.
        on_s: Length of a pulse.
        off_s: Between the pulses of a group.
        pause_s: Between two groups.
        groups: How many.
    """

    pulses: int
    on_s: float
    off_s: float
    pause_s: float
    groups: int

    @property
    def group_s(self) -> float:
        """From the start of a group's first pulse to the end of its last."""
        return self.pulses * self.on_s + (self.pulses - 1) * self.off_s

    @property
    def cycle_s(self) -> float:
        """From group to group."""
        return self.group_s + self.pause_s

    def starts_s(self, group: int) -> list[float]:
        """Where the pulses of one group begin."""
        first = group * self.cycle_s
        return [first + pulse * (self.on_s + self.off_s) for pulse in range(self.pulses)]


def patterned(
    rng: Rng,
    rhythm: Rhythm,
    voice: Voice,
    sound: str,
    kind: str,
    *,
    cut_in: bool = False,
    unsure: tuple[str, ...] = (),
) -> Synthetic:
    """A patterned alarm; known from the end of its first complete group.

    Args:
        rng: Draws where it is cut.
        rhythm: When the pulses come.
        voice: What a pulse sounds like.
        sound: The sound id.
        kind: For the record.
        cut_in: Begin anywhere in the first cycle, as when a device is heard from then on; needs
            two groups.
        unsure: As in `Synthetic`.
    """
    starts = [start for group in range(rhythm.groups) for start in rhythm.starts_s(group)]
    wave = laid([(start, voice(rhythm.on_s)) for start in starts])
    offset_s = uniform(rng, 0, rhythm.cycle_s) if cut_in and rhythm.groups > 1 else 0.0
    offset_s = round(offset_s * RATE_HZ) / RATE_HZ
    heard = [start for start in starts if start + rhythm.on_s > offset_s + 0.02]
    whole = next(
        group for group in range(rhythm.groups) if rhythm.starts_s(group)[0] >= offset_s - 0.01
    )
    wave = wave[round(offset_s * RATE_HZ) :]
    soft = min(wave.size, 80)
    wave[:soft] *= np.linspace(0, 1, soft)  # a cut is no click
    return finished(
        wave,
        sound,
        kind + (" cut" if offset_s else ""),
        onset_s=max(0.0, heard[0] - offset_s),
        pattern_end_s=whole * rhythm.cycle_s + rhythm.group_s - offset_s,
        end_s=starts[-1] + rhythm.on_s - offset_s,
        unsure=unsure,
    )


def piezo(rng: Rng, frequency_hz: float) -> Voice:
    """A cheap piezo disc: strong overtones, off pitch at first, sometimes rattling."""
    partials = [1.0, uniform(rng, 0.02, 0.7), uniform(rng, 0.02, 0.5), uniform(rng, 0, 0.2)]
    attack_s, release_s = uniform(rng, 0.001, 0.012), uniform(rng, 0.002, 0.03)
    rattle_hz, rattle = uniform(rng, 20, 160), uniform(rng, 0, 0.5) * chance(rng, 0.4)
    glide = uniform(rng, -0.02, 0.01) * chance(rng, 0.5)
    beating = uniform(rng, 0.001, 0.006) if chance(rng, 0.2) else 0.0

    def pulse(seconds: float) -> Wave:
        length = count(seconds)
        time = np.arange(length) / RATE_HZ
        track = frequency_hz * (1 + glide * np.exp(-time / 0.03))
        track = track * (1 + 0.0015 * wander(rng, length, 4))
        wave = tone(rng, track, length, partials)
        if beating:
            wave = wave + 0.7 * tone(rng, track * (1 + beating), length, partials)
        swing = 1 - rattle * (0.5 + 0.5 * np.sin(2 * np.pi * rattle_hz * time))
        return np.asarray(wave * swing * gate(length, attack_s, release_s))

    return pulse


def plain(rng: Rng, frequency_hz: float, partials: list[float]) -> Voice:
    """A loudspeaker's tone with clean edges."""
    attack_s, release_s = uniform(rng, 0.002, 0.015), uniform(rng, 0.004, 0.04)

    def pulse(seconds: float) -> Wave:
        length = count(seconds)
        return tone(rng, frequency_hz, length, partials) * gate(length, attack_s, release_s)

    return pulse


def sweeping(rng: Rng, low_hz: float, high_hz: float, sweeps: float) -> Voice:
    """A tone that moves within each pulse: once (a whoop), or to and fro (a warble).

    Args:
        rng: Draws the overtones.
        low_hz: Where it begins.
        high_hz: Where it ends, or turns.
        sweeps: Rises in one second; 0 rises once over the pulse.
    """
    partials = [1.0, uniform(rng, 0.02, 0.5), uniform(rng, 0, 0.3)]
    stepped = chance(rng, 0.3)

    def pulse(seconds: float) -> Wave:
        length = count(seconds)
        time = np.arange(length) / RATE_HZ
        if sweeps == 0:
            place = time / seconds
        else:
            place = 2 * np.abs((time * sweeps) % 1 - 0.5)
        if stepped and sweeps:
            place = np.round(place)
        track = low_hz * (high_hz / low_hz) ** place
        return tone(rng, track, length, partials) * gate(length, 0.004, 0.01)

    return pulse
