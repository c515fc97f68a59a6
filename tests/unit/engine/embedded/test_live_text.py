"""What is shown of an utterance while it is spoken."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from everlisten.engine.embedded.live_text import LiveText, final_text, grow
from everlisten.engine.embedded.whisper_decoder import Hypothesis

WORDS = [" the", " long", "er", " way", " to", " go", "."]


class Letters:
    def text(self, tokens: Sequence[int]) -> str:
        return "".join(WORDS[token] for token in tokens)

    def word_ends(self, tokens: Sequence[int]) -> list[int]:
        inner = [i for i, token in enumerate(tokens) if i and WORDS[token].startswith(" ")]
        return [*inner, len(tokens)] if tokens else []


def hypothesis(tokens: Sequence[int], probabilities: Sequence[float] | None = None) -> Hypothesis:
    return Hypothesis(
        tokens=tuple(tokens),
        mean_log_probability=-0.1,
        no_speech_probability=0.0,
        probabilities=tuple(probabilities if probabilities is not None else [0.95] * len(tokens)),
    )


@given(st.lists(st.tuples(st.lists(st.integers(0, 6), max_size=10), st.floats(0, 1)), max_size=10))
def test_stable_text_is_never_changed(tails: list[tuple[list[int], float]]) -> None:
    live, shown = LiveText(), ""
    for tail, probability in tails:
        tokens = (*live.agreement.prefix, *tail)
        texts = grow(hypothesis(tokens, [probability] * len(tokens)), Letters(), False, live)
        if texts is not None:
            assert texts[0].startswith(shown)
            shown = texts[0]
    last = hypothesis((*live.agreement.prefix, 2, 3))
    words, kept = final_text(last, Letters(), live).split(), shown.split()
    assert words[: len(kept)] == kept


def test_agreed_words_become_stable_but_the_newest_three() -> None:
    live = LiveText()
    grow(hypothesis([0, 1, 3, 4, 5]), Letters(), False, live)
    assert grow(hypothesis([0, 1, 3, 4, 5]), Letters(), False, live) == ("the long", " way to go")


def test_an_unsure_word_is_not_stable() -> None:
    live = LiveText()
    for _ in range(3):
        texts = grow(hypothesis([0, 1, 3, 4, 5], [0.9, 0.6, 1, 1, 1]), Letters(), False, live)
    assert texts == ("the", " long way to go")


def test_an_unsure_last_word_is_shown_only_in_a_pause() -> None:
    guess = hypothesis([0, 1, 3], [0.95, 0.95, 0.6])
    assert grow(guess, Letters(), False, LiveText()) == ("", "the long")
    assert grow(guess, Letters(), True, LiveText()) == ("", "the long way")


def test_a_full_stop_is_not_shown_before_the_end() -> None:
    assert grow(hypothesis([0, 3, 6]), Letters(), True, LiveText()) == ("", "the way")


def test_a_stable_word_that_goes_on_stays_as_it_was_promised() -> None:
    live = LiveText()
    for _ in range(2):
        grow(hypothesis([0, 1, 3, 4, 5]), Letters(), False, live)
    assert live.stable_text == "the long"
    assert final_text(hypothesis([0, 1, 2, 3]), Letters(), live) == "the long way"
    assert final_text(hypothesis([0, 1, 6]), Letters(), live) == "the long."
    assert final_text(hypothesis([0, 1, 2]), Letters(), live) == "the long"


def test_a_translation_settles_only_in_its_final() -> None:
    live = LiveText(settles=False)
    for _ in range(4):
        assert grow(hypothesis([0, 1, 3, 4, 5]), Letters(), False, live) == (
            "",
            "the long way to go",
        )
    assert final_text(hypothesis([1, 0, 3]), Letters(), live) == "long the way"
