"""Runs listening for the window: the life-cycle, the session, and everything that is waited for.

Implements `ui.protocols.Listening`. Every command is queued to the thread `control`, which loads
models, opens devices and joins threads, so that the GUI thread never waits for any of them.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from everlisten.app.equipment import CAPTIONS_MODEL, Equipment, reselect, set_gain
from everlisten.app.exit_codes import KNOWN_ERRORS
from everlisten.app.languages import spoken_languages, translation_targets
from everlisten.app.lifecycle import Lifecycle
from everlisten.app.readings import health_reading
from everlisten.app.session import Session, SessionPlan
from everlisten.app.supervisor import EngineSupervisor, ProblemReporter
from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineEvent, EngineFailed, EngineState, EngineStateChanged
from everlisten.engine.interaction import Instruction, InteractionModel
from everlisten.ui.protocols import DeviceChoices, HealthReading, SourceSelection

logger = logging.getLogger(__name__)

TICK_S = 0.25
DEVICES_EVERY_S = 2.0
"""Listing devices asks the sound server; an open picker asks for it many times a second."""
JOIN_TIMEOUT_S = 30.0
"""A pause that waits for the engine (8 s), then the session's end: feed 2 s, engine 8 + 10 s."""

S = EngineState


Remember = Callable[[str, str | float], str]
"""Keeps one value of the configuration for the next start; returns why it could not, or ""."""


