"""The embedded model behind the interface that every model has; real weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from everlisten.audio_io.chunk import AudioChunk, SourceName
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    EngineFailed,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.interaction import Instruction

ENGLISH = Instruction(language="en")
WORDS = "printing in the only sense with which we are at present concerned"


def listen(
    model: EmbeddedModel,
    chunks: Sequence[AudioChunk],
    instruction: Instruction = ENGLISH,
    backlog: int = 0,
) -> list[EngineEvent]:
    state = model.new_state(instruction, "s1")
    state.backlog_chunks = backlog
    events: list[EngineEvent] = []
    for chunk in chunks:
        events += model.step(chunk, state)
    return events + list(model.flush(state))


def plain(text: str) -> str:
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c == " ").split())


@pytest.fixture(scope="module")
def heard(real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any) -> list[EngineEvent]:
    return listen(real_model, chunks_of(speech))


def test_real_speech_is_captioned(heard: list[EngineEvent]) -> None:
    finals = [e for e in heard if isinstance(e, CaptionFinal)]
    text = plain(" ".join(e.text for e in finals))
    assert WORDS in text
    assert "comparatively modern" in text
    assert all(e.language == "en" and e.confidence > 0.4 for e in finals)
    assert finals[0].start_s == pytest.approx(0.4, abs=0.4)
    assert finals[-1].end_s == pytest.approx(0.4 + 9.65 + 1.2 + 1.9, abs=0.4)


def test_partials_share_the_id_and_stable_never_changes(heard: list[EngineEvent]) -> None:
    shown: dict[str, str] = {}
    for event in heard:
        assert event.session == "s1"
        assert event.source == SourceName.FILE
        now = event.stable if isinstance(event, CaptionPartial) else getattr(event, "text", "")
        assert now.startswith(shown.get(event.id, ""))
        shown[event.id] = now
    finals = {e.id for e in heard if isinstance(e, CaptionFinal)}
    assert set(shown) == finals


def test_partials_come_while_the_speaker_speaks(heard: list[EngineEvent]) -> None:
    first = next(e for e in heard if isinstance(e, CaptionPartial))
    assert first.emitted_s - first.start_s < 2.0


def test_reset_equals_fresh(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any, heard: list[EngineEvent]
) -> None:
    state = real_model.new_state(ENGLISH, "s1")
    chunks = chunks_of(speech)
    for chunk in chunks[:5]:
        real_model.step(chunk, state)
    real_model.reset(state)
    again: list[EngineEvent] = []
    for chunk in chunks[:12]:
        again += real_model.step(chunk, state)
    assert again == heard[: len(again)]
    assert again


def test_sources_are_captioned_apart(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any
) -> None:
    one = chunks_of(speech[:80_000])
    silent = np.zeros((1, 6_400), np.float32)
    both = [
        AudioChunk(
            index=c.index,
            sources=(SourceName.MIC, SourceName.SYSTEM),
            samples=np.concatenate((silent, c.samples)),
            captured_s=0.0,
        )
        for c in one
    ]
    events = listen(real_model, both, backlog=1)
    assert {e.source for e in events} == {SourceName.SYSTEM}
    alone = listen(real_model, one, backlog=1)
    assert [getattr(e, "text", "") for e in events] == [getattr(e, "text", "") for e in alone]


def test_backlog_gives_only_finals(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any
) -> None:
    events = listen(real_model, chunks_of(speech), backlog=3)
    assert {type(e) for e in events} == {CaptionFinal}


def test_dropped_chunks_end_the_utterance(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any
) -> None:
    chunks = chunks_of(speech[:64_000])
    later = chunks_of(speech[:64_000], first=len(chunks) + 5)
    finals = [e for e in listen(real_model, chunks + later, backlog=1)]
    assert len({e.id for e in finals}) == 2
    assert finals[1].start_s - finals[0].start_s == pytest.approx(15 * 0.4, abs=0.05)


def test_noise_and_silence_yield_nothing(
    real_model: EmbeddedModel, rng: np.random.Generator, chunks_of: Any
) -> None:
    noise = (rng.standard_normal(160_000) * 0.05).astype(np.float32)
    hum = (0.2 * np.sin(np.arange(160_000) * 2 * np.pi * 100 / 16_000)).astype(np.float32)
    sound = np.concatenate((noise, np.zeros(160_000, np.float32), hum))
    assert listen(real_model, chunks_of(sound), Instruction()) == []


def test_german_is_translated(real_model: EmbeddedModel, shared: Path, chunks_of: Any) -> None:
    path = shared / "data" / "speech" / "multilingual" / "de-DE-audio1.ogg"
    samples = soundfile.read(path, dtype="float32")[0][: 8 * 16_000]
    events = listen(real_model, chunks_of(samples), Instruction(translate_to="en"))
    captions = [e for e in events if isinstance(e, CaptionFinal)]
    translations = [e for e in events if isinstance(e, TranslationFinal)]
    assert {e.language for e in captions} == {"de"}
    assert {e.language for e in translations} == {"en"}
    assert {e.caption for e in translations} <= {e.id for e in captions}
    assert "data" in " ".join(e.text for e in translations).lower()
    assert any(isinstance(e, TranslationPartial) for e in events)


def test_english_is_not_translated(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any
) -> None:
    events = listen(real_model, chunks_of(speech), Instruction(translate_to="en"), backlog=1)
    assert {type(e) for e in events} == {CaptionFinal}


def test_other_targets_leave_the_translation_out(
    real_model: EmbeddedModel, shared: Path, chunks_of: Any
) -> None:
    path = shared / "data" / "speech" / "multilingual" / "de-DE-audio1.ogg"
    samples = soundfile.read(path, dtype="float32")[0][: 8 * 16_000]
    events = listen(real_model, chunks_of(samples), Instruction(translate_to="zh"), backlog=1)
    assert {type(e) for e in events} == {CaptionFinal}


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=str(tmp_path)):
        EmbeddedModel(tmp_path)


def test_runs_without_torch_and_qt(weights: Path) -> None:
    code = f"""
