"""Spaces and sentence ends in text that comes piece by piece."""

from __future__ import annotations

import pytest

from everlisten.engine.laim.spacing import ends_sentence, needs_space


@pytest.mark.parametrize(
    ("before", "after", "space"),
    [
        ("e", "w", True),
        (".", "W", True),
        (" ", "w", False),
        ("e", ",", False),
        ("e", ".", False),
        ("e", "(", True),
        ("你", "好", False),
        ("。", "好", False),
        ("か", "な", False),
        ("ไ", "ท", False),
        ("안", "녕", True),
        ("й", "м", True),
        ("3", "7", True),
        ("e", "\n", False),
    ],
)
def test_spaces(before: str, after: str, space: bool) -> None:
    assert needs_space(before, after) is space


@pytest.mark.parametrize("text", ["Yes.", "Who?", "Go!", "他来了。", "He said “no.”", "…", "क्या।"])
def test_sentence_ends(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["", "yes", "yes,", "“", "3.5 m", "他来了"])
def test_sentences_that_go_on(text: str) -> None:
    assert not ends_sentence(text)
