"""Which language is spoken: detected per utterance, with hysteresis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SURE = 0.85
"""One observation this clear switches at once."""
_LIKELY = 0.5
"""Two observations in a row this clear switch."""
_ENOUGH_S = 1.0
"""Of less speech a detection is often wrong: of 17 paragraphs 5 after 0.8 s, none after 1.6 s
(docs/captions-log.md)."""


@dataclass(slots=True, kw_only=True)
class LanguageState:
    """What one stream is taken to be spoken in."""

    current: str | None = None
    candidate: str | None = None


def observe(
    probabilities: Mapping[str, float], speech_s: float, fixed: str | None, state: LanguageState
) -> str:
    """Take in one detection and return the language to decode in.

    Args:
        probabilities: Of each language code.
        speech_s: Speech heard in this utterance; under 1 s a detection changes nothing unless
            it is the first and sure.
        fixed: The user's choice, or None.
        state: Updated in place.
    """
    if fixed is not None:
        return fixed
    best = max(probabilities, key=lambda code: probabilities[code])
    enough = speech_s >= _ENOUGH_S
    if state.current is None and not enough and probabilities[best] < _SURE:
        return best
    if state.current is None or best == state.current:
        state.current, state.candidate = best, None
        return best
    sure = probabilities[best] >= _SURE and enough
    confirmed = best == state.candidate and probabilities[best] >= _LIKELY and enough
    if sure or confirmed:
        state.current, state.candidate = best, None
    else:
        state.candidate = best
    return state.current
