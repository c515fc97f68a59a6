"""Thresholds: chosen on validation data only, within the budget, by figures counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.trainer.sounds.calibration import (
    CANDIDATES,
    Candidate,
    HeldOutError,
    calibrate,
    candidate,
    cautious,
    chosen,
    cross_calibrated,
    tried,
)
from everlisten.trainer.sounds.hearing import ModelFacts, Readings, Recording, replayed
from everlisten.trainer.sounds.outcomes import Event, Outcome, Telling
from everlisten.trainer.sounds.recordings import FoldRecordings
from everlisten.trainer.sounds.scene_plans import Material

SOUNDS = ("dog_barking", "doorbell", "music")
FACTS = ModelFacts(sounds=SOUNDS, thresholds=dict.fromkeys(SOUNDS, 0.5), version="1")
TWO_HOURS_S = 7200.0
"""What a stream is said to last; what it plays is shorter."""


def recording(
    kind: str, rows: dict[int, dict[str, float]], *, sound: str = "", fold: int = 1
) -> Recording:
    """Probabilities of 0 but where `rows` says otherwise; a clip's event is from 4 to 6 s."""
    chunks = 25
    probabilities = np.zeros((chunks, len(SOUNDS)), np.float32)
    for number, row in rows.items():
        for name, value in row.items():
            probabilities[number, SOUNDS.index(name)] = value
    events = (Event(sound=sound, onset_s=4.0, offset_s=6.0),) if sound else ()
    outcome = Outcome(
        kind=kind, name=f"{kind} {sound} {fold}", fold=fold, sound=sound, events=events,
        seconds=chunks * 0.4 if sound else TWO_HOURS_S,
    )  # fmt: skip
    readings = Readings(
        probabilities, np.zeros(chunks, np.bool_), np.zeros((chunks, 3), np.float32)
    )
    return Recording(outcome, readings)


def heard(sound: str, probability: float, chunks: int = 6) -> dict[int, dict[str, float]]:
    return {number: {sound: probability} for number in range(10, 10 + chunks)}


def clips_and_stream(fold: int, false: float) -> list[Recording]:
    """Dogs at 0.6 and 0.9, a doorbell at 0.7, and two hours in which music barks at `false`."""
    stream = recording("stream", heard("dog_barking", false), fold=fold)
    return [
        recording("clip", heard("dog_barking", 0.6), sound="dog_barking", fold=fold),
        recording("clip", heard("dog_barking", 0.9), sound="dog_barking", fold=fold),
        recording("clip", heard("doorbell", 0.7), sound="doorbell", fold=fold),
        stream,
    ]


