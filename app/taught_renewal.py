"""After an update with another sound model: what the user taught is learned again by itself.

The examples and counter-examples are on disk; a thread of its own, once after the start, lets the
new model hear them. Until a sound's turn has come it is not listened for. Whatever ends the thread
loses nothing: the next start goes on with what is left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from everlisten.app.alert_kit import AlertKit
from everlisten.app.memory import give_back_memory
from everlisten.audio_io.chunk import Samples
from everlisten.engine.errors import EngineError

if TYPE_CHECKING:
    from everlisten.engine.sounds.counter_examples import CounterExamples
    from everlisten.trainer.teaching.embedder import Embeddings

logger = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 10.0
"""Fitting cannot be stopped while it goes on: 3 s on a slow computer."""
RENEWING = (
    "The sound model is a new one: this sound is being learned again from its examples, and is not"
    " heard until then."
)
STALE = "It was taught with another sound model and is not heard: teach it again."


class _Quitting(Exception):
    """Everlisten ends."""


class TaughtRenewal:
    """Brings taught sounds and counter-examples up to date with the sound model.

    Args:
        kit: Has the model, the background and the store.
        on_change: Called from the thread after each sound that is fitted again.
    """

    def __init__(self, kit: AlertKit, on_change: Callable[[], None]) -> None:
        self._kit = kit
        self._on_change = on_change
        self._refused: dict[str, str] = {}
        """Why a sound cannot be learned again, by id."""
        self._problem = ""
        """Why none can."""
        self._quitting = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taught-renewal", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, also in the middle."""
        self._quitting.set()
        self._thread.join(JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            logger.error("taught sounds: the thread did not end within %.0f s", JOIN_TIMEOUT_S)

    def words(self, sound_id: str) -> str:
        """What the list says of a sound that belongs to another sound model."""
        refused = self._refused.get(sound_id, "")
        if self._thread.is_alive() and not refused:
            return RENEWING
        return f"{STALE} {refused or self._problem}".strip()

    def _run(self) -> None:
        try:
            self._renew()
        except _Quitting:
            logger.info("taught sounds: the next start goes on")
        except EngineError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("learning taught sounds again failed")
            self._fail(f"{error!r}. The log says more.")

    def _fail(self, problem: str) -> None:
        self._problem = problem
        logger.warning("taught sounds are not learned again: %s", problem)

    def _renew(self) -> None:
        # Only now: what teaches is not needed for listening.
        from everlisten.trainer.teaching.refit import stale

        kit = self._kit
        if not kit.anything_taught:
            return
        counter = kit.counter_examples()
        sounds = len(stale(kit.taught_store(), kit.model()))
        clips = counter.outdated() if counter is not None else 0
        if sounds or clips:
            logger.info(
                "a new sound model, %s: %d taught sounds and %d counter-examples are learned again",
                kit.model_version,
                sounds,
                clips,
            )
            self._learn_again(counter)
            give_back_memory()

    def _learn_again(self, counter: CounterExamples | None) -> None:
        from everlisten.trainer.teaching.refit import refit_stale, sounding

        model, background = self._kit.fresh_model(), self._kit.background()

        def embed(sound: str, samples: Samples) -> Embeddings:
            self._go_on()
            return sounding(model, samples)

        if counter is not None:
            counter.embed_again(embed)
        store = self._kit.taught_store()
        for sound, refused in refit_stale(store, model, background, counter, progress=self._go_on):
            if refused:
                self._refused[sound.id] = refused
                logger.warning("taught sound %s is not learned again: %s", sound.id, refused)
            else:
                logger.info("taught sound %s is learned again: %s", sound.id, sound.estimate)
                self._on_change()

    def _go_on(self, share: float = 0.0) -> None:
        if self._quitting.is_set():
            raise _Quitting
