"""Synthetic sounds: their rhythms are measured, not believed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from everlisten.trainer.sounds import beeps, bells, sirens
from everlisten.trainer.sounds.alarms import SYNTHESES, synthesise
from everlisten.trainer.sounds.corpus import read_corpus
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.waves import RATE_HZ, Rng, Synthetic

SEEDS = range(12)
EVERY = [(sound, make) for sound, each in SYNTHESES.items() for make in each]
NAMES = [f"{sound}-{make.__name__}" for sound, make in EVERY]


def made(make: Callable[[Rng], Synthetic], seed: int) -> Synthetic:
    return make(np.random.default_rng(seed))


def pulses_s(sound: Synthetic) -> list[tuple[float, float]]:
    """(start, end) of what sounds, by the envelope of 5 ms alone; gaps below 20 ms are bridged."""
    step = RATE_HZ // 200
    blocks = sound.samples[: sound.samples.size // step * step].reshape(-1, step)
    on = np.sqrt((blocks**2).mean(axis=1)) > 0.08
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on, [0]]))).reshape(-1, 2) * 0.005
    joined = [list(edges[0])]
    for start, end in edges[1:]:
        if start - joined[-1][1] < 0.02:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return [(start, end) for start, end in joined]


def peak_hz(samples: NDArray[np.float32]) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / samples.size)


@pytest.mark.parametrize(("sound", "make"), EVERY, ids=NAMES)
def test_every_synthesis_keeps_its_promises(sound: str, make: Callable[[Rng], Synthetic]) -> None:
    kept = [made(make, seed) for seed in range(4)]
    for each in kept:
        assert each.sound == sound
        assert each.samples.dtype == np.float32
        assert np.isfinite(each.samples).all()
        assert 0.85 < np.abs(each.samples).max() <= 1.0
        length_s = each.samples.size / RATE_HZ
        assert 0.05 < length_s < 30
        assert 0 <= each.onset_s <= each.pattern_end_s <= each.end_s + 1e-9
        assert each.end_s <= length_s + 1e-9
        assert set(each.unsure) <= set(SOUNDS) - {sound}
        assert abs(float(each.samples.mean())) < 0.02, "no microphone passes a constant"
    assert len({each.samples.tobytes() for each in kept}) == len(kept), "seeds change nothing"


@pytest.mark.parametrize("sound", SYNTHESES)
def test_the_same_seed_gives_the_same_sound(sound: str) -> None:
    first, second = (synthesise(sound, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert first.kind == second.kind


def test_every_sound_has_clips_or_a_synthesis(shared: Path) -> None:
    corpus = read_corpus(shared / "data")
    assert set(SYNTHESES) <= set(SOUNDS)
    for sound in SOUNDS:
        assert corpus.real_sources(sound) or sound in SYNTHESES, sound


def test_what_has_no_synthesis_says_so() -> None:
    with pytest.raises(KeyError):
        synthesise("cat", np.random.default_rng(0))


def groups(sound: Synthetic, longest_gap_s: float) -> list[list[tuple[float, float]]]:
    """Pulses by group: a longer gap begins the next."""
    found: list[list[tuple[float, float]]] = []
    for pulse in pulses_s(sound):
        if found and pulse[0] - found[-1][-1][1] < longest_gap_s:
            found[-1].append(pulse)
        else:
            found.append([pulse])
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_temporal_three_is_three_pulses_and_a_pause(seed: int) -> None:
    alarm = made(beeps.temporal_three, seed)
    heard = groups(alarm, longest_gap_s=1.0)
    whole = [group for group in heard if len(group) == 3]
    assert len(whole) >= len(heard) - 1, "only the first may be cut"
    for group in whole[1 if " cut" in alarm.kind else 0 :]:
        for start, end in group:
            assert end - start == pytest.approx(0.48, abs=0.12)
        for before, after in pairwise(group):
            assert after[0] - before[0] == pytest.approx(1.0, abs=0.12)
    for before, after in pairwise(heard):
        assert after[0][0] - before[-1][1] == pytest.approx(1.5, abs=0.22)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_smoke_alarm_is_known_at_the_end_of_its_first_whole_group(seed: int) -> None:
    alarm = made(beeps.temporal_three, seed)
    ends = [group[2][1] for group in groups(alarm, longest_gap_s=1.0) if len(group) == 3]
    assert min(abs(alarm.pattern_end_s - end) for end in ends) < 0.05
    assert alarm.pattern_end_s - alarm.onset_s >= 2.0
    assert pulses_s(alarm)[0][0] == pytest.approx(alarm.onset_s, abs=0.04)
    assert pulses_s(alarm)[-1][1] == pytest.approx(alarm.end_s, abs=0.05)


def test_smoke_alarms_are_heard_from_any_phase_on() -> None:
    alarms = [made(beeps.temporal_three, seed) for seed in range(60)]
    cut = [alarm for alarm in alarms if " cut" in alarm.kind]
    assert 15 < len(cut) < 45
    first = [len(groups(alarm, longest_gap_s=1.0)[0]) for alarm in cut]
    assert {1, 2, 3} <= set(first)
    assert any(alarm.onset_s > 0.3 for alarm in cut), "none begins in a pause"
    voices = {alarm.kind.removesuffix(" cut").removeprefix("temporal-three ") for alarm in alarms}
    assert voices == {"piezo", "520 Hz", "whoop", "warble", "two-tone"}


def test_smoke_alarms_have_the_standard_pitches() -> None:
    for seed in range(30):
        alarm = made(beeps.temporal_three, seed)
        start, end = pulses_s(alarm)[-1]
        pulse = alarm.samples[int(start * RATE_HZ) : int(end * RATE_HZ)]
        if "piezo" in alarm.kind:
            assert 2750 < peak_hz(pulse) < 3650
        if "520" in alarm.kind:
            assert 495 < peak_hz(pulse) < 545


@pytest.mark.parametrize("seed", SEEDS)
def test_carbon_monoxide_is_four_quick_pulses(seed: int) -> None:
    alarm = made(beeps.carbon_monoxide, seed)
    heard = groups(alarm, longest_gap_s=1.0)
    assert [len(group) for group in heard] == [4] * len(heard)
    assert alarm.pattern_end_s == pytest.approx(0.7, abs=0.1)
    assert heard[0][3][1] == pytest.approx(alarm.pattern_end_s, abs=0.03)
    for before, after in pairwise(heard):
        assert 4.0 < after[0][0] - before[-1][1] < 6.1


@pytest.mark.parametrize("seed", SEEDS)
def test_fast_smoke_beeps_have_no_pause(seed: int) -> None:
    alarm = made(beeps.fast_smoke, seed)
    starts = np.array([start for start, _ in pulses_s(alarm)])
    assert starts.size >= 2
    steps = np.diff(starts)[1:]
    assert steps.size == 0 or np.ptp(steps) < 0.03


@pytest.mark.parametrize("make", [beeps.microwave, beeps.smoke_pitched_beep, beeps.battery_chirp])
def test_an_appliance_never_has_a_smoke_alarms_rhythm_at_its_pitch(
    make: Callable[[Rng], Synthetic],
) -> None:
    for seed in range(60):
        beep = made(make, seed)
        assert beep.sound == "appliance_beep"
        heard = pulses_s(beep)
        start, end = heard[0]
        pitch_hz = peak_hz(beep.samples[int(start * RATE_HZ) : int(end * RATE_HZ)])
        assert len(heard) <= 2 or not 2600 < pitch_hz < 3700


def test_alarm_clocks_are_told_from_carbon_monoxide_by_their_pause() -> None:
    for seed in range(20):
        clock = groups(made(beeps.clock_beeps, seed), longest_gap_s=0.2)
        gaps = [after[0][0] - before[-1][1] for before, after in pairwise(clock)]
        assert max(gaps) < 1.0


def spectrum(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitudes of 0.25 s, in bins of 4 Hz."""
    return np.abs(np.fft.rfft(samples[: RATE_HZ // 4] * np.hanning(samples[: RATE_HZ // 4].size),
                              RATE_HZ // 4))  # fmt: skip


def test_doors_ring_high_before_low() -> None:
    for seed in range(20):
        bell = made(bells.ding_dong, seed)
        first = spectrum(bell.samples)
        later = spectrum(bell.samples[int(0.92 * RATE_HZ) :])
        new = (later / later.max() - first / first.max()).argmax()  # the first rings on
        assert new < 0.9 * first.argmax()


def test_a_cars_honks_are_of_one_horn() -> None:
    def likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
        a, b = (np.log(spectrum(each)[25:1000] + 0.1) for each in (first, second))
        return float(np.corrcoef(a, b)[0, 1])

    same, other, last = [], [], None
    for seed in range(60):
        horn = made(sirens.car_horn, seed)
        honks = [
            horn.samples[int((start + 0.05) * RATE_HZ) : int(end * RATE_HZ)]
            for start, end in pulses_s(horn)
            if end - start > 0.35
        ]
        if len(honks) >= 2:
            same.append(likeness(honks[0], honks[1]))
        if honks and last is not None:
            other.append(likeness(honks[0], last))
        last = honks[0] if honks else last
    assert len(same) >= 5
    assert min(same) > 0.8 > np.median(other)
