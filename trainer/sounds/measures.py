"""What is counted in an evaluation: recall, precision, false alarms per hour, latency, confusion.

Works on outcomes, that is on what was played when and what was told when, so that any detector is
measured in the same way. A scene with one clip in it is the unit of recall and precision; streams
are the unit of false alarms per hour; latency counts by the rule of `Event.due_s`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.sounds.outcomes import Outcome, is_hit, match

SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundMeasure:
    """Recall and precision of one sound over scenes with one clip.

    Attributes:
        clips: With this sound.
        groups: Source groups that they are from.
        hits: Clips told by the right name.
        told: Clips, of any sound, on which it was told.
        right: Those of them that do hold it.
    """

    clips: int
    groups: int
    hits: int
    told: int
    right: int

    @property
    def recall(self) -> float:
        """NaN without clips."""
        return self.hits / self.clips if self.clips else float("nan")

    @property
    def precision(self) -> float:
        """NaN if it was never told."""
        return self.right / self.told if self.told else float("nan")


def sound_measure(
    outcomes: Sequence[Outcome], sound: str, *, synthetic: bool | None = None
) -> SoundMeasure:
    """Of one sound, over the real clips, the synthesised ones, or both (None)."""
    own = [
        each
        for each in outcomes
        if each.sound == sound and (synthetic is None or each.synthetic == synthetic)
    ]
    told = [each for each in outcomes if any(t.sound == sound for t in each.judged)]
    return SoundMeasure(
        clips=len(own),
        groups=len({each.group for each in own}),
        hits=sum(map(is_hit, own)),
        told=len(told),
        right=sum(each.sound == sound for each in told),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """Whether anything at all was told, whatever its name.

    Attributes:
        alert_clips: Clips of alert sounds.
        spoken: Those on which something was told.
        right_name: Those whose first alert has the right name.
        other_clips: Clips of other sounds.
        silent: Those on which nothing was told.
        left_out: Clips of other sounds on which only sounds were told that they may hold.
    """

    alert_clips: int
    spoken: int
    right_name: int
    other_clips: int
    silent: int
    left_out: int

    @property
    def recall(self) -> float:
        """Share of the alert clips that were spoken on."""
        return _share(self.spoken, self.alert_clips)

    @property
    def specificity(self) -> float:
        """Share of the other clips on which it stayed silent."""
        return _share(self.silent, self.other_clips)

    @property
    def balanced(self) -> float:
        """Mean of both; 0.5 for a detector that never speaks."""
        return (self.recall + self.specificity) / 2

    @property
    def accuracy(self) -> float:
        """Share of all clips that were decided rightly."""
        return _share(self.spoken + self.silent, self.alert_clips + self.other_clips)

    @property
    def named(self) -> float:
        """Share of the spoken-on alert clips whose first alert has the right name."""
        return _share(self.right_name, self.spoken)

    def always_silent(self) -> Speaking:
        """What a detector that never speaks reaches on the same clips."""
        return Speaking(
            alert_clips=self.alert_clips,
            spoken=0,
            right_name=0,
            other_clips=self.other_clips + self.left_out,
            silent=self.other_clips + self.left_out,
            left_out=0,
        )


def speaking(outcomes: Iterable[Outcome]) -> Speaking:
    """Count over scenes with one clip; an alert before the clip's onset does not count for it."""
    counts: Counter[str] = Counter()
    for each in outcomes:
        if each.events:
            heard = [t for t in each.judged if t.at_s >= each.events[0].onset_s]
            counts["alert"] += 1
            counts["spoken"] += bool(heard)
            counts["named"] += bool(heard) and heard[0].sound == each.sound
        elif each.told and not each.judged:
            counts["left out"] += 1
        else:
            counts["other"] += 1
            counts["silent"] += not each.told
    return Speaking(
        alert_clips=counts["alert"],
        spoken=counts["spoken"],
        right_name=counts["named"],
        other_clips=counts["other"],
        silent=counts["silent"],
        left_out=counts["left out"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False alerts over streams, in all and by sound."""

    hours: float
    by_sound: Counter[str]

    @property
    def count(self) -> int:
        """Of all sounds."""
        return self.by_sound.total()

    @property
    def per_hour(self) -> float:
        """NaN without streams."""
        return self.count / self.hours if self.hours else float("nan")


def false_alarms(outcomes: Iterable[Outcome]) -> FalseAlarms:
    """Count the alerts that belong to no event; where there are no events, every one."""
    by_sound: Counter[str] = Counter()
    hours = 0.0
    for each in outcomes:
        hours += each.seconds / 3600
        by_sound.update(t.sound for t in match(each.events, each.judged).false)
    return FalseAlarms(hours=hours, by_sound=by_sound)


def latencies(
    outcomes: Iterable[Outcome], of: Callable[[str], bool] = lambda sound: True
) -> list[float | None]:
    """Latency of every event whose sound is wanted, None for a missed one."""
    return [
        latency
        for each in outcomes
        for event, latency in zip(each.events, match(each.events, each.told).latency_s, strict=True)
        if of(event.sound)
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Linear interpolation; NaN without values."""
    return float(np.quantile(values, share)) if values else float("nan")


def confusion(
    outcomes: Iterable[Outcome], rows: Sequence[str], columns: Sequence[str], rest: str
) -> NDArray[np.int64]:
    """Clips by what they hold and what was told first.

    Args:
        outcomes: Scenes with one clip.
        rows: Sounds with a row of their own; every other one goes to the row `rest`, the last.
        columns: Sounds that can be told, then `SILENT`.
        rest: Must be in `rows`.

    Returns:
        int64 [rows, columns].
    """
    counts = np.zeros((len(rows), len(columns)), np.int64)
    for each in outcomes:
        row = rows.index(each.sound if each.sound in rows else rest)
        first = each.told[0].sound if each.told else SILENT
        counts[row, columns.index(first)] += 1
    return counts


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
