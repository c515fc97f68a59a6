"""Which language is taken to be spoken."""

from __future__ import annotations

from everlisten.engine.embedded.language import LanguageState, observe


def test_first_is_taken_at_once_if_there_is_enough_to_go_by() -> None:
    state = LanguageState()
    assert observe({"es": 0.4, "en": 0.3}, 1.2, None, state) == "es"
    assert state.current == "es"


def test_first_syllable_is_only_a_guess_unless_it_is_sure() -> None:
    state = LanguageState()
    assert observe({"hi": 0.4, "en": 0.3}, 0.5, None, state) == "hi"
    assert state.current is None
    assert observe({"en": 0.9}, 0.5, None, state) == "en"
    assert state.current == "en"


def test_unsure_does_not_switch_once() -> None:
    state = LanguageState(current="en")
    assert observe({"de": 0.6, "en": 0.3}, 2.0, None, state) == "en"
    assert observe({"de": 0.6, "en": 0.3}, 2.4, None, state) == "de"


def test_sure_switches_at_once_but_not_on_a_syllable() -> None:
    state = LanguageState(current="en")
    assert observe({"de": 0.95}, 0.5, None, state) == "en"
    assert observe({"de": 0.95}, 1.5, None, state) == "de"


def test_doubt_is_forgotten() -> None:
    state = LanguageState(current="en", candidate="de")
    observe({"en": 0.9}, 2.0, None, state)
    assert observe({"de": 0.6}, 2.0, None, state) == "en"


def test_fixed_wins() -> None:
    assert observe({"de": 1.0}, 5.0, "fr", LanguageState(current="en")) == "fr"
