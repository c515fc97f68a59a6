"""Chooses the thresholds of all sounds together: most recall for a budget of false alarms.

Takes kept readings of validation scenes only; a scene of the fold that is held out for the test is
refused. Each candidate is tried with the program's own policy. What sounds tell is taken as
independent of each other, so false alarms add up and the choice is one number for each sound: the
one that is best at a price of a false alarm an hour, and the price is raised until the sum is
within the budget. An hour of recordings says little about the next one: what was told falsely at
thresholds a little lower counts as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.engine.alerts.evidence import RHYTHM_HELPS, SENSITIVITY_LOGITS, logit
from everlisten.trainer.sounds.hearing import ModelFacts, Recording, replayed
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.outcomes import Outcome, is_hit, match
from everlisten.trainer.sounds.recordings import FoldRecordings
from everlisten.trainer.sounds.scene_plans import CLIP, STREAM
from everlisten.trainer.sounds.workforce import mapped

BUDGET_PER_HOUR = 0.5
CANDIDATES = tuple(1 / (1 + math.exp(-x / 2)) for x in range(-11, 13))
"""Probabilities from 0.4 % to 99.8 %, even steps of half a logit."""
_WRONG_WEIGHT = 0.6
"""What a sound loses in worth when it is told on as many clips without it as it has clips."""

_FEW = 4.0
"""Of a sound with so many recordings, real and synthesised clips count the same; with more, the
real ones more."""
_VITAL = {"smoke_alarm": 5.0, "co_alarm": 5.0}
"""How much more than others it is worth to find these."""
_CAUTION = 3
"""Candidates, half a logit apart, over which false alarms are averaged: the one itself and those
below it."""
_FAR_LOGITS = SENSITIVITY_LOGITS / 2 + RHYTHM_HELPS + 0.5
"""No sensitivity and no rhythm lowers a bar by more."""

Trial = Sequence[Outcome]
"""Outcomes of all scenes with every threshold at the same candidate."""


class HeldOutError(ValueError):
    """Thresholds were to be chosen on the very data that they are tested on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What one sound does at one threshold.

    Attributes:
        threshold: A probability.
        recall: Of real and synthesised clips; 0..1.
        wrong: Clips without the sound on which it was told, over clips with it.
        false_per_hour: On streams without alerts.
        weight: How much it is worth to find the sound, 1 as a rule.
    """

    threshold: float
    recall: float
    wrong: float
    false_per_hour: float
    weight: float = 1.0

    def worth(self, price: float) -> float:
        """What it is worth if a false alarm an hour costs `price`."""
        return self.weight * self.recall - _WRONG_WEIGHT * self.wrong - price * self.false_per_hour


def calibrate(
    recordings: Sequence[Recording],
    facts: ModelFacts,
    *,
    held_out: int | None,
    budget_per_hour: float = BUDGET_PER_HOUR,
) -> dict[str, float]:
    """Thresholds of the alert sounds.

    Args:
        recordings: Of clips and streams of folds for validation.
        facts: Of the model whose readings they are.
        held_out: The test fold; None only where nothing is held out at all.
        budget_per_hour: False alarms of all sounds together.

    Returns:
        A threshold for each sound of the model; sounds that are no alerts keep theirs.

    Raises:
        HeldOutError: A scene is of the held-out fold.
    """
    _refuse(recordings, held_out)
    return chosen(tried(recordings, facts), facts, budget_per_hour)


def cross_calibrated(
    folds: Sequence[FoldRecordings],
    budget_per_hour: float = BUDGET_PER_HOUR,
    *,
    processes: int = 1,
    tick: Callable[[], object] = lambda: None,
) -> tuple[dict[int, dict[str, float]], dict[str, float]]:
    """For each fold, thresholds chosen on what the other folds' models said of the other folds.

    Args:
        folds: At least two, each with its own model's readings of its own test fold.
        budget_per_hour: False alarms of all sounds together.
        processes: That try the folds.
        tick: Called after each fold was tried.

    Returns:
        Thresholds to test each fold with, and those that all folds together give, for a model that
        is trained on everything.
    """
    if len(folds) < 2:
        raise ValueError("one fold alone leaves nothing to choose its thresholds on")
    trials: dict[int, dict[float, Trial]] = {}
    with mapped(processes) as apply:
        for each, trial in zip(folds, apply(_tried_fold, folds), strict=True):
            trials[each.fold] = trial
            tick()
    by_fold = {
        each.fold: chosen(
            _together([trials[other] for other in trials if other != each.fold]),
            each.facts,
            budget_per_hour,
        )
        for each in folds
    }
    return by_fold, chosen(_together(list(trials.values())), folds[0].facts, budget_per_hour)


def _tried_fold(fold: FoldRecordings) -> dict[float, Trial]:
    return tried(fold.scenes, fold.facts)


def _together(trials: Sequence[Mapping[float, Trial]]) -> dict[float, Trial]:
    return {at: [outcome for each in trials for outcome in each[at]] for at in CANDIDATES}


def _refuse(recordings: Sequence[Recording], held_out: int | None) -> None:
    mixed = [each.outcome.name for each in recordings if each.outcome.fold == held_out]
    if mixed:
        raise HeldOutError(
            f"'{mixed[0]}' is of fold {held_out}, which is for the test; calibrate on another fold"
        )


def tried(recordings: Sequence[Recording], facts: ModelFacts) -> dict[float, Trial]:
    """Play every scene at every candidate, all sounds at once."""
    # One sound of a group would hide another one, though their thresholds are chosen apart.
    catalogue = {key: replace(entry, group="") for key, entry in shipped_alerts().items()}
    wanted = [each for each in recordings if each.outcome.kind in (CLIP, STREAM)]
    trials: dict[float, Trial] = {}
    for candidate in CANDIDATES:
        same = replace(facts, thresholds=dict.fromkeys(facts.sounds, candidate))
        trials[candidate] = [
            each.outcome if _far_below(each, candidate) else replayed(each, same, catalogue)
            for each in wanted
        ]
    return trials


def _far_below(recording: Recording, candidate: float) -> bool:
    """Nothing was likely enough for an alert, whatever rhythm and sensitivity add."""
    surest = float(recording.readings.probabilities.max(initial=0.0))
    return logit(surest) < logit(candidate) - _FAR_LOGITS


def chosen(
    trials: Mapping[float, Trial], facts: ModelFacts, budget_per_hour: float
) -> dict[str, float]:
    """The best thresholds within the budget."""
    table = {
        sound: cautious([candidate(trial, sound, at) for at, trial in sorted(trials.items())])
        for sound in ALERT_SOUNDS
        if sound in facts.sounds
    }
    for price in (0.0, *np.geomspace(1e-3, 1e3, 61)):
        best = _best(table, float(price))
        if _false(best) <= budget_per_hour:
            break
    _spend_rest(table, best, budget_per_hour)
    return {**facts.thresholds, **{sound: each.threshold for sound, each in best.items()}}


def candidate(trial: Trial, sound: str, threshold: float) -> Candidate:
    """What a sound did in one trial."""
    clips = [each for each in trial if each.kind == CLIP]
    own = [each for each in clips if each.sound == sound]
    wrong = sum(
        any(told.sound == sound for told in each.judged) for each in clips if each.sound != sound
    )
    streams = [each for each in trial if each.kind == STREAM]
    false = sum(
        told.sound == sound for each in streams for told in match(each.events, each.judged).false
    )
    hours = sum(each.seconds for each in streams) / 3600
    return Candidate(
        threshold=threshold,
        recall=_recall(own),
        wrong=wrong / max(1, len(own)),
        false_per_hour=false / hours if hours else 0.0,
        weight=_VITAL.get(sound, 1.0),
    )


def _recall(clips: Sequence[Outcome]) -> float:
    """Of one sound's clips: the more recordings there are, the more their clips count."""
    real, made = ([e for e in clips if e.synthetic is each] for each in (False, True))
    recordings = len({each.group for each in real})
    weights = (recordings, _FEW if made else 0.0)
    shares = (sum(map(is_hit, kind)) / max(1, len(kind)) for kind in (real, made))
    together = sum(weight * share for weight, share in zip(weights, shares, strict=True))
    return together / max(1.0, sum(weights))


