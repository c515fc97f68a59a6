"""A new sound model, or a sound of somebody else: fitted again from the kept examples."""

from dataclasses import replace

import numpy as np
import pytest
from teaching_fixture import LogMelStatistics, chime, hiss

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.counter_examples import CounterExamples
from everlisten.engine.sounds.taught import Estimate, TaughtHeads
from everlisten.engine.sounds.taught_store import TaughtStore
from everlisten.trainer.teaching.doubts import decline
from everlisten.trainer.teaching.embedder import embed
from everlisten.trainer.teaching.refit import import_sound, refit, refit_stale, sounding

pytestmark = pytest.mark.usefixtures("few_copies")


@pytest.fixture
def newer():
    return LogMelStatistics(version="statistics-2")


@pytest.fixture
def store(tmp_path, taught, chimes):
    store = TaughtStore(tmp_path / "taught")
    store.save(replace(taught, enabled=True, severity="warning", advice="Open."), chimes)
    return store


def recognises(sound, model):
    heads = TaughtHeads([replace(sound, enabled=True)])
    state = heads.new_state()
    rows = embed(model, chime(np.random.default_rng(91)))
    return max(heads.step(row, state)[sound.id] for row in rows) >= sound.threshold


def test_stale_sounds_are_fitted_again_and_stay_what_they_were(store, newer, background):
    (before,) = store.sounds()
    assert TaughtHeads(store.sounds(), version=newer.version, width=80).stale == (before.id,)
    [(renewed, problem)] = refit_stale(store, newer, background)
    assert (renewed.id, problem) == (before.id, "")
    (after,) = TaughtStore(store._folder).sounds()
    assert after.version == "statistics-2"
    for name in ("id", "name", "enabled", "severity", "advice", "created_at"):
        assert getattr(after, name) == getattr(before, name)
    assert recognises(after, newer)
    steps = newer.steps
    assert list(refit_stale(store, newer, background)) == []
    assert newer.steps == steps, "what is not stale is left alone"


def test_what_cannot_be_fitted_again_is_told_and_stays(store, newer, background):
    (before,) = store.sounds()
    for number in (3, 4, 5):
        (store._folder / before.id / f"example-{number}.flac").unlink()
    [(sound, sentence)] = refit_stale(store, newer, background)
    assert sound.id == before.id
    assert sentence.startswith("2 examples given")
    assert store.sounds()[0].version == "statistics-1"


def test_the_examples_stay_what_they_were(store, newer, background):
    """They are the same files, not read and written again."""
    (sound,) = store.sounds()

    def files():
        return {path.name: path.read_bytes() for path in (store._folder / sound.id).glob("*.flac")}

    before = files()
    assert len(before) == 5
    assert [problem for _, problem in refit_stale(store, newer, background)] == [""]
    assert files() == before


def test_what_the_user_does_meanwhile_holds(store, newer, background):
    (sound,) = store.sounds()

    def change(share):
        if store.get(sound.id).enabled:
            store.rename(sound.id, "Back door")
            store.tell(sound.id, "emergency", "Run.")
            store.enable(sound.id, False)

    [(after, problem)] = refit_stale(store, newer, background, progress=change)
    assert (after.name, after.severity, after.advice) == ("Back door", "emergency", "Run.")
    assert (after.enabled, after.version, problem) == (False, "statistics-2", "")


def test_a_sound_that_is_deleted_meanwhile_stays_deleted(store, newer, background):
    (sound,) = store.sounds()

    def delete(share):
        if store.sounds():
            store.delete(sound.id)

    [(_, problem)] = refit_stale(store, newer, background, progress=delete)
    assert "no taught sound" in problem
    assert TaughtStore(store._folder).sounds() == []


class Stopped(Exception):
    """The program ends."""


def test_stopped_in_the_middle_the_old_fit_stays(store, newer, background):
    (before,) = store.sounds()
    shares = []

    def stop(share):
        shares.append(share)
        if share > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        list(refit_stale(store, newer, background, progress=stop))
    assert len(shares) > 5
    (after,) = TaughtStore(store._folder).sounds()
    assert (after.version, after.bias) == ("statistics-1", before.bias)
    assert len(store.examples(after.id)) == 5