class Controller:
    """The session that listens now, and the thread that looks after it."""

    def __init__(
        self,
        equipment: Equipment,
        *,
        selection: SourceSelection,
        instruction: Instruction,
        remember: Remember,
    ) -> None:
        self._equipment = equipment
        self._selection = selection
        self._instruction = instruction
        self._remember = remember
        self._lifecycle = Lifecycle(self._tell_state)
        self._model: InteractionModel[Any] | None = None
        self._session: Session | None = None
        self._supervisor = EngineSupervisor()
        self._reporter = ProblemReporter(equipment.writer.put)
        self._devices = DeviceChoices()
        self._devices_wanted = True
        self._devices_read_s = 0.0
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._on_finished: Callable[[], None] | None = None
        self._quitting = threading.Event()

    # Life of the controller itself

    def launch(self) -> None:
        """Start the thread and load the model; commands given from now on wait for it."""
        self._thread.start()
        self._tasks.put(self._load)

    def shut_down(self) -> None:
        """End the session and the thread; returns when everything final was handed on.

        Commands that still wait, for a model that is loading for instance, are left.
        """
        self._quitting.set()
        self._tasks.put(None)
        self._thread.join(JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            logger.error("the control thread did not end within %.0f s", JOIN_TIMEOUT_S)

    def on_finished(self, callback: Callable[[], None]) -> None:
        """Call `callback`, in the control thread, whenever a file has been played to its end."""
        self._on_finished = callback

    # ui.protocols.Listening

    def state(self) -> EngineState:
        """Where the life-cycle stands."""
        return self._lifecycle.state

    def health(self) -> HealthReading:
        """A snapshot."""
        return health_reading(
            self._session,
            model=CAPTIONS_MODEL if self._model is not None else "",
            saved_s_ago=self._equipment.saved_s_ago(),
        )

    def drain_events(self) -> Sequence[EngineEvent]:
        """Every event since the last call."""
        return self._equipment.drain()

    def start(self) -> None:
        """Begin a session, go on after a pause, or try again what failed."""
        retry = self._failed
        self._tasks.put(lambda: self._start(retry=retry))

    def start_or_play(self, path: Path, title: str, remark: str) -> None:
        """Begin a session; where nothing can be listened to, say so and play a file instead."""

        def begin() -> None:
            if self._devices.microphones or self._devices.systems:
                self._start(retry=False)
            else:
                self._tell_state(self._lifecycle.state, remark)
                self._begin(self._file_plan(path, title), retry=False)

        self._tasks.put(begin)

    def pause(self) -> None:
        """Release the devices; the session stays open."""
        self._tasks.put(self._pause)

    def new_session(self) -> None:
        """End the current session and begin another."""
        retry = self._failed
        self._tasks.put(lambda: self._begin(self._live_plan, retry=retry))

    def open_file(self, path: Path, title: str = "") -> None:
        """Caption a file in a session of its own, named after it unless there is a title."""
        retry = self._failed
        self._tasks.put(lambda: self._begin(self._file_plan(path, title), retry=retry))

    def selection(self) -> SourceSelection:
        """The user's choice of sources."""
        return self._selection

    def select(self, selection: SourceSelection) -> None:
        """Listen to other sources; the session goes on."""
        self._selection = selection
        self._tasks.put(self._apply_selection)

    def devices(self) -> DeviceChoices:
        """The last known devices; asking makes them be looked up again, soon."""
        self._devices_wanted = True
        return self._devices

    def set_gain(self, source: SourceName, gain_db: float) -> None:
        """Amplify one source."""
        self._tasks.put(lambda: self._apply_gain(source, gain_db))

    def language(self) -> str | None:
        """The spoken language that the user fixed."""
        return self._instruction.language

    def set_language(self, language: str | None) -> None:
        """Fix the spoken language, or detect it."""
        self._instruct(replace(self._instruction, language=language))

    def languages(self) -> Sequence[tuple[str, str]]:
        """(code, English name) of every language."""
        return tuple(spoken_languages().items())

    def target(self) -> str | None:
        """Target language of the translation."""
        return self._instruction.translate_to

    def set_target(self, target: str | None) -> None:
        """Translate into `target`, or not at all."""
        self._instruct(replace(self._instruction, translate_to=target))

    def targets(self) -> Sequence[tuple[str, str, str]]:
        """(code, name, why not) of every target."""
        return translation_targets()

    # The control thread

    @property
    def _failed(self) -> bool:
        """A command given now asks for another try; one given before the failure does not."""
        return self._lifecycle.state is S.FAILED

    def _run(self) -> None:
        while not self._quitting.is_set():
            try:
                task = self._tasks.get(timeout=TICK_S)
            except queue.Empty:
                self._guarded(self._tick)
                continue
            if task is not None and not self._quitting.is_set():
                self._guarded(task)
        self._guarded(self._close)

    def _guarded(self, task: Callable[[], None]) -> None:
        try:
            task()
        except KNOWN_ERRORS as error:
            self._tell_error(str(error))
        except Exception as error:
            logger.exception("a task of the control thread failed")
            self._tell_error(f"Something went wrong: {error!r}. The log file says more.")

    def _load(self) -> None:
        self._lifecycle.to(S.LOADING)
        try:
            self._refresh_devices()
            self._model = self._equipment.load_model()
        except KNOWN_ERRORS as error:
            self._lifecycle.to(S.FAILED, str(error))
            return
        except Exception:
            self._lifecycle.to(S.FAILED)
            raise
        self._lifecycle.to(S.READY)

    def _start(self, *, retry: bool) -> None:
        if self._lifecycle.state is S.PAUSED and self._session is not None:
            self._session.resume()
            self._lifecycle.to(S.LISTENING)
        elif self._lifecycle.state in (S.READY, S.FAILED):
            self._begin(self._live_plan, retry=retry)

    def _pause(self) -> None:
        if self._lifecycle.state is S.LISTENING and self._session is not None:
            # Shown first: releasing a device and the last words of a sentence take a moment.
            self._lifecycle.to(S.PAUSED)
            self._session.pause()

    def _file_plan(self, path: Path, title: str) -> Callable[[], SessionPlan]:
        return lambda: self._equipment.file_plan(path, self._instruction, title=title)

    def _live_plan(self) -> SessionPlan:
        return self._equipment.live_plan(self._selection, self._instruction)

    def _begin(self, make_plan: Callable[[], SessionPlan], *, retry: bool) -> None:
        """Start another session; a file that cannot be played leaves the current one running."""
        if self._model is None and retry:
            self._load()
        if self._model is None:
            return
        session = Session(make_plan(), model=self._model, writer=self._equipment.writer)
        self._end_session()
        session.start()
        self._session = session
        self._supervisor.reset()
        self._lifecycle.to(S.LISTENING)

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        session.stop()
        self._lifecycle.to(S.READY)

    def _apply_selection(self) -> None:
        chosen = self._selection
        self._keep("listen.source", chosen.mode)
        self._keep("listen.microphone", chosen.microphone)
        self._keep("listen.system", chosen.system)
        if self._session is not None:
            reselect(self._session, chosen)

    def _apply_gain(self, source: SourceName, gain_db: float) -> None:
        self._keep(f"capture.{source}_gain_db", gain_db)
        if self._session is not None:
            set_gain(self._session, source, gain_db)

    def _keep(self, key: str, value: str | float) -> None:
        refusal = self._remember(key, value)
        if refusal:
            self._tell_error(refusal)

    def _instruct(self, instruction: Instruction) -> None:
        self._instruction = instruction
        self._tasks.put(self._apply_instruction)

    def _apply_instruction(self) -> None:
        instruction = self._instruction
        self._keep("listen.language", instruction.language or "auto")
        self._keep("listen.translate_to", instruction.translate_to or "off")
        if self._session is not None:
            self._session.instruct(instruction)

    def _refresh_devices(self) -> None:
        self._devices_wanted = False
        self._devices_read_s = time.monotonic()
        self._devices = self._equipment.devices()

    def _tick(self) -> None:
        if self._devices_wanted and time.monotonic() - self._devices_read_s > DEVICES_EVERY_S:
            self._refresh_devices()
        session = self._session
        if session is None:
            return
        self._reporter.report(session)
        if session.finished:
            trouble = session.problem
            self._end_session()
            if trouble:
                # A damaged file or a failed capture; its own health line ends with the session.
                self._tell_error(trouble)
            if self._on_finished is not None:
                self._on_finished()
        else:
            self._supervisor.look_after(session)

    def _close(self) -> None:
        if self._lifecycle.state is not S.STOPPED:
            self._lifecycle.to(S.STOPPING)
        session, self._session = self._session, None
        if session is not None:
            session.stop()
        if self._model is not None:
            self._model.close()
            self._model = None
        self._lifecycle.to(S.STOPPED)

    def _tell_state(self, state: EngineState, reason: str) -> None:
        session = self._session.id if self._session is not None else ""
        self._equipment.writer.put(
            EngineStateChanged(id="state", session=session, state=state, reason=reason)
        )

    def _tell_error(self, sentence: str) -> None:
        session = self._session.id if self._session is not None else ""
        self._equipment.writer.put(EngineFailed(id="error", session=session, text=sentence))
