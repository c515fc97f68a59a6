"""What to say of a taught sound that will not be known well, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.teaching.evidence import Evidence
from everlisten.trainer.teaching.measure import ALARMS_PER_HOUR, Measured, Scores

_LOW = 0.6
_ALIKE = 0.5
"""Cosine of standardised features: recordings of one kind of sound reach 0.6 to 0.9 with the one
that is most like them, recordings of different things 0.1 to 0.45."""


def doubts(
    evidence: Evidence, scores: Scores, counts: Measured, hours: float, repeated: int
) -> tuple[str, ...]:
    """Sentences for the user, the gravest first.

    Args:
        evidence: What was learnt from.
        scores: The held-out scores.
        counts: What they come to.
        hours: Of background.
        repeated: Examples that were dropped as the same recording again.
    """
    found = []
    if counts.recall < _LOW or counts.recognised < counts.trials / 2:
        found.append(_why_low(evidence, scores))
    elif counts.false_alarms > max(ALARMS_PER_HOUR * hours, 2.0):
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
