"""What the catalogue says: models, their files and where these come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from everlisten.engine.laim.precision import ParameterCounts

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN_PATH = re.compile(rf"{_PLAIN_NAME.pattern}(?:/{_PLAIN_NAME.pattern})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model, known by its hash."""

    name: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        # The name becomes a path below the data folder.
        if not _PLAIN_PATH.fullmatch(self.name):
            raise ValueError(f"model file {self.name!r}: every part of the name must be plain")
        if self.size < 0:
            raise ValueError(f"model file {self.name}: size {self.size} is negative")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"model file {self.name}: sha256 {self.sha256!r} is not 64 hex digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSource:
    """Installed Python distributions that carry the files, large ones in parts."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSource:
    """A repository on the Hugging Face Hub at a pinned revision; asked only by the user."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFiles:
    """Files whose sizes and hashes are not known here: the Hub's own list says them at the fetch.

    Attributes:
        patterns: Names, or patterns such as "*.safetensors"; each must find a file.
        size: About how many bytes they are.
    """

    patterns: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model of the catalogue.

    Attributes:
        files: Empty as long as only `wanted` is known.
        wanted: What to take of the Hub's list, for a model whose files are not listed here.
        parameters: What takes memory, for a model that runs in several precisions.
    """

    id: str
    title: str
    purpose: str
    licence: str
    home: str
    files: tuple[ModelFile, ...]
    packages: PackageSource | None = None
    hub: HubSource | None = None
    wanted: WantedFiles | None = None
    parameters: ParameterCounts | None = None

    @property
    def size(self) -> int:
        """Bytes of all files; about so many where they are not listed yet."""
        if self.wanted is not None and not self.files:
            return self.wanted.size
        return sum(file.size for file in self.files)


def shipped_entries() -> dict[str, ModelEntry]:
    """The catalogue that comes with the application, `assets/models.yaml`, by id."""
    path = resources.files("everlisten.assets").joinpath("models.yaml")
    return parse_entries(path.read_text(encoding="utf-8"))


def parse_entries(text: str) -> dict[str, ModelEntry]:
    """Read a catalogue.

    Raises:
        ValueError: The text is not a catalogue; names the model and the field.
    """
    document = yaml.safe_load(text)
    if not isinstance(document, Mapping) or not isinstance(document.get("models"), Mapping):
        raise ValueError("a model catalogue needs a mapping 'models' at its top")
    return {str(id_): _entry(str(id_), fields) for id_, fields in document["models"].items()}


def _entry(id_: str, fields: Mapping[str, Any]) -> ModelEntry:
    if not _PLAIN_NAME.fullmatch(id_):
        raise ValueError(f"model id {id_!r} must be a plain name")
    try:
        sources = {source["kind"]: source for source in fields["sources"]}
        if unknown := sources.keys() - {"packages", "hub"}:
            raise ValueError(f"model {id_}: unknown sources {sorted(unknown)}")
        wanted = _wanted(fields.get("wanted"))
        if wanted and sources.keys() != {"hub"}:
            raise ValueError(f"model {id_}: wanted files come from the hub alone")
        counts = fields.get("parameters")
        return ModelEntry(
            id=id_,
            title=fields["title"],
            purpose=fields["purpose"],
            licence=fields["licence"],
            home=fields["home"],
            files=() if wanted else tuple(ModelFile(**file) for file in fields["files"]),
            packages=_packages(sources.get("packages")),
            hub=_hub(sources.get("hub")),
            wanted=wanted,
            parameters=ParameterCounts(**counts) if counts else None,
        )
    except KeyError as error:
        raise ValueError(f"model {id_}: the field {error} is missing") from error


def _wanted(fields: Mapping[str, Any] | None) -> WantedFiles | None:
    if not fields:
        return None
    return WantedFiles(patterns=tuple(fields["patterns"]), size=fields["size"])


def _packages(fields: Mapping[str, Any] | None) -> PackageSource | None:
    return PackageSource(packages=tuple(fields["packages"])) if fields else None


def _hub(fields: Mapping[str, Any] | None) -> HubSource | None:
    return HubSource(repo=fields["repo"], revision=fields["revision"]) if fields else None
