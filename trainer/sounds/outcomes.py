"""What was played in a scene, what was told, and which alert belongs to which event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.engine.alerts.contest import WAIT_S

PATTERN_S = {"smoke_alarm": 2.5, "co_alarm": 0.7}
"""A patterned alarm can't be known before the end of its first whole pattern."""
TAIL_S = 2.0
"""An alert told so long after the end of its event still belongs to it."""
_CHUNK_S = 0.4


@cache
def _waits(sound: str) -> bool:
    """Whether the sound is taken for an alarm with a pattern, and has none itself."""
    entries = shipped_alerts()
    entry = entries.get(sound)
    if entry is None or entry.pattern or not entry.group:
        return False
    return any(other.pattern and other.group == entry.group for other in entries.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A sound that was played.

    Attributes:
        sound: Its id.
        onset_s: Where it begins in the scene.
        offset_s: Where it ends.
    """

    sound: str
    onset_s: float
    offset_s: float

    @property
    def due_s(self) -> float:
        """From here latency counts: the onset, or the end of the first pattern."""
        return self.onset_s + PATTERN_S.get(self.sound, 0.0)

    @property
    def latest_s(self) -> float:
        """An alert told later is not for this event."""
        # The policy lets a beep wait for an alarm's first pattern, from the chunk that held it on.
        waited_s = WAIT_S + 2 * _CHUNK_S if _waits(self.sound) else 0.0
        return max(self.offset_s + TAIL_S, self.onset_s + waited_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An alert, when it first appeared."""

    sound: str
    at_s: float
    confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one scene.

    Attributes:
        kind: As in `scenes`.
        name: Of the clip or stream.
        fold: It is from this test fold.
        seconds: Its length.
        sound: Of a clip: its sound id.
        group: Of a clip: its source group.
        synthetic: The clip was synthesised.
        condition: Of a changed clip or a broken signal.
        unsure: Sounds that it may hold as well; telling them is neither right nor wrong.
        events: Alert sounds in it, in order.
        told: Alerts, in order.
    """

    kind: str
    name: str
    fold: int
    seconds: float
    sound: str = ""
    group: str = ""
    synthetic: bool = False
    condition: str = ""
    unsure: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    told: tuple[Telling, ...] = ()

    @property
    def judged(self) -> tuple[Telling, ...]:
        """Alerts that are right or wrong."""
        return tuple(each for each in self.told if each.sound not in self.unsure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Which alert belongs to which event.

    Attributes:
        latency_s: Of each event, from `due_s`; None if it was missed.
        false: Alerts that belong to none.
    """

    latency_s: tuple[float | None, ...]
    false: tuple[Telling, ...]


def match(events: Sequence[Event], told: Iterable[Telling]) -> Matched:
    """Give each alert to the newest event of its sound that has begun and is not long over.

    A second alert for the same event is neither a hit nor false.
    """
    latency: list[float | None] = [None] * len(events)
    false = []
    for telling in told:
        fitting = [
            number
            for number, event in enumerate(events)
            if event.sound == telling.sound and event.onset_s <= telling.at_s <= event.latest_s
        ]
        if not fitting:
            false.append(telling)
        elif latency[fitting[-1]] is None:
            latency[fitting[-1]] = telling.at_s - events[fitting[-1]].due_s
    return Matched(latency_s=tuple(latency), false=tuple(false))


def is_hit(outcome: Outcome) -> bool:
    """The clip's sound was told, by its name and in its time."""
    found = match(outcome.events, outcome.told).latency_s
    return any(latency is not None for latency in found)
