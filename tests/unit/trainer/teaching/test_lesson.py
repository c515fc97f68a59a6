"""A sound is learnt from a few examples, told from others, and measured without flattery."""

from dataclasses import replace

import numpy as np
import pytest
from teaching_fixture import LogMelStatistics, chime, everyday, hiss, knocks, murmur

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.taught import TaughtHeads
from everlisten.trainer.teaching.embedder import embed
from everlisten.trainer.teaching.lesson import teach

pytestmark = pytest.mark.usefixtures("few_copies")


def peak(sound, model, samples):
    """The highest probability while a stream hears it, a second of room on both sides."""
    room = np.random.default_rng(0).standard_normal((2, 16_000)).astype(np.float32) * 1e-3
    heads = TaughtHeads([replace(sound, enabled=True)])
    state = heads.new_state()
    stream = np.concatenate((room[0], samples, room[1]))
    return max(heads.step(row, state)[sound.id] for row in embed(model, stream))


def test_it_is_recognised_when_it_is_heard_again(taught, model):
    rng = np.random.default_rng(77)
    heard = [peak(taught, model, chime(rng)) for _ in range(12)]
    assert np.mean(np.array(heard) >= taught.threshold) >= 0.9


def test_it_is_recognised_quietly_under_noise(taught, model):
    rng = np.random.default_rng(78)
    heard = []
    for _ in range(12):
        sound = chime(rng, level=0.1)
        heard.append(peak(taught, model, sound + hiss(rng, 1.6) * 0.02))
    assert np.mean(np.array(heard) >= taught.threshold) >= 0.8


def test_other_sounds_are_not_taken_for_it(taught, model):
    rng = np.random.default_rng(79)
    others = everyday(rng, recordings=12)
    assert sum(peak(taught, model, other) >= taught.threshold for other in others) <= 1


def test_another_chime_is_told_from_it_when_it_was_taught_too(taught, model, background):
    rng = np.random.default_rng(80)
    low = [chime(rng, pitch_hz=450) for _ in range(4)]
    before = [peak(taught, model, one) for one in low]
    named = teach(low, "Back door", model, background, others=[taught])
    assert np.mean([peak(named, model, chime(rng, pitch_hz=450)) >= 0.5 for _ in range(8)]) >= 0.75
    assert np.mean([peak(named, model, chime(rng)) for _ in range(8)]) < max(0.5, np.mean(before))


def test_counter_examples_lower_it(model, background, chimes):
    rng = np.random.default_rng(81)
    near = [chime(rng, pitch_hz=700) for _ in range(4)]
    plain = teach(chimes[:4], "Bell", model, background)
    counter = [embed(model, one) for one in near[:3]]
    wiser = teach(chimes[:4], "Bell", model, background, counter)
    assert peak(wiser, model, near[3]) < peak(plain, model, near[3])
    assert peak(wiser, model, chime(rng)) >= 0.5


def test_the_estimate_is_near_the_truth_and_says_how_little_it_rests_on(taught, model, background):
    estimate = taught.estimate
    rng = np.random.default_rng(82)
    true = np.mean([peak(taught, model, chime(rng)) >= 0.5 for _ in range(12)])
    assert estimate.trials == taught.examples == 5
    assert abs(estimate.recognised / estimate.trials - true) <= 0.25
    assert estimate.background_hours == pytest.approx(background.hours)
    assert estimate.false_alarms_per_hour <= 16  # two in these minutes
    assert "5 examples" in estimate.sentence
    assert "0.1 hours" in estimate.sentence


def test_it_waits_until_the_estimate_was_seen(taught):
    assert not taught.enabled
    assert taught.version == "statistics-1"
    assert taught.weights.dtype == np.float32
    assert 0 < taught.threshold < 1


def test_teaching_twice_gives_the_same_head(taught, model, background, chimes, monkeypatch):
    first, second = (teach(chimes[:3], "A", model, background) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert (first.bias, first.estimate) == (second.bias, second.estimate)


def test_examples_that_do_not_resemble_each_other_are_warned_of(model, background):
    rng = np.random.default_rng(83)
    mixed = [chime(rng, pitch_hz=1500), hiss(rng, 2.0), knocks(rng, 2.0), murmur(rng, 2.0)]
    estimate = teach(mixed, "Anything", model, background).estimate
    assert estimate.recall < 0.6
    assert "do not resemble each other" in estimate.warnings[0]
    assert estimate.warnings[0] in estimate.sentence


def test_what_sounds_like_speech_is_warned_of(model, background):
    rng = np.random.default_rng(84)
    words = [murmur(rng, 2.0) for _ in range(4)]
    estimate = teach(words, "A word", model, background).estimate
    assert "too similar to everyday sounds" in estimate.warnings[0]


def test_few_examples_are_called_a_rough_estimate(model, background, chimes):
    assert "rough" in teach(chimes[:3], "A", model, background).estimate.sentence


def test_the_name_must_be_free(taught, model, background, chimes):
    with pytest.raises(EngineError, match="another name"):
        teach(chimes, " front DOOR ", model, background, others=[taught])
    with pytest.raises(EngineError, match="Give the sound a name"):
        teach(chimes, "  ", model, background)


def test_progress_is_told_and_can_stop_it(model, background, chimes):
    shares = []
    teach(chimes[:3], "A", model, background, progress=shares.append)
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] <= 1

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(chimes[:3], "A", model, background, progress=stop)


def test_a_slow_model_hears_fewer_copies(model, background, chimes, monkeypatch):
    from everlisten.trainer.teaching import lesson

    monkeypatch.setattr(lesson, "_BUDGET_S", 0.0)
    monkeypatch.setattr(lesson, "_MOST_COPIES", 16)
    slow = LogMelStatistics()
    lesson.teach(chimes[:3], "A", slow, background)
    per_copy = 4 + 2 + 1 + 1.6 * 16_000 / CHUNK_SAMPLES
    assert slow.steps < 3 * (1 + lesson._FEWEST_COPIES) * (per_copy + 4)
