"""LocalAgreement-2: what two hypotheses in a row agree on is stable (Liu et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class AgreementState:
    """Hypotheses of one text of one utterance.

    Attributes:
        tokens: The newest hypothesis.
        stable: Number of its first tokens that will never change again.
    """

    tokens: tuple[int, ...] = ()
    stable: int = 0

    @property
    def prefix(self) -> tuple[int, ...]:
        """The stable tokens; every later decode is forced to begin with them."""
        return self.tokens[: self.stable]


def agree(tokens: tuple[int, ...], allowed: Sequence[int], state: AgreementState) -> None:
    """Take in a new hypothesis and extend the stable prefix.

    Args:
        tokens: The new hypothesis; begins with `state.prefix`.
        allowed: Counts of `tokens` that may become stable, ascending: ends of words.
        state: Updated in place.
    """
    assert tokens[: state.stable] == state.prefix, (tokens, state)
    common = common_prefix(state.tokens, tokens)
    agreed = [end for end in allowed if end <= common]
    state.tokens = tokens
    state.stable = max(state.stable, agreed[-1] if agreed else 0)


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Number of equal items at the start."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
