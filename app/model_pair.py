"""The embedded model, and beside it the big one once it is loaded and until it fails too often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from everlisten.app.big_model import BigModelLoader
from everlisten.app.equipment import CAPTIONS_MODEL, Equipment
from everlisten.app.model_choice import ModelChoice
from everlisten.app.session import Session
from everlisten.app.supervisor import EngineSupervisor
from everlisten.app.task_thread import Task
from everlisten.engine.interaction import InteractionModel

BIG_FAILURES = 3
"""In a row; then the embedded model takes over."""
NEEDS_BIG = "The assistant needs the big model: choose it in the settings under Model."
GAVE_UP = "The big model failed several times, so the embedded one takes over until the next start."


class ModelPair:
    """Everything here happens in the control thread; what the window reads is a snapshot.

    Args:
        equipment: Loads them.
        later: Queues a task to the control thread.
        session: The one that listens now.
        supervisor: Counts the failures of its engine.
        tell_error: Takes a sentence about what went wrong.
        tell_note: Takes any other sentence.
    """

    def __init__(
        self,
        equipment: Equipment,
        *,
        later: Callable[[Task], None],
        session: Callable[[], Session | None],
        supervisor: EngineSupervisor,
        tell_error: Callable[[str], None],
        tell_note: Callable[[str], None],
    ) -> None:
        self._equipment = equipment
        self._later = later
        self._session = session
        self._supervisor = supervisor
        self._tell_error = tell_error
        self._tell_note = tell_note
        self._choice = ModelChoice.of(equipment.config.engine)
        self._embedded: InteractionModel[Any] | None = None
        """Stays loaded beside the big one, to take over when that fails."""
        self._loader: BigModelLoader | None = None
        self._no_big = ""
        self.big: InteractionModel[Any] | None = None
        """The big model while it is in use."""

    @property
    def in_use(self) -> InteractionModel[Any] | None:
        """What listens; None before anything is loaded."""
        return self.big or self._embedded

    @property
    def name(self) -> str:
        """Id of the model in use; "" before anything is loaded."""
        if self.big is not None:
            return self._choice.model
        return CAPTIONS_MODEL if self._embedded is not None else ""

    @property
    def note(self) -> str:
        """How far the loading of the big model is; "" while none is loaded."""
        loader = self._loader
        return loader.note if loader is not None else ""

    @property
    def why_not_big(self) -> str:
        """One sentence while the big model is not in use, else ""."""
        if self.big is not None:
            return ""
        if self._loader is not None:
            return "The assistant comes as soon as the big model is loaded."
        return self._no_big or NEEDS_BIG

    def load(self) -> None:
        """Load the embedded model.

        Raises:
            ModelLoadError: A file is missing or damaged.
        """
        self._embedded = self._equipment.load_model()

    def begin_big(self) -> None:
        """Begin to load the big model, if it is chosen; captions run on the embedded one meanwhile.

        Raises:
            ConfigError: What was chosen does not exist.
        """
        if not self._choice.is_big or self.big is not None or self._loader is not None:
            return
        self._choice.check()
        self._loader = BigModelLoader(
            lambda tell, stop: self._equipment.load_big_model(self._choice, tell, stop),
            lambda model, reason: self._later(lambda: self._take_big(model, reason)),
        )
        self._loader.start()

    def look_after(self) -> None:
        """Let the embedded model take over from a big one that fails again and again."""
        if self.big is not None and self._supervisor.failures >= BIG_FAILURES:
            self._drop_big(GAVE_UP)

    def close(self) -> None:
        """Stop loading and let go of the models; the session has ended."""
        if self._loader is not None:
            self._loader.stop()
        for model in (self.big, self._embedded):
            if model is not None:
                model.close()
        self.big = self._embedded = None

    def _take_big(self, model: InteractionModel[Any] | None, reason: str) -> None:
        self._loader = None
        if model is None:
            self._no_big = f"{reason} The embedded model goes on."
            self._tell_error(self._no_big)
            return
        self.big = model
        session = self._session()
        if session is not None and not session.replace_model(model):
            self._drop_big("The embedded model does not come to an end, so it goes on.")
            return
        why = getattr(model, "precision_reason", "")
        self._tell_note(f"The big model is in use now. {why}".strip())

    def _drop_big(self, reason: str) -> None:
        """The big model fails: the embedded one takes over."""
        big, self.big = self.big, None
        self._no_big = reason
        session, embedded = self._session(), self._embedded
        if session is not None and embedded is not None and session.replace_model(embedded):
            self._supervisor.reset()
        self._tell_error(reason)
        if big is not None:
            big.close()
