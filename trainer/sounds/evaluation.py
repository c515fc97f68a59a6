"""Measures a sound model on held-out recordings: clips, long streams, events under other sound.

One model for each test fold, none of which has heard anything of its fold. Every scene is played to
the model once, in several processes; what it said is kept in a file per fold, and everything else
is counted from that file through the program's own detector, so a run that was broken off goes on,
and other thresholds are tried without the model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds import esc10, scene_plans, workforce
from everlisten.trainer.sounds.alert_report import Report, report_of
from everlisten.trainer.sounds.confusion_picture import write_confusion
from everlisten.trainer.sounds.corpus import Corpus, read_corpus
from everlisten.trainer.sounds.hearing import Recording, facts_of, replayed
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.measures import SILENT, confusion
from everlisten.trainer.sounds.outcomes import Outcome
from everlisten.trainer.sounds.recordings import FoldRecordings, read_fold, write_fold
from everlisten.trainer.sounds.scene_plans import SceneAmounts, ScenePlan
from everlisten.trainer.sounds.workforce import workers

OTHERS = "other sounds"

Tick = Callable[[int, int], object]
"""Called with what is done and how much there is to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """What is measured, on what.

    Attributes:
        data: Folder of the corpus.
        models: Weights by the test fold that they have not heard.
        seed: Of all scenes.
        hours: Of streams without alerts, over all folds together.
        share: Of the clips; below 1 for a quick look, with shorter event streams as well.
        kept: Folder for the readings; one file a fold.
        processes: That play scenes to the model.
    """

    data: Path
    models: Mapping[int, Path]
    seed: int = 0
    hours: float = 4.0
    share: float = 1.0
    kept: Path = field(default_factory=Path)
    processes: int = 2

    def amounts(self) -> SceneAmounts:
        """For each fold."""
        stream_s = self.hours * 3600 / len(self.models)
        if self.share < 1:
            return SceneAmounts(stream_s=stream_s, event_streams=1, share=self.share)
        return SceneAmounts(stream_s=stream_s)

    def readings_file(self, fold: int) -> Path:
        """Where a fold's readings are kept."""
        return self.kept / f"readings-fold-{fold}.npz"


def recordings_of(
    config: EvaluationConfig, tick: Tick = lambda done, of: None
) -> list[FoldRecordings]:
    """The readings of every fold, kept or new.

    Raises:
        CorpusError: The data is missing or damaged.
        ModelLoadError: So is a model.
    """
    corpus = read_corpus(config.data)
    plans = {
        fold: scene_plans.plans_of(corpus, fold, config.seed, config.amounts())
        for fold in config.models
    }
    keys = {fold: _key(config, fold, plans[fold]) for fold in config.models}
    total = sum(len(each) for each in plans.values())
    config.kept.mkdir(parents=True, exist_ok=True)
    done = 0
    found = []
    for fold in sorted(config.models):
        kept = read_fold(config.readings_file(fold), keys[fold])
        if kept is None:
            heard = _heard(config, fold, plans[fold], corpus, _Progress(tick, done, total))
            kept = replace(heard, key=keys[fold])
            write_fold(config.readings_file(fold), kept)
        done += len(plans[fold])
        tick(done, total)
        found.append(kept)
    return found


@dataclass(frozen=True, slots=True)
class _Progress:
    """Counts one fold's scenes among all."""

    tick: Tick
    before: int
    total: int

    def __call__(self, count: int) -> None:
        self.tick(self.before + count, self.total)


def _heard(
    config: EvaluationConfig,
    fold: int,
    plans: Sequence[ScenePlan],
    corpus: Corpus,
    tick: Callable[[int], object],
) -> FoldRecordings:
    """Play every scene of one fold to its model."""
    path = config.models[fold]
    # The long ones first: no process then works alone at the end.
    order = sorted(range(len(plans)), key=lambda n: plans[n].kind == scene_plans.CLIP)
    recordings: dict[int, Recording] = {}
    with workers(config.data, path, config.processes) as apply:
        results = apply(workforce.hear, [plans[number] for number in order])
        for count, (number, recording) in enumerate(zip(order, results, strict=True), 1):
            if recording is not None:
                recordings[number] = recording
            tick(count)
        clips = list(apply(workforce.hear_clip, [clip.name for clip in esc10.clips_of(corpus)]))
    return FoldRecordings(
        key="",
        fold=fold,
        facts=facts_of(SoundModel(path)),
        material=scene_plans.material_of(plans, corpus),
        scenes=tuple(recordings[number] for number in sorted(recordings)),
        clips=tuple(clips),
    )


def _key(config: EvaluationConfig, fold: int, plans: Sequence[ScenePlan]) -> str:
    """What kept readings depend on."""
    path = config.models[fold]
    parts = {
        "model": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        "fold": fold,
        "seed": config.seed,
        "scenes": hashlib.sha256(repr(plans).encode()).hexdigest(),
    }
    return json.dumps(parts, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out.

    Attributes:
        report: As `alert_report.report_of` makes it, with model, folds, seed and warnings.
        outcomes: Of every scene.
    """

    report: Report
    outcomes: tuple[Outcome, ...]


def evaluated(
    folds: Sequence[FoldRecordings],
    corpus: Corpus,
    thresholds: Mapping[int, Mapping[str, float]],
    tick: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Play the detector over what the models said, and count.

    Args:
        folds: Readings of each.
        corpus: Whose recordings are counted.
        thresholds: By fold; a fold that is not there keeps its model's own.
        tick: Called after each fold.
    """
    outcomes: list[Outcome] = []
    for each in folds:
        facts = replace(each.facts, thresholds=thresholds.get(each.fold, each.facts.thresholds))
        outcomes += [replayed(recording, facts) for recording in each.scenes]
        tick()
    material = {
        "hours": sum(each.material.seconds for each in folds) / 3600,
        "files": sum(each.material.files for each in folds),
        "most uses": max(each.material.most_uses for each in folds),
    }
    recordings = {sound: corpus.recordings(sound) for sound in ALERT_SOUNDS}
    classifier = esc10.pooled(esc10.counts_of(each.clips, each.fold + 1) for each in folds)
    report = report_of(outcomes, recordings, material, classifier)
    report["model"] = folds[0].facts.version
    report["folds"] = [each.fold for each in folds]
    report["seed"] = json.loads(folds[0].key)["seed"]
    return Evaluation(report=report, outcomes=tuple(outcomes))


def draw_confusion(path: Path, outcomes: Sequence[Outcome], title: str) -> None:
    """A picture of what was told first on each clip."""
    rows = (*ALERT_SOUNDS, "speech", "music", "background", OTHERS)
    columns = (*ALERT_SOUNDS, SILENT)
    clips = [each for each in outcomes if each.kind == scene_plans.CLIP]
    write_confusion(path, confusion(clips, rows, columns, OTHERS), rows, columns, title)
