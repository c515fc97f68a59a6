"""Accuracy of the classifier under the alerts on ESC-10, by the folds of its authors.

Three figures with different meanings: the model's own outputs over a clip, their mean or their
maximum, restricted to the ten classes; and a linear probe, a logistic regression that is trained on
embeddings of the other folds' clips, as such figures are usually given for encoders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds.corpus import Clip, Corpus, read_audio
from everlisten.trainer.sounds.hearing import read

SOUND_OF_CLASS = {
    "baby_cry": "baby_crying",
    "chainsaw": "tools",
    "clock_tick": "clock_tick",
    "dog_bark": "dog_barking",
    "fire_crackling": "fire_crackling",
    "helicopter": "engine",
    "rain": "rain",
    "rooster": "farm_animal",
    "sea_waves": "sea_waves",
    "sneeze": "sneezing",
}
"""ESC-10's ten classes as the model's sounds; no two are one sound."""
CLASSES = tuple(SOUND_OF_CLASS)

_PENALTY = 1e-3
_STEPS = 400
_RATE = 0.05

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ClipReading:
    """What the model says of one clip, dry and alone.

    Attributes:
        label: Number of its class.
        official_fold: 1..5.
        mean: float32 [10], of the probabilities of the ten classes over the clip's chunks.
        most: float32 [10], their maximum.
        features: float32 [3 D], mean, deviation and maximum of the embedding.
    """

    label: int
    official_fold: int
    mean: Floats
    most: Floats
    features: Floats


def clips_of(corpus: Corpus) -> list[Clip]:
    """The clips of ESC-10 that the corpus has: whole official folds alone."""
    return [clip for clip in corpus.clips if clip.name.startswith("esc10/")]


def clip_reading(model: SoundModel, clip: Clip) -> ClipReading:
    """Play one clip, filled up with silence to whole chunks, to a fresh state."""
    samples = read_audio(clip)
    samples = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
    readings = read(model, samples)
    heard = [dict(zip(model.sounds, each.probabilities, strict=True)) for each in readings]
    probabilities = np.array(
        [[each.get(sound, 0.0) for sound in SOUND_OF_CLASS.values()] for each in heard], np.float32
    )
    embeddings = np.stack([each.embedding for each in readings])
    assert clip.official_fold is not None
    return ClipReading(
        label=CLASSES.index(clip.label),
        official_fold=clip.official_fold,
        mean=probabilities.mean(axis=0),
        most=probabilities.max(axis=0),
        features=np.concatenate(
            (embeddings.mean(axis=0), embeddings.std(axis=0), embeddings.max(axis=0))
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Esc10Counts:
    """Right answers on the clips of one official fold, or of several.

    Attributes:
        clips: Tested.
        by_mean: Right by the mean of the probabilities.
        by_most: Right by their maximum.
        by_probe: Right by the linear probe on embeddings.
    """

    clips: int = 0
    by_mean: int = 0
    by_most: int = 0
    by_probe: int = 0


def counts_of(readings: Sequence[ClipReading], official_fold: int) -> Esc10Counts:
    """Test on one official fold; the probe is trained on all others that are there."""
    test = [each for each in readings if each.official_fold == official_fold]
    rest = [each for each in readings if each.official_fold != official_fold]
    if not test or not rest:
        return Esc10Counts()
    labels = np.array([each.label for each in test])
    probe = fit(np.stack([r.features for r in rest]), np.array([r.label for r in rest]))
    found = probe.classes(np.stack([each.features for each in test]))
    return Esc10Counts(
        clips=len(test),
        by_mean=int((np.stack([e.mean for e in test]).argmax(1) == labels).sum()),
        by_most=int((np.stack([e.most for e in test]).argmax(1) == labels).sum()),
        by_probe=int((found == labels).sum()),
    )


def pooled(counts: Iterable[Esc10Counts]) -> Esc10Counts:
    """Of several official folds together."""
    listed = list(counts)
    return Esc10Counts(
        clips=sum(each.clips for each in listed),
        by_mean=sum(each.by_mean for each in listed),
        by_most=sum(each.by_most for each in listed),
        by_probe=sum(each.by_probe for each in listed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A logistic regression over standardised features.

    Attributes:
        mean: float32 [F].
        scale: float32 [F].
        weights: float32 [F + 1, C]; the last row is the bias.
    """

    mean: Floats
    scale: Floats
    weights: Floats

    def classes(self, features: Floats) -> NDArray[np.intp]:
        """Likeliest class of each row of float32 [N, F]."""
        scores = _with_one((features - self.mean) / self.scale) @ self.weights
        return np.asarray(scores.argmax(axis=1), np.intp)


def fit(features: Floats, labels: NDArray[np.int_]) -> Probe:
    """Train a probe: softmax cross-entropy with a quadratic penalty, Adam on all rows at once.

    Args:
        features: float32 [N, F].
        labels: int [N], 0..C - 1.
    """
    mean = features.mean(axis=0)
    scale = features.std(axis=0) + np.float32(1e-6)
    inputs = _with_one((features - mean) / scale)
    wanted = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
    weights = np.zeros((inputs.shape[1], wanted.shape[1]), np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        logits = inputs @ weights
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = odds / odds.sum(axis=1, keepdims=True) - wanted
        gradient = inputs.T @ error / np.float32(len(inputs)) + np.float32(_PENALTY) * weights
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        corrected = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        rate = _RATE * (1 - step / (_STEPS + 1))
        weights -= (rate / (1 - 0.9**step) * first / corrected).astype(np.float32)
    return Probe(mean, scale, weights)


def _with_one(rows: Floats) -> Floats:
    return np.concatenate((rows, np.ones((len(rows), 1), np.float32)), axis=1)
