"""Background that the sound model hears as the taught sound: a hen for somebody's rooster.

Learnt against such a recording a sound would not be known at all, as its own copies lie on the same
side. Where a lesson fails and few recordings are to blame, they are learnt neither as the sound nor
against it, and the threshold passes over them. What they are told for stays in the estimate. Which
they are is chosen by all copies, so the recall of such a lesson is judged too well; by how much
stands in docs/teaching.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.teaching.evidence import Evidence
from everlisten.trainer.teaching.measure import Scores, held_out_scores, is_known, measured

_ROUNDS = 3
"""What is left out lets the head turn to what it was held away from, and the next ones show."""
_MOST = 0.02
"""Of the background: what is like more of it is like everyday sounds, and nothing helps."""
_GAIN = 0.1
"""Of recall, for which it is worth to be told for other sounds."""


def without_relatives(
    evidence: Evidence, scores: Scores, tick: Callable[[], None]
) -> tuple[Evidence, Scores]:
    """Leave out what hides the sound, if that helps.

    Args:
        evidence: Everything.
        scores: Of heads fitted on it.
        tick: Called before everything is fitted again; may raise to stop.

    Returns:
        Both, unchanged for a sound that is known well enough.
    """
    less, anew = evidence, scores
    for _ in range(_ROUNDS):
        if is_known(measured(anew)):
            break
        blamed = np.union1d(less.relatives, _to_blame(less, anew))
        fewer = less.without(blamed)
        if len(blamed) == len(less.relatives) or fewer.relative.mean() > _MOST:
            break
        tick()
        less, anew = fewer, held_out_scores(fewer, scores.plain)
    gained = measured(anew).recall >= measured(scores).recall + _GAIN
    return (less, anew) if gained else (evidence, scores)


def _to_blame(evidence: Evidence, scores: Scores) -> NDArray[np.int64]:
    """Numbers of the recordings of which some window is more like the sound than most copies."""
    alike = scores.background >= float(np.median(scores.peaks))
    last = evidence.recording
    oldest = np.maximum(np.arange(len(last)) - (evidence.span - 1), 0)
    first = last[oldest]
    blamed = set(last[alike & (first == last)].tolist())
    for row in np.flatnonzero(alike & (first != last)):
        # Of several recordings; another window may show which. Else those that are whole in it.
        touched = range(int(first[row]), int(last[row]) + 1)
        if blamed.isdisjoint(touched):
            window = last[oldest[row] : row + 1]
            blamed.update(n for n in touched if (window == n).sum() == (last == n).sum())
    return np.array(sorted(blamed), np.int64)
