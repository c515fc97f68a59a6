"""What the Hub says of a repository's files, for models whose hashes the catalogue cannot name.

The list is asked for once, at the fetch. What it said, with the hashes of what then came, is kept
in the model's folder; from there on the model is checked against it like any other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.entries import HubSource, ModelEntry, ModelFile
from everlisten.engine.models.folder import hash_file
from everlisten.engine.models.hub import INCOMPLETE, reason

LISTING_NAME = ".listing.json"
_FILES_NAME = ".files.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as the Hub lists it: large ones by SHA-256, small ones by git's hash."""

    name: str
    size: int
    sha256: str | None
    blob_id: str

    def __post_init__(self) -> None:
        ModelFile(name=self.name, size=self.size, sha256=self.sha256 or "0" * 64)


def list_files(
    entry: ModelEntry, endpoint: str | None = None
) -> tuple[HubSource, tuple[ListedFile, ...]]:
    """The wanted files of a model's repository, pinned to the commit that they were listed at.

    Raises:
        ModelLoadError: The Hub cannot be reached, or a wanted file is not there.
    """
    from huggingface_hub import HfApi

    assert entry.hub is not None
    assert entry.wanted is not None
    source = entry.hub
    try:
        info = HfApi(endpoint=endpoint).model_info(
            source.repo, revision=source.revision, files_metadata=True
        )
        listed = [_listed(sibling) for sibling in info.siblings or ()]
        pinned = dataclasses.replace(source, revision=str(info.sha))
    # Which HTTP library raises, and what, differs between releases of huggingface_hub.
    except Exception as error:
        raise ModelLoadError(
            f"The list of files of model {entry.id} could not be had from {source.repo}: "
            f"{reason(error)}; check the network connection and run 'everlisten models fetch "
            f"{entry.id}' again"
        ) from error
    chosen: dict[str, ListedFile] = {}
    for pattern in entry.wanted.patterns:
        found = {file.name: file for file in listed if file and fnmatchcase(file.name, pattern)}
        if not found:
            raise ModelLoadError(
                f"{source.repo} holds no {pattern}, so that it is not model {entry.id} any more; "
                "install a newer version of this program"
            )
        chosen |= found
    return pinned, tuple(chosen.values())


def keep_what_fits(folder: Path, files: Sequence[ListedFile]) -> None:
    """Delete what an earlier fetch brought and the Hub has replaced since; note the new list."""
    try:
        earlier = json.loads((folder / LISTING_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        earlier = {}
    now = {file.name: asdict(file) for file in files}
    for name in now:
        if not isinstance(earlier, Mapping) or earlier.get(name) != now[name]:
            for stale in (folder / name, folder / f"{name}{INCOMPLETE}"):
                stale.unlink(missing_ok=True)
    (folder / LISTING_NAME).write_text(json.dumps(now, indent=1), encoding="utf-8")


def to_model_files(
    entry: ModelEntry, folder: Path, files: Sequence[ListedFile]
) -> tuple[ModelFile, ...]:
    """What the files must be from now on.

    A file that the Hub lists only with git's hash is compared with that here; the others' SHA-256
    is still to be checked.

    Raises:
        ModelLoadError: A file is not the one that was listed; it was deleted.
    """
    known = []
    for file in files:
        path = folder / file.name
        if file.sha256 is None and _blob_id(path) != file.blob_id:
            path.unlink()
            raise ModelLoadError(
                f"{file.name} of model {entry.id}, as fetched, is not the file that the Hub lists "
                f"and was deleted; run 'everlisten models fetch {entry.id}' again"
            )
        sha256 = file.sha256 or hash_file(path)
        known.append(ModelFile(name=file.name, size=file.size, sha256=sha256))
    return tuple(known)


def write_files(folder: Path, files: Sequence[ModelFile]) -> None:
    """Keep in a model's folder what its files are."""
    text = json.dumps([asdict(file) for file in files], indent=1)
    (folder / _FILES_NAME).write_text(text, encoding="utf-8")
    (folder / LISTING_NAME).unlink(missing_ok=True)


def with_files(entry: ModelEntry, folder: Path) -> ModelEntry:
    """The entry with the files that were noted in the model's folder; without any, unchanged."""
    if entry.wanted is None:
        return entry
    try:
        noted = json.loads((folder / _FILES_NAME).read_text(encoding="utf-8"))
        return dataclasses.replace(entry, files=tuple(ModelFile(**file) for file in noted))
    except (OSError, ValueError, TypeError):
        return entry


def _listed(sibling: Any) -> ListedFile | None:
    """None for files whose names are not plain, such as .gitattributes; none such is wanted."""
    try:
        return ListedFile(
            name=sibling.rfilename,
            size=sibling.size,
            sha256=sibling.lfs.sha256 if sibling.lfs else None,
            blob_id=sibling.blob_id,
        )
    except ValueError:
        return None


def _blob_id(path: Path) -> str:
    """Git's hash of a file's content."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
