"""One text of an utterance while it is spoken: what is stable, what is shown, what is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from everlisten.engine.embedded.agreement import AgreementState, agree
from everlisten.engine.embedded.whisper_decoder import Hypothesis

# The four numbers below are from the policy table of docs/captions-log.md (2026-11-22): with them
# 12 % of the words are taken back on the way instead of 29 %, for 0.1 s more lag, and forced
# stable words contradict the final decode in 1 of 80 utterances instead of 29.
_HELD_BACK_WORDS = 3
"""Newest words that do not become stable: the end of a word still being spoken changes most."""
_STABLE_PROBABILITY = 0.7
"""A word below this, and what follows it, waits for the final."""
_NEWEST_WORD_PROBABILITY = 0.9
"""The very last word is shown from here on, unless the speaker pauses after it."""
_NEW_WORD_PROBABILITY = 0.5
"""The last three words are shown from here on."""


class TextOfTokens(Protocol):
    """What is needed of a decoder here."""

    def text(self, tokens: Sequence[int]) -> str:
        """The text of text tokens."""

    def word_ends(self, tokens: Sequence[int]) -> list[int]:
        """Counts of tokens after which a word is complete."""


@dataclass(slots=True, kw_only=True)
class LiveText:
    """Words or translation of the open utterance.

    Attributes:
        agreement: Hypotheses so far.
        stable_text: What has been emitted as stable.
        shown: Something of it has been emitted.
        settles: Words become stable while the utterance goes on. Not so in a translation: a verb
            that comes last turns the sentence round, and a German sentence lost most of its
            content when the first words of its translation were forced.
    """

    agreement: AgreementState = field(default_factory=AgreementState)
    stable_text: str = ""
    shown: bool = False
    settles: bool = True


def grow(
    hypothesis: Hypothesis, decoder: TextOfTokens, pausing: bool, live: LiveText
) -> tuple[str, str] | None:
    """Take in the hypothesis of a partial decode.

    Args:
        hypothesis: Begins with `live.agreement.prefix`.
        decoder: Turns tokens into text.
        pausing: Nobody speaks just now, so the last word is whole.
        live: Updated in place.

    Returns:
        Stable and unstable text to show, or None where there is nothing to show.
    """
    ends = decoder.word_ends(hypothesis.tokens)
    if _splits_a_word(ends, live):
        return None
    trusted = _trusted(hypothesis, ends, live) if live.settles else []
    agree(hypothesis.tokens, trusted, live.agreement)
    count = max(_visible(hypothesis, ends, pausing), live.agreement.stable)
    text = decoder.text(hypothesis.tokens[:count]).lstrip()
    stable = decoder.text(live.agreement.prefix).lstrip()
    assert text.startswith(stable)
    assert stable.startswith(live.stable_text)
    # The full stop of a sentence that is still being spoken is a guess and comes and goes.
    unstable = text[len(stable) :].rstrip(" .…-")
    if not live.shown and not stable and not unstable:
        return None
    live.stable_text = stable
    live.shown = True
    return stable, unstable


def final_text(hypothesis: Hypothesis, decoder: TextOfTokens, live: LiveText) -> str:
    """The text of the last hypothesis; begins with everything that was shown as stable.

    Where the decoder went on within the last stable word ("long" + "er"), the word stays as it
    was promised and the rest of it is left out; a comma may follow it.
    """
    text = decoder.text(hypothesis.tokens).strip()
    ends = decoder.word_ends(hypothesis.tokens)
    goes_on = text[len(live.stable_text) :]
    if not _splits_a_word(ends, live) or not goes_on[:1].isalnum():
        return text
    word_end = next(end for end in ends if end > live.agreement.stable)
    return live.stable_text + decoder.text(hypothesis.tokens[word_end:])


def _splits_a_word(ends: Sequence[int], live: LiveText) -> bool:
    """The decoder went on within the last stable word ("long" + "er"): that would change it."""
    return live.agreement.stable > 0 and live.agreement.stable not in ends


def _trusted(hypothesis: Hypothesis, ends: Sequence[int], live: LiveText) -> list[int]:
    """Word ends up to which the decoder was sure."""
    allowed: list[int] = []
    begin = 0
    for end in ends[:-_HELD_BACK_WORDS]:
        if end > live.agreement.stable:
            if _probability(hypothesis, begin, end) < _STABLE_PROBABILITY:
                break
            allowed.append(end)
        begin = end
    return allowed


def _visible(hypothesis: Hypothesis, ends: Sequence[int], pausing: bool) -> int:
    """Number of tokens worth showing."""
    if pausing or not hypothesis.probabilities:
        return len(hypothesis.tokens)
    starts = [0, *ends[:-1]]
    for begin, end in list(zip(starts, ends, strict=True))[-3:]:
        needed = _NEWEST_WORD_PROBABILITY if end == ends[-1] else _NEW_WORD_PROBABILITY
        if _probability(hypothesis, begin, end) < needed:
            return begin
    return len(hypothesis.tokens)


def _probability(hypothesis: Hypothesis, begin: int, end: int) -> float:
    """Of the least likely token of a word; 0 where the decode gave none."""
    return min(hypothesis.probabilities[begin:end], default=0.0)
