"""What is stable never changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from everlisten.engine.embedded.agreement import AgreementState, agree, common_prefix

hypotheses = st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=12)


@given(hypotheses)
def test_stable_never_changes(tails: list[list[int]]) -> None:
    state = AgreementState()
    for tail in tails:
        before = state.prefix
        tokens = (*state.prefix, *tail)
        agree(tokens, range(1, len(tokens) + 1), state)
        assert state.prefix[: len(before)] == before
        assert state.tokens == tokens


def test_two_in_a_row_agree() -> None:
    state = AgreementState()
    agree((1, 2, 3), [1, 2, 3], state)
    assert state.stable == 0
    agree((1, 2, 4), [1, 2, 3], state)
    assert state.prefix == (1, 2)


def test_half_a_word_is_not_stable() -> None:
    state = AgreementState()
    agree((1, 2, 3), [1, 3], state)
    agree((1, 2, 4), [1, 3], state)
    assert state.prefix == (1,)


def test_common_prefix() -> None:
    assert common_prefix((1, 2, 3), (1, 2)) == 2
    assert common_prefix((), (1,)) == 0
