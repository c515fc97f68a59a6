"""The corpus: every label has a sound, no recording is on two sides, events are where they are."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.trainer.sounds.activity import active
from everlisten.trainer.sounds.corpus import Corpus, CorpusError, read_audio, read_corpus
from everlisten.trainer.sounds.folds import FOLDS, Source, groups_of, recording_of
from everlisten.trainer.sounds.labels import (
    ALERT_SOUNDS,
    CONTINUOUS,
    SOUNDS,
    UnknownLabelError,
    sound_of,
    unsure_of,
)

ESC_10_CLASSES = 10


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Corpus:
    return read_corpus(shared / "data")


def test_no_recording_is_in_two_folds(corpus: Corpus) -> None:
    folds: dict[str, set[int]] = defaultdict(set)
    for clip in corpus.clips:
        folds[clip.source_group].add(clip.fold)
    assert len(folds) > 700
    assert {len(each) for each in folds.values()} == {1}


def test_every_sound_with_five_groups_is_tested_in_all_folds(corpus: Corpus) -> None:
    for sound in SOUNDS:
        if corpus.real_sources(sound) >= FOLDS:
            clips = [clip for clip in corpus.of(sound) if not clip.evaluation_only]
            assert {clip.fold for clip in clips} == set(range(FOLDS)), sound


def test_folds_of_large_sounds_are_even(corpus: Corpus) -> None:
    for sound in ("baby_crying", "background", "speech", "engine"):
        groups = {(clip.source_group, clip.fold) for clip in corpus.of(sound)}
        counts = Counter(fold for _, fold in groups)
        assert max(counts.values()) <= 1.25 * min(counts.values()), sound


def test_esc_10_stays_in_its_authors_folds(corpus: Corpus) -> None:
    clips = [clip for clip in corpus.clips if clip.name.startswith("esc10/")]
    assert len(clips) == 32 * ESC_10_CLASSES
    assert {clip.official_fold for clip in clips} == {1, 2, 3, 5}
    assert all(clip.official_fold == clip.fold + 1 for clip in clips)
    moved = [clip.name for clip in clips if not clip.name.startswith(f"esc10/{clip.official_fold}")]
    assert moved == ["esc10/5-151085-A.ogg"], "it repeats two seconds of esc10/3-151080-A.ogg"
    rest = [clip for clip in corpus.clips if clip.name.startswith("esc50/")]
    assert {clip.official_fold for clip in rest} == {4}
    labels = {clip.label for clip in clips}
    assert {clip.fold for clip in rest if clip.label in labels} == {3}


def test_a_file_that_is_listed_twice_is_one_clip(corpus: Corpus) -> None:
    names = [clip.name for clip in corpus.clips]
    assert len(names) == len(set(names))
    assert names.count("cyanogen/Boxbeat.ogg") == 1


def test_speech_for_measuring_is_never_trained_on(corpus: Corpus) -> None:
    assert {clip.sound for clip in corpus.clips if clip.evaluation_only} == {"speech"}
    trained = {clip.name.partition("/")[0] for clip in corpus.training() if clip.sound == "speech"}
    assert trained == {"librispeech-train-clean"}
    assert corpus.real_sources("speech") == 84
    held_out = corpus.training(held_out=2)
    assert {clip.fold for clip in held_out} == {0, 1, 3, 4}
    assert {clip.fold for clip in corpus.test(2)} == {2}


def test_takes_of_one_voice_count_once(corpus: Corpus) -> None:
    """They are split by file, or the sound could hardly be tested; the card says how few."""
    assert corpus.real_sources("scream") == 9
    assert corpus.recordings("scream") == 2


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(UnknownLabelError, match=r"'theremin' of x/y\.ogg"):
        sound_of("x/y.ogg", "theremin")


@pytest.mark.parametrize(
    ("path", "label", "sound"),
    [
        ("esc10/1-100032-A.ogg", "dog_bark", "dog_barking"),
        ("cdda/environment__weather__thunder_far.ogg", "weather_ambience", "thunder"),
        ("cdda/environment__ambient__indoors.ogg", "weather_ambience", "background"),
        ("mod-sounds/pigeon.ogg", "pig", "birds"),
        ("mod-sounds/balloon_pop.ogg", "balloon_pop", "fireworks"),
        ("cdda/vehicle__rear_beeper__rear_beeper.ogg", "reverse_beeper", "vehicle_alarm"),
    ],
)
def test_labels_and_names_give_the_sound(path: str, label: str, sound: str) -> None:
    assert sound_of(path, label) == sound


def test_every_named_sound_is_one_of_the_models(corpus: Corpus) -> None:
    assert len(SOUNDS) == len(set(SOUNDS)) == 43
    assert len(ALERT_SOUNDS) == 20
    assert set(SOUNDS) >= CONTINUOUS
    for clip in corpus.clips:
        assert {clip.sound, *clip.unsure} <= set(SOUNDS)
        assert clip.sound not in clip.unsure


def test_thunder_is_not_blamed_for_its_rain() -> None:
    assert "rain" in unsure_of("esc50/4-125070-A-19.ogg", "thunderstorm")


def test_recordings_from_names() -> None:
    def of(path: str, sound: str = "background", speaker: str = "") -> str:
        return recording_of(Source(path, sound, 1.0, speaker))

    assert of("esc10/1-211527-A.ogg") == of("esc10/1-211527-C.ogg") == "freesound:211527"
    device = "643D64AD-B711-469A-AF69-55C0D5D3E30F"
    assert of(f"donateacry/{device}-1430138524-1.0-m-72-bp.ogg") == of(
        f"donateacry/{device.lower()}-1430138647-1.0-m-72-bp.ogg"
    )
    session = "home-noise/false_activations-jarbas_a_b_c_sauro_d"
    assert of(f"{session}_1608013917243.ogg") == of(f"{session}_1608013917299.ogg")
    assert of("speech/103-1240-0000.ogg", "speech", "103") == "speech:103"


def test_few_numbered_takes_are_split_by_file() -> None:
    few = [Source(f"mod-sounds/doorbell_0{n}.ogg", "doorbell", 1.0) for n in range(3)]
    many = [Source(f"mod-sounds/bird_{n}_01.ogg", "birds", 1.0) for n in range(5)]
    groups = groups_of([*few, *many, Source("mod-sounds/bird_0_02.ogg", "birds", 1.0)])
    assert len({groups[each.path] for each in few}) == 3
    assert groups["mod-sounds/bird_0_01.ogg"] == groups["mod-sounds/bird_0_02.ogg"]


def test_a_missing_list_or_file_is_named(tmp_path: Path, shared: Path) -> None:
    with pytest.raises(CorpusError, match=r"sounds\.csv is missing"):
        read_corpus(tmp_path)
    for name in ("sounds.csv", "speech.csv"):
        shutil.copy(shared / "data" / name, tmp_path)
    with pytest.raises(CorpusError, match="listed but missing"):
        read_corpus(tmp_path)


def test_clips_are_read_as_they_are_listed(corpus: Corpus) -> None:
    for clip in corpus.clips[::150]:
        samples = read_audio(clip)
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert samples.size / 16_000 == pytest.approx(clip.seconds, abs=0.06)


def test_a_clip_at_another_rate_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "8k.wav"
    soundfile.write(path, np.zeros(800, np.float32), 8000)
    clip = corpus.clips[0]
    with pytest.raises(CorpusError, match="8000 samples per second"):
        read_audio(replace(clip, path=path))


def test_events_are_found_where_they_are() -> None:
    rng = np.random.default_rng(1)
    samples = 0.001 * rng.standard_normal(5 * 16_000)
    for start_s, end_s in ((0.5, 0.8), (2.0, 2.6), (2.7, 3.0)):
        samples[int(start_s * 16_000) : int(end_s * 16_000)] += 0.2 * rng.standard_normal(
            round((end_s - start_s) * 16_000)
        )
    regions = active(samples.astype(np.float32))
    assert np.allclose(regions, [(0.5, 0.8), (2.0, 3.0)], atol=0.025), regions


def test_padding_is_no_part_of_an_event() -> None:
    rng = np.random.default_rng(2)
    samples = np.zeros(5 * 16_000, np.float32)
    samples[16_000:32_000] = 0.01 * rng.standard_normal(16_000)
    assert np.allclose(active(samples), [(1.0, 2.0)], atol=0.025)
    assert np.allclose(active(samples, continuous=True), [(1.0, 2.0)], atol=0.025)
    assert active(np.zeros(16_000, np.float32)) == []
    assert active(np.zeros(0, np.float32)) == []


def test_nearly_every_clip_has_an_active_part(corpus: Corpus) -> None:
    clips = corpus.clips[::40]
    parts = {clip.name: active(read_audio(clip), continuous=clip.sound in CONTINUOUS)
             for clip in clips}  # fmt: skip
    assert sum(bool(each) for each in parts.values()) >= 0.95 * len(clips)
