"""In place of a model that cannot be loaded: hears everything and says nothing.

A session with it keeps the microphone open, so that sounds are judged all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from everlisten.audio_io.chunk import AudioChunk
from everlisten.engine.events import EngineEvent
from everlisten.engine.interaction import Instruction


@dataclass(slots=True)
class NoState:
    """Nothing is remembered."""

    instruction: Instruction
    backlog_chunks: int = 0


class NoCaptions:
    """Implements `engine.interaction.InteractionModel`."""

    def new_state(self, instruction: Instruction, session: str) -> NoState:
        """Nothing to remember."""
        return NoState(instruction)

    def step(self, chunk: AudioChunk, state: NoState) -> Sequence[EngineEvent]:
        """Nothing."""
        return ()

    def busy(self, state: NoState) -> bool:
        """Never."""
        return False

    def advance(self, state: NoState) -> Sequence[EngineEvent]:
        """Nothing."""
        return ()

    def ask(self, text: str, state: NoState) -> Sequence[EngineEvent]:
        """Nothing."""
        return ()

    def interrupt(self, state: NoState) -> Sequence[EngineEvent]:
        """Nothing."""
        return ()

    def flush(self, state: NoState) -> Sequence[EngineEvent]:
        """Nothing."""
        return ()

    def reset(self, state: NoState) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held."""
