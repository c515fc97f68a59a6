"""An alarm's rhythm is told from beeps, in noise and rooms, as soon as a pattern is complete."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sound_fixture import pulses, temporal_four, temporal_three, tone

from everlisten.engine.sounds.rhythm import (
    REGULAR,
    SECONDS,
    TEMPORAL_3,
    TEMPORAL_4,
    Rhythm,
    rhythm,
)

RATE = 16_000


def in_noise(samples, snr_db, rng):
    power = np.mean(samples[samples != 0] ** 2)
    noise = rng.standard_normal(len(samples)) * np.sqrt(power / 10 ** (snr_db / 10))
    return (samples + noise).astype(np.float32)


def in_a_room(samples, decay_s, rng):
    """With the tail of a room where the microphone is about at the critical distance."""
    if not decay_s:
        return samples
    count = round(decay_s * RATE)
    tail = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail *= 0.7 / np.sqrt((tail**2).sum())
    tail[0] += 1.0
    size = len(samples) + count
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
    return wet[: len(samples)].astype(np.float32)


@pytest.mark.parametrize("snr_db", [40, 5, 0])
@pytest.mark.parametrize("decay_s", [0.0, 0.5])
def test_a_smoke_alarm_is_its_three_pulses(snr_db, decay_s, rng):
    sound = in_a_room(pulses("smoke_alarm", temporal_three(1.0), SECONDS), decay_s, rng)
    found = rhythm(in_noise(sound, snr_db, rng))
    assert (found.kind, found.cycles) == (TEMPORAL_3, 2)
    assert found.confidence > 0.8


@pytest.mark.parametrize("snr_db", [40, 5])
def test_a_carbon_monoxide_alarm_is_its_four_quick_pulses(snr_db, rng):
    found = rhythm(in_noise(pulses("co_alarm", temporal_four(1.0), SECONDS), snr_db, rng))
    assert (found.kind, found.cycles) == (TEMPORAL_4, 2)
    assert found.confidence > 0.8


def test_the_low_square_wave_of_alarms_for_the_hard_of_hearing(rng):
    times = np.arange(round(SECONDS * RATE)) / RATE
    square = 0.2 * np.sign(np.sin(2 * np.pi * 520 * times))
    on = sum((times >= begin) & (times < end) for begin, end in temporal_three(1.0))
    found = rhythm(in_noise((square * on).astype(np.float32), 5, rng))
    assert found.kind == TEMPORAL_3


def test_it_is_known_at_the_end_of_the_first_pattern(rng):
    """Within a chunk of the end of the third pulse, 2.5 s after the onset; surer in the pause."""
    sound = in_noise(pulses("smoke_alarm", temporal_three(1.0, 3), 14.0), 5, rng)
    ends = [index * 0.4 for index in range(1, 35)]
    found = [rhythm(sound[max(0, round((end - SECONDS) * RATE)) : round(end * RATE)])
             for end in ends]  # fmt: skip
    first = next(end for end, one in zip(ends, found, strict=True) if one.kind == TEMPORAL_3)
    assert 3.4 <= first <= 3.9
    by_end = {round(end, 1): one for end, one in zip(ends, found, strict=True)}
    assert by_end[3.6].confidence < by_end[4.8].confidence < by_end[8.8].confidence


@pytest.mark.parametrize(
    "spans",
    [
        [(3.0, 3.5)],
        [(3.0, 3.2), (3.5, 3.7), (4.0, 4.2)],  # a microwave
        [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)],
        [(0.0, 10.0)],
    ],
)
def test_a_beep_is_no_alarm(spans, rng):
    for snr_db in (40, 5):
        assert rhythm(in_noise(pulses("smoke_alarm", spans, SECONDS), snr_db, rng)) == Rhythm()


@pytest.mark.parametrize(
    "spans",
    [
        [(second, second + 0.5) for second in range(10)],  # a reversing lorry
        [(0.2 * beep, 0.2 * beep + 0.1) for beep in range(50)],
        [(s + 0.2 * beep, s + 0.2 * beep + 0.1) for s in range(10) for beep in range(4)],
    ],
)
def test_beeps_that_go_on_are_regular(spans, rng):
    found = rhythm(in_noise(pulses("smoke_alarm", spans, SECONDS), 20, rng))
    assert found.kind == REGULAR
    assert found.confidence > 0.5


def test_noise_has_no_alarms_rhythm(rng):
    for _ in range(40):
        found = rhythm((0.1 * rng.standard_normal(round(SECONDS * RATE))).astype(np.float32))
        assert found.kind in ("", REGULAR)


@given(st.integers(0, 2000), st.sampled_from([0.0, 1e-30, 1.0, 1e4]))
def test_any_piece_is_judged(count, level):
    assert 0.0 <= rhythm(np.full(count, level, np.float32)).confidence <= 1.0


def test_the_level_does_not_matter(rng):
    sound = in_noise(pulses("smoke_alarm", temporal_three(1.0), SECONDS), 10, rng)
    for gain in (0.01, 0.1, 1.0):
        assert rhythm(sound * np.float32(gain)).kind == TEMPORAL_3


def test_a_loud_voice_beside_it_does_not_hide_it(rng):
    sound = pulses("smoke_alarm", temporal_three(1.0), SECONDS, 0.1)
    voice = sum(tone(name, SECONDS, 0.3) for name in ("music", "dog_barking", "baby_crying"))
    assert rhythm(in_noise(sound, 20, rng) + voice.astype(np.float32)).kind == TEMPORAL_3
