"""Knocks, breaking glass, shots, explosions and thunder."""

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
    gate,
    laid,
    log_uniform,
    modes,
    noise,
    uniform,
    wander,
)


def door_knock(rng: Rng) -> Synthetic:
    """Two to six knocks on wood, rarely metal or glass."""
    knocks = int(rng.integers(2, 7))
    step_s = log_uniform(rng, 0.11, 0.4)
    hollow = log_uniform(rng, 70, 260)
    pitches = [hollow * ratio for ratio in np.cumprod(rng.uniform(1.25, 1.9, 7))]
    falls = list(uniform(rng, 0.05, 0.22) / np.arange(1, 8) ** uniform(rng, 0.2, 0.8))
    levels = list(rng.uniform(0.3, 1.0, 7) * uniform(rng, 0.55, 0.9) ** np.arange(7))
    parts = []
    for knock in range(knocks):
        body = modes(rng, pitches, falls, levels)
        click_length = count(uniform(rng, 0.003, 0.012))
        click = noise(rng, click_length, band(500, uniform(rng, 2000, 6000), 12.0))
        body[:click_length] += uniform(rng, 0.2, 0.9) * click * decay(click_length, 0.01)
        start_s = knock * step_s * uniform(rng, 0.95, 1.05)
        parts.append((start_s, body * uniform(rng, 0.6, 1.0)))
    return finished(laid(parts), "door_knock", f"{knocks} knocks")


def glass_breaking(rng: Rng) -> Synthetic:
    """A blow, the pane's crack, and a shower of shards that fall and bounce."""
    parts = [(0.0, _crack(rng))]
    shards = int(log_uniform(rng, 25, 160))
    spread_s = log_uniform(rng, 0.12, 0.8)
    rush = noise(rng, count(3 * spread_s), band(uniform(rng, 1500, 3500), 7500, 6.0))
    rush *= decay(rush.size, 3 * spread_s) * uniform(rng, 0.0, 0.08)
    parts.append((0.02, rush))
    for _ in range(shards):
        start_s = float(rng.exponential(spread_s)) + uniform(rng, 0.0, 0.05)
        level = log_uniform(rng, 0.04, 0.6) * np.exp(-start_s / (2.5 * spread_s))
        parts.append((min(start_s, 2.5), level * _shard(rng)))
    return finished(laid(parts), "glass_breaking", f"{shards} shards")


def _crack(rng: Rng) -> Wave:
    length = count(uniform(rng, 0.1, 0.35))
    bright = noise(rng, length, band(1500, 7500, 9.0)) * decay(length, uniform(rng, 0.06, 0.3))
    thud = noise(rng, length, band(80, 400, 12.0)) * decay(length, uniform(rng, 0.05, 0.15))
    return bright + uniform(rng, 0.0, 1.2) * thud


def _shard(rng: Rng) -> Wave:
    base_hz = log_uniform(rng, 1600, 6500)
    ratios = np.cumprod(rng.uniform(1.1, 1.7, int(rng.integers(2, 6)))) / 1.2
    fall_s = log_uniform(rng, 0.03, 0.3)
    falls = [fall_s * uniform(rng, 0.4, 1.0) for _ in ratios]
    wave = modes(rng, list(base_hz * ratios), falls, [uniform(rng, 0.3, 1.0) for _ in ratios])
    if not wave.any():  # all its modes lie above what is kept
        wave = modes(rng, [base_hz], [fall_s], [1.0])
    click = min(wave.size, count(0.002))
    wave[:click] += 0.7 * rng.standard_normal(click)
    return wave


def gunshot(rng: Rng) -> Synthetic:
    """A blast wave and what the surroundings make of it; once or in a burst."""
    shots = int(rng.choice([1, 1, 1, 2, 3, 5]))
    step_s = uniform(rng, 0.08, 0.16) if chance(rng, 0.5) else uniform(rng, 0.3, 0.9)
    one = _blast(rng, uniform(rng, 0.0004, 0.002), log_uniform(rng, 0.15, 1.6), (250, 6500))
    parts = [(n * step_s * uniform(rng, 0.97, 1.03), one) for n in range(shots)]
    return finished(laid(parts), "gunshot", f"{shots} shots", unsure=("fireworks",))


