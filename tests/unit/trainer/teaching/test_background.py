"""The background is one stream of the model, is kept whole, and belongs to its model."""

from dataclasses import replace

import numpy as np
import pytest
from teaching_fixture import LogMelStatistics, everyday

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.sounds.model import SoundModel, shipped_model
from everlisten.trainer.teaching.background import (
    Background,
    build_background,
    load_background,
    save_background,
)
from everlisten.trainer.teaching.embedder import embed


@pytest.fixture
def recordings():
    return everyday(np.random.default_rng(4), recordings=6, seconds=2.7)


def test_recordings_are_heard_as_one_stream(model, recordings):
    background = build_background(model, iter(recordings))
    whole = np.concatenate(recordings)
    count = len(whole) // CHUNK_SAMPLES
    expected = embed(model, whole[: count * CHUNK_SAMPLES])
    assert np.allclose(background.embeddings, expected, atol=0.01)
    assert background.starts[0] == 0
    assert len(background.starts) == 6
    assert background.hours == pytest.approx(6 * 2.7 / 3600, rel=0.03)


def test_it_stops_at_the_limit(model, recordings):
    background = build_background(model, recordings, max_hours=8 * 0.4 / 3600)
    assert len(background.embeddings) == 8


def test_a_recording_is_never_in_two_blocks(background):
    blocks = background.blocks()
    assert len(blocks) == len(background.embeddings)
    assert blocks[-1] >= 6
    for begin, end in zip(background.starts, background.starts[1:], strict=False):
        assert len(set(blocks[begin:end])) == 1


def test_without_starts_blocks_are_minutes():
    rows = np.zeros((400, 2), np.float16)
    blocks = Background(embeddings=rows, starts=np.zeros(1, np.int64)).blocks()
    assert np.bincount(blocks).tolist() == [150, 150, 100]


def test_it_is_read_as_it_was_written(model, background, tmp_path):
    path = tmp_path / "background.npz"
    save_background(background, path)
    again = load_background(path, model)
    assert np.array_equal(again.embeddings, background.embeddings)
    assert np.array_equal(again.starts, background.starts)
    assert again.version == "statistics-1"
    assert [each.name for each in tmp_path.iterdir()] == ["background.npz"]


def test_labels_stay_with_their_recordings(model, recordings, tmp_path):
    """A recording that is too short to have a chunk has no label either."""
    labels = ["a", "too short", "b", "c", "d", "e", "f"]
    recordings.insert(1, recordings[0][:160])
    background = build_background(model, recordings, labels=labels)
    assert background.labels == ("a", "b", "c", "d", "e", "f")
    save_background(background, tmp_path / "b.npz")
    assert load_background(tmp_path / "b.npz", model).labels == background.labels
    numbers = background.recordings()
    assert numbers[background.starts].tolist() == [0, 1, 2, 3, 4, 5]
    assert (np.diff(numbers) >= 0).all()


def test_labels_of_other_recordings_are_damage(model, background, tmp_path):
    save_background(replace(background, labels=("one",)), tmp_path / "b.npz")
    with pytest.raises(ModelLoadError, match="damaged"):
        load_background(tmp_path / "b.npz", model)


@pytest.mark.parametrize("starts", [[], [1, 5], [0, 5, 5], [0, 900]])
def test_recordings_that_begin_nowhere_are_damage(model, tmp_path, starts):
    rows = np.zeros((9, 80), np.float16)
    background = Background(embeddings=rows, starts=np.array(starts, np.int64))
    save_background(background, tmp_path / "b.npz")
    with pytest.raises(ModelLoadError, match="damaged"):
        load_background(tmp_path / "b.npz", model)


def test_a_plain_file_of_embeddings_does(tmp_path):
    np.savez(tmp_path / "b.npz", embeddings=np.zeros((9, 80), np.float16), hours=0.001)
    assert load_background(tmp_path / "b.npz", LogMelStatistics()).starts.tolist() == [0]


def test_another_models_is_refused(model, background, tmp_path):
    path = tmp_path / "background.npz"
    save_background(background, path)
    with pytest.raises(ModelLoadError, match="another sound model"):
        load_background(path, LogMelStatistics(version="statistics-2"))


@pytest.mark.parametrize("content", [b"", b"PK nonsense", b"\x93NUMPY"])
def test_damage_is_named(tmp_path, content):
    path = tmp_path / "background.npz"
    with pytest.raises(ModelLoadError, match="missing"):
        load_background(path)
    path.write_bytes(content)
    with pytest.raises(ModelLoadError, match="damaged"):
        load_background(path)


def test_statistics_standardise(background):
    mean, deviation = background.statistics()
    rows = (background.embeddings.astype(np.float32) - mean) / deviation
    assert np.allclose(rows.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(rows.std(axis=0), 1, atol=1e-3)


def test_the_shipped_one_is_the_shipped_models():
    model = SoundModel()
    background = load_background(shipped_model().with_name("background.npz"), model)
    assert background.version == model.version, "make it again: docs/teaching.md"
    assert background.hours > 1
    assert len(background.starts) > 500
    _, deviation = background.statistics()
    assert np.isfinite(deviation).all()
    assert deviation.min() > 0
