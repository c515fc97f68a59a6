"""More recordings to train on: openly licensed sounds that lie in Debian's packages.

`more_recordings.csv` names each package with its checksum, the file in it, the part of the file
that is taken, its label, its licence and who made it. This module makes a folder like the corpus
out of them: `sounds.csv` and Ogg Vorbis files at 16 kHz with one channel below `sounds/`.

    apt-get download PACKAGE=VERSION ...     # once, in a folder; or name a mirror
    python -m everlisten.trainer.sounds.more_recordings --out DIR --packages FOLDER
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import shutil
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.debian_packages import PackageError, read_members

LIST = Path(__file__).with_name("more_recordings.csv")
LICENCES = frozenset(
    {"CC0 1.0", "public domain", "CC BY 3.0", "CC BY 4.0", "CC BY-SA 2.0", "CC BY-SA 3.0"}
    | {"CC BY-SA 4.0", "MIT", "WTFPL"}
)
"""All that a recording may be under: no other is in the list."""
LONGEST_S = 15.0
_COLUMNS = ("path", "label", "seconds", "source", "licence", "author")
_TIMEOUT_S = 60


class RecordingsError(ValueError):
    """The list, a package or a recording in it is not what it should be."""


@dataclass(frozen=True, slots=True)
class Package:
    """One Debian package.

    Attributes:
        name: As Debian calls it.
        version: Of the very package that the checksum is of.
        pool_path: Where it lies on a mirror, `pool/main/...`.
        sha256: Of the file, in hexadecimal digits.
    """

    name: str
    version: str
    pool_path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A part of one file of a package.

    Attributes:
        package: Where it is from.
        member: The file, and after a `!` what inside it, as `read_members` takes it.
        start_s: Where the part begins.
        seconds: Its length, `LONGEST_S` at most.
        label: The corpus' own, one that `labels.sound_of` knows.
        licence: One of `LICENCES`.
        author: Whom to credit.
        path: Below `sounds/`.
    """

    package: Package
    member: str
    start_s: float
    seconds: float
    label: str
    licence: str
    author: str
    path: str


def listed(table: Path = LIST) -> tuple[Recording, ...]:
    """The recordings that a list names.

    Raises:
        RecordingsError: The list is missing, or a line of it is incomplete.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return tuple(_recording(row) for row in csv.DictReader(file))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RecordingsError(f"{table} can't be read: {error}") from error


def collect(
    recordings: Iterable[Recording], out: Path, packages: Path, mirror: str | None = None
) -> None:
    """Write the recordings and their `sounds.csv`.

    Args:
        recordings: What to take.
        out: Becomes a folder like the corpus.
        packages: The folder with the packages; what is fetched stays there.
        mirror: The address of a Debian mirror, to fetch from what isn't in `packages`.

    Raises:
        RecordingsError: A package can't be had, is another one, or lacks a recording.
    """
    by_package: dict[Package, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_package[recording.package].append(recording)
    lengths: dict[Recording, float] = {}
    for package, parts in by_package.items():
        file = _package_file(package, packages, mirror)
        try:
            contents = read_members(file, {part.member for part in parts})
        except PackageError as error:
            raise RecordingsError(str(error)) from error
        for part in parts:
            lengths[part] = _write_sound(part, contents[part.member], out / "sounds" / part.path)
    _write_list(out / "sounds.csv", lengths)


def converted(content: bytes, start_s: float, seconds: float) -> NDArray[np.float32]:
    """A part of a sound file: float32 [T] at 16 kHz, one channel, within -1..1.

    Args:
        content: A file of any kind that libsndfile reads.
        start_s: Where the part begins.
        seconds: How long it is at most.

    Raises:
        RecordingsError: It can't be read, or nothing is left of it.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate_hz = file.samplerate
            # Read up to there: a seek in an MP3 loses what its frames borrow from earlier ones.
            samples = file.read(
                round((start_s + seconds) * rate_hz), dtype="float32", always_2d=True
            )[round(start_s * rate_hz) :]
    except (OSError, soundfile.LibsndfileError) as error:
        raise RecordingsError(f"it can't be read: {error}") from error
    if not samples.size:
        raise RecordingsError(f"it ends before {start_s} s")
    mono = samples.mean(axis=1, dtype=np.float32)
    resampled: NDArray[np.float32] = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    return np.clip(resampled, -1, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect all; 1 and one sentence on the error stream where that can't be done."""
    parser = argparse.ArgumentParser(description="Collect more recordings to train on.")
    parser.add_argument("--out", type=Path, required=True, help="the folder that is written")
    parser.add_argument(
        "--packages", type=Path, help="the folder with the .deb files (default: OUT/packages)"
    )
    parser.add_argument(
        "--mirror",
        help="address of a Debian mirror for what isn't in that folder; a package that has left"
        " the mirrors is in Debian's snapshots",
    )
    options = parser.parse_args(arguments)
    try:
        packages = options.packages or options.out / "packages"
        recordings = listed()
        collect(recordings, options.out, packages, options.mirror)
    except RecordingsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(recordings)} recordings are in {options.out}")
    return 0


def _recording(row: dict[str, str]) -> Recording:
    return Recording(
        Package(row["package"], row["version"], row["pool_path"], row["sha256"]),
        row["member"],
        float(row["start_s"]),
        float(row["seconds"]),
        row["label"],
        row["licence"],
        row["author"],
        row["path"],
    )


def _package_file(package: Package, folder: Path, mirror: str | None) -> Path:
    """The package as a file of the folder, its checksum compared."""
    file = folder / Path(package.pool_path).name
    if not file.is_file():
        if mirror is None:
            raise RecordingsError(
                f"{file} is missing: run 'apt-get download {package.name}={package.version}'"
                " there, or name a mirror with --mirror"
            )
        _fetch(f"{mirror.rstrip('/')}/{package.pool_path}", file)
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != package.sha256:
        raise RecordingsError(f"{file} is another {package.name} than {package.version}")
    return file


def _fetch(address: str, file: Path) -> None:
    """Under its own name only when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, part.open("wb") as kept:
            shutil.copyfileobj(answer, kept)
    except (urllib.error.URLError, OSError, ValueError) as error:
        part.unlink(missing_ok=True)
        raise RecordingsError(f"{address} can't be fetched: {error}") from error
    part.replace(file)


def _write_sound(recording: Recording, content: bytes, path: Path) -> float:
    """Returns its length in seconds."""
    try:
        samples = converted(content, recording.start_s, recording.seconds)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, SAMPLE_RATE_HZ, format="OGG", subtype="VORBIS")
    except (RecordingsError, OSError) as error:
        raise RecordingsError(f"{recording.member} of {recording.package.name}: {error}") from error
    return len(samples) / SAMPLE_RATE_HZ


def _write_list(path: Path, lengths: Mapping[Recording, float]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_COLUMNS)
        for each, seconds in sorted(lengths.items(), key=lambda part: part[0].path):
            source = f"Debian {each.package.name} {each.package.version}: {each.member}"
            table.writerow(
                (each.path, each.label, round(seconds, 2), source, each.licence, each.author)
            )


if __name__ == "__main__":
    sys.exit(main())
