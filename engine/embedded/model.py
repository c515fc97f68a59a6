"""The embedded model: every source's captioner behind the one interface of a model."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, SourceName
from everlisten.engine.embedded.caption_state import Caption, CaptionerState
from everlisten.engine.embedded.captioner import TARGET_LANGUAGE, Captioner
from everlisten.engine.embedded.config import CaptionConfig
from everlisten.engine.embedded.vad import SileroVad
from everlisten.engine.embedded.whisper_decoder import WhisperDecoder
from everlisten.engine.events import (
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    EngineFailed,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.interaction import Instruction

NO_ANSWERS = (
    "Answering questions needs the big model, and the embedded one is in use:"
    " choose it in the settings under Model."
)


@dataclass(slots=True, kw_only=True)
class EmbeddedState:
    """All streaming state of one session."""

    instruction: Instruction
    session: str
    backlog_chunks: int = 0
    captioners: dict[SourceName, CaptionerState] = field(default_factory=dict)
    offset_samples: dict[SourceName, int] = field(default_factory=dict)
    """Stream position of each captioner's first sample: a source may join later."""
    emitted_s: float = 0.0


class EmbeddedModel:
    """Whisper base behind `engine.interaction.InteractionModel`."""

    def __init__(self, folder: Path, *, threads: int = 2, config: CaptionConfig | None = None):
        """Load the weights (0.3 s).

        Args:
            folder: Holds model.bin, config.json, tokenizer.json and vocabulary.txt.
            threads: CPU threads of the decoder.
            config: Segmenter and decoder settings; `CaptionConfig().low_power()` on battery.

        Raises:
            ModelLoadError: A file is missing or damaged.
        """
        self._decoder = WhisperDecoder(folder, threads)
        self._captioner = Captioner(self._decoder, SileroVad(), config or CaptionConfig())

    def new_state(self, instruction: Instruction, session: str) -> EmbeddedState:
        """Fresh state. A target that this model does not know leaves the translation out."""
        return EmbeddedState(instruction=instruction, session=session)

    def step(self, chunk: AudioChunk, state: EmbeddedState) -> Sequence[EngineEvent]:
        """Take in one chunk of every source."""
        state.emitted_s = chunk.end_s
        events = self._finish_missing(chunk, state)
        for source in chunk.sources:
            events += self._bridge_gap(source, chunk, state)
            captioner = self._state_of(source, chunk, state)
            captions = self._captioner.step(
                chunk.of(source), state.instruction, state.backlog_chunks > 0, captioner
            )
            events += [_event(caption, source, state) for caption in captions]
        return _wanted(events, state.instruction)

    def busy(self, state: EmbeddedState) -> bool:
        """Never: a step does all of its work."""
        return False

    def advance(self, state: EmbeddedState) -> Sequence[EngineEvent]:
        """Nothing waits."""
        return ()

    def ask(self, text: str, state: EmbeddedState) -> Sequence[EngineEvent]:
        """Say that this model cannot answer."""
        event_id = f"{state.session}-ask"
        return [EngineFailed(id=event_id, session=state.session, emitted_s=state.emitted_s,
                             text=NO_ANSWERS)]  # fmt: skip

    def interrupt(self, state: EmbeddedState) -> Sequence[EngineEvent]:
        """There are no replies to break off."""
        return ()

    def flush(self, state: EmbeddedState) -> Sequence[EngineEvent]:
        """The sound has ended: finish open utterances."""
        events: list[EngineEvent] = []
        for source, captioner in state.captioners.items():
            captions = self._captioner.flush(state.instruction, captioner)
            events += [_event(caption, source, state) for caption in captions]
        return _wanted(events, state.instruction)

    def reset(self, state: EmbeddedState) -> None:
        """Make `state` equal to a fresh one with the same instruction and session."""
        state.captioners.clear()
        state.offset_samples.clear()
        state.backlog_chunks = 0
        state.emitted_s = 0.0

    def close(self) -> None:
        """Free the weights."""
        del self._captioner, self._decoder
        gc.collect()

    def _finish_missing(self, chunk: AudioChunk, state: EmbeddedState) -> list[EngineEvent]:
        """A source was switched off: finish its open utterance; it may come back."""
        events: list[EngineEvent] = []
        for source, captioner in state.captioners.items():
            if source not in chunk.sources:
                captions = self._captioner.flush(state.instruction, captioner)
                events += [_event(caption, source, state) for caption in captions]
        return events

    def _bridge_gap(
        self, source: SourceName, chunk: AudioChunk, state: EmbeddedState
    ) -> list[EngineEvent]:
        """Chunks were dropped: finish what was open, and let the stream begin anew behind them."""
        captioner = state.captioners.get(source)
        start = round(chunk.start_s * SAMPLE_RATE_HZ)
        if captioner is None or state.offset_samples[source] + captioner.heard_samples == start:
            return []
        captions = self._captioner.flush(state.instruction, captioner)
        events = [_event(caption, source, state) for caption in captions]
        fresh = self._captioner.new_state()
        fresh.utterances, fresh.language = captioner.utterances, captioner.language
        state.captioners[source], state.offset_samples[source] = fresh, start
        return events

    def _state_of(
        self, source: SourceName, chunk: AudioChunk, state: EmbeddedState
    ) -> CaptionerState:
        if source not in state.captioners:
            state.captioners[source] = self._captioner.new_state()
            state.offset_samples[source] = round(chunk.start_s * SAMPLE_RATE_HZ)
        return state.captioners[source]


def _wanted(events: list[EngineEvent], instruction: Instruction) -> list[EngineEvent]:
    """Leave captions out while their lane is off; they are made all the same."""
    if instruction.captions:
        return events
    return [one for one in events if not isinstance(one, CaptionPartial | CaptionFinal)]


def _event(caption: Caption, source: SourceName, state: EmbeddedState) -> EngineEvent:
    offset = state.offset_samples[source]
    # The position keeps ids apart when the engine is restarted within a session.
    caption_id = f"{state.session}-{source.value}-{offset // CHUNK_SAMPLES}-{caption.number}"
    common: dict[str, Any] = {
        "id": f"{caption_id}-{TARGET_LANGUAGE}" if caption.translated else caption_id,
        "session": state.session,
        "source": source,
        "start_s": (offset + caption.begin) / SAMPLE_RATE_HZ,
        "end_s": (offset + caption.end) / SAMPLE_RATE_HZ,
        "emitted_s": state.emitted_s,
        "language": TARGET_LANGUAGE if caption.translated else caption.language,
    }
    if caption.translated:
        common["caption"] = caption_id
    if caption.final:
        final = TranslationFinal if caption.translated else CaptionFinal
        return final(text=caption.stable, confidence=caption.confidence, **common)
    partial = TranslationPartial if caption.translated else CaptionPartial
    return partial(stable=caption.stable, unstable=caption.unstable, **common)
