"""`everlisten eval alerts`: how well alerts are told, on recordings kept out of training."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from everlisten.app.config import ConfigError
from everlisten.app.exit_codes import GOOD
from everlisten.engine.sounds.model import SoundModel, shipped_model
from everlisten.trainer.sounds import calibration, proactive_bench
from everlisten.trainer.sounds.corpus import CorpusError, read_corpus
from everlisten.trainer.sounds.evaluation import (
    EvaluationConfig,
    Tick,
    draw_confusion,
    evaluated,
    recordings_of,
)
from everlisten.trainer.sounds.folds import FOLDS
from everlisten.trainer.sounds.labels import UnknownLabelError
from everlisten.trainer.sounds.proactive_bench import ManifestError
from everlisten.trainer.sounds.recordings import FoldRecordings, read_fold
from everlisten.trainer.sounds.report_tables import proactive_table, tables

_SEEN = (
    "This model was trained on these recordings, so the figures say nothing about new ones;"
    " --folds measures on what was kept out."
)
_CHOSEN_ON_OTHERS = "Each fold's thresholds were chosen on the other folds."


def run(args: argparse.Namespace) -> int:
    """Measure, print tables, write report and picture.

    Raises:
        ConfigError: Options do not fit together, or the data is missing.
        ModelLoadError: A model is missing or damaged.
    """
    _check(args)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        if args.psb is not None:
            _proactive(args)
        else:
            _alerts(args)
    except (CorpusError, UnknownLabelError, ManifestError, OSError) as error:
        raise ConfigError(str(error)) from error
    return GOOD


def _check(args: argparse.Namespace) -> None:
    for name, low, high in (("hours", 0.0, 100.0), ("share", 0.0, 1.0), ("processes", 1, 64)):
        value = getattr(args, name)
        if not low <= value <= high or value == 0:
            raise ConfigError(f"--{name} is {value:g}; give more than 0 and at most {high:g}.")
    if (args.psb is None) != (args.audio is None):
        raise ConfigError("--psb and --audio go together: the manifest, and the folder of clips.")
    if args.folds is not None and args.model is not None:
        raise ConfigError("--folds names the models already; leave --model out.")
    if args.probabilities and (args.model or args.folds or args.fold is not None):
        raise ConfigError("--probabilities needs no model and no fold; it names both itself.")


def _alerts(args: argparse.Namespace) -> None:
    corpus = read_corpus(args.data)
    folds = _recordings(args)
    thresholds, notes = _thresholds(args, folds)
    with _bar("counting", len(folds)) as bar:
        found = evaluated(folds, corpus, thresholds, bar.update)
    report = {**found.report, "warnings": [*_warnings(args), *notes]}
    print(tables(report))
    _write(args.out / "report.json", report)
    outcomes = [asdict(each) for each in found.outcomes]
    _write(args.out / "outcomes.json", outcomes, indent=None)
    title = f"sound model {report['model']}, clips of fold {_listed(report['folds'])}"
    draw_confusion(args.out / "confusion.png", found.outcomes, title)
    print(f"\nReport, outcomes of every scene and confusion.png are in {args.out}.")


def _recordings(args: argparse.Namespace) -> list[FoldRecordings]:
    if args.probabilities:
        return [_kept(path) for path in args.probabilities]
    config = EvaluationConfig(
        data=args.data,
        models=_models(args),
        seed=args.seed,
        hours=args.hours,
        share=args.share,
        kept=args.out,
        processes=args.processes,
    )
    with _bar("scenes", 0) as bar:
        return recordings_of(config, _follow(bar))


def _kept(path: Path) -> FoldRecordings:
    fold = read_fold(path, None)
    if fold is None:
        raise ConfigError(f"{path} holds no kept readings; give a file named readings-fold-K.npz.")
    return fold


def _models(args: argparse.Namespace) -> dict[int, Path]:
    if args.folds is not None:
        models = {fold: args.folds / f"fold-{fold}.onnx" for fold in range(FOLDS)}
        missing = [path.name for path in models.values() if not path.is_file()]
        if missing:
            raise ConfigError(f"{args.folds} lacks {', '.join(missing)}; --folds needs all five.")
        return models
    model = args.model or shipped_model()
    return {fold: model for fold in (range(FOLDS) if args.fold is None else [args.fold])}


def _thresholds(
    args: argparse.Namespace, folds: Sequence[FoldRecordings]
) -> tuple[Mapping[int, Mapping[str, float]], list[str]]:
    """By fold, and what the reader has to know about them."""
    if args.thresholds is not None:
        values = _read_thresholds(args.thresholds, folds[0].facts.sounds)
        same = {each.fold: {**each.facts.thresholds, **values} for each in folds}
        return same, [f"Thresholds are those of {args.thresholds.name}."]
    if args.calibrate is None:
        return {}, []
    if len(folds) < 2:
        raise ConfigError("--calibrate needs several folds: it chooses on the other ones.")
    with _bar("choosing thresholds", len(folds)) as bar:
        by_fold, final = calibration.cross_calibrated(
            folds, args.calibrate, processes=args.processes, tick=bar.update
        )
    _write(args.out / "thresholds.json", final)
    print(f"Thresholds that all folds give are in {args.out / 'thresholds.json'}.")
    return by_fold, [_CHOSEN_ON_OTHERS]


def _read_thresholds(path: Path, sounds: Sequence[str]) -> dict[str, float]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        thresholds = {str(sound): float(value) for sound, value in values.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read as thresholds by sound: {error}") from error
    unknown = sorted(set(thresholds) - set(sounds))
    if unknown:
        raise ConfigError(f"{path} names sounds that the model has not: {', '.join(unknown)}.")
    wrong = [sound for sound, value in thresholds.items() if not 0 < value < 1]
    if wrong:
        raise ConfigError(f"{path}: the threshold of {wrong[0]} is not between 0 and 1.")
    return thresholds


def _warnings(args: argparse.Namespace) -> list[str]:
    seen = args.folds is None and args.fold is None and not args.probabilities
    notes = [_SEEN] if seen else []
    if args.share < 1:
        notes.append(f"A quick look: {args.share:g} of the clips.")
    return notes


def _proactive(args: argparse.Namespace) -> None:
    items = proactive_bench.read_manifest(args.psb)
    audio, missing = proactive_bench.find_audio(items, args.audio)
    if missing:
        print(
            f"{len(missing)} of {len(items)} clips are not in {args.audio}, such as"
            f" {missing[0].path}; they are left out.",
            file=sys.stderr,
        )
    if not audio:
        raise ConfigError(f"No clip of the manifest is in {args.audio}.")
    model = SoundModel(args.model)
    with _bar("clips", len(audio)) as bar:
        predictions = proactive_bench.predict(items, audio, model, tick=bar.update)
    path = args.out / "predictions.jsonl"
    proactive_bench.write_predictions(path, predictions)
    found = proactive_bench.scores(predictions)
    print(proactive_table(found))
    report = {
        name: {**asdict(each), "accuracy": each.accuracy, "always ignore": each.always_ignore}
        for name, each in found.items()
    }
    _write(args.out / "proactive-sound-bench.json", {"missing": len(missing), "domains": report})
    print(f"\nPredictions for the benchmark's own scorer are in {path}.")


class _Bar(tqdm):
    monitor_interval = 0  # no thread that refreshes the bar and outlives it


@contextmanager
def _bar(what: str, total: int) -> Iterator[tqdm]:
    with _Bar(desc=what, total=total, file=sys.stderr, disable=None, leave=False) as bar:
        yield bar


def _follow(bar: tqdm) -> Tick:
    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show


def _listed(folds: Sequence[int]) -> str:
    return ", ".join(map(str, folds))


def _write(path: Path, content: object, indent: int | None = 1) -> None:
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", "utf-8")