def explosion(rng: Rng) -> Synthetic:
    """A deeper blast with a long rumble."""
    wave = _blast(rng, uniform(rng, 0.003, 0.02), log_uniform(rng, 1.0, 5.0), (50, 2200))
    return finished(wave, "gunshot", "explosion", unsure=("thunder", "fireworks"))


def _blast(rng: Rng, pulse_s: float, t60_s: float, edges_hz: tuple[float, float]) -> Wave:
    """Friedlander's pulse, then noise that grows duller as it fades."""
    length = count(1.1 * t60_s)
    time = np.arange(length) / RATE_HZ
    pulse = (1 - time / pulse_s) * np.exp(-time / pulse_s)
    low_hz, high_hz = edges_hz[0] * uniform(rng, 0.7, 1.4), edges_hz[1] * uniform(rng, 0.6, 1.1)
    bright = noise(rng, length, band(low_hz, high_hz, 6.0)) * decay(length, 0.35 * t60_s)
    dull = noise(rng, length, band(0.6 * low_hz, 0.2 * high_hz, 9.0)) * decay(length, t60_s)
    tail = bright + uniform(rng, 0.4, 1.5) * dull
    tail *= 1 - np.exp(-time / 0.001)
    for _ in range(int(rng.integers(0, 4))):  # echoes of walls
        late = count(uniform(rng, 0.03, 0.4))
        if late < length:
            tail[late:] += uniform(rng, 0.1, 0.5) * tail[: length - late]
    return 3 * pulse + tail


def thunder(rng: Rng) -> Synthetic:
    """A crack if it is near, and a roll that comes and goes."""
    seconds = uniform(rng, 3.0, 9.0)
    length = count(seconds)
    time = np.arange(length) / RATE_HZ
    envelope = np.zeros(length)
    for _ in range(int(rng.integers(4, 14))):
        start_s = float(rng.exponential(seconds / 5))
        rise_s, fall_s = uniform(rng, 0.03, 0.5), uniform(rng, 0.3, 1.8)
        since = np.clip(time - start_s, 0, None)
        envelope += uniform(rng, 0.3, 1.0) * (1 - np.exp(-since / rise_s)) * np.exp(-since / fall_s)
    roll = noise(rng, length, _thunder_colour(rng)) * envelope
    roll *= 1 + 0.5 * wander(rng, length, 12)
    near = chance(rng, 0.45)
    if near:
        crack_length = min(length, count(uniform(rng, 0.3, 1.2)))
        crack = noise(rng, crack_length, band(200, uniform(rng, 2500, 6000), 6.0))
        crack *= decay(crack_length, crack_length / RATE_HZ) * (
            1 + 0.9 * wander(rng, crack_length, 40)
        )
        roll[:crack_length] += uniform(rng, 0.8, 3.0) * crack
    wave = roll * gate(length, 0.005 if near else 0.3, 0.8)
    return finished(wave, "thunder", "near" if near else "far", unsure=("gunshot", "rain", "wind"))


def _thunder_colour(rng: Rng) -> list[tuple[float, float]]:
    edge_hz = log_uniform(rng, 90, 600)
    return [
        (20, -18.0),
        (45, 0.0),
        (edge_hz, 0.0),
        (8 * edge_hz, -uniform(rng, 24, 48)),
        (8000, -80.0),
    ]


def fire(rng: Rng) -> Synthetic:
    """Wood that burns: crackles of all sizes over a soft roar."""
    seconds = uniform(rng, 3.0, 8.0)
    length = count(seconds)
    wave = log_uniform(rng, 0.001, 0.03) * noise(rng, length, band(60, uniform(rng, 200, 900), 6.0))
    wave *= 1 + 0.5 * wander(rng, length, 3)
    for _ in range(int(seconds * log_uniform(rng, 5, 40))):
        start = int(rng.integers(0, length - 400))
        pop_length = min(length - start, count(log_uniform(rng, 0.002, 0.02)))
        pop = rng.standard_normal(pop_length) * decay(pop_length, pop_length / RATE_HZ)
        wave[start : start + pop_length] += min(1.0, 0.02 * (rng.pareto(0.9) + 1)) * pop
    wave = filtered(wave, [(50, 0.0), (uniform(rng, 800, 3000), 3.0), (8000, -8.0)])
    return finished(wave, "fire_crackling", "crackle")
