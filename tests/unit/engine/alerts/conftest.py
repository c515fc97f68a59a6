"""A catalogue of its own and a room in which a test says what is heard, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY, AlertEntry
from everlisten.engine.alerts.evidence import HeardChunk
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.rhythm import Rhythm

THRESHOLD = 0.6


def entry(id: str, severity: str = "notice", **values: Any) -> AlertEntry:
    """An entry whose label is its id."""
    fixed = {
        "label": {"en": id.title(), "zh": f"{id}-zh"},
        "advice": {"en": f"Do {id}.", "zh": f"{id}-advice-zh"},
        "merge_s": 4.0,
        "cooldown_s": 10.0,
        "hits": 2,
        "window": 4,
    }
    return AlertEntry(id=id, severity=severity, **{**fixed, **values})


CATALOGUE = {
    one.id: one
    for one in (
        entry("dog"),
        entry("bell", hits=1, window=2),
        entry("horn", "warning"),
        entry("smoke", "emergency", escalate_s=8.0, pattern="temporal-3", group="beeps", window=8),
        entry("oven", group="beeps", window=6),
        entry("clock", group="beeps", window=6),
        entry("shot", "emergency", hits=1, window=1, group="bangs", escalate_s=5.0),
        entry("glass", "warning", group="bangs"),
        entry("scream", "emergency", hits=1, window=1, escalate_s=5.0),
        entry(URGENT_REPLY, "emergency", merge_s=5.0, cooldown_s=20.0, hits=1, window=1),
    )
}
SOUNDS = (
    "dog",
    "bell",
    "horn",
    "smoke",
    "oven",
    "clock",
    "shot",
    "glass",
    "scream",
    "fireworks",
    "music",
)


class WallClock:
    """A wall clock that a test sets."""

    def __init__(self, hour: int = 12, minute: int = 0) -> None:
        self.time = datetime(2026, 11, 22, hour, minute, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


class Room:
    """Where sounds are heard: probabilities of 0.01 for all that a test does not name."""

    def __init__(
        self,
        settings: AlertSettings | None = None,
        entries: Mapping[str, AlertEntry] = CATALOGUE,
        **policy: Any,
    ) -> None:
        self.clock = WallClock()
        self.policy = AlertPolicy(entries, settings, **{"now": self.clock, **policy})
        self.state = self.policy.new_state("s1")
        self.index = 0

    @property
    def now_s(self) -> float:
        return self.index * CHUNK_S

    def hear(
        self,
        rhythm: Rhythm | None = None,
        raised: Mapping[str, float] | None = None,
        broken: str = "",
        **probabilities: float,
    ) -> list[SoundAlert]:
        """One chunk."""
        start_s = self.now_s
        self.index += 1
        chunk = HeardChunk(
            probabilities={**dict.fromkeys(SOUNDS, 0.01), **probabilities},
            thresholds=dict.fromkeys(SOUNDS, THRESHOLD),
            start_s=start_s,
            end_s=self.now_s,
            source=SourceName.MIC,
            rhythm=rhythm,
            raised=raised or {},
            broken=broken,
        )
        return self.policy.heard(self.state, chunk)

    def hears(self, count: int, **heard: Any) -> list[SoundAlert]:
        """Several chunks alike."""
        return [alert for _ in range(count) for alert in self.hear(**heard)]

    def quiet(self, seconds: float) -> list[SoundAlert]:
        """Nothing for a while."""
        return self.hears(round(seconds / CHUNK_S))


@pytest.fixture
def room() -> Room:
    """With the settings as they come."""
    return Room()
