"""Background that the sound model hears as the taught sound: a hen for somebody's rooster.

Learnt against such a recording a sound would not be known at all, as its own copies lie on the same
side. Where a lesson fails and few recordings are to blame, they are learnt neither as the sound nor
against it, and the threshold passes over them. What they are told for stays in the estimate.
"""

from __future__ import annotations

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


def without_relatives(evidence: Evidence, scores: Scores) -> tuple[Evidence, Scores]:
    """Leave out what hides the sound, if that helps.

    Args:
        evidence: Everything.
        scores: Of heads fitted on it.

    Returns:
        Both, unchanged for a sound that is known well enough.
    """
    less, anew = evidence, scores
    for _ in range(_ROUNDS):
        if is_known(measured(anew)):
            break
        relative = less.relative | _like_the_sound(less, anew)
        if relative.sum() == less.relative.sum() or relative.mean() > _MOST:
            break
        less = less.without(relative)
        anew = held_out_scores(less, scores.plain)
    gained = measured(anew).recall >= measured(scores).recall + _GAIN
    return (less, anew) if gained else (evidence, scores)


def _like_the_sound(evidence: Evidence, scores: Scores) -> NDArray[np.bool_]:
    """bool [N]: whole recordings of which some moment is more like it than most copies are."""
    typical = float(np.median(scores.peaks))
    found = np.unique(evidence.recording[scores.background >= typical])
    held = np.isin(evidence.recording, found)
    # Windows look back: the first ones of the next recording still hold some of it.
    return np.convolve(held, np.ones(evidence.span))[: len(held)] > 0
