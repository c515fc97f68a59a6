"""Teaching as the window does it: learn, see the estimate, save, hear it, hand it on, delete it."""

import shutil

import numpy as np
import pytest
from teaching_fixture import chime, hiss, murmur

from everlisten.app.alert_kit import AlertKit
from everlisten.app.config import AppConfig
from everlisten.app.paths import AppPaths
from everlisten.app.samples import to_window
from everlisten.app.taught_renewal import TaughtRenewal
from everlisten.app.taught_sounds import TaughtSounds
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.teaching import lesson
from everlisten.trainer.teaching.background import build_background, save_background
from everlisten.trainer.teaching.examples import TeachingError


@pytest.fixture(scope="module")
def model_file(sound_model, tmp_path_factory):
    """With the background beside it."""
    path = tmp_path_factory.mktemp("taught") / "sound.onnx"
    shutil.copy(sound_model, path)
    rng = np.random.default_rng(5)
    recordings = [make(rng, 20.0) for _ in range(6) for make in (murmur, hiss)]
    save_background(
        build_background(SoundModel(path), recordings), path.with_name("background.npz")
    )
    return path


@pytest.fixture
def kit(data_dir, config_dir, model_file):
    kit = AlertKit(AppConfig().alerts, AppPaths(data=data_dir, config=config_dir))
    kit.model_file = model_file
    return kit


@pytest.fixture
def changes():
    return []


@pytest.fixture
def taught(kit, changes):
    renewal = TaughtRenewal(kit, lambda: None)
    return TaughtSounds(kit, renewal, lambda: changes.append(True))


@pytest.fixture
def examples(rng):
    return [chime(rng) for _ in range(4)]


@pytest.fixture(autouse=True)
def few_copies(monkeypatch):
    monkeypatch.setattr(lesson, "_BUDGET_S", 0.1)


def learn(taught, examples, name="Our bell"):
    shares = []
    draft = taught.teach(name, "notice", [to_window(one) for one in examples], shares.append)
    assert shares == sorted(shares)
    return draft


def test_a_taught_sound_is_off_until_it_is_switched_on(taught, examples, changes, kit):
    draft = learn(taught, examples)
    assert draft.estimate.examples == 4
    assert 0 <= draft.estimate.found <= 4
    assert draft.estimate.background_s == pytest.approx(240.0, abs=5)
    assert taught.rows() == []
    taught.save(draft, enabled=False)
    [row] = taught.rows()
    assert (row.name, row.enabled, row.examples) == ("Our bell", False, 4)
    assert row.estimate
    assert changes == []
    assert kit.taught_command().taught.sounds == ()
    assert taught.enable(row.id, True) == ""
    assert changes == [True]
    [heard] = kit.taught_command().taught.sounds
    assert heard.id == row.id
    assert np.abs(taught.example(row.id)).max() > 0.05


def test_it_is_renamed_handed_on_and_deleted(taught, examples, tmp_path):
    taught.save(learn(taught, examples), enabled=True)
    [row] = taught.rows()
    assert taught.rename(row.id, "The other bell") == ""
    assert "name" in taught.rename(row.id, "")
    file = tmp_path / "bell.everlisten-sound"
    assert taught.export(row.id, file) == ""
    assert taught.delete(row.id) == ""
    assert not taught.knows(row.id)
    assert taught.delete(row.id) != ""
    assert taught.import_file(file) == ""
    [again] = taught.rows()
    assert (again.name, again.enabled) == ("The other bell", False)
    file.write_bytes(b"something else")
    assert "bell.everlisten-sound" in taught.import_file(file)


def test_what_cannot_be_learned_is_one_sentence(taught, examples):
    with pytest.raises(TeachingError, match="3 to 50"):
        learn(taught, examples[:2])
    draft = learn(taught, examples)
    taught.discard(draft)
    with pytest.raises(EngineError, match="teach the sound again"):
        taught.save(draft, enabled=True)


def test_without_the_background_nothing_is_taught(kit, taught, examples, sound_model):
    kit.model_file = sound_model
    with pytest.raises(EngineError, match="missing"):
        learn(taught, examples)


def test_a_stopped_lesson_leaves_nothing(taught, examples):
    def stop(share):
        raise EngineError("Stopped.")

    with pytest.raises(EngineError, match="Stopped"):
        taught.teach("Our bell", "notice", [to_window(one) for one in examples], stop)
    assert taught.rows() == []


def test_deleting_a_sound_forgets_what_was_not_it(taught, examples, kit):
    draft = learn(taught, examples)
    taught.save(draft, enabled=True)
    counter = kit.counter_examples()
    assert counter is not None
    counter.add(draft.id, examples[0], np.ones((3, kit.model().embedding_width), np.float32))
    assert draft.id in counter.sounds()
    assert taught.delete(draft.id) == ""
    assert draft.id not in counter.sounds()


def test_doubts_about_a_sound_are_told_before_it_is_switched_on(taught, rng):
    """Noises that resemble each other no more than they resemble the room."""
    draft = learn(taught, [hiss(rng, 3.0) for _ in range(3)], "Anything")
    assert draft.estimate.warnings
    assert all(warning in draft.estimate.words for warning in draft.estimate.warnings)
