"""Loads the big model beside the running one, in a thread of its own, and says how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from everlisten.app.exit_codes import KNOWN_ERRORS
from everlisten.app.model_choice import Progress
from everlisten.engine.interaction import InteractionModel

logger = logging.getLogger(__name__)

Load = Callable[[Progress, threading.Event], InteractionModel[Any]]
"""Loads the model; tells sentences; gives up with an error soon after the event is set."""
Loaded = Callable[[InteractionModel[Any] | None, str], None]
"""Takes the model, or None and one sentence saying why not."""
_JOIN_S = 5.0
"""Weights that are being read cannot be interrupted; a quit does not wait for them longer."""


class BigModelLoader:
    """One loading.

    Args:
        load: Does the work, in the thread.
        done: Called from the thread at the end, unless it was stopped.
    """

    def __init__(self, load: Load, done: Loaded) -> None:
        self._load = load
        self._done = done
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)
        self.note = "The big model is being loaded."
        """How far it is, for the user; "" once it is over."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up and wait for it."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                logger.warning("the big model is still being loaded after %.0f s", _JOIN_S)

    def _run(self) -> None:
        model, reason = self._try()
        self.note = ""
        if self._stop.is_set():
            if model is not None:
                model.close()
        else:
            self._done(model, reason)

    def _try(self) -> tuple[InteractionModel[Any] | None, str]:
        try:
            return self._load(self._tell, self._stop), ""
        except KNOWN_ERRORS as error:
            return None, str(error)
        except Exception as error:
            logger.exception("the big model could not be loaded")
            return None, f"The big model could not be loaded: {error!r}. The log file says more."

    def _tell(self, note: str) -> None:
        self.note = note
