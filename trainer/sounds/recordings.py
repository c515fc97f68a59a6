"""The readings of one fold as a file: whole or not there, refused if made for something else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from everlisten.trainer.sounds.esc10 import ClipReading
from everlisten.trainer.sounds.hearing import ModelFacts, Readings, Recording
from everlisten.trainer.sounds.outcomes import Event, Outcome
from everlisten.trainer.sounds.scene_plans import Material

_FORMAT = 2
_READINGS = ("probabilities", "broken", "rhythms")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldRecordings:
    """What one model said of its test fold.

    Attributes:
        key: Model, seed and amounts that it was made with.
        fold: The test fold.
        facts: Of the model.
        material: What its streams without alerts are made of.
        scenes: In the order of their plans.
        clips: Of ESC-10, all official folds.
    """

    key: str
    fold: int
    facts: ModelFacts
    material: Material
    scenes: tuple[Recording, ...]
    clips: tuple[ClipReading, ...]


def write_fold(path: Path, fold: FoldRecordings) -> None:
    """Write the file; a broken run leaves none that looks whole."""
    facts = asdict(fold.facts)
    outcomes = [asdict(each.outcome) for each in fold.scenes]
    about = {
        "format": _FORMAT, "key": fold.key, "fold": fold.fold, "facts": facts,
        "material": asdict(fold.material),
    }  # fmt: skip
    readings = {name: [getattr(each.readings, name) for each in fold.scenes] for name in _READINGS}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        arrays: dict[str, Any] = {
            "about": np.array(json.dumps({**about, "outcomes": outcomes})),
            "lengths": np.array([len(each) for each in readings["broken"]]),
            **{name: np.concatenate(found) for name, found in readings.items()},
            "labels": np.array([each.label for each in fold.clips]),
            "official_folds": np.array([each.official_fold for each in fold.clips]),
            "means": np.stack([each.mean for each in fold.clips]),
            "most": np.stack([each.most for each in fold.clips]),
            "features": np.stack([each.features for each in fold.clips]),
        }
        np.savez_compressed(file, **arrays)
    partial.replace(path)


def read_fold(path: Path, key: str | None) -> FoldRecordings | None:
    """Read it back.

    Args:
        path: The file.
        key: What it must have been made with; None takes any.

    Returns:
        None if it is not there, damaged, or made for something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["format"] != _FORMAT or key not in (None, about["key"]):
                return None
            arrays = {name: file[name] for name in file.files if name != "about"}
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    edges = np.cumsum(arrays["lengths"])[:-1]
    split = zip(*(np.split(arrays[name], edges) for name in _READINGS), strict=True)
    rows = zip(about["outcomes"], split, strict=True)
    clips = zip(
        arrays["labels"], arrays["official_folds"], arrays["means"], arrays["most"],
        arrays["features"], strict=True,
    )  # fmt: skip
    facts = about["facts"]
    return FoldRecordings(
        key=about["key"],
        fold=about["fold"],
        facts=ModelFacts(**{**facts, "sounds": tuple(facts["sounds"])}),
        material=Material(**about["material"]),
        scenes=tuple(Recording(_outcome(row), Readings(*each)) for row, each in rows),
        clips=tuple(ClipReading(int(label), int(fold), *rest) for label, fold, *rest in clips),
    )


def _outcome(row: dict[str, Any]) -> Outcome:
    events = tuple(Event(**each) for each in row.pop("events"))
    unsure = tuple(row.pop("unsure"))
    row.pop("told")
    return Outcome(**row, events=events, unsure=unsure)
