"""ESC-10: the model's own outputs and a probe on its embeddings, by official folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sound_fixture import write_sound_model

from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds import esc10
from everlisten.trainer.sounds.corpus import read_corpus
from everlisten.trainer.sounds.esc10 import CLASSES, ClipReading, Esc10Counts, counts_of, pooled


def test_whole_official_folds_are_used(shared: Path) -> None:
    clips = esc10.clips_of(read_corpus(shared / "data"))
    assert len(clips) == 320
    assert {clip.official_fold for clip in clips} == {1, 2, 3, 5}
    for clip in clips:
        assert clip.sound == esc10.SOUND_OF_CLASS[clip.label]
    assert len(set(esc10.SOUND_OF_CLASS.values())) == 10


def test_a_clip_is_heard_dry_and_alone(shared: Path, tmp_path: Path) -> None:
    model = SoundModel(write_sound_model(tmp_path / "tiny.onnx"))
    clip = esc10.clips_of(read_corpus(shared / "data"))[0]
    reading = esc10.clip_reading(model, clip)
    assert reading.label == CLASSES.index(clip.label)
    assert reading.features.shape == (3 * model.embedding_width,)
    assert (reading.mean <= reading.most + 1e-6).all()
    assert reading.most[CLASSES.index("rain")] == 0.0, "a sound that the model does not know"


def reading(label: int, fold: int, features: list[float], guess: int, peak: int) -> ClipReading:
    mean, most = np.zeros(10, np.float32), np.zeros(10, np.float32)
    mean[guess], most[peak] = 1.0, 1.0
    return ClipReading(label, fold, mean, most, np.array(features, np.float32))


def test_counts_by_hand() -> None:
    rng = np.random.default_rng(1)
    train = [
        reading(label, fold, [10.0 * label + noise, -noise], 0, 0)
        for label in range(3)
        for fold in (1, 2)
        for noise in rng.uniform(-1, 1, 8)
    ]
    test = [
        reading(0, 3, [0.3, 0.0], 0, 0),
        reading(1, 3, [10.2, 0.0], 1, 2),
        reading(2, 3, [19.9, 0.0], 1, 2),
        reading(2, 3, [0.1, 0.0], 2, 0),  # looks like class 0
    ]
    found = counts_of([*train, *test], 3)
    assert found == Esc10Counts(clips=4, by_mean=3, by_most=2, by_probe=3)
    assert counts_of(train, 4) == Esc10Counts(), "there is no such fold"
    both = pooled([found, found, Esc10Counts()])
    assert (both.clips, both.by_mean, both.by_most, both.by_probe) == (8, 6, 4, 6)


def test_the_probe_learns_what_is_no_line_of_one_feature() -> None:
    rng = np.random.default_rng(2)
    features = rng.standard_normal((640, 20)).astype(np.float32)
    labels = np.argmax(features[:, :4] + 0.5 * features[:, 4:8], axis=1)
    probe = esc10.fit(features[:600], labels[:600])
    assert (probe.classes(features[600:]) == labels[600:]).mean() > 0.8
    assert np.array_equal(esc10.fit(features, labels).weights, esc10.fit(features, labels).weights)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    features = np.array([[0.0, 5.0], [1.0, 5.0]] * 5, np.float32)
    probe = esc10.fit(features, np.array([0, 1] * 5))
    assert probe.classes(features).tolist() == [0, 1] * 5
    assert np.isfinite(probe.weights).all()


@pytest.mark.parametrize("label", CLASSES)
def test_classes_are_in_the_order_of_their_names(label: str) -> None:
    assert sorted(CLASSES).index(label) == CLASSES.index(label)
