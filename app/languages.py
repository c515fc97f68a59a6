"""Languages that can be chosen, and what is said about those that cannot."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml

from everlisten.app.config import ConfigError

EMBEDDED_TARGET = "en"
"""The only language into which the embedded model (Whisper) translates."""


@cache
def spoken_languages() -> dict[str, str]:
    """English name of every language that can be captioned, by code, in order of name."""
    text = resources.files("everlisten.assets").joinpath("languages.yaml").read_text("utf-8")
    names: dict[str, str] = yaml.safe_load(text)
    return dict(sorted(names.items(), key=lambda item: item[1]))


def translation_targets(*, any_language: bool = False) -> list[tuple[str, str, str]]:
    """(code, name, why not) of every target, the possible ones first.

    Args:
        any_language: The big model is in use: it translates into every one.
    """
    targets = [
        (code, name, "" if any_language or code == EMBEDDED_TARGET else _needs_big_model(name))
        for code, name in spoken_languages().items()
    ]
    return sorted(targets, key=lambda target: bool(target[2]))


def parse_language(value: str) -> str | None:
    """A code or English name as its code; "auto" as None.

    Raises:
        ConfigError: The language is unknown.
    """
    wanted = value.strip().lower()
    if wanted in ("", "auto"):
        return None
    for code, name in spoken_languages().items():
        if wanted in (code, name.lower()):
            return code
    raise ConfigError(
        f"Unknown language {value!r}; give 'auto', a name such as 'German' or a code such as 'de'."
    )


def parse_target(value: str, *, any_language: bool = True) -> str | None:
    """A translation target as its code; "off" as None.

    Raises:
        ConfigError: The language is unknown, or the embedded model cannot translate into it.
    """
    if value.strip().lower() in ("", "off", "none"):
        return None
    target = parse_language(value)
    for code, _, why_not in translation_targets(any_language=any_language):
        if code == target and why_not:
            raise ConfigError(f"{why_not} Use --translate en.")
    return target


def _needs_big_model(name: str) -> str:
    return f"Translating into {name} needs the big model; the embedded one gives English."
