"""Measures of live captions: word lag, words taken back, time to the final, word error rate.

Works on what was displayed when, so that other programs are measured in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

_NOT_WORD = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What was on the screen for one utterance from a moment on.

    Attributes:
        at_s: When it appeared.
        stable: Words declared unchangeable.
        unstable: The rest.
        final: Whether the utterance is finished.
    """

    at_s: float
    stable: tuple[str, ...]
    unstable: tuple[str, ...]
    final: bool

    @property
    def words(self) -> tuple[str, ...]:
        """Everything shown."""
        return self.stable + self.unstable


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word of the offline transcript."""

    word: str
    end_s: float


def words_of(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation."""
    return tuple(w for w in _NOT_WORD.sub(" ", text.lower()).split() if w.strip("'"))


def appearances(displays: Sequence[Display]) -> list[float]:
    """For each word of the last display: when it first appeared and then stayed."""
    last = displays[-1].words
    since = [displays[-1].at_s] * len(last)
    staying = set(range(len(last)))
    for display in reversed(displays[:-1]):
        staying &= set(_matched(display.words, last))
        for index in staying:
            since[index] = display.at_s
    return since


def taken_back(displays: Sequence[Display]) -> tuple[int, int]:
    """Words of one utterance that were shown and then changed or removed: (unstable, stable)."""
    unstable = stable = 0
    for before, after in pairwise(displays):
        kept = set(_matched(after.words, before.words))
        lost = [index for index in range(len(before.words)) if index not in kept]
        unstable += sum(index >= len(before.stable) for index in lost)
        stable += before.stable != after.words[: len(before.stable)]
    return unstable, stable


def word_lags(
    offline: Sequence[TimedWord], utterances: Sequence[Sequence[Display]]
) -> tuple[list[float], float]:
    """Lag of each matched word behind its spoken end, and the share of words matched."""
    shown: list[str] = []
    since: list[float] = []
    for displays in utterances:
        shown += displays[-1].words
        since += appearances(displays)
    spoken = [word.word for word in offline]
    matcher = SequenceMatcher(None, spoken, shown, autojunk=False)
    lags = [
        since[block.b + k] - offline[block.a + k].end_s
        for block in matcher.get_matching_blocks()
        for k in range(block.size)
    ]
    return lags, len(lags) / max(1, len(offline))


def percentile(values: Sequence[float], share: float) -> float:
    """Linear interpolation; NaN without values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def _matched(shown: Sequence[str], reference: Sequence[str]) -> list[int]:
    """Positions in `reference` of the words that `shown` has too, in order."""
    matcher = SequenceMatcher(None, reference, shown, autojunk=False)
    return [b.a + k for b in matcher.get_matching_blocks() for k in range(b.size)]