def test_what_is_told_falsely_a_little_lower_counts_as_well() -> None:
    told = [4.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    found = cautious(
        [
            Candidate(threshold=0.1 * number, recall=1.0, wrong=0.0, false_per_hour=false)
            for number, false in enumerate(told)
        ]
    )
    expected = [each.false_per_hour for each in found]
    assert expected[0] == 4.0
    assert expected == sorted(expected, reverse=True)
    assert 0 < expected[3] < 2.0
    assert expected[-1] == 0.0
    assert [each.threshold for each in found] == pytest.approx(0.1 * np.arange(7))


def test_a_false_alarm_within_the_budget_is_worth_a_dog() -> None:
    found = calibrate(clips_and_stream(1, 0.8), FACTS, held_out=0, budget_per_hour=0.5)
    assert found["dog_barking"] < 0.6, "half a false alarm an hour may be spent"
    assert found["music"] == 0.5, "no alert: its threshold stays"
    assert set(found) == set(SOUNDS)


def test_a_false_alarm_beyond_the_budget_costs_the_dog() -> None:
    found = calibrate(clips_and_stream(1, 0.8), FACTS, held_out=0, budget_per_hour=0.4)
    assert 0.8 < found["dog_barking"] <= 0.9
    assert found["doorbell"] < 0.7


def test_what_is_chosen_does_what_was_promised() -> None:
    recordings = clips_and_stream(1, 0.8)
    found = calibrate(recordings, FACTS, held_out=0, budget_per_hour=0.4)
    facts = ModelFacts(sounds=SOUNDS, thresholds=found, version="1")
    outcomes = [replayed(each, facts) for each in recordings]
    assert [len(each.told) for each in outcomes] == [0, 1, 1, 0]


def test_the_test_fold_is_refused() -> None:
    recordings = [*clips_and_stream(1, 0.8), *clips_and_stream(2, 0.8)]
    with pytest.raises(HeldOutError, match="of fold 2, which is for the test"):
        calibrate(recordings, FACTS, held_out=2)


def test_each_fold_gets_its_thresholds_from_the_others() -> None:
    material = Material(files=1, seconds=1.0, most_uses=1)
    folds = [
        FoldRecordings(
            key="", fold=fold, facts=FACTS, material=material, clips=(),
            scenes=tuple(clips_and_stream(fold, false)),
        )
        for fold, false in ((0, 0.8), (1, 0.0))
    ]  # fmt: skip
    by_fold, together = cross_calibrated(folds, 0.4)
    assert by_fold[0]["dog_barking"] < 0.6, "fold 1 had no false alarm"
    assert by_fold[1]["dog_barking"] > 0.8, "fold 0 had one"
    # One false alarm in four hours is within the budget.
    assert together["dog_barking"] < 0.6
    with pytest.raises(ValueError, match="one fold alone"):
        cross_calibrated(folds[:1])


def outcome(kind: str, sound: str, *told: str, synthetic: bool = False, group: str = "") -> Outcome:
    events = (Event(sound=sound, onset_s=4.0, offset_s=6.0),) if sound else ()
    return Outcome(
        kind=kind, name=sound, fold=0, seconds=1800.0, sound=sound, synthetic=synthetic,
        group=group, events=events, told=tuple(Telling(sound=each, at_s=4.8) for each in told),
    )  # fmt: skip


def test_a_candidate_is_counted_by_hand() -> None:
    trial = [
        outcome("clip", "siren", "siren"),
        outcome("clip", "siren"),
        outcome("clip", "siren", "siren", synthetic=True),
        outcome("clip", "thunder", "siren"),
        outcome("stream", "", "siren", "thunder"),
        outcome("stream", "", "siren"),
    ]
    found = candidate(trial, "siren", 0.3)
    # Real clips 1/2, of one recording, which counts 1 to 4; synthesised 1/1; told on one foreign
    # clip per three own; two an hour.
    assert found == Candidate(
        threshold=0.3, recall=0.9, wrong=pytest.approx(1 / 3), false_per_hour=2.0
    )
    assert found.worth(0.1) == pytest.approx(0.9 - 0.2 - 0.2)


def test_the_more_recordings_the_more_real_clips_count() -> None:
    trial = [
        outcome("clip", "siren", "siren", group="one"),
        outcome("clip", "siren", group="another"),
        outcome("clip", "siren", "siren", synthetic=True),
    ]
    assert candidate(trial, "siren", 0.3).recall == pytest.approx((2 * 0.5 + 4 * 1.0) / 6)
    assert candidate(trial[:2], "siren", 0.3).recall == 0.5
    assert candidate(trial[2:], "siren", 0.3).recall == 1.0


def test_of_equal_thresholds_the_middle_one_is_taken() -> None:
    trials = {at: [outcome("clip", "doorbell", "doorbell")] for at in (0.1, 0.2, 0.3, 0.4, 0.5)}
    facts = ModelFacts(sounds=("doorbell",), thresholds={"doorbell": 0.9}, version="1")
    assert chosen(trials, facts, 0.5) == {"doorbell": 0.3}


def test_candidates_reach_far() -> None:
    assert CANDIDATES[0] < 0.005
    assert CANDIDATES[-1] > 0.995
    assert list(CANDIDATES) == sorted(CANDIDATES)


def test_scenes_that_are_left_out_would_have_told_nothing() -> None:
    quiet = recording("clip", heard("dog_barking", 0.02), sound="dog_barking")
    for at, (found,) in tried([quiet], FACTS).items():
        whole = replayed(
            quiet, ModelFacts(sounds=SOUNDS, thresholds=dict.fromkeys(SOUNDS, at), version="1")
        )
        assert found.told == whole.told
        assert bool(found.told) == (at < 0.02)
