"""The configuration: shipped defaults, the user's file merged on top, built and checked once."""

from __future__ import annotations

import difflib
import logging
import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from everlisten.app.alert_config import AlertConfig
from everlisten.app.engine_config import EngineConfig
from everlisten.app.listen_config import ListenConfig
from everlisten.app.paths import AppPaths, make_private_folder
from everlisten.audio_io.config import CaptureConfig
from everlisten.engine.timeline.config import TimelineConfig
from everlisten.ui.config import UiConfig

logger = logging.getLogger(__name__)

Value = bool | int | float | str
_HEADER = "# Everlisten's settings; what is not here has its default.\n"


class _SettingsLoader(yaml.SafeLoader):
    """YAML in which only true and false are booleans.

    By YAML 1.1 the words on, off, yes and no are booleans too, so `low_power: off` would be no
    text, and the language `no` (Norwegian) no language.
    """


_SettingsLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_SettingsLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class ConfigError(Exception):
    """The configuration or the command line is wrong (exit code 2); one sentence says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppConfig:
    """Every setting; one section for each owner."""

    listen: ListenConfig = field(default_factory=ListenConfig)
    alerts: AlertConfig = field(default_factory=AlertConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    capture: CaptureConfig = field(default_factory=CaptureConfig)
    timeline: TimelineConfig = field(default_factory=TimelineConfig)
    ui: UiConfig = field(default_factory=UiConfig)


SECTIONS: dict[str, type[Any]] = {name: hint for name, hint in get_type_hints(AppConfig).items()}
"""The dataclass of every section."""


def load_config(paths: AppPaths) -> AppConfig:
    """The user's configuration.

    Raises:
        ConfigError: A key is unknown or a value is not allowed; names file, key and what is.
    """
    merged = shipped_values()
    for section, values in read_file(paths.settings).items():
        merged.setdefault(section, {}).update(values)
    return build(merged, str(paths.settings))


def shipped_values() -> dict[str, dict[str, Value]]:
    """What `assets/configs/default.yaml` says."""
    source = resources.files("everlisten.assets").joinpath("configs", "default.yaml")
    values: dict[str, dict[str, Value]] = _parse(source.read_text("utf-8"))
    return values


def read_file(path: Path) -> dict[str, dict[str, Value]]:
    """Sections and values of a user's file; nothing if there is none.

    Raises:
        ConfigError: It cannot be read, or is not a mapping of sections.
    """
    try:
        document = _parse(path.read_text("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"The settings in {path} cannot be read ({reason}); mend or delete that file."
        ) from error
    if not isinstance(document, dict) or not all(
        isinstance(section, dict) for section in document.values()
    ):
        raise ConfigError(
            f"The settings in {path} are not sections of keys (as in 'listen:' and, indented,"
            " 'source: mic'); mend or delete that file."
        )
    return document


def _parse(text: str) -> Any:
    """The document in a text; a section that is named and left empty holds no keys."""
    document = yaml.load(text, _SettingsLoader) or {}  # a SafeLoader: builds plain values only
    if isinstance(document, dict):
        return {name: {} if section is None else section for name, section in document.items()}
    return document


def build(values: Mapping[str, Mapping[str, Value]], origin: str) -> AppConfig:
    """Check and build; `origin` names the file in errors.

    Raises:
        ConfigError: A key is unknown or a value is not allowed.
    """
    built = {}
    for section, given in values.items():
        if section not in SECTIONS:
            raise ConfigError(_unknown(f"section '{section}'", section, SECTIONS, origin))
        cls = SECTIONS[section]
        hints = get_type_hints(cls)
        for key, value in given.items():
            if key not in hints:
                raise ConfigError(_unknown(f"key '{section}.{key}'", key, hints, origin))
            _check_type(f"{section}.{key}", value, hints[key], origin)
        try:
            built[section] = cls(**given)
        except ValueError as error:
            raise ConfigError(f"{origin}: section '{section}': {error}.") from error
    return AppConfig(**built)


def write_value(path: Path, section: str, key: str, value: Value) -> None:
    """Keep one value in the user's file; the other values and the comments stay.

    Raises:
        ConfigError: The file cannot be written.
    """
    document = read_file(path)
    document.setdefault(section, {})[key] = value
    text = _edited(path.read_text("utf-8-sig") if path.exists() else "", section, key, value)
    try:
        kept = _parse(text) == document
    except yaml.YAMLError:
        kept = False
    if not kept:
        # Written in a style that the line by line edit does not know: the comments go.
        text = _HEADER + yaml.safe_dump(document, sort_keys=False)
    try:
        make_private_folder(path.parent)
        _write_private(path, text)
    except OSError as error:
        raise ConfigError(
            f"The settings cannot be saved in {path}: {error.strerror or error};"
            " make its folder writable or make room."
        ) from error


def _edited(text: str, section: str, key: str, value: Value) -> str:
    """The text with one line changed, or added to its section, or with a new section at its end."""
    lines = (text or _HEADER).splitlines()
    # PyYAML writes U+0085 as a line break that it reads back as a blank; escaped, it survives.
    plain = str(value).isprintable()
    scalar = yaml.safe_dump(value, allow_unicode=plain, width=math.inf).splitlines()[0]
    try:
        start = next(i for i, line in enumerate(lines) if _is_heading(line, section)) + 1
    except StopIteration:
        return "\n".join([*lines, f"{section}:", f"  {key}: {scalar}", ""])
    end = next((i for i in range(start, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    entry = re.compile(rf"(?P<head>\s+{re.escape(key)}\s*:\s+)[^\s#'\"]*(?P<comment>\s+#.*|\s*)$")
    for i in range(start, end):
        if match := entry.match(lines[i]):
            lines[i] = f"{match['head']}{scalar}{match['comment'].rstrip()}"
            break
    else:
        indents = [re.match(r"\s*", line) for line in lines[start:end] if line.strip()]
        indent = indents[0][0] if indents and indents[0] else ""
        lines.insert(start, f"{indent or '  '}{key}: {scalar}")
    return "\n".join([*lines, ""])


def _is_heading(line: str, section: str) -> bool:
    return re.fullmatch(rf"{re.escape(section)}\s*:\s*(#.*)?", line) is not None


def _write_private(path: Path, text: str) -> None:
    """Replace a file by one that only the user can read, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=".config-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _check_type(name: str, value: object, wanted: type, origin: str) -> None:
    good = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    if wanted is not bool and isinstance(value, bool):
        good = False
    if not good:
        kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise ConfigError(f"{origin}: {name} = {value!r}: give {kinds[wanted]}.")


def _unknown(what: str, name: object, known: Mapping[str, object], origin: str) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{origin}: unknown {what}; {hint}Known are: {', '.join(known)}."
