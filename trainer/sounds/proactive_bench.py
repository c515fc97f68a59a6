"""Proactive-Sound-Bench: should something be said about this sound, and if so, what.

The benchmark (masaz14/Proactive-Sound-Effect-Benchmark) has a manifest of 644 described clips in
six domains, each to be answered (RESPOND) or not (IGNORE). Its scorer reads one JSON object a line:
`id` as in the manifest, and `_raw_reply`, a text with the tags `Decision` and `Reply`. It leaves
clips without a tag out of its count, so there is a line for every clip that was heard. A detector
that always ignores is right on 58.5 % of the clips; accuracy alone therefore says nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from everlisten.engine.alerts.catalogue import AlertEntry
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.hearing import alerts, facts_of, readings_of
from everlisten.trainer.sounds.staging import Samples, room_noise

RESPOND, IGNORE = "RESPOND", "IGNORE"
_LEAD_S = 2.0
_TAIL_S = 2.0
_ROOM_DB = -72.0
"""A quiet room before and after the clip: nobody switches a microphone on for one sound."""
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


class ManifestError(ValueError):
    """The manifest or the folder of the benchmark is not what it should be."""


@dataclass(frozen=True, slots=True)
class Item:
    """One clip of the manifest.

    Attributes:
        id: Of the benchmark.
        path: Below the folder of the audio, without the root that the manifest names.
        domain: First folder.
        respond: Whether something should be said.
    """

    id: str
    path: Path
    domain: str
    respond: bool


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was told about one clip; nothing means IGNORE."""

    item: Item
    alerts: tuple[SoundAlert, ...]

    @property
    def respond(self) -> bool:
        """Whether anything was told."""
        return bool(self.alerts)

    def line(self) -> str:
        """In the form that the benchmark's scorer reads."""
        reply = " ".join(dict.fromkeys(f"{each.label}. {each.advice}" for each in self.alerts))
        decision = RESPOND if self.respond else IGNORE
        raw = f"<Decision>{decision}</Decision>\n<Reply>{reply or 'No Reply'}</Reply>"
        fields = {"id": self.item.id, "reply": reply, "_raw_reply": raw}
        return json.dumps(fields, ensure_ascii=False)


def read_manifest(path: Path) -> list[Item]:
    """The clips that a manifest names.

    Raises:
        ManifestError: It cannot be read, or a line is not what it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"The manifest {path} cannot be read: {error}") from error
    items = [_item(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise ManifestError(f"The manifest {path} names no clip")
    return items


def _item(path: Path, number: int, line: str) -> Item:
    try:
        row = json.loads(line)
        parts = [part for part in str(row["path"]).split("/") if part not in ("", ".")]
        respond = {RESPOND: True, IGNORE: False}[row["decision"]]
        return Item(str(row["id"]), Path(*parts[1:]), parts[1], respond)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ManifestError(
            f"{path}, line {number}: give id, path and decision (RESPOND or IGNORE) as JSON"
        ) from error


def find_audio(items: Iterable[Item], folder: Path) -> tuple[dict[str, Path], list[Item]]:
    """Where each clip lies, by id, and which are missing.

    The folder may hold the manifest's root or be it, and the files may lie in it by their ids
    alone; other formats than WAV are taken too.

    Raises:
        ManifestError: There is no such folder.
    """
    if not folder.is_dir():
        raise ManifestError(f"There is no folder {folder}; --audio names that with the clips")
    by_id = {
        path.stem: path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    }
    found, missing = {}, []
    for item in items:
        if item.id in by_id:
            found[item.id] = by_id[item.id]
        else:
            missing.append(item)
    return found, missing


def predict(
    items: Sequence[Item],
    audio: Mapping[str, Path],
    model: SoundModel,
    entries: Mapping[str, AlertEntry] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> list[Prediction]:
    """Play every clip that is there to the detector, each from a fresh state.

    Args:
        items: Those without audio are left out.
        audio: Files by id.
        model: The sound model.
        entries: Another catalogue than the shipped one.
        tick: Called after each clip.

    Raises:
        ManifestError: A file is damaged.
    """
    found = []
    facts = facts_of(model)
    for item in items:
        if item.id not in audio:
            continue
        stage = _in_quiet_room(_audio(audio[item.id]))
        told = alerts(readings_of(model, stage), facts, entries)
        found.append(Prediction(item, tuple(told)))
        tick()
    return found


def _in_quiet_room(samples: Samples) -> Samples:
    rng = np.random.default_rng(0)
    stage = room_noise(rng, _LEAD_S + len(samples) / SAMPLE_RATE_HZ + _TAIL_S, _ROOM_DB)
    begin = round(_LEAD_S * SAMPLE_RATE_HZ)
    stage[begin : begin + len(samples)] += samples
    return stage


def _audio(path: Path) -> Samples:
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from error
    mono = samples.mean(axis=1, dtype=np.float32)
    return np.asarray(soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Decisions on some clips.

    Attributes:
        wanted: Clips that should be answered.
        answered: Those of them that were.
        unwanted: Clips that should not be.
        false: Those of them that were, all the same.
    """

    wanted: int
    answered: int
    unwanted: int
    false: int

    @property
    def clips(self) -> int:
        """All of them."""
        return self.wanted + self.unwanted

    @property
    def accuracy(self) -> float:
        """Share of right decisions; NaN without clips."""
        return _share(self.answered + self.unwanted - self.false, self.clips)

    @property
    def always_ignore(self) -> float:
        """What saying nothing reaches on the same clips."""
        return _share(self.unwanted, self.clips)

    @property
    def recall(self) -> float:
        """Share of the clips to be answered that were."""
        return _share(self.answered, self.wanted)

    @property
    def false_rate(self) -> float:
        """Share of the others that were answered."""
        return _share(self.false, self.unwanted)

    @property
    def balanced(self) -> float:
        """Mean of recall and silence; 0.5 for saying nothing."""
        return (self.recall + 1 - self.false_rate) / 2


def score(predictions: Iterable[Prediction]) -> Score:
    """Count."""
    counts = Counter((each.item.respond, each.respond) for each in predictions)
    return Score(
        wanted=counts[True, True] + counts[True, False],
        answered=counts[True, True],
        unwanted=counts[False, True] + counts[False, False],
        false=counts[False, True],
    )


def scores(predictions: Sequence[Prediction]) -> dict[str, Score]:
    """By domain, and `all`."""
    domains = sorted({each.item.domain for each in predictions})
    found = {name: score(e for e in predictions if e.item.domain == name) for name in domains}
    return {**found, "all": score(predictions)}


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """One line for each clip that was heard."""
    path.write_text("".join(f"{each.line()}\n" for each in predictions), encoding="utf-8")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
