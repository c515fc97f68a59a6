"""What the user chose about alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from types import MappingProxyType

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """May be replaced between two chunks.

    Attributes:
        enabled: Whether anything is alerted about.
        narrate: Whether other sounds appear as captions in brackets.
        quiet_from: Local time "HH:MM" from which only emergencies are told; "" for never. Where
            both times are the same there are no quiet hours.
        quiet_to: Local time "HH:MM" where that ends; may be on the next day.
        switched_off: Ids of sounds without alerts.
        sensitivity: 0..1 by id, instead of the catalogue's.
        language: Of label and advice, "en" or "zh".
    """

    enabled: bool = True
    narrate: bool = True
    quiet_from: str = ""
    quiet_to: str = ""
    switched_off: frozenset[str] = frozenset()
    sensitivity: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    language: str = "en"

    def __post_init__(self) -> None:
        for name in ("quiet_from", "quiet_to"):
            value = getattr(self, name)
            if value and not _TIME_OF_DAY.fullmatch(value):
                raise ValueError(f"{name} = {value!r}: give a time such as 22:00, or nothing")
        for sound, value in self.sensitivity.items():
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"sensitivity of {sound} = {value!r}: give a number from 0 to 1")

    def quiet_at(self, now: time) -> bool:
        """Whether this local time of day lies in the quiet hours."""
        if not self.quiet_from or not self.quiet_to or self.quiet_from == self.quiet_to:
            return False
        begin, end = time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to)
        if begin < end:
            return begin <= now < end
        return now >= begin or now < end
