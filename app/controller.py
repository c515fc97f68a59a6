"""Runs listening for the window: the life-cycle, the session, and everything that is waited for.

Implements `ui.protocols.Listening`. Every command is queued to the thread `control`, which loads
models, opens devices and joins threads, so that the GUI thread never waits for any of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from everlisten.app.equipment import Equipment, set_gain
from everlisten.app.exit_codes import KNOWN_ERRORS
from everlisten.app.languages import EMBEDDED_TARGET, spoken_languages, translation_targets
from everlisten.app.lifecycle import Lifecycle
from everlisten.app.model_pair import ModelPair
from everlisten.app.no_captions import NoCaptions
from everlisten.app.readings import health_reading
from everlisten.app.session import Session
from everlisten.app.session_plan import SessionPlan
from everlisten.app.supervisor import EngineSupervisor, ProblemReporter
from everlisten.app.task_thread import Task, TaskThread
from everlisten.app.wishes import Wishes, settings_of
from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineEvent, EngineFailed, EngineState, EngineStateChanged
from everlisten.engine.interaction import InteractionModel
from everlisten.ui.protocols import DeviceChoices, HealthReading, SourceSelection

DEVICES_EVERY_S = 2.0
"""Listing devices asks the sound server; an open picker asks for it many times a second."""
JOIN_TIMEOUT_S = 30.0
"""A pause that waits for the engine (8 s), then the session's end: feed 2 s, engine 8 + 10 s."""

S = EngineState


Remember = Callable[[str, str | float | bool], str]
"""Keeps one value of the configuration for the next start; returns why it could not, or ""."""


