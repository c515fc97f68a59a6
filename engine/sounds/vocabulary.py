"""Every sound that the model knows, as `assets/sounds/sounds.yaml` names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundWords:
    """One sound; the file says what each value means."""

    id: str
    label: Mapping[str, str]
    alert: bool = False
    narrate: bool = True
    hits: int = 3
    group: str = ""


@cache
def shipped_sounds() -> Mapping[str, SoundWords]:
    """Every sound by id, in the order of the file."""
    source = resources.files("everlisten.assets").joinpath("sounds", "sounds.yaml")
    entries = yaml.safe_load(source.read_text("utf-8"))["sounds"]
    return MappingProxyType({entry["id"]: SoundWords(**entry) for entry in entries})
