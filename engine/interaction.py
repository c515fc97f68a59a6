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
    captions: bool = True
    """Whether the captions lane writes down what is said."""
    assistant: str | None = None
    """What the assistant lane does: a preset's id (`engine.presets`) or the user's own text, which
    the model is told in speech; None switches the lane off."""
    talkativeness: float = 0.0
    """Added to the score of speaking (a difference of two logits) in the assistant lane: above 0
    it speaks more readily, below 0 more rarely. The other lanes write whatever is said."""


class InteractionState(Protocol):
    """All streaming state of one session with one model."""

    instruction: Instruction
    """Replaced by the runner between two steps; holds from the next utterance at the latest."""
    backlog_chunks: int
    """Chunks that already wait behind the one being stepped, set by the runner before each step.
    A model that sees a backlog saves work (no partial text); it never drops sound."""


StateT = TypeVar("StateT", bound=InteractionState)


class InteractionModel(Protocol[StateT]):
    """A streaming model. All calls come from one owner thread.

    A chunk that `step` took in may leave work behind (a reply that is being written, chunks that
    wait for its end): `busy` says so, and `advance` does one bounded piece of it. The owner steps
    whenever there is a chunk and advances otherwise, so text streams and sound never waits for it.
    """

    def new_state(self, instruction: Instruction, session: str) -> StateT:
        """Fresh streaming state for a session; `session` goes into every event."""

    def step(self, chunk: AudioChunk, state: StateT) -> Sequence[EngineEvent]:
        """Take in one chunk, do one bounded piece of work and say what follows from it."""

    def busy(self, state: StateT) -> bool:
        """Whether work is waiting that needs no further chunk; cheap."""

    def advance(self, state: StateT) -> Sequence[EngineEvent]:
        """Do one bounded piece of the waiting work; called only while `busy`."""

    def ask(self, text: str, state: StateT) -> Sequence[EngineEvent]:
        """Take in a question that the user typed; the answer comes as a reply."""

    def interrupt(self, state: StateT) -> Sequence[EngineEvent]:
        """Break off the running reply, if there is one; its final has what was said."""

    def flush(self, state: StateT) -> Sequence[EngineEvent]:
        """The sound has ended: do all waiting work and finish open utterances."""

    def reset(self, state: StateT) -> None:
        """Make `state` equal to a fresh one, keeping its buffers."""

    def close(self) -> None:
        """Free the model; no other call follows."""
