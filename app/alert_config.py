"""What the user is warned about and how that reaches them; metadata makes the settings page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

ALERT_SOURCES = {
    "mic": "Microphone",
    "system": "Computer sound",
    "both": "Both",
}
ALERT_LANGUAGES = {"auto": "As on this computer", "en": "English", "zh": "中文"}
PAGE = "Sounds"
_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def _switch(default: bool, title: str, help: str) -> Any:
    return field(default=default, metadata={"title": title, "help": help, "page": PAGE})


def _choice(default: str, title: str, help: str, choices: dict[str, str]) -> Any:
    metadata = {"title": title, "help": help, "page": PAGE, "choices": tuple(choices.items())}
    return field(default=default, metadata=metadata)


def _text(title: str, help: str) -> Any:
    return field(default="", metadata={"title": title, "help": help, "page": PAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertConfig:
    """The user's choices for alerts. Sounds are switched one by one in the settings window."""

    enabled: bool = _switch(
        True,
        "Warn about sounds",
        "Smoke alarms, crying, the doorbell and others, also while captions are off or fail.",
    )
    source: str = _choice(
        "mic",
        "Alerts listen to",
        "The microphone is heard for alerts also while captions are for the computer's sound: a"
        " siren in a film is no emergency.",
        ALERT_SOURCES,
    )
    narrate: bool = _switch(
        True,
        "Write down other sounds",
        "Sounds that are no alerts appear in brackets, such as [music] or [laughter].",
    )
    language: str = _choice(
        "auto", "Language of the advice", "What to do, and the sound's name.", ALERT_LANGUAGES
    )
    quiet_from: str = _text(
        "Quiet hours from", "Such as 22:00; empty for none. Emergencies break through."
    )
    quiet_to: str = _text("Quiet hours until", "Such as 07:00.")
    tray: bool = _switch(True, "Notification", "A desktop notification for every alert.")
    flash: bool = _switch(True, "Flash", "The window and its entry in the task bar flash.")
    tone: bool = _switch(True, "Tone", "Louder each time that an emergency is repeated.")
    tone_volume: float = field(
        default=0.8,
        metadata={
            "title": "Volume of the tone",
            "help": "From 0 to 1.",
            "page": PAGE,
            "minimum": 0.0,
            "maximum": 1.0,
        },
    )
    spoken: bool = _switch(
        False,
        "Say it",
        "This computer's voice says the alert. Needs the program espeak-ng on Linux.",
    )
    switched_off: str = ""
    """Ids of sounds without alerts, with commas between."""
    sensitivities: str = ""
    """Ids of sounds and a number from 0 to 1 for each, as in "dog_barking=0.7,siren=0.4"."""

    def __post_init__(self) -> None:
        for one in fields(self):
            choices = dict(one.metadata.get("choices", ()))
            value = getattr(self, one.name)
            if choices and value not in choices:
                raise ValueError(f"{one.name} = {value!r}: give one of {', '.join(choices)}")
        for name in ("quiet_from", "quiet_to"):
            value = getattr(self, name)
            if value and not _TIME_OF_DAY.fullmatch(value):
                raise ValueError(f"{name} = {value!r}: give a time such as 22:00, or nothing")
        if not 0.0 <= self.tone_volume <= 1.0:
            raise ValueError(f"tone_volume = {self.tone_volume:g}: give a number from 0 to 1")
        read_sensitivities(self.sensitivities)


def read_ids(value: str) -> frozenset[str]:
    """Ids with commas between."""
    return frozenset(filter(None, (part.strip() for part in value.split(","))))


def write_ids(ids: Iterable[str]) -> str:
    """The ids as `read_ids` reads them."""
    return ",".join(sorted(ids))


def read_sensitivities(value: str) -> dict[str, float]:
    """Numbers from 0 to 1 by id.

    Raises:
        ValueError: It is no such list.
    """
    found = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        id, _, number = part.partition("=")
        try:
            sensitivity = float(number)
        except ValueError:
            sensitivity = math.nan
        if not id.strip() or not 0.0 <= sensitivity <= 1.0:
            raise ValueError(
                f"sensitivities = {value!r}: give ids and numbers from 0 to 1, as in"
                " dog_barking=0.7,siren=0.4"
            )
        found[id.strip()] = sensitivity
    return found


def write_sensitivities(values: Mapping[str, float]) -> str:
    """The numbers as `read_sensitivities` reads them."""
    return ",".join(f"{id}={value:.2g}" for id, value in sorted(values.items()))
