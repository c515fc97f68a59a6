""" "Not this sound" raises the bar for what is like it, for that sound alone, and only so far."""

import os

import numpy as np
import pytest
from taught_fixture import make_examples

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.counter_examples import (
    HIGHEST_PENALTY,
    MAX_PER_SOUND,
    CounterExamples,
)

WIDTH = 64
MEAN = np.linspace(-3, 3, WIDTH).astype(np.float32)
DEVIATION = np.linspace(0.1, 5, WIDTH).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sounds" / "not-this"


def opened(folder, version="model-1"):
    return CounterExamples(folder, MEAN, DEVIATION, version)


@pytest.fixture
def counter(folder):
    return opened(folder)


def rows(rng, count):
    """As the model would give them: of any mean and deviation."""
    return (MEAN + DEVIATION * rng.standard_normal((count, WIDTH))).astype(np.float32)


def near(rng, row, share):
    """What differs from `row` by so much of its deviation."""
    return (row + share * DEVIATION * rng.standard_normal(WIDTH)).astype(np.float32)


@pytest.fixture
def toast(rng, counter):
    embeddings = rows(rng, 4)
    counter.add("smoke_alarm", make_examples(rng)[0], embeddings)
    return embeddings


def test_the_bar_is_raised_for_what_is_like_it(rng, counter, toast):
    assert counter.penalty("smoke_alarm", toast[2]) == pytest.approx(HIGHEST_PENALTY)
    assert counter.penalty("smoke_alarm", near(rng, toast[2], 0.2)) > 0.9 * HIGHEST_PENALTY
    assert counter.penalty("smoke_alarm", rows(rng, 1)[0]) == 0


def test_only_for_that_sound(counter, toast):
    assert counter.penalty("siren", toast[2]) == 0


def test_it_falls_with_the_distance_and_never_leaves_its_range(rng, counter, toast):
    steps = [
        np.mean([counter.penalty("smoke_alarm", near(rng, toast[0], far)) for _ in range(40)])
        for far in (0.0, 0.3, 0.7, 1.2, 3.0)
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == 0
    assert max(steps) <= HIGHEST_PENALTY


def test_a_sound_of_which_the_model_is_sure_gets_through():
    """0.96 stays above one half."""
    assert 1 / (1 + np.exp(-(np.log(0.96 / 0.04) - HIGHEST_PENALTY))) > 0.5


def test_it_is_remembered(rng, folder, counter, toast):
    again = opened(folder)
    assert again.sounds() == {"smoke_alarm": 1}
    assert again.penalty("smoke_alarm", toast[0]) == pytest.approx(HIGHEST_PENALTY)
    assert np.allclose(again.embeddings("smoke_alarm")[0], toast)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_it_is_for_the_user_alone(folder, toast):
    files = list((folder / "smoke_alarm").iterdir())
    assert sorted(path.suffix for path in files) == [".flac", ".npz"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


def test_the_fifty_newest_are_kept(rng, folder, counter, monkeypatch):
    clip = make_examples(rng)[0][:800]
    every = [rows(rng, 1) for _ in range(MAX_PER_SOUND + 3)]
    for embeddings in every:
        counter.add("siren", clip, embeddings)
    for each in (counter, opened(folder)):
        assert each.sounds() == {"siren": MAX_PER_SOUND}
        penalties = [each.penalty("siren", embeddings[0]) for embeddings in every]
        assert penalties[:3] == [0, 0, 0]
        assert min(penalties[3:]) == pytest.approx(HIGHEST_PENALTY)
    assert len(list((folder / "siren").iterdir())) == 2 * MAX_PER_SOUND


def test_one_sound_or_all_are_forgotten(rng, folder, counter, toast):
    counter.add("siren", make_examples(rng)[0], toast)
    counter.forget("smoke_alarm")
    assert counter.sounds() == {"siren": 1}
    assert counter.penalty("smoke_alarm", toast[0]) == 0
    assert counter.penalty("siren", toast[0]) > 0
    counter.forget()
    assert counter.sounds() == {}
    assert counter.penalty("siren", toast[0]) == 0
    assert not folder.exists()
    counter.forget("siren")  # nothing there


def test_those_of_another_model_rest_until_they_are_embedded_again(rng, folder, toast):
    newer = opened(folder, "model-2")
    assert newer.penalty("smoke_alarm", toast[0]) == 0
    assert newer.embeddings("smoke_alarm") == []
    fresh = rows(rng, 2)
    assert (newer.outdated(), opened(folder).outdated()) == (1, 0)
    assert newer.embed_again(lambda sound, samples: fresh) == 1
    assert newer.penalty("smoke_alarm", fresh[1]) == pytest.approx(HIGHEST_PENALTY)
    assert newer.embed_again(lambda sound, samples: fresh) == 0
    assert opened(folder, "model-2").penalty("smoke_alarm", fresh[1]) > 0


def test_stopped_in_the_middle_what_is_done_stays_done(rng, folder, counter, toast):
    counter.add("smoke_alarm", make_examples(rng)[0], toast)
    newer = opened(folder, "model-2")
    answers = iter([rows(rng, 2)])
    with pytest.raises(StopIteration):
        newer.embed_again(lambda sound, samples: next(answers))
    again = opened(folder, "model-2")
    assert (again.outdated(), again.sounds()) == (1, {"smoke_alarm": 2})
    assert again.embed_again(lambda sound, samples: rows(rng, 2)) == 1
    assert len(list((folder / "smoke_alarm").iterdir())) == 4


def test_one_that_is_forgotten_meanwhile_stays_forgotten(rng, folder, toast):
    newer = opened(folder, "model-2")

    def forget(sound, samples):
        newer.forget(sound)
        return rows(rng, 2)

    newer.embed_again(forget)
    assert newer.sounds() == {}
    assert newer.penalty("smoke_alarm", toast[0]) == 0
    assert not (folder / "smoke_alarm").exists()


def test_damage_is_passed_over(folder, toast):
    (path,) = (folder / "smoke_alarm").glob("*.npz")
    path.write_bytes(b"PK")
    assert opened(folder).penalty("smoke_alarm", toast[0]) == 0


def test_no_name_leads_out_of_the_folder(rng, counter, toast):
    for name in ("../x", "a/b", "", ".hidden", "a" * 80):
        with pytest.raises(EngineError, match="no id"):
            counter.add(name, make_examples(rng)[0], toast)


def test_a_full_disk_is_told(rng, counter, toast, monkeypatch):
    from everlisten.engine.sounds import counter_examples

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(counter_examples, "write_file", full)
    with pytest.raises(EngineError, match="No space left"):
        counter.add("siren", make_examples(rng)[0], toast)
