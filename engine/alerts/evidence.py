"""How much speaks for a sound: its last chunks, measured against the bar that it must reach.

All of it is in logits (log of p / (1 - p)), where a probability near 0 or 1 does not hide how sure
the model is, and where sensitivity, rhythm and counter-examples add up.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import AlertEntry
from everlisten.engine.sounds.rhythm import REGULAR, Rhythm

SENSITIVITY_LOGITS = 4.0
"""From the least to the greatest sensitivity the bar falls by so much: at a threshold of 0.5 from
0.88 to 0.12."""
DEFAULT_THRESHOLD = 0.5
RHYTHM_HELPS = 3.0
"""A rhythm of full confidence lowers the bar by so much: 0.5 becomes 0.05. In speech, music and
noise of a home no temporal-three came in 20 minutes, and temporal-four in 8 chunks, all of them at
a confidence of 0.5, where it is 0.18."""
NO_RHYTHM_YET = 1.0
"""A patterned alarm without its rhythm must be surer by so much, and heard once more."""
OTHER_RHYTHM = 0.5
"""Beeps that go on in another rhythm raise the bar by so much more: little, because European smoke
alarms may beep quickly and evenly."""
RHYTHM_SEEN = 0.5
"""Confidence from which a rhythm counts as seen: the first whole pattern."""
RHYTHM_MATTERS = 4.5
"""Further below its bar no rhythm makes an alarm: help, and half the probability for going on."""
SURE = 2.0
"""A chunk so far above the bar counts twice, so that a clear sound is told within a second: where a
threshold is 0.5, from a probability of 0.88."""
SLACK_S = 1e-3
"""Sums of 0.4 are not exact."""
_LEAST_P = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardChunk:
    """What was heard in one chunk.

    Attributes:
        probabilities: By sound, taught ones too.
        thresholds: At default sensitivity, by sound.
        start_s: Stream time.
        end_s: Stream time.
        source: Where it was loudest.
        rhythm: Of the last 10 s; None where it was not looked at.
        raised: Logits by which the bar of a sound is higher, because the chunk is like one of
            which the user said that it is something else.
        broken: Nothing may be concluded from it; not "" why.
    """

    probabilities: Mapping[str, float]
    thresholds: Mapping[str, float]
    start_s: float
    end_s: float
    source: SourceName | None = None
    rhythm: Rhythm | None = None
    raised: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    broken: str = ""

    def probability(self, sound: str) -> float:
        """0 for what the model does not know."""
        return 0.0 if self.broken else self.probabilities.get(sound, 0.0)


def logit(probability: float) -> float:
    """Log odds, within about -9..9."""
    bounded = min(max(probability, _LEAST_P), 1.0 - _LEAST_P)
    return math.log(bounded / (1.0 - bounded))


def bar(threshold: float, sensitivity: float) -> float:
    """Logit that a chunk must reach."""
    return logit(threshold) - SENSITIVITY_LOGITS * (sensitivity - 0.5)


def halved(bar_logit: float) -> float:
    """The logit of half the probability: an event that is on stays on above it."""
    return logit(0.5 / (1.0 + math.exp(-bar_logit)))


@dataclass(slots=True)
class Track:
    """The last chunks of one sound."""

    window: int
    chunks: deque[tuple[float, float, float]] = field(init=False)
    """Start, logit without what counter-examples take off, probability."""

    def __post_init__(self) -> None:
        self.chunks = deque(maxlen=self.window)

    def hear(self, sound: str, chunk: HeardChunk) -> None:
        """Add a chunk."""
        probability = chunk.probability(sound)
        value = logit(probability) - chunk.raised.get(sound, 0.0)
        self.chunks.append((chunk.start_s, value, probability))

    def hits(self, bar_logit: float) -> int:
        """Chunks that reach the bar."""
        return sum(value >= bar_logit for _, value, _ in self.chunks)

    def weight(self, bar_logit: float) -> int:
        """Chunks that reach the bar, the clear ones twice."""
        return self.hits(bar_logit) + self.hits(bar_logit + SURE)

    def score(self, bar_logit: float, count: int) -> float:
        """By how many logits the `count` best chunks are above the bar, on average."""
        best = sorted((value for _, value, _ in self.chunks), reverse=True)[:count]
        if not best:
            return -math.inf
        return sum(best) / len(best) - bar_logit

    def first_hit_s(self, bar_logit: float) -> float:
        """Where the earliest chunk that reaches the bar begins."""
        return next(start_s for start_s, value, _ in self.chunks if value >= bar_logit)

    @property
    def newest(self) -> float:
        """Logit of the last chunk."""
        return self.chunks[-1][1]

    @property
    def surest(self) -> float:
        """Highest probability in the window."""
        return max((probability for _, _, probability in self.chunks), default=0.0)


def own_rhythm(entry: AlertEntry, rhythm: Rhythm | None) -> Rhythm | None:
    """The rhythm, if it is this alarm's and was seen in full."""
    if not entry.pattern or rhythm is None or rhythm.kind != entry.pattern:
        return None
    return rhythm if rhythm.confidence >= RHYTHM_SEEN else None


def demanded(entry: AlertEntry, rhythm: Rhythm | None) -> tuple[float, int]:
    """What the rhythm asks of a sound: logits added to its bar, and hits needed."""
    if not entry.pattern:
        return 0.0, entry.hits
    own = own_rhythm(entry, rhythm)
    if own is not None:
        return -RHYTHM_HELPS * own.confidence, entry.hits
    further = min(entry.hits + 1, entry.window)
    if rhythm is not None and rhythm.kind == REGULAR:
        return NO_RHYTHM_YET + OTHER_RHYTHM * rhythm.confidence, further
    return NO_RHYTHM_YET, further
