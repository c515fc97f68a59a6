"""Partials, finals and their order, with a scripted decoder and loudness for voice activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from everlisten.engine.embedded.caption_state import Caption, CaptionerState
from everlisten.engine.embedded.captioner import Captioner
from everlisten.engine.interaction import Instruction

CHUNK = 6_400
ENGLISH = Instruction(language="en")


def listen(
    captioner: Captioner,
    samples: np.ndarray,
    instruction: Instruction = ENGLISH,
    behind: bool = False,
    state: CaptionerState | None = None,
    size: int = CHUNK,
) -> list[Caption]:
    state = state or captioner.new_state()
    captions = []
    for i in range(0, len(samples), size):
        captions += captioner.step(samples[i : i + size], instruction, behind, state)
    return captions + captioner.flush(instruction, state)


def test_partials_then_one_final(captioner: Captioner, tone: np.ndarray) -> None:
    captions = listen(captioner, tone)
    assert [c.final for c in captions] == [False] * (len(captions) - 1) + [True]
    assert len(captions) > 4
    assert captions[-1].begin / 16_000 == pytest.approx(0.8, abs=0.04)
    assert captions[-1].end / 16_000 == pytest.approx(4.0, abs=0.04)


def test_stable_text_only_grows(captioner: Captioner, tone: np.ndarray) -> None:
    shown = ""
    for caption in listen(captioner, tone):
        assert caption.stable.startswith(shown)
        shown = caption.stable
    assert shown


def test_silence_yields_nothing(captioner: Captioner, decoder: Any) -> None:
    assert listen(captioner, np.zeros(160_000, np.float32)) == []
    assert decoder.calls == []


def test_backlog_leaves_only_the_final(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    captions = listen(captioner, tone, behind=True)
    assert [c.final for c in captions] == [True]
    assert len(decoder.calls) == 1


def test_final_reuses_the_careful_decode_of_the_pause(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    listen(captioner, tone)
    beams = [beam for _, beam, _ in decoder.calls]
    assert beams[-1] == 5
    assert beams.count(5) == 1


def test_no_decode_in_a_pause_without_new_speech(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    state = captioner.new_state()
    heard = 0
    for i in range(0, len(tone), CHUNK):
        captioner.step(tone[i : i + CHUNK], ENGLISH, False, state)
        heard += len(decoder.calls) > 0
    assert len(decoder.calls) <= 9


def test_reset_equals_fresh(captioner: Captioner, tone: np.ndarray) -> None:
    assert listen(captioner, tone) == listen(captioner, tone)


def test_flush_finishes_what_is_open(captioner: Captioner, tone: np.ndarray) -> None:
    captions = listen(captioner, tone[: 4 * CHUNK])
    assert captions[-1].final


def test_implausible_text_is_never_shown(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    decoder.log_probability = -2.0
    assert listen(captioner, tone) == []


def test_text_that_turns_implausible_is_withdrawn(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    state = captioner.new_state()
    shown = []
    for i in range(0, 4 * CHUNK, CHUNK):
        shown += captioner.step(tone[i : i + CHUNK], ENGLISH, False, state)
    assert shown[-1].unstable or shown[-1].stable
    stable = shown[-1].stable
    decoder.log_probability = -2.0
    last = captioner.flush(ENGLISH, state)[-1]
    assert last.stable == stable
    assert last.final == bool(stable)
    assert last.unstable == ""


def test_translation_beside_captions(captioner: Captioner, tone: np.ndarray, decoder: Any) -> None:
    decoder.spoken = "de"
    captions = listen(captioner, tone, Instruction(translate_to="en"))
    finals = [c for c in captions if c.final]
    assert [c.translated for c in finals] == [False, True]
    assert {c.language for c in captions} == {"de"}
    assert all(len(requests) == 2 for _, _, requests in decoder.calls)


def test_english_is_not_translated(captioner: Captioner, tone: np.ndarray, decoder: Any) -> None:
    captions = listen(captioner, tone, Instruction(translate_to="en"))
    assert not any(c.translated for c in captions)


def test_translation_of_what_proves_to_be_english_is_withdrawn(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    decoder.spoken = "de"
    state, wanted = captioner.new_state(), Instruction(translate_to="en")
    shown = []
    for i in range(0, 4 * CHUNK, CHUNK):
        shown += captioner.step(tone[i : i + CHUNK], wanted, False, state)
    assert [c.translated for c in shown][-2:] == [False, True]
    state.open.words.agreement.stable = 0
    decoder.spoken = "en"
    last = captioner.step(tone[4 * CHUNK :], wanted, True, state)
    assert [(c.translated, c.final) for c in last] == [(False, True), (True, False)]
    assert last[-1].stable == last[-1].unstable == ""


def test_a_translation_does_not_outlive_its_words(
    captioner: Captioner, tone: np.ndarray, decoder: Any
) -> None:
    decoder.spoken, decoder.log_probability = "de", -2.0
    captions = listen(captioner, tone, Instruction(translate_to="en"))
    assert not [c for c in captions if c.final]


@pytest.mark.parametrize("size", [1_600, 6_400, 9_000])
def test_finals_do_not_depend_on_the_chunk_size(
    captioner: Captioner, tone: np.ndarray, size: int
) -> None:
    only_final: Callable[[list[Caption]], list[Caption]] = lambda cs: [c for c in cs if c.final]  # noqa: E731
    whole = only_final(listen(captioner, tone, behind=True, size=len(tone)))
    parts = only_final(listen(captioner, tone, behind=True, size=size))
    assert parts == whole
