"""What is warned about, as `assets/alerts.yaml` says it, with the user's own file laid over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from everlisten.engine.errors import EngineError

URGENT_REPLY = "urgent-reply"
"""The entry for replies that the model itself marks as urgent."""
EMERGENCY, WARNING, NOTICE = SEVERITIES = ("emergency", "warning", "notice")
"""From the gravest to the lightest."""
EMOTIONS = ("happy", "sad", "angry", "surprise", "normal", "urgent")
PATTERNS = ("", "temporal-3", "temporal-4")
LANGUAGES = ("en", "zh")
MOST_CHUNKS = 25
"""Longest window: 10 s."""
MOST_S = 3600.0

Words = Mapping[str, str]
"""One text by language."""


class CatalogueError(EngineError):
    """A file of alerts says what is not possible; names file, entry and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEntry:
    """One kind of alert; `assets/alerts.yaml` says what each value means."""

    id: str
    label: Words
    advice: Words
    severity: str
    emotion: str = "normal"
    sensitivity: float = 0.5
    hits: int = 1
    window: int = 1
    merge_s: float
    cooldown_s: float
    escalate_s: float = 0.0
    pattern: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        _check_choice("severity", self.severity, SEVERITIES)
        _check_choice("emotion", self.emotion, EMOTIONS)
        _check_choice("pattern", self.pattern, PATTERNS)
        for name in ("label", "advice"):
            _check_words(name, getattr(self, name))
        _check_number("sensitivity", self.sensitivity, 0.0, 1.0)
        _check_count("window", self.window, 1, MOST_CHUNKS)
        _check_count("hits", self.hits, 1, self.window)
        _check_number("cooldown_s", self.cooldown_s, 0.0, MOST_S)
        _check_number("merge_s", self.merge_s, 0.0, self.cooldown_s)
        _check_number("escalate_s", self.escalate_s, 0.0, MOST_S)
        if not isinstance(self.group, str):
            raise ValueError(f"group = {self.group!r}: give a word")

    @property
    def emergency(self) -> bool:
        """Whether it breaks through quiet hours and a snooze of everything."""
        return self.severity == EMERGENCY

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return SEVERITIES.index(self.severity)


def words(texts: Words, language: str) -> str:
    """The text in a language; English where there is none."""
    return texts.get(language) or texts["en"]


@cache
def shipped_alerts() -> Mapping[str, AlertEntry]:
    """Every entry by id, in the order of the file."""
    source = resources.files("everlisten.assets").joinpath("alerts.yaml")
    entries = yaml.safe_load(source.read_text("utf-8"))["alerts"]
    return MappingProxyType({entry["id"]: AlertEntry(**entry) for entry in entries})


def load_alerts(user_file: Path | None) -> Mapping[str, AlertEntry]:
    """The shipped entries with the user's changes.

    Args:
        user_file: Of the form of `assets/alerts.yaml`, each entry with its id and what is to
            differ; None, or a file that is not there, changes nothing.

    Raises:
        CatalogueError: The file cannot be read or says something unknown.
    """
    if user_file is None or not user_file.exists():
        return shipped_alerts()
    found = dict(shipped_alerts())
    seen: set[str] = set()
    for changes in _read(user_file):
        entry_id = _known_id(changes, user_file)
        if entry_id in seen:
            raise CatalogueError(f"{user_file}: {entry_id} is there twice; keep one of them")
        seen.add(entry_id)
        found[entry_id] = _changed(found[entry_id], changes, user_file)
    return MappingProxyType(found)


def _read(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CatalogueError(f"{path} cannot be read: {reason}; correct or remove it") from error
    if content is None:
        return []
    if not isinstance(content, dict) or not isinstance(content.get("alerts") or [], list):
        raise CatalogueError(f"{path}: give 'alerts:' and below it a list of entries")
    unknown = [str(key) for key in content if key != "alerts"]
    if unknown:
        raise CatalogueError(f"{path}: unknown key {unknown[0]!r}; known is alerts")
    entries: list[Any] = content.get("alerts") or []
    return entries


def _known_id(changes: Any, path: Path) -> str:
    if not isinstance(changes, dict) or "id" not in changes:
        raise CatalogueError(f"{path}: the entry {changes!r} has no id; give id: and a sound")
    entry_id = changes["id"]
    known = shipped_alerts()
    if not isinstance(entry_id, str) or entry_id not in known:
        raise CatalogueError(f"{path}: unknown entry {entry_id!r}; known are {', '.join(known)}")
    return entry_id


def _changed(entry: AlertEntry, changes: dict[Any, Any], path: Path) -> AlertEntry:
    known = [field.name for field in fields(AlertEntry)]
    for key in changes:
        if key not in known:
            raise CatalogueError(
                f"{path}: {entry.id} has an unknown key {key!r}; known are {', '.join(known)}"
            )
    values = dict(changes)
    for name in ("label", "advice"):
        if isinstance(values.get(name), dict):
            values[name] = {**getattr(entry, name), **values[name]}
        elif isinstance(values.get(name), str):
            values[name] = dict.fromkeys(LANGUAGES, values[name])
    try:
        return dataclasses.replace(entry, **values)
    except ValueError as error:
        raise CatalogueError(f"{path}: {entry.id}: {error}") from error


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        allowed = ", ".join(choice or '""' for choice in choices)
        raise ValueError(f"{name} = {value!r}: give one of {allowed}")


def _check_number(name: str, value: Any, least: float, most: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise ValueError(f"{name} = {value!r}: give a number from {least:g} to {most:g}")


def _check_count(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} = {value!r}: give a whole number from {least} to {most}")


def _check_words(name: str, value: Any) -> None:
    if not isinstance(value, Mapping) or "en" not in value:
        raise ValueError(f"{name} = {value!r}: give a text, or one for each of en, zh")
    for language, text in value.items():
        if language not in LANGUAGES:
            raise ValueError(f"{name} has a text for {language!r}: give one of en, zh")
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name}.{language} = {text!r}: give a text")
