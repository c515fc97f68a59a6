"""The estimate never judges what it learnt from, nor with a threshold that was chosen with it."""

import numpy as np
import pytest

from everlisten.trainer.teaching import evidence as evidence_module
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.evidence import HeardCopy, gather
from everlisten.trainer.teaching.measure import (
    Scores,
    alarm_count,
    held_out_scores,
    measured,
    threshold_of,
)

HOUR_CHUNKS = 9000


def scores(peaks, background):
    peaks = np.array(peaks, np.float32)
    return Scores(
        peaks=peaks.reshape(-1),
        example=np.repeat(np.arange(len(peaks)), peaks.shape[1]),
        plain=np.tile([True] + [False] * (peaks.shape[1] - 1), len(peaks)),
        background=background,
        half=np.arange(len(background)) // 150 % 2 == 1,
        relative=np.zeros(len(background), np.bool_),
    )


@pytest.fixture
def hour():
    """Logits of an hour that stay below 0."""
    return -np.abs(np.random.default_rng(0).standard_normal(HOUR_CHUNKS)).astype(np.float32) - 0.1


def test_alarms_within_ten_seconds_are_one(hour):
    hour[[100, 101, 110]] = 5
    assert alarm_count(hour, 4) == 1
    hour[[200, 4000]] = 5
    assert alarm_count(hour, 4) == 3
    assert alarm_count(np.full(HOUR_CHUNKS, 5.0, np.float32), 4) == 360


def test_the_threshold_bears_one_alarm_an_hour(hour):
    hour[[1000, 2000, 3000]] = [7, 8, 9]
    limit = threshold_of(np.array([2.0, 3.0], np.float32), hour)
    assert alarm_count(hour, limit) == 1
    assert 8 < limit < 8.01


def test_with_less_than_an_hour_it_bears_none(hour):
    hour[1000] = 7
    assert alarm_count(hour[:5000], threshold_of(np.array([2.0]), hour[:5000])) == 0


def test_clear_sounds_leave_room_on_both_sides(hour):
    limit = threshold_of(np.array([10.0, 11.0, 12.0], np.float32), hour)
    assert hour.max() + 2 < limit < 8


def test_an_example_is_held_against_the_threshold_of_the_others(hour):
    """The weak one would be above the threshold that it draws down itself."""
    result = measured(scores([[20.0, 20.0], [20.0, 20.0], [20.0, 20.0], [4.0, 4.0]], hour))
    assert (result.trials, result.recognised) == (4, 3)
    assert result.recall == pytest.approx(0.75)


def test_false_alarms_of_a_half_are_counted_at_the_other_ones_threshold(hour):
    hour[150:300:60] = [7, 7.5, 8]  # all in one half, where their own threshold would hide two
    result = measured(scores([[2.0, 2.0], [2.0, 2.0], [2.0, 2.0]], hour))
    assert result.false_alarms == 3


def blob(rng, centre, rows):
    return (rng.standard_normal((rows, 4)) + centre).astype(np.float32)


def made_up(rng, centres):
    copies = [
        HeardCopy(
            example=number,
            embeddings=np.concatenate((blob(rng, 0, 3), blob(rng, centre, 4))),
            active=np.arange(7) >= 3,
            plain=turn == 0,
        )
        for number, centre in enumerate(centres)
        for turn in range(3)
    ]
    background = Background(
        embeddings=blob(rng, 0, 3000).astype(np.float16), starts=np.arange(0, 3000, 30)
    )
    return gather(copies, background, [], span=3), np.array([copy.plain for copy in copies])


def test_examples_that_share_nothing_are_not_recognised():
    """Each is far from the background, so a head that had seen it would know it at once."""
    centres = 6 * np.eye(4) - 2
    held_out = measured(held_out_scores(*made_up(np.random.default_rng(1), centres)))
    alike = measured(held_out_scores(*made_up(np.random.default_rng(1), centres[[0, 0, 0, 0]])))
    assert held_out.recognised == 0
    assert alike.recognised == 4


def test_what_is_judged_was_never_learnt_from(monkeypatch):
    evidence, plain = made_up(np.random.default_rng(2), np.full((3, 1), 4.0))
    left_out = []
    fit = evidence_module.fit_logistic

    def spy(rows, labels, weights, ridge):
        left_out.append(weights == 0)
        return fit(rows, labels, weights, ridge)

    monkeypatch.setattr(evidence_module, "fit_logistic", spy)
    held_out_scores(evidence, plain)
    assert len(left_out) == 3 + 2
    for example in range(3):
        assert left_out[example][evidence.example == example].all()
        assert not left_out[example][(evidence.example != example) & evidence.label].any()
    halves = left_out[3][evidence.background], left_out[4][evidence.background]
    assert (halves[0] ^ halves[1]).all()


def test_short_sounds_have_windows_too():
    """One chunk of sound among silence is learnt from, whatever the span."""
    rng = np.random.default_rng(3)
    active = np.zeros(8, np.bool_)
    active[[1, 6]] = True
    copy = HeardCopy(example=0, embeddings=blob(rng, 0, 8), active=active, plain=True)
    background = Background(
        embeddings=blob(rng, 0, 400).astype(np.float16), starts=np.zeros(1, np.int64)
    )
    evidence = gather([copy], background, [blob(rng, 9, 5)], span=3)
    assert evidence.label[:8].tolist() == [False, True, True, True, False, False, True, True]
    assert evidence.weight[evidence.label].sum() == pytest.approx(1)
    assert evidence.rows[evidence.background, :-1].mean() == pytest.approx(0, abs=1e-4)
