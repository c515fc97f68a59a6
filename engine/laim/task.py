"""What is wanted of a whole recording, and what came out. Without torch, for every caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from everlisten.audio_io.chunk import Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.laim.instructions import translation_text

TaskKind = Literal["asr", "translate", "question"]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)
TRANSCRIBE = "Please transcribe the speech into text."


class TaskError(EngineError):
    """The task cannot be done with this input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineTask:
    """What is wanted.

    Attributes:
        kind: asr, translate or question.
        text: The question; "" answers the question that is spoken in the recording, or judges from
            its sounds whether help is needed.
        language_name: English name of the language to translate into.
    """

    kind: TaskKind
    text: str = ""
    language_name: str = ""

    @property
    def user_text(self) -> str:
        """What the user block says; "" for none."""
        if self.kind == "asr":
            return TRANSCRIBE
        if self.kind == "translate":
            return translation_text(self.language_name)
        return self.text


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to work on: float32 [T] at 16 kHz, under a name of the caller's."""

    name: str
    samples: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out.

    Attributes:
        name: Of the recording.
        text: The transcript, translation or answer.
        duration_s: Length of the recording.
        heard_s: How much of it was heard, from its start: a question's whole context must fit into
            the window, so the rest of a long recording is left out.
        complete: Whether the model ended the text by itself, and not the length limit.
    """

    name: str
    text: str
    duration_s: float
    heard_s: float
    complete: bool
