"""Which lanes an instruction asks for, and in which words."""

from __future__ import annotations

import pytest

from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.briefs import LANES, Brief, briefs_of
from everlisten.engine.laim.instructions import shipped_instructions
from everlisten.engine.presets import shipped_presets


@pytest.mark.parametrize(
    ("instruction", "lanes"),
    [
        (Instruction(), ("captions",)),
        (Instruction(translate_to="de"), ("captions", "translation")),
        (Instruction(assistant="warn", translate_to="de"), LANES),
        (Instruction(captions=False, assistant="warn"), ("assistant",)),
        (Instruction(captions=False), ()),
    ],
)
def test_lanes(instruction: Instruction, lanes: tuple[str, ...]) -> None:
    assert tuple(briefs_of(instruction)) == lanes


def test_the_target_language_is_named_as_the_released_samples_do() -> None:
    brief = briefs_of(Instruction(translate_to="zh"))["translation"]
    assert brief.words == "Convert spoken language audio into Chinese."


def test_captions_are_asked_for_in_the_shipped_words() -> None:
    assert briefs_of(Instruction())["captions"].words == shipped_instructions()["captions"].text


@pytest.mark.parametrize("preset", list(shipped_presets()))
def test_every_preset_can_be_said_without_a_voice(preset: str) -> None:
    brief = briefs_of(Instruction(assistant=preset, language="de"))["assistant"]
    samples = brief.samples()
    assert brief.spoken_in == "en"  # the shipped words are English, whatever is spoken around
    assert (samples is None) == (brief.words == "")
    if samples is not None:
        assert 16_000 < len(samples) <= 10 * 16_000


def test_ones_own_words_are_said_in_the_language_of_the_session() -> None:
    own = "Sag mir, wenn es klingelt."
    assert briefs_of(Instruction(assistant=own, language="de"))["assistant"] == Brief(own, "de")


def test_what_lanes_may_follow_while_they_run_does_not_change_their_brief() -> None:
    one = Instruction(assistant="warn", talkativeness=0.0, language="en")
    other = Instruction(assistant="warn", talkativeness=2.0, language="fr")
    assert briefs_of(one) == briefs_of(other)
