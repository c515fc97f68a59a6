"""Model files inside installed Python distributions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from everlisten.engine.models.entries import ModelEntry, ModelFile


def find_parts(entry: ModelEntry) -> dict[str, list[Path]] | None:
    """Where the installed packages keep each file of a model.

    Returns:
        The parts of every file in order (one part where the file is whole), or None if a package
        is not installed or a file is not in it.
    """
    if entry.packages is None:
        return None
    paths = [path for name in entry.packages.packages for path in _package_files(name)]
    found = {file.name: _parts_of(file, paths) for file in entry.files}
    return found if all(found.values()) else None


def _package_files(name: str) -> Sequence[Path]:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ()
    files = distribution.files or ()
    return [Path(str(distribution.locate_file(file))) for file in files]


def _parts_of(file: ModelFile, paths: Sequence[Path]) -> list[Path]:
    """The whole file, or all its parts if their sizes add up; else nothing."""
    pattern = re.compile(re.escape(file.name) + r"(?:\.part(\d+))?")
    numbered: dict[int, Path] = {}
    for path in paths:
        if (match := pattern.fullmatch(path.name)) and path.is_file():
            numbered[int(match[1] or 0)] = path
    if 0 in numbered:
        return [numbered[0]]
    parts = [numbered[number] for number in sorted(numbered)]
    return parts if sum(part.stat().st_size for part in parts) == file.size else []