class Controller:
    """The session that listens now, and the thread that looks after it."""

    def __init__(
        self,
        equipment: Equipment,
        *,
        selection: SourceSelection,
        wishes: Wishes,
        remember: Remember,
    ) -> None:
        self._equipment = equipment
        self._selection = selection
        self._wishes = wishes
        wishes.on_change(lambda: self._tasks.put(self._apply_wishes))
        equipment.on_reconfigure = lambda: self._tasks.put(self._apply_alerts)
        self._remember = remember
        self._lifecycle = Lifecycle(self._tell_state)
        self._session: Session | None = None
        self._supervisor = EngineSupervisor()
        self._reporter = ProblemReporter(equipment.writer.put)
        self._devices = DeviceChoices()
        self._devices_wanted = True
        self._devices_read_s = 0.0
        self._tasks = TaskThread(
            "control", tick=self._tick, close=self._close, tell_error=self._tell_error
        )
        self._models = ModelPair(
            equipment,
            later=self._tasks.put,
            session=self.session,
            supervisor=self._supervisor,
            tell_error=self._tell_error,
            tell_note=self._tell_note,
        )
        self._on_finished: Callable[[], None] | None = None

    # Life of the controller itself

    def launch(self) -> None:
        """Start the thread and load the model; commands given from now on wait for it."""
        self._tasks.start()
        self._tasks.put(self._load)

    def shut_down(self) -> None:
        """End the session and the thread; returns when everything final was handed on.

        Commands that still wait, for a model that is loading for instance, are left.
        """
        self._tasks.stop(JOIN_TIMEOUT_S)

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
            model=self._models.name,
            saved_s_ago=self._equipment.saved_s_ago(),
            note=self._models.note,
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
        return self._wishes.instruction.language

    def set_language(self, language: str | None) -> None:
        """Fix the spoken language, or detect it."""
        self._wishes.change(language=language)

    def languages(self) -> Sequence[tuple[str, str]]:
        """(code, English name) of every language."""
        return tuple(spoken_languages().items())

    def target(self) -> str | None:
        """Target language of the translation; None while the model in use does not know it."""
        target = self._wishes.instruction.translate_to
        return target if self._models.big is not None or target == EMBEDDED_TARGET else None

    def set_target(self, target: str | None) -> None:
        """Translate into `target`, or not at all."""
        self._wishes.change(translate_to=target)

    def targets(self) -> Sequence[tuple[str, str, str]]:
        """(code, name, why not) of every target."""
        return translation_targets(any_language=self._models.big is not None)

    # app.assistance.Answerer

    def why_no_answers(self) -> str:
        """One sentence while the big model is not in use, else ""."""
        return self._models.why_not_big

    def ask(self, text: str) -> None:
        """Put a typed question to the session that listens now."""
        self._tasks.put(lambda: self._ask(text))

    def interrupt(self) -> None:
        """Break off the running reply."""
        session = self._session
        if session is not None:
            # Not through the queue of commands: one that opens a device takes seconds.
            session.interrupt()

    def big_model(self) -> InteractionModel[Any] | None:
        """The big model while it is in use."""
        return self._models.big

    # app.alert_service

    def later(self, task: Task) -> None:
        """Carry out a task in the control thread."""
        self._tasks.put(task)

    def session(self) -> Session | None:
        """The session that listens now."""
        return self._session

    # The control thread

    @property
    def _failed(self) -> bool:
        """A command given now asks for another try; one given before the failure does not."""
        return self._lifecycle.state is S.FAILED

    def _load(self) -> None:
        self._lifecycle.to(S.LOADING)
        try:
            self._refresh_devices()
            self._models.load()
        except KNOWN_ERRORS as error:
            self._lifecycle.to(S.FAILED, str(error))
            return
        except Exception:
            self._lifecycle.to(S.FAILED)
            raise
        self._lifecycle.to(S.READY)
        self._models.begin_big()

    def _start(self, *, retry: bool) -> None:
        if self._lifecycle.state is S.PAUSED and self._session is not None:
            self._session.resume()
            self._lifecycle.to(S.LISTENING)
        elif self._lifecycle.state in (S.READY, S.FAILED):
            self._begin(self._live_plan, retry=retry)
            if self._models.in_use is None:
                self._listen_for_alerts_alone()

    def _listen_for_alerts_alone(self) -> None:
        """Captions cannot be loaded; alerts do not wait for them."""
        if self._session is None and self._equipment.alerts.config.enabled:
            session = self._equipment.session(self._live_plan(), NoCaptions())
            session.start()
            self._session = session

    def _pause(self) -> None:
        if self._lifecycle.state is S.LISTENING and self._session is not None:
            # Shown first: releasing a device and the last words of a sentence take a moment.
            self._lifecycle.to(S.PAUSED)
            self._session.pause()

    def _file_plan(self, path: Path, title: str) -> Callable[[], SessionPlan]:
        return lambda: self._named(
            self._equipment.file_plan(path, self._wishes.instruction, title=title)
        )

    def _live_plan(self) -> SessionPlan:
        return self._named(self._equipment.live_plan(self._selection, self._wishes.instruction))

    def _named(self, plan: SessionPlan) -> SessionPlan:
        return plan if self._models.big is None else replace(plan, model_name=self._models.name)

    def _begin(self, make_plan: Callable[[], SessionPlan], *, retry: bool) -> None:
        """Start another session; a file that cannot be played leaves the current one running."""
        if self._models.in_use is None and retry:
            self._load()
        model = self._models.in_use
        if model is None:
            return
        session = self._equipment.session(make_plan(), model)
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
        if not self._failed:
            self._lifecycle.to(S.READY)

    def _apply_selection(self) -> None:
        chosen = self._selection
        self._keep("listen.source", chosen.mode)
        self._keep("listen.microphone", chosen.microphone)
        self._keep("listen.system", chosen.system)
        if self._session is not None:
            self._equipment.reselect(self._session, chosen)

    def _apply_alerts(self) -> None:
        session = self._session
        if session is not None:
            self._equipment.reselect(session, self._selection)
            if session.watch is not None:
                session.watch.reconfigure()

    def _apply_gain(self, source: SourceName, gain_db: float) -> None:
        self._keep(f"capture.{source}_gain_db", gain_db)
        if self._session is not None:
            set_gain(self._session, source, gain_db)

    def _ask(self, text: str) -> None:
        if self._models.big is None:
            self._tell_error(self.why_no_answers())
        elif self._session is None or self._lifecycle.state is not S.LISTENING:
            self._tell_error("Start listening first: the answer is about what is heard.")
        else:
            self._session.ask(text)

    def _keep(self, key: str, value: str | float | bool) -> None:
        refusal = self._remember(key, value)
        if refusal:
            self._tell_error(refusal)

    def _apply_wishes(self) -> None:
        instruction = self._wishes.instruction
        for key, value in settings_of(instruction).items():
            self._keep(key, value)
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
            if session.watch is not None:
                session.watch.look_after()
            self._models.look_after()

    def _close(self) -> None:
        if self._lifecycle.state is not S.STOPPED:
            self._lifecycle.to(S.STOPPING)
        session, self._session = self._session, None
        if session is not None:
            session.stop()
        self._models.close()
        self._lifecycle.to(S.STOPPED)

    def _tell_state(self, state: EngineState, reason: str) -> None:
        session = self._session.id if self._session is not None else ""
        self._equipment.writer.put(
            EngineStateChanged(id="state", session=session, state=state, reason=reason)
        )

    def _tell_note(self, sentence: str) -> None:
        self._tell_state(self._lifecycle.state, sentence)

    def _tell_error(self, sentence: str) -> None:
        session = self._session.id if self._session is not None else ""
        self._equipment.writer.put(EngineFailed(id="error", session=session, text=sentence))
