"""The sound thread: takes chunks from its own ring, has them judged, hands its events on.

It runs also beside the big model and never waits for it, for a disk or for a window (`sink` must
not block). One thread owns the sound model and all of its state. A failure ends it with one
sentence; who owns it starts another.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.commanded_thread import CommandedThread
from everlisten.engine.errors import EngineError
from everlisten.engine.events import (
    AlertHealth,
    EngineEvent,
    EngineFailed,
    SoundAlert,
    SoundHeard,
)
from everlisten.engine.runner import EngineLoad, EventSink
from everlisten.engine.sounds.clerk import Clerk
from everlisten.engine.sounds.detector import DetectorState, SoundDetector
from everlisten.engine.sounds.memory import SoundMemory
from everlisten.engine.sounds.rehearsal import Rehearsal
from everlisten.engine.sounds.taught import TaughtHeads

logger = logging.getLogger(__name__)

POLL_S = 0.02
HEALTH_EVERY_S = 30.0
BEHIND_S = 5.0
"""From this lag on alerts come too late to be called working."""
NOT_WORKING = "Alerts are not working"
_PLACES = {
    SourceName.MIC: "the microphone",
    SourceName.SYSTEM: "the computer's sound",
    SourceName.FILE: "the file",
}

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The user knows of an alert."""

    alert: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """Hold back one sound, or all but emergencies (None); 0 minutes ends it."""

    sound: str | None
    minutes: float


@dataclass(frozen=True, slots=True)
class NotThis:
    """It was something else: remember the clip as a counter-example."""

    alert: str


@dataclass(frozen=True, slots=True)
class SetAlertSettings:
    """The user's choices, from the next chunk."""

    settings: AlertSettings


@dataclass(frozen=True, slots=True)
class SetTaught:
    """Other taught sounds, from the next chunk."""

    taught: TaughtHeads | None


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """A test: hear these samples (float32 [T], 16 kHz; handed over) as if they were there.

    They go through model, policy and sink in a state of their own, as fast as that goes; what is
    really heard meanwhile is judged as always. Nothing is held back from a test of `sound`.
    """

    samples: Samples
    sound: str = ""


@dataclass(frozen=True, slots=True)
class Mute:
    """What is captured from the receipt of this until then (`time.monotonic()`) is Everlisten's
    own voice and is not heard."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the thread; what still waits in the ring is left."""


Command = Acknowledge | Snooze | NotThis | SetAlertSettings | SetTaught | Play | Mute | Shutdown
Sources = SourceName | Sequence[SourceName]