def cautious(candidates: Sequence[Candidate]) -> list[Candidate]:
    """With the false alarms to expect of other recordings.

    Args:
        candidates: Of one sound, thresholds rising by half a logit.
    """
    return [
        replace(each, false_per_hour=sum(near) / len(near))
        for number, each in enumerate(candidates)
        for near in (
            [one.false_per_hour for one in candidates[max(0, number + 1 - _CAUTION) : number + 1]],
        )
    ]


def _best(table: Mapping[str, Sequence[Candidate]], price: float) -> dict[str, Candidate]:
    """For each sound the candidate worth most; in the middle of those that are worth the same."""
    best = {}
    for sound, candidates in table.items():
        most = max(each.worth(price) for each in candidates)
        equal = [each for each in candidates if each.worth(price) >= most - 1e-9]
        best[sound] = equal[len(equal) // 2]
    return best


def _spend_rest(
    table: Mapping[str, Sequence[Candidate]], best: dict[str, Candidate], budget_per_hour: float
) -> None:
    """A price leaves some of the budget over: spend it on what gains most, in place."""
    while True:
        free = budget_per_hour - _false(best) + 1e-9
        gains = [
            (each.worth(0.0) - best[sound].worth(0.0), sound, each)
            for sound, candidates in table.items()
            for each in candidates
            if each.false_per_hour - best[sound].false_per_hour <= free
        ]
        # Nothing is left where even the highest price was too low.
        gain, sound, each = max(gains, key=lambda one: one[0], default=(0.0, "", None))
        if each is None or gain <= 1e-9:
            return
        best[sound] = each


def _false(best: Mapping[str, Candidate]) -> float:
    return sum(each.false_per_hour for each in best.values())
