"""Tasks on recordings with the big model: each file for itself, or a sequence in one context."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from everlisten.app.languages import spoken_languages
from everlisten.app.model_choice import ModelChoice, need_torch
from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, Samples, SourceName
from everlisten.audio_io.errors import AudioFileError
from everlisten.audio_io.file_source import AudioFile
from everlisten.engine.errors import EngineError
from everlisten.engine.events import (
    CaptionFinal,
    EngineEvent,
    EngineFailed,
    ReplyFinal,
    TranslationFinal,
)
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.pieces import join
from everlisten.engine.laim.sequence import PAUSE_S, read_sequence
from everlisten.engine.laim.task import OfflineTask, Recording, TaskKind
from everlisten.engine.models.catalogue import ModelCatalogue

_SAID_IN: dict[TaskKind, type[CaptionFinal | TranslationFinal | ReplyFinal]] = {
    "asr": CaptionFinal,
    "translate": TranslationFinal,
    "question": ReplyFinal,
}
_SESSION = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask:
    """What is wanted of every file.

    Attributes:
        kind: asr, translate or question.
        text: The question.
        to: Code of the language to translate into.
    """

    kind: TaskKind
    text: str = ""
    to: str = ""

    @property
    def offline(self) -> OfflineTask:
        """The same for a recording by itself."""
        name = spoken_languages()[self.to] if self.to else ""
        return OfflineTask(kind=self.kind, text=self.text, language_name=name)

    @property
    def instruction(self) -> Instruction:
        """The same for the lanes of a running context."""
        return Instruction(
            captions=self.kind == "asr",
            translate_to=self.to or None,
            assistant="warn" if self.kind == "question" else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came out.

    Attributes:
        file: The file that was given.
        number: Of the recording in a sequence, from 1, and one more for the typed question; 0 for a
            file by itself.
        recording: Where the sound is.
        text: Transcript, translation or answer.
        duration_s: Length of the recording.
        heard_s: How much of it was heard, from its start.
        complete: Whether the model ended the text by itself.
    """

    file: Path
    number: int = 0
    recording: Path
    text: str
    duration_s: float
    heard_s: float
    complete: bool = True


class TaskRunner:
    """The big model, loaded once for files and sequences alike."""

    def __init__(self, choice: ModelChoice, catalogue: ModelCatalogue) -> None:
        """Load it; takes seconds to minutes.

        Raises:
            ModelLoadError: PyTorch or a file is missing, or the memory is too small.
        """
        need_torch()
        # Only now: torch takes seconds to import, and captions never need it.
        from everlisten.engine.laim.briefs import LANES
        from everlisten.engine.laim.config import LaimConfig, Policy
        from everlisten.engine.laim.parts import load_parts

        self._config = LaimConfig(policy=Policy(choice.policy))
        self._parts = load_parts(
            choice.folder(catalogue),
            device=choice.device,
            precision=choice.precision,
            eager=choice.eager,
            config=self._config,
            lanes=len(LANES),
        )

    def files(
        self, paths: Iterable[Path], task: FileTask, refuse: Callable[[AudioFileError], None]
    ) -> Iterator[TaskResult]:
        """Do `task` with every file; results come in the order in which they are finished.

        Args:
            paths: Sound files.
            task: What is wanted.
            refuse: Takes the error of a file that cannot be read; the others go on.

        Raises:
            EngineError: The question is too long, or the memory is too small.
        """
        from everlisten.engine.laim.memory import out_of_memory
        from everlisten.engine.laim.offline import OfflineTasks

        try:
            tasks = OfflineTasks.of_parts(self._parts)
            for answer in tasks.run(_recordings(paths, refuse), task.offline):
                path = Path(answer.name)
                yield TaskResult(
                    file=path,
                    recording=path,
                    text=answer.text,
                    duration_s=answer.duration_s,
                    heard_s=answer.heard_s,
                    complete=answer.complete,
                )
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise EngineError(
                "The device's memory is full: close programs that use it or choose a lower"
                " precision."
            ) from error

    def sequence(
        self, path: Path, task: FileTask, notify: Callable[[str], None]
    ) -> Iterator[TaskResult]:
        """Play a sequence's recordings in one running context, as the released samples are.

        Args:
            path: The list.
            task: What is wanted; a typed question is asked after the last recording.
            notify: Takes sentences about what the model could not do.

        Raises:
            AudioFileError: A recording cannot be read.
            EngineError: The list cannot be read.
        """
        from everlisten.engine.laim.model import AudioInteractionModel

        model = AudioInteractionModel.of_parts(self._parts, self._config)
        try:
            state = model.new_state(task.instruction, _SESSION)
            said = _SaidTexts(task.kind, notify)
            index = number = 0
            for number, recording in enumerate(read_sequence(path), 1):
                samples = read_recording(recording)
                for chunk in _chunks(samples, index):
                    said.take(model.step(chunk, state))
                    # As the released code does: a reply ends before the next chunk is heard.
                    while model.busy(state):
                        said.take(model.advance(state))
                    index = chunk.index + 1
                said.take(model.flush(state))
                duration_s = len(samples) / SAMPLE_RATE_HZ
                yield TaskResult(
                    file=path,
                    number=number,
                    recording=recording,
                    text=said.end(),
                    duration_s=duration_s,
                    heard_s=duration_s,
                )
            if task.text:
                said.take([*model.ask(task.text, state), *model.flush(state)])
                yield TaskResult(
                    file=path,
                    number=number + 1,
                    recording=path,
                    text=said.end(),
                    duration_s=0.0,
                    heard_s=0.0,
                )
        finally:
            model.close()


class _SaidTexts:
    """Collects what one lane says."""

    def __init__(self, kind: TaskKind, notify: Callable[[str], None]) -> None:
        self._final = _SAID_IN[kind]
        self._notify = notify
        self._texts: list[str] = []

    def take(self, events: Iterable[EngineEvent]) -> None:
        """Keep the texts among `events`."""
        for event in events:
            if isinstance(event, self._final):
                self._texts.append(event.text)
            elif isinstance(event, EngineFailed):
                self._notify(event.text)

    def end(self) -> str:
        """Everything since the last call."""
        text = join(self._texts)
        self._texts.clear()
        return text


def read_recording(path: Path) -> Samples:
    """A whole file as float32 [T] at 16 kHz.

    Raises:
        AudioFileError: It cannot be read.
    """
    file = AudioFile(path)
    try:
        return np.concatenate(list(file.blocks()))
    finally:
        file.close()


def _recordings(
    paths: Iterable[Path], refuse: Callable[[AudioFileError], None]
) -> Iterator[Recording]:
    for path in paths:
        try:
            samples = read_recording(path)
        except AudioFileError as error:
            refuse(error)
            continue
        if len(samples):
            yield Recording(str(path), samples)
        else:
            refuse(AudioFileError(path, "is too short", "choose a longer recording"))


def _chunks(samples: Samples, first: int) -> Iterator[AudioChunk]:
    """A recording's chunks, the last one filled up, and the pause after it."""
    whole = -(-len(samples) // CHUNK_SAMPLES) * CHUNK_SAMPLES
    end = whole + round(PAUSE_S * SAMPLE_RATE_HZ / CHUNK_SAMPLES) * CHUNK_SAMPLES
    padded: Any = np.pad(samples, (0, end - len(samples))).reshape(-1, 1, CHUNK_SAMPLES)
    for number, block in enumerate(padded):
        yield AudioChunk(
            index=first + number,
            sources=(SourceName.FILE,),
            samples=block,
            captured_s=time.monotonic(),
        )
