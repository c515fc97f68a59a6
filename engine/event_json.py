"""Events as JSON objects, one a line, and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import events
from everlisten.engine.events import EngineEvent, EngineState

_DECIMALS = 3

EVENT_TYPES: dict[str, type[EngineEvent]] = {
    cls.type: cls
    for cls in vars(events).values()
    if isinstance(cls, type) and issubclass(cls, EngineEvent) and cls is not EngineEvent
}
"""Every event class by its `type` name."""


def to_dict(event: EngineEvent) -> dict[str, Any]:
    """The event as a flat dictionary: `type` first, times rounded to milliseconds.

    Partials carry `text` beside `stable` and `unstable`; `source` is left out where there is none.
    """
    fields: dict[str, Any] = {"type": event.type}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        fields[field.name] = round(value, _DECIMALS) if isinstance(value, float) else value
    if fields["source"] is None:
        del fields["source"]
    if isinstance(event, events.CaptionPartial | events.TranslationPartial):
        fields["text"] = event.text
    return fields


def to_line(event: EngineEvent) -> str:
    """The event as one line of JSON, without the line break."""
    return json.dumps(to_dict(event), ensure_ascii=False)


def from_dict(fields: dict[str, Any]) -> EngineEvent:
    """The event that `to_dict` was called with.

    Raises:
        ValueError: `type` is unknown.
    """
    cls = EVENT_TYPES.get(fields["type"])
    if cls is None:
        known = ", ".join(sorted(EVENT_TYPES))
        raise ValueError(f"unknown event type {fields['type']!r}; known are {known}")
    known_names = {field.name for field in dataclasses.fields(cls)}
    values = {name: value for name, value in fields.items() if name in known_names}
    if values.get("source") is not None:
        values["source"] = SourceName(values["source"])
    if "state" in values:
        values["state"] = EngineState(values["state"])
    return cls(**values)
