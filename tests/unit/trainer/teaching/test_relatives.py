"""What is like a taught sound does not hide it, but stays in the estimate."""

from dataclasses import replace

import numpy as np
import pytest
from teaching_fixture import chime, everyday

from everlisten.engine.sounds.taught import TaughtHeads
from everlisten.trainer.teaching import lesson, relatives
from everlisten.trainer.teaching.background import Background, build_background
from everlisten.trainer.teaching.embedder import embed
from everlisten.trainer.teaching.evidence import HeardCopy, gather
from everlisten.trainer.teaching.measure import Scores

pytestmark = pytest.mark.usefixtures("few_copies")
QUIET = np.zeros(16_000, np.float32)


@pytest.fixture
def with_chimes(model):
    """A builder of backgrounds of fifteen minutes with so many recordings of other chimes."""

    def build(count):
        rng = np.random.default_rng(11)
        recordings = everyday(rng, recordings=90)
        labels = ["everyday"] * len(recordings)
        for number in range(count):
            at = 3 + number * (len(recordings) // max(count, 1))
            recordings.insert(at, np.concatenate((chime(rng), chime(rng))))
            labels.insert(at, "wind_chime")
        return build_background(model, recordings, labels=labels)

    return build


@pytest.fixture
def without_the_step(monkeypatch):
    monkeypatch.setattr(lesson, "without_relatives", lambda evidence, scores, _: (evidence, scores))


def heard(sound, model, samples):
    heads = TaughtHeads([replace(sound, enabled=True)])
    state = heads.new_state()
    stream = np.concatenate((QUIET, samples, QUIET))
    return max(heads.step(row, state)[sound.id] for row in embed(model, stream)) >= 0.5


@pytest.mark.usefixtures("without_the_step")
def test_learnt_against_its_like_a_sound_is_lost(model, chimes, with_chimes):
    taught = lesson.teach(chimes, "Front door", model, with_chimes(3))
    assert taught.estimate.recall < 0.5


def test_a_few_of_its_like_do_not_hide_it(model, chimes, with_chimes):
    background = with_chimes(3)
    taught = lesson.teach(chimes, "Front door", model, background)
    assert taught.estimate.recall > 0.8
    rng = np.random.default_rng(83)
    assert np.mean([heard(taught, model, chime(rng)) for _ in range(8)]) >= 0.8
    assert taught.estimate.false_alarms >= 2, "what it is told for is not hidden"
    assert taught.estimate.warnings[0] == "Similar sounds will set it off too: wind chime."
    unnamed = lesson.teach(chimes, "Front door", model, replace(background, labels=()))
    assert unnamed.estimate.warnings[0] == "Similar sounds will set it off too."


def test_what_is_like_everyday_sounds_stays_so(model, chimes, with_chimes):
    taught = lesson.teach(chimes, "Front door", model, with_chimes(30))
    assert "too similar to everyday sounds" in taught.estimate.warnings[0]


def test_a_sound_that_is_known_is_left_alone(model, chimes, with_chimes, monkeypatch):
    background = with_chimes(0)
    taught = lesson.teach(chimes, "Front door", model, background)
    monkeypatch.setattr(lesson, "without_relatives", lambda evidence, scores, _: (evidence, scores))
    plain = lesson.teach(chimes, "Front door", model, background)
    assert np.array_equal(taught.weights, plain.weights)
    assert taught.estimate == plain.estimate


@pytest.mark.parametrize(
    ("alike", "blamed"),
    [
        ([3, 4, 5, 6, 7], [0]),  # the last two are windows of the next ones that reach back
        ([7, 8, 9], [1]),  # too short to fill a window
        ([10, 11], [2]),
        ([], []),
    ],
)
def test_who_is_to_blame_is_seen_where_a_window_holds_nothing_else(rng, alike, blamed):
    background = Background(
        embeddings=rng.standard_normal((14, 4)).astype(np.float16), starts=np.array([0, 6, 8])
    )
    copy = HeardCopy(
        example=0, embeddings=np.ones((4, 4), np.float32), active=np.ones(4, np.bool_), plain=True
    )
    evidence = gather([copy], background, [], span=3)
    logits = np.full(14, -1.0, np.float32)
    logits[alike] = 3.0
    scores = Scores(
        peaks=np.array([2.0], np.float32),
        example=np.zeros(1, np.int64),
        plain=np.ones(1, np.bool_),
        background=logits,
        half=np.zeros(14, np.bool_),
        relative=evidence.relative,
    )
    assert relatives._to_blame(evidence, scores).tolist() == blamed
