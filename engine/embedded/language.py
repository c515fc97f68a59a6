"""Which language is spoken: detected per utterance, with hysteresis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SURE = 0.85
"""One observation this clear switches at once."""
_LIKELY = 0.5
"""Two observations in a row this clear switch."""


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
        speech_s: Speech heard in this utterance; under 1 s a detection cannot switch at once.
        fixed: The user's choice, or None.
        state: Updated in place.
    """
    if fixed is not None:
        return fixed
    best = max(probabilities, key=lambda code: probabilities[code])
    if state.current is None or best == state.current:
        state.current, state.candidate = best, None
        return best
    sure = probabilities[best] >= _SURE and speech_s >= 1.0
    confirmed = best == state.candidate and probabilities[best] >= _LIKELY and speech_s >= 1.0
    if sure or confirmed:
        state.current, state.candidate = best, None
    else:
        state.candidate = best
    return state.current