def test_much_worse_than_before_is_said(store, background):
    """The new model hears nothing but how loud it is."""

    class Deaf(LogMelStatistics):
        def step(self, samples, state, /):
            heard = super().step(samples, state)
            heard.embedding[1:] = 0
            return heard

    [(after, problem)] = refit_stale(store, Deaf(version="deaf"), background_of_deaf(background))
    assert problem == ""
    assert after.enabled
    assert after.estimate.warnings[0].startswith("With this sound model it is missed more often")
    assert after.estimate.warnings[0] in TaughtStore(store._folder).get(after.id).estimate.sentence


def background_of_deaf(background):
    embeddings = background.embeddings.copy()
    embeddings[:, 1:] = 0
    return replace(background, embeddings=embeddings, version="deaf")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, ""),
        ({"recall": 0.55}, ""),
        ({"recall": 0.45}, "missed more often than before (80% recognised then, 45% now)"),
        ({"recognised": 1}, "missed more often"),
        ({"recognised": 2}, "missed more often"),
        ({"false_alarms": 2}, ""),
        ({"false_alarms": 3}, "(1.0 times an hour then, 3.0 now)"),
    ],
)
def test_what_counts_as_much_worse(now, told):
    before = Estimate(trials=5, recognised=5, recall=0.8, false_alarms=1, background_hours=1.0)
    sentence = decline(before, replace(before, **now))
    assert told in sentence
    assert bool(told) == bool(sentence)
    assert decline(replace(before, **now), before) == "", "better is not worse"


def test_what_was_hardly_known_before_is_no_decline():
    poor = Estimate(trials=4, recognised=2, recall=0.5, false_alarms=9, background_hours=1.0)
    assert decline(poor, replace(poor, recall=0.4, false_alarms=12)) == ""
    assert decline(poor, replace(poor, recognised=1)) != ""


def test_counter_examples_of_the_sound_count(store, newer, background, tmp_path):
    """What was said not to be it is less like it afterwards."""
    rng = np.random.default_rng(92)
    like = chime(rng, pitch_hz=800)
    mean, deviation = background.statistics()
    counter = CounterExamples(tmp_path / "not-this", mean, deviation, newer.version)
    (sound,) = store.sounds()
    examples = store.examples(sound.id)
    plain = refit(sound, examples, newer, background, others=[sound])
    for _ in range(3):
        clip = chime(rng, pitch_hz=800)
        counter.add(sound.id, clip, sounding(newer, clip))
    assert [problem for _, problem in refit_stale(store, newer, background, counter)] == [""]

    def peak(one):
        heads = TaughtHeads([replace(one, enabled=True)])
        state = heads.new_state()
        return max(heads.step(row, state)[one.id] for row in embed(newer, like))

    assert peak(store.get(sound.id)) < peak(plain)
    assert recognises(store.get(sound.id), newer)


def test_an_imported_sound_of_another_model_is_fitted_at_once(
    store, newer, model, background, tmp_path
):
    (sound,) = store.sounds()
    path = store.export(sound.id, tmp_path / "door")
    friend = TaughtStore(tmp_path / "friend")
    taken = import_sound(friend, path, newer, background)
    assert (taken.version, taken.enabled) == ("statistics-2", False)
    assert recognises(taken, newer)
    steps = model.steps
    same = import_sound(TaughtStore(tmp_path / "other"), path, model, background)
    assert same.version == "statistics-1"
    assert model.steps == steps, "the same model needs no fitting"


def test_an_import_whose_examples_do_not_do_leaves_nothing(store, newer, background, tmp_path):
    (sound,) = store.sounds()
    clips = [np.zeros(16_000, np.float32)] * 3
    store.save(sound, clips)
    path = store.export(sound.id, tmp_path / "door")
    friend = TaughtStore(tmp_path / "friend")
    with pytest.raises(EngineError, match="Example 1 is silent"):
        import_sound(friend, path, newer, background)
    assert friend.sounds() == []


def test_of_a_clip_only_the_sounding_chunks_count(model):
    rng = np.random.default_rng(93)
    clip = hiss(rng, 10.0) * 1e-3
    clip[5 * 16_000 : 5 * 16_000 + 25_600] += chime(rng)[:25_600]
    rows = sounding(model, clip)
    assert 3 <= len(rows) <= 6
    everything = embed(model, clip)
    assert all((np.abs(everything - row).max(axis=1) < 1e-6).any() for row in rows)
    assert len(sounding(model, np.zeros(100, np.float32))) == 1
