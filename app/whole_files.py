"""Tasks on whole recordings from the window; implements `ui.protocols.FileTasks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from everlisten.app.file_tasks import FileTask, read_recording
from everlisten.audio_io.errors import AudioFileError
from everlisten.engine.errors import EngineError
from everlisten.engine.interaction import InteractionModel
from everlisten.engine.laim.task import Recording, TaskKind

_CUT_OFF = "\n\n(Heard up to {heard_s:.0f} s of {duration_s:.0f} s: more does not fit.)"


class WholeFiles:
    """Works beside listening, with the weights that are loaded already.

    Args:
        big_model: Gives the big model while it is in use.
    """

    def __init__(self, big_model: Callable[[], InteractionModel[Any] | None]) -> None:
        self._big_model = big_model

    def run(self, path: Path, kind: TaskKind, text: str, language: str) -> str:
        """Do one task with one file; takes a while, and may be called from any one thread.

        Raises:
            EngineError: The file cannot be read, the big model is not in use, or the task cannot be
                done.
        """
        model = self._big_model()
        if model is None:
            raise EngineError("This needs the big model: choose it in the settings under Model.")
        try:
            samples = read_recording(path)
        except AudioFileError as error:
            raise EngineError(str(error)) from error
        if not len(samples):
            raise EngineError(f"'{path}' is too short; choose a longer recording.")
        # Only now: torch is there once the big model is.
        from everlisten.engine.laim.memory import out_of_memory
        from everlisten.engine.laim.model import AudioInteractionModel
        from everlisten.engine.laim.offline import OfflineTasks

        assert isinstance(model, AudioInteractionModel)
        # Not captured: a capture in this thread would disturb the engine's.
        parts = replace(model.parts, mode="eager")
        task = FileTask(kind=kind, text=text, to=language).offline
        try:
            tasks = OfflineTasks.of_parts(parts, rows=2)
            [answer] = tasks.run([Recording(path.name, samples)], task)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise EngineError("The device's memory is full; close programs that use it.") from error
        if answer.heard_s < answer.duration_s - 1.0:
            return answer.text + _CUT_OFF.format(
                heard_s=answer.heard_s, duration_s=answer.duration_s
            )
        return answer.text
