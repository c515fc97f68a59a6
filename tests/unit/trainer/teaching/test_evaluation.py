"""What is tested was not taught, and what is counted was there."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from teaching_fixture import chime, hiss, knocks, murmur

from everlisten.engine.sounds.taught import Estimate
from everlisten.trainer.sounds.corpus import Clip, Corpus
from everlisten.trainer.teaching import evaluation
from everlisten.trainer.teaching.evaluation import Fold, Outcome, may_be, table

pytestmark = pytest.mark.usefixtures("few_copies")
KIND = "doorbell"
TESTS = 3


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Chimes of three originals in fold 0 and of four in fold 1, and what else is heard there."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(6)
    clips = []

    def add(label, fold, original, samples):
        name = f"{label}-{fold}-{original}-{len(clips)}"
        path = folder / f"{name}.flac"
        soundfile.write(path, np.clip(samples, -1, 1), 16_000)
        clips.append(
            Clip(
                path=path, name=name, sound=label, seconds=len(samples) / 16_000,
                source_group=f"{label}-{fold}-{original}", recording=name, fold=fold,
                official_fold=None, licence="", author="", source="", label=label,
            )
        )  # fmt: skip

    for fold, originals in ((0, TESTS), (1, 4)):
        for original in range(originals):
            for _ in range(2):
                add(KIND, fold, original, chime(rng))
        for original in range(12):
            for label, make in (("speech", murmur), ("background", hiss), ("door", knocks)):
                add(label, fold, original, make(rng, 7.1))
    return Corpus(folder, tuple(sorted(clips, key=lambda clip: clip.name)))


def test_each_original_is_one_test_and_the_kind_is_no_false_alarm(model, corpus):
    outcome = Fold(model, corpus, 0).lesson(KIND)
    assert outcome is not None
    assert outcome.estimate.trials == 4
    assert outcome.tests == outcome.recognised == TESTS
    assert outcome.alarms == 0
    others_s = 36 * 7.2
    assert others_s - 6 * 7.2 <= outcome.hours * 3600 <= others_s
    assert 0 < outcome.estimate.background_hours * 3600 <= others_s


def test_the_same_sound_under_another_name_is_a_false_alarm(model, corpus):
    strange = [clip for clip in corpus.of(KIND) if clip.fold == 0][:2]
    renamed = [replace(clip, label="music", sound="music") for clip in strange]
    clips = tuple({clip.name: clip for clip in (*corpus.clips, *renamed)}.values())
    outcome = Fold(model, Corpus(corpus.folder, clips), 0).lesson(KIND)
    assert outcome is not None
    assert outcome.tests == outcome.recognised == TESTS - 1
    assert outcome.alarms >= 1


@pytest.mark.parametrize(("speech_db", "recognised"), [(-40.0, TESTS), (40.0, 0)])
def test_speech_is_as_loud_as_it_should_be(model, corpus, monkeypatch, speech_db, recognised):
    monkeypatch.setattr(evaluation, "_SPEECH_DB", speech_db)
    outcome = Fold(model, corpus, 0).lesson(KIND)
    assert outcome is not None
    assert outcome.recognised == TESTS
    assert outcome.under_speech == recognised


def test_too_few_originals_are_no_lesson(model, corpus):
    few = [
        clip
        for clip in corpus.clips
        if not clip.source_group.startswith((f"{KIND}-1-0", f"{KIND}-1-1"))
    ]
    assert Fold(model, Corpus(corpus.folder, tuple(few)), 0).lesson(KIND) is None


def test_what_may_hold_a_kind_is_not_held_against_it(corpus):
    clip = replace(corpus.of("background")[0], unsure=("chime",))
    assert [may_be(clip, kind) for kind in ("background", "chime", "door")] == [True, True, False]


def test_the_table_adds_up():
    estimate = Estimate(trials=4, recognised=3, recall=0.5, false_alarms=2, background_hours=1.0)
    cat = Outcome(
        kind="cat", estimate=estimate, tests=4, recognised=2, under_speech=1, alarms=1, hours=0.5
    )
    flush = replace(cat, kind="toilet_flush", tests=0, recognised=0, under_speech=0, alarms=0)
    lines = [re.findall(r"[^|]+", line) for line in table([cat, flush, cat]).splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert cells[2] == "cat|2|6 of 8 (0.75)|0.50|2.0|4 of 8 (0.50)|2 of 8 (0.25)|2.0".split("|")
    assert cells[3][0] == "toilet flush"
    assert cells[3][5:] == ["none there", "none there", "0.0"]
    assert cells[4][0] == "all lessons"
    assert cells[4][1:3] == ["3", "9 of 12 (0.75)"]
    assert cells[4][-1] == "1.3"
