"""What the assistant lane can be told to do: the presets of `assets/presets.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml

DEFAULT_PRESET = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One thing the assistant can do.

    The released weights are instructed in speech: a clip of `assets/instructions` with the words of
    `text` is played to them if there is one, else the computer's voice says them.
    """

    id: str
    title: str
    help: str
    text: str = ""
    """The instruction; "" where the lane needs none."""


@cache
def shipped_presets() -> Mapping[str, Preset]:
    """Every preset by id, in the order of the file."""
    source = resources.files("everlisten.assets").joinpath("presets.yaml")
    entries = yaml.safe_load(source.read_text("utf-8"))["presets"]
    return MappingProxyType({entry["id"]: Preset(**entry) for entry in entries})


def preset_of(assistant: str) -> Preset:
    """The preset of that id; any other text is the user's own instruction."""
    known = shipped_presets().get(assistant)
    return known or Preset(id="own", title=assistant, help="Your own text.", text=assistant)
