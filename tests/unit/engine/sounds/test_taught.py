"""Heads of taught sounds: what they compute, from when on, and for which model."""

import time
from dataclasses import replace

import numpy as np
import pytest
from taught_fixture import make_sound

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.taught import Estimate, TaughtHeads, new_id, pooled


@pytest.fixture
def sounds(rng):
    return [
        make_sound(rng, name=f"Sound {number}", span=span, enabled=True)
        for number, span in enumerate((1, 3, 6, 3))
    ]


def by_hand(sound, history):
    recent = history[-sound.span :].astype(np.float64)
    feature = np.concatenate((recent.mean(axis=0), recent.max(axis=0)))
    return 1 / (1 + np.exp(-(sound.weights @ feature + sound.bias)))


def test_step_by_step_is_what_the_definition_says(rng, sounds):
    heads = TaughtHeads(sounds)
    state = heads.new_state()
    history = rng.standard_normal((20, 8)).astype(np.float32)
    for count in range(1, 21):
        found = heads.step(history[count - 1], state)
        assert found.keys() == {sound.id for sound in sounds}
        for sound in sounds:
            assert found[sound.id] == pytest.approx(by_hand(sound, history[:count]), abs=1e-5)


def test_a_whole_history_gives_the_same(rng, sounds):
    heads = TaughtHeads(sounds)
    state = heads.new_state()
    history = rng.standard_normal((9, 8)).astype(np.float32)
    steps = [heads.step(row, state) for row in history]
    assert heads.probabilities(history) == pytest.approx(steps[-1])


def test_pooled_is_what_the_heads_look_at(rng):
    history = rng.standard_normal((12, 8)).astype(np.float32)
    for span in (1, 3, 6, 20):
        features = pooled(history, span)
        for end in range(1, 13):
            recent = history[max(end - span, 0) : end]
            expected = np.concatenate((recent.mean(axis=0), recent.max(axis=0)))
            assert np.allclose(features[end - 1], expected, atol=1e-5)


def test_reset_equals_fresh(rng, sounds):
    heads = TaughtHeads(sounds)
    history = rng.standard_normal((15, 8)).astype(np.float32)
    used, fresh = heads.new_state(), heads.new_state()
    for row in history:
        heads.step(row, used)
    heads.reset(used)
    for row in history[::-1]:
        assert heads.step(row, used) == heads.step(row, fresh)


def test_what_is_off_or_another_models_is_not_heard(rng):
    on, off = make_sound(rng, enabled=True), make_sound(rng, enabled=False)
    old = make_sound(rng, enabled=True, version="before")
    narrow = replace(
        make_sound(rng, enabled=True), weights=np.ones(4, np.float32)
    )  # what a forged file may say
    heads = TaughtHeads([old, off, on, narrow], version="model-1", width=8)
    assert [sound.id for sound in heads.sounds] == [on.id]
    assert heads.stale == (old.id, narrow.id)
    assert dict(heads.thresholds) == {on.id: on.threshold}
    assert heads.step(np.zeros(8, np.float32), heads.new_state()).keys() == {on.id}


def test_nothing_taught_costs_nothing():
    heads = TaughtHeads([])
    assert heads.step(np.zeros(8, np.float32), heads.new_state()) == {}


def test_twenty_sounds_take_less_than_a_millisecond(rng):
    sounds = [
        make_sound(rng, width=512, span=int(rng.choice([3, 6])), enabled=True) for _ in range(20)
    ]
    heads = TaughtHeads(sounds)
    state = heads.new_state()
    rows = rng.standard_normal((200, 512)).astype(np.float32)
    took_s = []
    for row in rows:
        began_s = time.perf_counter()
        heads.step(row, state)
        took_s.append(time.perf_counter() - began_s)
    assert np.median(took_s) < 1e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": " "}, "Give the sound a name"),
        ({"name": "x" * 61}, "at most 60"),
        ({"name": "a\nb"}, "one line"),
        ({"severity": "fatal"}, "none of emergency, warning, notice"),
        ({"advice": "x" * 401}, "401 characters"),
        ({"id": "../../etc"}, "no id"),
        ({"weights": np.array([np.nan, 1], np.float32)}, "damaged weights"),
        ({"weights": np.ones(3, np.float32)}, "damaged weights"),
        ({"bias": float("inf")}, "damaged weights"),
        ({"span": 0}, "span of 0"),
        ({"threshold": 1.0}, "threshold of 1"),
    ],
)
def test_nonsense_is_refused(rng, change, said):
    with pytest.raises(EngineError, match=said):
        replace(make_sound(rng), **change)


def test_ids_are_those_of_taught_sounds():
    ids = {new_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(each.startswith("taught-") and len(each) == 15 for each in ids)


def test_the_estimate_in_words():
    estimate = Estimate(
        trials=4,
        recognised=3,
        recall=0.876,
        false_alarms=1,
        background_hours=2.0,
        warnings=("Hm.",),
    )
    assert estimate.false_alarms_per_hour == 0.5
    assert estimate.sentence == (
        "Each of the 4 examples was left out of the learning in turn: 3 of them were recognised,"
        " and 88% of their copies with noise and from another room. In 2.0 hours of other sounds"
        " there was 1 false alarm (0.5 an hour). Hm."
    )
