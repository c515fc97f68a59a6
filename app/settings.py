"""The settings window's view of the configuration; implements `ui.protocols.Settings`."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from everlisten.app.config import SECTIONS, AppConfig, ConfigError, Value, build, write_value
from everlisten.app.paths import AppPaths
from everlisten.ui.config import UiConfig
from everlisten.ui.protocols import SettingField

_KINDS: dict[type, Literal["switch", "integer", "number", "text"]] = {
    bool: "switch",
    int: "integer",
    float: "number",
    str: "text",
}


class AppSettings:
    """Reads and changes the configuration.

    Args:
        config: As it was loaded.
        paths: Where a change is kept.
        on_change: Called with the new configuration after every change, in order of the changes;
            must not change another one.
    """

    def __init__(
        self,
        config: AppConfig,
        paths: AppPaths,
        on_change: Callable[[AppConfig], None] | None = None,
    ) -> None:
        self._config = config
        self._paths = paths
        self._on_change = on_change
        # The window and the controller's thread both change settings.
        self._lock = threading.Lock()

    @property
    def config(self) -> AppConfig:
        """The configuration as it is now."""
        return self._config

    def window(self) -> UiConfig:
        """The window's own settings as they are now."""
        return self._config.ui

    def fields(self) -> Sequence[SettingField]:
        """Every setting that has a page, in the order of the configuration."""
        return tuple(self._fields())

    def change(self, key: str, value: Value) -> str:
        """Set and save one value; returns "" or one sentence saying why it was refused."""
        section, _, name = key.partition(".")
        with self._lock:
            try:
                changed = self._changed(section, name, value)
                if changed == self._config:
                    return ""
                write_value(self._paths.settings, section, name, value)
            except ConfigError as error:
                return str(error)
            self._config = changed
            if self._on_change is not None:
                self._on_change(changed)
        return ""

    def _changed(self, section: str, name: str, value: Value) -> AppConfig:
        current = getattr(self._config, section, None)
        values = {} if current is None else _values(current)
        checked = build({section: {**values, name: value}}, "The setting")
        return replace(self._config, **{section: getattr(checked, section)})

    def _fields(self) -> Iterator[SettingField]:
        for section in SECTIONS:
            current = getattr(self._config, section)
            for one in dataclasses.fields(current):
                if one.metadata.get("page"):
                    yield _describe(section, one, getattr(current, one.name))


def _values(section: Any) -> dict[str, Value]:
    return {one.name: getattr(section, one.name) for one in dataclasses.fields(section)}


def _describe(section: str, one: dataclasses.Field[Any], value: Value) -> SettingField:
    known = {field.name for field in dataclasses.fields(SettingField)}
    described = {key: item for key, item in one.metadata.items() if key in known}
    kind = "choice" if described.get("choices") else _KINDS[type(value)]
    return SettingField(key=f"{section}.{one.name}", value=value, kind=kind, **described)
