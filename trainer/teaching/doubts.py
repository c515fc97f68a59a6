"""What to say of a taught sound that will not be known well, and why."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from everlisten.engine.sounds.taught import Estimate
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.evidence import Evidence
from everlisten.trainer.teaching.measure import ALARMS_PER_HOUR, Measured, Scores, is_known

_ALIKE = 0.5
"""Cosine of standardised features: recordings of one kind of sound reach 0.6 to 0.9 with the one
that is most like them, recordings of different things 0.1 to 0.45."""
_FEW = 0.5
_NAMED = 3
"""So many kinds of sound are named at most."""
_SAID = {
    "background": "", "human_hurt": "cry of pain", "weather_ambience": "wind and rain",
    "door_wood_creaks": "creaking door", "drinking_sipping": "drinking",
}  # fmt: skip
"""Labels of the corpus that say nothing to a user, and what is said instead."""
_MUCH_LESS = 0.2
"""Of few examples a smaller difference is chance."""


def doubts(
    evidence: Evidence, scores: Scores, counts: Measured, background: Background, repeated: int
) -> tuple[str, ...]:
    """Sentences for the user, the gravest first.

    Args:
        evidence: What was learnt from.
        scores: The held-out scores.
        counts: What they come to.
        background: Of the evidence.
        repeated: Examples that were dropped as the same recording again.
    """
    found = []
    if not is_known(counts):
        found.append(_why_low(evidence, scores))
    elif scores.relative.any():
        found.append(_too_alike(evidence, background))
    elif counts.false_alarms > _bearable(background.hours):
        found.append("Other sounds will often be taken for it: more examples may help.")
    if repeated:
        found.append(
            "One example was the same recording again and was left out."
            if repeated == 1
            else f"{repeated} examples were the same recording again and were left out."
        )
    if counts.trials < 5:
        found.append("With so few examples this is a rough estimate.")
    return tuple(found)


def decline(before: Estimate, after: Estimate) -> str:
    """One sentence if a sound that was fitted again is known much less well than before, else "".

    Much less well: less than half of the examples or of their copies are recognised, and a fifth
    less than before; or there are more false alarms than are borne of a new sound, as before there
    were not.
    """
    found = _recognised(after)
    if found < _FEW and found <= _recognised(before) - _MUCH_LESS:
        return (
            "With this sound model it is missed more often than before"
            f" ({_recognised(before):.0%} recognised then, {found:.0%} now): record more examples."
        )
    if _alarms_often(after) and not _alarms_often(before):
        return (
            "With this sound model other sounds are taken for it more often than before"
            f" ({before.false_alarms_per_hour:.1f} times an hour then,"
            f" {after.false_alarms_per_hour:.1f} now)."
        )
    return ""


def _recognised(estimate: Estimate) -> float:
    return min(estimate.recognised / max(estimate.trials, 1), estimate.recall)


def _alarms_often(estimate: Estimate) -> bool:
    return estimate.false_alarms > _bearable(estimate.background_hours)


def _bearable(hours: float) -> float:
    """False alarms in so much background."""
    return max(ALARMS_PER_HOUR * hours, 2.0)


def _too_alike(evidence: Evidence, background: Background) -> str:
    labels = [background.labels[number] for number in evidence.relatives if background.labels]
    said = Counter(_SAID.get(label, label.replace("_", " ")) for label in labels)
    del said[""]
    named = ", ".join(name for name, _ in said.most_common(_NAMED))
    return "Similar sounds will set it off too" + (f": {named}." if named else ".")


def _why_low(evidence: Evidence, scores: Scores) -> str:
    if _resemblance(evidence, scores) < _ALIKE:
        return (
            "The examples do not resemble each other: record the same sound again, without other"
            " sounds around it."
        )
    return (
        "It is too similar to everyday sounds such as speech or noise to be told apart: it will"
        " often be missed. More examples, recorded closer, may help."
    )


def _resemblance(evidence: Evidence, scores: Scores) -> float:
    """Mean cosine between an example and the one that is most like it."""
    plain = np.isin(evidence.copy, np.flatnonzero(scores.plain)) & evidence.label
    middles = np.stack(
        [
            evidence.rows[plain & (evidence.example == example), :-1].mean(axis=0)
            for example in np.unique(scores.example)
        ]
    )
    cosines = _unit(middles) @ _unit(middles).T
    np.fill_diagonal(cosines, -1)
    return float(cosines.max(axis=1).mean())


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)
