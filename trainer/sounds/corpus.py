"""The real clips: what each is, where it is from and which fold it is in.

The corpus is a folder with `sounds.csv`, `speech.csv` and the files that they name, all of them
Ogg Vorbis at 16 kHz with one channel.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.folds import (
    Source,
    folds_of,
    groups_of,
    official_fold_of,
    recording_of,
)
from everlisten.trainer.sounds.labels import sound_of, unsure_of

TRAINING_SPEECH = "librispeech-train-clean/"
"""The only set of speech that may be trained on; the others are there to measure with."""


class CorpusError(ValueError):
    """The corpus is missing, damaged, or not what it should be."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One file of the corpus.

    Attributes:
        path: Where the file lies.
        name: Its path in the corpus, `esc10/1-100032-A.ogg`.
        sound: Its sound id.
        seconds: Its length.
        source_group: Clips of one group are never on two sides of a split.
        recording: What it was cut from; coarser than the group where a sound has few recordings.
        fold: 0..4.
        official_fold: 1..5 in ESC-10 and ESC-50, else nothing; one clip is moved to its twin's.
        licence: As the corpus states it.
        author: As the corpus states it.
        source: The set it is from, as the corpus states it.
        label: The corpus' own label.
        unsure: Sounds that it may hold as well: neither right nor wrong for it.
        evaluation_only: Must not be trained on.
    """

    path: Path
    name: str
    sound: str
    seconds: float
    source_group: str
    recording: str
    fold: int
    official_fold: int | None
    licence: str
    author: str
    source: str
    label: str
    unsure: tuple[str, ...] = ()
    evaluation_only: bool = False


@dataclass(frozen=True)
class Corpus:
    """All clips, in the order of their names."""

    folder: Path
    clips: tuple[Clip, ...]

    def of(self, sound: str) -> tuple[Clip, ...]:
        """The clips of one sound, also those that may not be trained on."""
        return tuple(clip for clip in self.clips if clip.sound == sound)

    def training(self, held_out: int | None = None) -> tuple[Clip, ...]:
        """What may be trained on.

        Args:
            held_out: The fold that is left out for testing; nothing leaves none out.
        """
        return tuple(
            clip for clip in self.clips if not clip.evaluation_only and clip.fold != held_out
        )

    def test(self, fold: int) -> tuple[Clip, ...]:
        """The clips of one fold, those for evaluation alone included."""
        return tuple(clip for clip in self.clips if clip.fold == fold)

    def real_sources(self, sound: str) -> int:
        """The number of groups of a sound that may be trained on."""
        return len({clip.source_group for clip in self.of(sound) if not clip.evaluation_only})

    def recordings(self, sound: str) -> int:
        """The number of recordings of a sound: numbered takes of one name count once."""
        return len({clip.recording for clip in self.of(sound) if not clip.evaluation_only})


@dataclass(frozen=True, slots=True)
class _Row:
    source: Source
    label: str
    licence: str
    author: str
    origin: str
    folder: str


def read_corpus(folder: Path, *, speech: bool = True) -> Corpus:
    """Read what the two lists name.

    Args:
        folder: With `sounds.csv`, `speech.csv`, `sounds/` and `speech/`.
        speech: Whether there is a list of speech.

    Raises:
        CorpusError: A list or a file that it names is missing.
        UnknownLabelError: A label belongs to no sound.
    """
    # A file that is listed twice (five ring tones are) is one clip.
    listed = (*_sound_rows(folder), *(_speech_rows(folder) if speech else ()))
    rows = {row.source.path: row for row in listed}
    sources = [row.source for row in rows.values()]
    groups = groups_of(sources)
    folds = folds_of(sources, groups)
    clips = (_clip(folder, row, groups[name], folds[groups[name]]) for name, row in rows.items())
    return Corpus(folder, tuple(sorted(clips, key=lambda clip: clip.name)))


def read_audio(clip: Clip) -> NDArray[np.float32]:
    """The samples of a clip: float32 [T] at 16 kHz, the caller's own.

    Raises:
        CorpusError: The file can't be read, or is not at 16 kHz.
    """
    try:
        samples, rate_hz = soundfile.read(clip.path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise CorpusError(f"{clip.path} can't be read: {error}") from error
    if rate_hz != SAMPLE_RATE_HZ:
        raise CorpusError(f"{clip.path} has {rate_hz} samples per second, not {SAMPLE_RATE_HZ}")
    mono: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    return mono


def _table(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise CorpusError(f"{path} is missing: --data names the folder that holds it")
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _sound_rows(folder: Path) -> Iterator[_Row]:
    for row in _table(folder / "sounds.csv"):
        source = Source(row["path"], sound_of(row["path"], row["label"]), float(row["seconds"]))
        yield _Row(
            source, row["label"], row["licence"], row["author"], row["source"], folder="sounds"
        )


def _speech_rows(folder: Path) -> Iterator[_Row]:
    for row in _table(folder / "speech.csv"):
        source = Source(row["path"], "speech", float(row["seconds"]), row["speaker"])
        yield _Row(source, "speech", row["licence"], row["speaker"], row["source"], folder="speech")


def _clip(folder: Path, row: _Row, group: str, fold: int) -> Clip:
    name = row.source.path
    path = folder / row.folder / name
    if not path.is_file():
        raise CorpusError(f"{path} is listed but missing")
    return Clip(
        path=path,
        name=name,
        sound=row.source.sound,
        seconds=row.source.seconds,
        source_group=group,
        recording=recording_of(row.source),
        fold=fold,
        official_fold=official_fold_of(name),
        licence=row.licence,
        author=row.author,
        source=row.origin,
        label=row.label,
        unsure=unsure_of(name, row.label),
        evaluation_only=row.folder == "speech" and not name.startswith(TRAINING_SPEECH),
    )