class SoundThread(CommandedThread[Command]):
    """Owner of a detector while it listens to one session.

    Args:
        detector: Stepped from this thread only.
        ring: Where the chunks come from; the thread ends once it is closed and empty.
        sources: What is listened to now; more than one is mixed. Asked for every chunk.
        sink: Takes every event, in order; must not block.
        session: Identifier that goes into the events.
        feed_problem: What is wrong with the sound of these sources; "" if nothing is.
    """

    def __init__(
        self,
        *,
        detector: SoundDetector,
        ring: ChunkRing,
        sources: Callable[[], Sources],
        sink: EventSink,
        session: str,
        feed_problem: Callable[[], str] = str,
    ) -> None:
        super().__init__("sounds", Shutdown())
        self._detector = detector
        self._ring = ring
        self._sources = sources
        self._sink = sink
        self._session = session
        self._feed_problem = feed_problem
        self._memory = SoundMemory()
        self._clerk = Clerk(self._tell_failure)
        self._tests: deque[Rehearsal] = deque()
        self._tests_begun = 0
        self._muted_s = (0.0, 0.0)
        self._missing = ""
        self._health: tuple[float, str] | None = None
        """When it was told, and the problem then."""
        self._last_heard: dict[str, float] = {}
        self.load = EngineLoad()
        self.failed = False

    @property
    def last_heard(self) -> Mapping[str, float]:
        """Wall-clock time when each sound was heard last in this session; a copy."""
        return dict(self._last_heard)

    def last_30_s(self) -> Samples:
        """The newest sound that was judged, float32 [T], at most 480000 samples; a copy."""
        return self._memory.last()

    def clip(self, alert_id: str) -> Samples | None:
        """The sound of one of the last 20 alerts, float32 [T]; it goes on growing for a second
        after the alert's end. A copy; None if it is forgotten."""
        return self._memory.clip(alert_id)

    def _run(self) -> None:
        try:
            self._listen()
        except EngineError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("the sound thread failed")
            self._fail(f"Listening for sounds failed: {error!r}. It starts again by itself.")
        finally:
            self._clerk.stop()

    def _fail(self, sentence: str) -> None:
        self.failed = True
        self._tell_health(f"{NOT_WORKING}: {sentence}")
        self._tell_failure(sentence)

    def _listen(self) -> None:
        state = self._detector.new_state(self._session)
        self._look_after_health()
        while True:
            while not self._commands.empty():
                if not self._obey(self._commands.get(), state):
                    self._emit(self._detector.flush(state))
                    return
            chunk = self._ring.pop()
            if chunk is not None:
                self._step(chunk, state)
            self._look_after_health()
            if self._tests:
                # One chunk of it: what is really heard never waits for more.
                self._emit(self._tests[0].step())
                if self._tests[0].done:
                    self._tests.popleft()
            elif chunk is None:
                if self._ring.finished:
                    self._emit(self._detector.flush(state))
                    return
                time.sleep(POLL_S)

    def _obey(self, command: Command, state: DetectorState) -> bool:
        """Carry out a command; False if it was the last one."""
        policy, now_s = self._detector.policy, self.load.consumed_s
        match command:
            case Acknowledge():
                self._emit([policy.acknowledge(state.alerts, command.alert, now_s)])
            case Snooze():
                self._emit(policy.snooze(state.alerts, command.sound, command.minutes, now_s))
            case NotThis():
                self._emit([policy.acknowledge(state.alerts, command.alert, now_s, "not_this")])
                self._keep_counter_example(command.alert)
            case SetAlertSettings():
                policy.settings = command.settings
            case SetTaught():
                self._detector.set_taught(command.taught)
            case Play():
                self._begin_test(command)
            case Mute():
                self._mute(command.until_s)
            case Shutdown():
                return False
        return True

    def _step(self, chunk: AudioChunk, state: DetectorState) -> None:
        began_s = time.monotonic()
        samples, source = self._heard(chunk)
        events = self._detector.step(samples, chunk.start_s, chunk.end_s, source, state)
        self._memory.hear(samples, chunk.start_s, chunk.end_s, state.embedding)
        sounding = self._detector.policy.sounding(state.alerts, chunk.end_s)
        self._memory.note_sounding(sounding.values(), state.embedding)
        self._note(events, sounding)
        self._measure(chunk, began_s)
        self._emit(events)

    def _heard(self, chunk: AudioChunk) -> tuple[Samples, SourceName | None]:
        """The chosen rows mixed, float32 [6400], and the loudest of them."""
        sources = self._sources()
        wanted = (sources,) if isinstance(sources, SourceName) else tuple(sources)
        rows = {one: chunk.of(one) for one in wanted if one in chunk.sources}
        self._missing = "" if rows else " and ".join(_PLACES[one] for one in wanted)
        if not rows or self._is_muted(chunk):
            return np.zeros(CHUNK_SAMPLES, np.float32), next(iter(rows), None)
        loudest = max(rows, key=lambda one: float(np.nan_to_num(rows[one]).astype(float).std()))
        if len(rows) == 1:
            return rows[loudest].copy(), loudest
        mixed = np.clip(sum(rows.values()), -1.0, 1.0)
        return np.asarray(mixed, np.float32), loudest

    def _mute(self, until_s: float) -> None:
        now_s = time.monotonic()
        begin_s, end_s = self._muted_s
        self._muted_s = (begin_s if now_s <= end_s else now_s, max(until_s, end_s))

    def _is_muted(self, chunk: AudioChunk) -> bool:
        begin_s, end_s = self._muted_s
        return begin_s < chunk.captured_s and chunk.captured_s - CHUNK_S < end_s

    def _note(self, events: Sequence[EngineEvent], sounding: Mapping[str, str]) -> None:
        now_s = time.time()
        for sound in sounding:
            self._last_heard[sound] = now_s
        for event in events:
            if isinstance(event, SoundAlert):
                self._memory.note(event)
            elif isinstance(event, SoundHeard):
                self._last_heard[event.sound] = now_s

    def _measure(self, chunk: AudioChunk, began_s: float) -> None:
        load, ended_s = self.load, time.monotonic()
        load.chunks += 1
        load.busy_s += ended_s - began_s
        load.consumed_s = chunk.end_s
        load.lag_s = max(0.0, ended_s - chunk.captured_s)
        load.load += 0.1 * ((ended_s - began_s) / CHUNK_S - load.load)

    def _keep_counter_example(self, alert_id: str) -> None:
        counter, example = self._detector.counter, self._memory.example(alert_id)
        if counter is not None and example is not None:
            self._clerk.do(lambda: counter.add(*example))

    def _begin_test(self, play: Play) -> None:
        sources = self._sources()
        source = sources if isinstance(sources, SourceName) else next(iter(sources), None)
        # Each test has times of its own, which keeps their ids apart.
        self._tests_begun += 1
        begun_s = self.load.consumed_s + 0.1 * self._tests_begun
        detector = self._detector.for_test(play.sound)
        self._tests.append(Rehearsal(detector, play.samples, self._session, begun_s, source))

    def _look_after_health(self) -> None:
        """Tell whether alerts work: on every change and every half minute."""
        problem = self._problem()
        now_s = time.monotonic()
        if self._health is None or self._health[1] != problem:
            self._tell_health(problem)
        elif now_s >= self._health[0] + HEALTH_EVERY_S:
            self._tell_health(problem)

    def _problem(self) -> str:
        if fault := self._feed_problem():
            return f"{NOT_WORKING}: {_inside(fault)}"
        if self._missing:
            return f"{NOT_WORKING}: {self._missing} is not listened to."
        if self.load.lag_s >= BEHIND_S and len(self._ring):
            # Without the number, which would be another sentence each time.
            return f"{NOT_WORKING}: this computer is too busy, so they would come too late."
        return ""

    def _tell_health(self, problem: str) -> None:
        self._health = (time.monotonic(), problem)
        self._emit([
            AlertHealth(
                id=f"{self._session}-alert-health", session=self._session,
                emitted_s=self.load.consumed_s, working=not problem, problem=problem,
            )
        ])  # fmt: skip

    def _tell_failure(self, sentence: str) -> None:
        self._emit([EngineFailed(id=f"{self._session}-sounds-failed", session=self._session,
                                 emitted_s=self.load.consumed_s, text=sentence)])  # fmt: skip

    def _emit(self, events: Sequence[EngineEvent]) -> None:
        for event in events:
            self._sink(event)


def _inside(sentence: str) -> str:
    """As it reads after a colon; a name keeps its capitals."""
    article = sentence.partition(" ")[0] in ("The", "No", "This", "Nothing")
    return sentence[:1].lower() + sentence[1:] if article else sentence
