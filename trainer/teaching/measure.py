"""The threshold of a taught sound and an honest estimate of how well it is known.

Recognition is measured on examples of which no copy was learnt from, false alarms on halves of the
background that were not learnt from. The threshold against which each of these is held is chosen
without it too; only which background is too much like the sound for that was chosen with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S
from everlisten.trainer.teaching.evidence import Evidence

ALARMS_PER_HOUR = 1.0
"""As many false alarms as are borne for the sake of recognising more."""
_STRETCH_CHUNKS = round(10.0 / CHUNK_S)
"""However often something is taken for the sound within 10 s, it is one false alarm."""
_TOWARDS_SOUND = 0.5
"""Where the threshold lies between the background's loudest and the weakest recognised copies."""
_WEAK_COPIES = 0.2
_ENOUGH = 0.6
"""Of the copies of examples that were left out."""

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Logits given by heads that had not seen what they judge.

    Attributes:
        peaks: float32 [copies]; the highest of each copy.
        example: int [copies]; of which example the copy is.
        plain: bool [copies].
        background: float32 [N]; every window of the background, in its order.
        half: bool [N]; which half it belongs to.
        relative: bool [N]; too much like the sound to choose a threshold by, see `relatives.py`.
    """

    peaks: Logits
    example: NDArray[np.int64]
    plain: NDArray[np.bool_]
    background: Logits
    half: NDArray[np.bool_]
    relative: NDArray[np.bool_]

    def others(self, side: bool | None = None) -> Logits:
        """The background, or a half of it, without what is too much like the sound."""
        wanted = ~self.relative if side is None else ~self.relative & (self.half == side)
        return self.background[wanted]


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts, see `engine.sounds.taught.Estimate`."""

    trials: int
    recognised: int
    recall: float
    false_alarms: int


def held_out_scores(evidence: Evidence, plain: NDArray[np.bool_]) -> Scores:
    """Fit one head without each example and one without each half of the background.

    Args:
        evidence: Everything.
        plain: bool [copies]; which copies are examples as they were given.
    """
    copies = len(plain)
    peaks = np.empty(copies, np.float32)
    owner = np.array([evidence.example[evidence.copy == number][0] for number in range(copies)])
    for example in np.unique(owner):
        solution = evidence.fit(evidence.example == example)
        for number in np.flatnonzero(owner == example):
            rows = evidence.touching & (evidence.copy == number)
            peaks[number] = (evidence.rows[rows] @ solution).max()
    half = evidence.block % 2 == 1
    background = np.empty(len(half), np.float32)
    at = np.flatnonzero(evidence.background)
    for side in (False, True):
        left_out = np.zeros(len(evidence.rows), np.bool_)
        left_out[at[half == side]] = True
        background[half == side] = evidence.rows[left_out] @ evidence.fit(left_out)
    return Scores(
        peaks=peaks, example=owner, plain=plain, background=background, half=half,
        relative=evidence.relative,
    )  # fmt: skip


def alarm_count(background: Logits, threshold: float) -> int:
    """False alarms in consecutive windows: stretches of 10 s in which there is any."""
    return int(np.sum(_loudest(background) >= threshold))


def threshold_of(peaks: Logits, background: Logits) -> float:
    """A logit between the background and the copies, with few enough false alarms.

    Args:
        peaks: float32 [copies], of examples that were left out.
        background: float32 [N], of background that was left out.
    """
    bearable = int(ALARMS_PER_HOUR * len(background) * CHUNK_S / 3600)
    lowest = _quietest(background, bearable)
    weak = float(np.quantile(peaks, _WEAK_COPIES))
    return lowest + _TOWARDS_SOUND * max(weak - lowest, 0.0)


def measured(scores: Scores) -> Measured:
    """Hold everything against thresholds that were chosen without it."""
    recognised = np.zeros(len(scores.peaks), np.bool_)
    examples = np.unique(scores.example)
    for example in examples:
        own = scores.example == example
        recognised[own] = scores.peaks[own] >= threshold_of(scores.peaks[~own], scores.others())
    alarms = 0
    for side in (False, True):
        heard = scores.background[scores.half == side]
        if len(heard):
            other = scores.others(not side)
            limit = threshold_of(scores.peaks, other if len(other) else scores.others(side))
            alarms += alarm_count(heard, limit)
    changed = [
        recognised[(scores.example == example) & ~scores.plain].mean() for example in examples
    ]
    return Measured(
        trials=len(examples),
        recognised=int(recognised[scores.plain].sum()),
        recall=float(np.mean(changed)),
        false_alarms=alarms,
    )


def is_known(counts: Measured) -> bool:
    """Whether it is recognised often enough to be of use."""
    return counts.recall >= _ENOUGH and counts.recognised >= counts.trials / 2


def _quietest(background: Logits, bearable: int) -> float:
    """Just above the loudest stretch of 10 s that must give no false alarm."""
    peaks = np.sort(_loudest(background))[::-1]
    return float(np.nextafter(peaks[min(bearable, len(peaks) - 1)], np.float32(np.inf)))


def _loudest(background: Logits) -> Logits:
    """The highest logit of each 10 s."""
    return np.maximum.reduceat(background, np.arange(0, len(background), _STRETCH_CHUNKS))
