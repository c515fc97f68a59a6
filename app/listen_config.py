"""What Everlisten listens to and what it writes down; field metadata makes the settings page."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

SOURCES = {"mic": "Microphone", "system": "Computer sound", "both": "Both"}
LOW_POWER = {"auto": "On battery", "on": "Always", "off": "Never"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenConfig:
    """The user's choices for listening. A field without a page is changed in the main window."""

    source: str = field(default="mic", metadata={"choices": tuple(SOURCES.items())})
    microphone: str = ""
    """Id of the microphone; "" follows the system's default."""
    system: str = ""
    """Id of the output device whose sound is captioned; "" follows the system's default."""
    language: str = "auto"
    """Spoken language: auto, or an ISO 639-1 code."""
    translate_to: str = "en"
    """Target language of the translation, or off."""
    start_listening: bool = field(
        default=True,
        metadata={
            "title": "Listen when Everlisten starts",
            "help": "Otherwise it waits for Start.",
            "page": "Listening",
        },
    )
    threads: int = field(
        default=2,
        metadata={
            "title": "Processor threads for captions",
            "help": "More threads write faster on a computer with many cores.",
            "page": "Listening",
            "minimum": 1,
            "maximum": 16,
            "needs_restart": True,
        },
    )
    low_power: str = field(
        default="auto",
        metadata={
            "title": "Save power",
            "help": "Captions appear in larger steps and take about half the computing.",
            "page": "Listening",
            "choices": tuple(LOW_POWER.items()),
            "needs_restart": True,
        },
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            choices = dict(one.metadata.get("choices", ()))
            value = getattr(self, one.name)
            if choices and value not in choices:
                raise ValueError(f"{one.name} = {value!r}: give one of {', '.join(choices)}")
        if not 1 <= self.threads <= 16:
            raise ValueError(f"threads = {self.threads}: give a number from 1 to 16")
