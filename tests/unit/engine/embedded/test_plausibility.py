"""Structural checks against invented text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from everlisten.engine.embedded.plausibility import Evidence, is_loop, is_plausible

GOOD = Evidence(
    text="Thank you.",
    tokens=3,
    mean_log_probability=-0.3,
    no_speech_probability=0.1,
    speech_s=0.8,
    sound_s=1.0,
)


def test_a_real_thank_you_stays() -> None:
    assert is_plausible(GOOD)


@pytest.mark.parametrize(
    "evidence",
    [
        replace(GOOD, text=" . . ."),
        replace(GOOD, text=""),
        replace(GOOD, text="la la la " * 20, tokens=60, sound_s=10.0, speech_s=10.0),
        replace(GOOD, tokens=40),
        replace(GOOD, mean_log_probability=-1.4),
        replace(GOOD, mean_log_probability=-0.7, no_speech_probability=0.9),
        replace(GOOD, speech_s=0.1),
        replace(GOOD, speech_s=0.3, sound_s=0.3, mean_log_probability=-0.8),
    ],
    ids=[
        "no letter",
        "empty",
        "loop",
        "too much",
        "unlikely",
        "no speech",
        "no voice",
        "a syllable",
    ],
)
def test_refused(evidence: Evidence) -> None:
    assert not is_plausible(evidence)


def test_ordinary_text_is_no_loop() -> None:
    text = "These take the shape of a long round arch with its path high above."
    assert not is_loop(replace(GOOD, text=text, tokens=18, sound_s=4.5))
