"""The report of an evaluation: one JSON object, and the same as Markdown tables.

Nothing is left out of it because it is bad, and beside everything stands what a detector reaches
that never says a word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from everlisten.trainer.sounds.alarms import SYNTHESES
from everlisten.trainer.sounds.esc10 import Esc10Counts
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.measures import (
    FalseAlarms,
    SoundMeasure,
    false_alarms,
    latencies,
    percentile,
    sound_measure,
    speaking,
)
from everlisten.trainer.sounds.outcomes import Outcome, is_hit
from everlisten.trainer.sounds.scene_plans import (
    BROKEN_SIGNAL,
    CHANGED,
    CLIP,
    EVENTS,
    OTHER_STREAM,
    STREAM,
)

FEWEST_RECORDINGS = 8
"""Sounds with so many real recordings are in the macro recall with them."""

Report = dict[str, Any]

_MEAN = "mean of the model's probabilities"
_PROBE = "linear probe on the model's embeddings"


def report_of(
    outcomes: Sequence[Outcome],
    recordings: Mapping[str, int],
    unique: Mapping[str, float],
    classifier: Esc10Counts,
) -> Report:
    """Everything that was measured.

    Args:
        outcomes: Of all scenes of all folds.
        recordings: Real recordings of each alert sound in the whole corpus.
        unique: What the streams without alerts are made of: `hours`, `files`, `most uses`.
        classifier: On ESC-10.
    """
    clips = [each for each in outcomes if each.kind == CLIP]
    by_kind = {
        kind: [each for each in outcomes if each.kind == kind]
        for kind in (STREAM, OTHER_STREAM, EVENTS)
    }
    report: Report = {
        "sounds": {sound: _sound(clips, sound, recordings[sound]) for sound in ALERT_SOUNDS},
        "speaking": _speaking([each for each in clips if not each.synthetic]),
        "speaking, synthesised clips": _speaking([each for each in clips if each.synthetic]),
        "streams": {
            **_alarms(false_alarms(by_kind[STREAM])),
            **{f"unique {name}": value for name, value in unique.items()},
        },
        "other sounds' streams": _alarms(false_alarms(by_kind[OTHER_STREAM])),
        "events": _events(by_kind[EVENTS]),
        "conditions": _conditions([each for each in outcomes if each.kind == CHANGED], clips),
        "broken signals": _broken([each for each in outcomes if each.kind == BROKEN_SIGNAL]),
        "ESC-10": _classifier(classifier),
    }
    report["macro"] = _macro(report["sounds"])
    report["bars"] = _bars(report)
    rounded: Report = _rounded(report)
    return rounded


def _sound(clips: Sequence[Outcome], sound: str, recordings: int) -> Report:
    both = sound_measure(clips, sound)
    return {
        "recordings": recordings,
        "real": _recall(sound_measure(clips, sound, synthetic=False)),
        "synthesised": _recall(sound_measure(clips, sound, synthetic=True)),
        "precision": both.precision,
        "told on clips": both.told,
    }


def _recall(measure: SoundMeasure) -> Report:
    return {"clips": measure.clips, "groups": measure.groups, "hits": measure.hits,
            "recall": measure.recall}  # fmt: skip


def _macro(sounds: Mapping[str, Report]) -> Report:
    """The mean over sounds, and what is not in it pooled.

    In the mean are sounds with eight real recordings, by their real clips, and those that there is
    no recording of at all, by synthesised clips. The real clips of all others are pooled. What
    syntheses of sounds with few recordings give stands apart: they are made as in training.
    """
    real = [s for s in sounds if sounds[s]["recordings"] >= FEWEST_RECORDINGS]
    made = [s for s in sounds if not sounds[s]["recordings"] and s in SYNTHESES]
    few = [s for s in sounds if s not in real and s not in made]
    recalls = {s: sounds[s]["real"]["recall"] for s in real if sounds[s]["real"]["clips"]}
    by_synthesis = {
        s: sounds[s]["synthesised"]["recall"]
        for s in (*made, *few)
        if sounds[s]["synthesised"]["clips"]
    }
    count = sum(sounds[s]["real"]["clips"] for s in few)
    hits = sum(sounds[s]["real"]["hits"] for s in few)
    means = [*recalls.values(), *(by_synthesis[s] for s in made if s in by_synthesis)]
    return {
        "recall": _mean(means),
        "sounds": len(means),
        "real clips of": real,
        "synthesised clips of": made,
        "recall of real clips alone": _mean(list(recalls.values())),
        "others": few,
        "others' real clips": count,
        "others' pooled recall": hits / count if count else math.nan,
        "others' macro recall, synthesised clips": _mean(
            [by_synthesis[s] for s in few if s in by_synthesis]
        ),
    }


def _speaking(clips: Sequence[Outcome]) -> Report:
    found = speaking(clips)
    silent = found.always_silent()
    return {
        "alert clips": found.alert_clips,
        "other clips": found.other_clips,
        "left out": found.left_out,
        "speak recall": found.recall,
        "silent on others": found.specificity,
        "balanced accuracy": found.balanced,
        "accuracy": found.accuracy,
        "right name": found.named,
        "always silent": {
            "balanced accuracy": silent.balanced,
            "accuracy": silent.accuracy,
        },
    }


def _alarms(alarms: FalseAlarms) -> Report:
    return {
        "hours": alarms.hours,
        "false alarms": alarms.count,
        "per hour": alarms.per_hour,
        "by sound": dict(alarms.by_sound.most_common()),
    }


def _events(streams: Sequence[Outcome]) -> Report:
    by_sound = {sound: latencies(streams, sound.__eq__) for sound in ALERT_SOUNDS}
    found = latencies(streams)
    told = [each for each in found if each is not None]
    return {
        **_latency(found),
        "within 1.0 s": sum(each <= 1.0 for each in told),
        "within 1.5 s": sum(each <= 1.5 for each in told),
        "by sound": {sound: _latency(each) for sound, each in by_sound.items() if each},
        "false alarms": _alarms(false_alarms(streams)),
    }


def _latency(found: Sequence[float | None]) -> Report:
    told = [each for each in found if each is not None]
    return {
        "events": len(found),
        "told": len(told),
        "recall": len(told) / len(found) if found else math.nan,
        "latency p50 s": percentile(told, 0.5),
        "latency p95 s": percentile(told, 0.95),
    }


def _conditions(changed: Sequence[Outcome], clips: Sequence[Outcome]) -> dict[str, Report]:
    """The same clips as they are and under each condition."""
    names = {(each.fold, each.name) for each in changed}
    same = {"as they are": [each for each in clips if (each.fold, each.name) in names]}
    for each in changed:
        same.setdefault(each.condition, []).append(each)
    return {condition: _told_rightly(found) for condition, found in same.items() if found}


def _told_rightly(clips: Sequence[Outcome]) -> Report:
    alerts = [each for each in clips if each.events]
    others = [each for each in clips if not each.events]
    return {
        "alert clips": len(alerts),
        "recall": _mean([float(is_hit(each)) for each in alerts]),
        "other clips": len(others),
        "silent on others": _mean([float(not each.judged) for each in others]),
    }


def _broken(signals: Sequence[Outcome]) -> Report:
    return {
        "signals": len(signals),
        "seconds": sum(each.seconds for each in signals),
        "alerts": sum(len(each.told) for each in signals),
        "alerts on": sorted({each.condition for each in signals if each.told}),
    }


def _classifier(counts: Esc10Counts) -> Report:
    clips = counts.clips or math.nan
    return {
        "clips": counts.clips,
        _MEAN: counts.by_mean / clips,
        "maximum of the model's probabilities": counts.by_most / clips,
        _PROBE: counts.by_probe / clips,
        "always one class": 0.1,
    }


def _bars(report: Report) -> list[Report]:
    smoke = report["sounds"]["smoke_alarm"]["synthesised"]["recall"]
    macro, streams = report["macro"], report["streams"]
    classifier = report["ESC-10"]
    rows = (
        ("macro recall", 0.85, macro["recall"]),
        ("pooled recall of the others", 0.70, macro["others' pooled recall"]),
        ("smoke alarm, synthesised, noise at 5 dB, partial cycles", 0.98, smoke),
        ("ESC-10, the model's own probabilities", 0.94, classifier[_MEAN]),
        ("ESC-10, linear probe on embeddings", 0.94, classifier[_PROBE]),
    )
    listed = [
        {"what": what, "bar": f"at least {bar:g}", "measured": value, "met": value >= bar}
        for what, bar, value in rows
    ]
    limits = (
        ("false alarms per hour", 0.5, streams["per hour"]),
        ("latency p50 s", 1.0, report["events"]["latency p50 s"]),
        ("alerts from broken signals", 0, report["broken signals"]["alerts"]),
    )
    for what, bar, value in limits:
        met = value <= bar
        listed.append({"what": what, "bar": f"at most {bar:g}", "measured": value, "met": met})
    return listed


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _rounded(value: Any) -> Any:
    """Four digits are more than any of these figures carries; NaN is no JSON."""
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
