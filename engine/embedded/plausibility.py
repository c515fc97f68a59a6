"""Structural checks that keep invented text away. No phrase lists: they miss languages and eat
a real "thank you"."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a text and the sound it was written for.

    Attributes:
        text: The hypothesis.
        tokens: Number of its tokens.
        mean_log_probability: Mean over its tokens.
        no_speech_probability: Whisper's estimate that nobody speaks.
        speech_s: Sum of the windows that the voice-activity model took for speech.
        sound_s: Length of the sound.
    """

    text: str
    tokens: int
    mean_log_probability: float
    no_speech_probability: float
    speech_s: float
    sound_s: float


_MIN_LOG_PROBABILITY = -1.0
"""Whisper's own limit for a failed decode."""
_MAX_COMPRESSION = 2.4
"""Whisper's own limit for a loop."""
_MAX_TOKENS_PER_S = 11.0
"""Fast English speech has 5-6 tokens a second, Japanese and Korean up to 9."""
_NO_SPEECH = 0.6
_UNSURE_LOG_PROBABILITY = -0.5
_MIN_SPEECH_SHARE = 0.35
_SHORT_SPEECH_S = 0.5
"""A syllable. Three in 1.6 hours of sounds got a caption, at mean log-probabilities under -0.74."""
_SHORT_LOG_PROBABILITY = -0.65


def is_loop(evidence: Evidence) -> bool:
    """More text than time allows, or the same again and again: worth another decode."""
    encoded = evidence.text.encode()
    ratio = len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0
    allowed = 4 + _MAX_TOKENS_PER_S * evidence.sound_s
    return ratio > _MAX_COMPRESSION or evidence.tokens > allowed


def is_plausible_translation(evidence: Evidence) -> bool:
    """Whether a translation of plausible words may be shown.

    That somebody spoke is known from the words. A good translation is often less likely than
    Whisper's limit for a transcript: with it, 19 of 67 utterances of the paragraphs in 8 languages
    had no translation, most of them Chinese and Korean (docs/captions-log.md).
    """
    return any(character.isalnum() for character in evidence.text) and not is_loop(evidence)


def is_plausible(evidence: Evidence) -> bool:
    """Whether the words may be shown."""
    if not is_plausible_translation(evidence):
        return False
    if evidence.mean_log_probability < _MIN_LOG_PROBABILITY:
        return False
    if evidence.speech_s < _MIN_SPEECH_SHARE * evidence.sound_s:
        return False
    short = evidence.speech_s < _SHORT_SPEECH_S
    if short and evidence.mean_log_probability < _SHORT_LOG_PROBABILITY:
        return False
    unsure = evidence.mean_log_probability < _UNSURE_LOG_PROBABILITY
    return not (unsure and evidence.no_speech_probability > _NO_SPEECH)
