"""A model's files in the data folder, and the stamp that makes checking them cheap.

Hashing 145 MB at every start costs a noticeable part of a second (seconds on a slow disk), so a
file that was hashed once is stamped with its size and modification time; only a file that no
longer matches its stamp is hashed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everlisten.engine.models.entries import ModelFile

STAMP_NAME = ".verified.json"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """What is wrong with a model's folder; nothing, if both are empty."""

    missing: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Every file is there and is the right one."""
        return not self.missing and not self.damaged


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, as hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_folder(folder: Path, files: Sequence[ModelFile], *, full: bool = False) -> FolderCheck:
    """Compare a folder with the catalogue; hashes what has no valid stamp, or everything.

    Args:
        folder: Where the files are; may be missing.
        files: What the catalogue says.
        full: Hash every file, whatever its stamp says.

    Raises:
        OSError: A file is there but cannot be read.
    """
    stamps = {} if full else _read_stamps(folder)
    missing: list[str] = []
    damaged: list[str] = []
    hashed: list[ModelFile] = []
    for file in files:
        path = folder / file.name
        if not path.is_file():
            missing.append(file.name)
        elif stamps.get(file.name) == _stamp(path, file):
            continue
        elif path.stat().st_size == file.size and hash_file(path) == file.sha256:
            hashed.append(file)
        else:
            damaged.append(file.name)
    if hashed and not damaged:
        good = [file for file in files if file.name not in missing]
        # A stamp that cannot be written costs time at the next start, nothing else.
        with contextlib.suppress(OSError):
            write_stamps(folder, good)
    return FolderCheck(tuple(missing), tuple(damaged))


def write_stamps(folder: Path, files: Iterable[ModelFile]) -> None:
    """Record that these files were just hashed and found right."""
    stamps = {file.name: _stamp(folder / file.name, file) for file in files}
    temporary = folder / f"{STAMP_NAME}.{os.getpid()}"
    temporary.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
    temporary.replace(folder / STAMP_NAME)


def write_joined(parts: Sequence[Path], target: Path) -> str:
    """Write the parts one after another into `target`, durably.

    Returns:
        SHA-256 of what was written, as hex digits.
    """
    digest = hashlib.sha256()
    private = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(private, "wb") as out:
        for part in parts:
            with part.open("rb") as stream:
                while block := stream.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def hash_joined(parts: Sequence[Path]) -> str:
    """SHA-256 of the parts one after another, as hex digits."""
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _stamp(path: Path, file: ModelFile) -> dict[str, Any]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": file.sha256}


def _read_stamps(folder: Path) -> dict[str, Any]:
    try:
        stamps = json.loads((folder / STAMP_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}
