"""The one interface of a model: sound in, events out, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from everlisten.audio_io.chunk import AudioChunk
from everlisten.engine.events import EngineEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What the model is to do; may be replaced between two steps."""

    language: str | None = None
    """Language spoken, as an ISO 639-1 code; None detects it for each utterance."""
    translate_to: str | None = None
    """Target language of the translation lane; None switches the lane off."""


class InteractionState(Protocol):
    """All streaming state of one session with one model."""

    instruction: Instruction
    """Replaced by the runner between two steps; holds from the next utterance at the latest."""
    backlog_chunks: int
    """Chunks that already wait behind the one being stepped, set by the runner before each step.
    A model that sees a backlog saves work (no partial text); it never drops sound."""


StateT = TypeVar("StateT", bound=InteractionState)


class InteractionModel(Protocol[StateT]):
    """A streaming model. All calls come from one owner thread."""

    def new_state(self, instruction: Instruction, session: str) -> StateT:
        """Fresh streaming state for a session; `session` goes into every event."""

    def step(self, chunk: AudioChunk, state: StateT) -> Sequence[EngineEvent]:
        """Take in one chunk and say what follows from it."""

    def flush(self, state: StateT) -> Sequence[EngineEvent]:
        """The sound has ended: finish open utterances."""

    def reset(self, state: StateT) -> None:
        """Make `state` equal to a fresh one, keeping its buffers."""

    def close(self) -> None:
        """Free the model; no other call follows."""
