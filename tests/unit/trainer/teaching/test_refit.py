"""A new sound model, or a sound of somebody else: fitted again from the kept examples."""

from dataclasses import replace

import numpy as np
import pytest
from teaching_fixture import LogMelStatistics, chime, hiss

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.counter_examples import CounterExamples
from everlisten.engine.sounds.taught import TaughtHeads
from everlisten.engine.sounds.taught_store import TaughtStore
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
    assert refit_stale(store, newer, background) == []
    (after,) = TaughtStore(store._folder).sounds()
    assert after.version == "statistics-2"
    for name in ("id", "name", "enabled", "severity", "advice", "created_at"):
        assert getattr(after, name) == getattr(before, name)
    assert recognises(after, newer)
    steps = newer.steps
    assert refit_stale(store, newer, background) == []
    assert newer.steps == steps, "what is not stale is left alone"


def test_what_cannot_be_fitted_again_is_told_and_stays(store, newer, background):
    (before,) = store.sounds()
    for number in (3, 4, 5):
        (store._folder / before.id / f"example-{number}.flac").unlink()
    (sentence,) = refit_stale(store, newer, background)
    assert sentence.startswith("'Front door' must be taught again: 2 examples given")
    assert store.sounds()[0].version == "statistics-1"


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
    refit_stale(store, newer, background, counter)

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
