"""The window's own settings. Field metadata is what the settings window is made from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

THEMES = ("system", "light", "dark")
PLACEMENTS = ("under", "beside")
SMALLEST_CAPTION_PT = 9
LARGEST_CAPTION_PT = 40


def _choice(default: str, title: str, help: str, page: str, labels: dict[str, str]) -> Any:
    metadata = {"title": title, "help": help, "page": page, "choices": tuple(labels.items())}
    return field(default=default, metadata=metadata)


def _switch(default: bool, title: str, help: str, page: str) -> Any:
    return field(default=default, metadata={"title": title, "help": help, "page": page})


@dataclass(frozen=True, slots=True, kw_only=True)
class UiConfig:
    """How the window looks and behaves. A field without a page is kept, but not shown."""

    theme: str = _choice(
        "system",
        "Colours",
        "Light, dark, or whatever the desktop uses.",
        "Appearance",
        {"system": "Same as the desktop", "light": "Light", "dark": "Dark"},
    )
    caption_font_pt: int = field(
        default=13,
        metadata={
            "title": "Caption size",
            "help": "Ctrl+Plus and Ctrl+Minus change it too.",
            "page": "Appearance",
            "minimum": SMALLEST_CAPTION_PT,
            "maximum": LARGEST_CAPTION_PT,
            "unit": "pt",
        },
    )
    translation_placement: str = _choice(
        "under",
        "Translation",
        "Beside needs a wide window; a narrow one shows the translation under the caption.",
        "Appearance",
        {"under": "Under the caption", "beside": "Beside the caption"},
    )
    translation_scale_percent: int = field(
        default=92,
        metadata={
            "title": "Translation size",
            "help": "Compared with the caption.",
            "page": "Appearance",
            "minimum": 60,
            "maximum": 200,
            "unit": "%",
        },
    )
    always_show_times: bool = _switch(
        False,
        "Always show times",
        "Otherwise the time shows when you point at a caption.",
        "Appearance",
    )
    reduce_motion: bool = _switch(
        False,
        "Reduce motion",
        "Nothing pulses or blinks; alerts show by colour and size alone. The system's own setting "
        "is followed too, where it tells.",
        "Appearance",
    )
    close_to_tray: bool = _switch(
        True,
        "Keep listening when the window is closed",
        "Closing the window leaves Everlisten in the system tray. Quit with Ctrl+Q.",
        "Window",
    )
    notify_problems: bool = _switch(
        True,
        "Notify about problems",
        "A desktop notification when listening stops working while the window is hidden.",
        "Window",
    )
    safety_note_read: bool = field(
        default=False, metadata={"title": "The note about alerts was closed"}
    )
    geometry: str = field(default="", metadata={"title": "Size and place of the window"})

    def __post_init__(self) -> None:
        for config_field in fields(self):
            value = getattr(self, config_field.name)
            choices = dict(config_field.metadata.get("choices", ()))
            if choices and value not in choices:
                allowed = ", ".join(choices)
                raise ValueError(f"ui.{config_field.name}: {value!r} is not one of {allowed}")
            if "minimum" in config_field.metadata:
                low, high = config_field.metadata["minimum"], config_field.metadata["maximum"]
                if not low <= value <= high:
                    raise ValueError(
                        f"ui.{config_field.name}: {value} is not between {low} and {high}"
                    )
