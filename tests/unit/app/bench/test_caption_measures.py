"""How live captions are measured."""

from __future__ import annotations

import pytest

from everlisten.app.bench.caption_measures import (
    Display,
    TimedWord,
    appearances,
    percentile,
    taken_back,
    word_lags,
    words_of,
)


def display(at_s: float, stable: str, unstable: str = "") -> Display:
    return Display(at_s=at_s, stable=words_of(stable), unstable=words_of(unstable), final=False)


SHOWN = [
    display(1.0, "", "the cat"),
    display(2.0, "the", "car goes"),
    display(3.0, "the", "cat goes home"),
    display(4.0, "The cat goes home."),
]


def test_a_word_counts_from_the_appearance_after_which_it_stays() -> None:
    assert appearances(SHOWN) == [1.0, 3.0, 2.0, 3.0]


def test_words_taken_back() -> None:
    assert taken_back(SHOWN) == (2, 0)
    assert taken_back([display(1.0, "the cat"), display(2.0, "a cat")])[1] == 1


def test_lag_is_behind_the_spoken_end() -> None:
    spoken = [TimedWord(word=w, end_s=e) for w, e in [("the", 0.5), ("cat", 1.0), ("sat", 1.5)]]
    lags, matched = word_lags(spoken, [SHOWN])
    assert lags == [0.5, 2.0]
    assert matched == pytest.approx(2 / 3)


def test_words_have_no_punctuation() -> None:
    assert words_of(" Don't stop -- it's 5-6!") == ("don't", "stop", "it's", "5", "6")


def test_percentile_interpolates() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert percentile([], 0.5) != percentile([], 0.5)