import sys
from pathlib import Path
import numpy as np
from everlisten.audio_io.chunk import AudioChunk, SourceName
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.interaction import Instruction
model = EmbeddedModel(Path({str(weights)!r}))
state = model.new_state(Instruction(), "s")
samples = np.zeros((1, 6400), np.float32)
model.step(AudioChunk(index=0, sources=(SourceName.MIC,), samples=samples, captured_s=0.0), state)
model.close()
found = {{"torch", "PySide6", "transformers"}} & set(sys.modules)
sys.exit(f"imported: {{found}}" if found else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_source_that_is_switched_off_finishes_its_sentence(
    real_model: EmbeddedModel, speech: np.ndarray
) -> None:
    state = real_model.new_state(ENGLISH, "s1")
    events: list[EngineEvent] = []
    for index in range(8):
        samples = speech[index * 6400 : (index + 1) * 6400]
        events += real_model.step(both(index, samples, np.zeros_like(samples)), state)
    assert not [e for e in events if isinstance(e, CaptionFinal)]
    quiet = np.zeros((1, 6400), np.float32)
    only_system = AudioChunk(index=8, sources=(SourceName.SYSTEM,), samples=quiet, captured_s=0.0)
    finals = [e for e in real_model.step(only_system, state) if isinstance(e, CaptionFinal)]
    assert [e.source for e in finals] == [SourceName.MIC]


def test_ids_differ_after_a_restart_within_a_session(
    real_model: EmbeddedModel, speech: np.ndarray, chunks_of: Any
) -> None:
    chunks = chunks_of(speech)
    first = listen(real_model, chunks[:8])
    second = listen(real_model, chunks[8:16])
    assert {e.id for e in first}
    assert {e.id for e in first}.isdisjoint(e.id for e in second)


def both(index: int, mic: np.ndarray, system: np.ndarray) -> AudioChunk:
    return AudioChunk(
        index=index,
        sources=(SourceName.MIC, SourceName.SYSTEM),
        samples=np.stack([mic, system]).astype(np.float32),
        captured_s=0.0,
    )


def test_a_question_is_told_to_need_the_big_model(real_model: EmbeddedModel) -> None:
    state = real_model.new_state(Instruction(), "s")
    (answer,) = real_model.ask("What was that?", state)
    assert isinstance(answer, EngineFailed)
    assert "needs the big model" in answer.text
    assert not real_model.busy(state)
    assert not real_model.interrupt(state)


def test_captions_can_be_switched_off(
    real_model: EmbeddedModel, shared: Path, chunks_of: Any
) -> None:
    path = shared / "data" / "speech" / "multilingual" / "de-DE-audio1.ogg"
    samples = soundfile.read(path, dtype="float32")[0][: 8 * 16_000]
    instruction = Instruction(translate_to="en", captions=False)
    events = listen(real_model, chunks_of(samples), instruction)
    assert {type(e) for e in events} == {TranslationPartial, TranslationFinal}
