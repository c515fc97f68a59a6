"""What is warned about, as `assets/alerts.yaml` says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml

URGENT_REPLY = "urgent-reply"
"""The entry for replies that the model itself marks as urgent."""
SEVERITIES = ("emergency", "warning", "notice")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEntry:
    """One kind of alert."""

    id: str
    label: str
    severity: str
    advice: str
    merge_s: float
    """A further sign within so long of the last one belongs to the same event."""
    cooldown_s: float
    """After an event is over, the next one is told only so long after its end."""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            allowed = ", ".join(SEVERITIES)
            raise ValueError(f"alert {self.id}: severity {self.severity!r} is none of {allowed}")
        if not 0 <= self.merge_s <= self.cooldown_s:
            raise ValueError(
                f"alert {self.id}: merge_s = {self.merge_s:g}: give 0 to cooldown_s"
                f" ({self.cooldown_s:g})"
            )


@cache
def shipped_alerts() -> Mapping[str, AlertEntry]:
    """Every entry by id."""
    source = resources.files("everlisten.assets").joinpath("alerts.yaml")
    entries = yaml.safe_load(source.read_text("utf-8"))["alerts"]
    return MappingProxyType({entry["id"]: AlertEntry(**entry) for entry in entries})
