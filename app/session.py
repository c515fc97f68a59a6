"""One listening session: a sound feed, its rings, the engine thread, the watch and the timeline.

The same object serves the window and the command line; it knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from everlisten.app.ears import Ear, OwnVoice
from everlisten.app.session_plan import Recorder, SessionPlan, Watch, WatchPost
from everlisten.audio_io.chunk import CHUNK_S, SourceName
from everlisten.audio_io.health import Condition
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.events import EngineFailed, Question, SessionEnded
from everlisten.engine.interaction import Instruction, InteractionModel
from everlisten.engine.runner import (
    AskText,
    EngineThread,
    EventSink,
    Flush,
    Interrupt,
    SetInstruction,
)
from everlisten.engine.timeline.writer import TimelineWriter

DRAIN_TIMEOUT_S = 8.0
"""How long the end of a session waits for the engine to finish what is in the ring."""
_TICK_S = 0.05


class Session:
    """Starts, pauses and ends together what one session needs.

    Args:
        plan: What to listen to.
        model: Steps through the sound; stays open when the session ends.
        writer: Keeps and publishes every event.
        tell: Takes the events of the engine; the writer if None.
        own_voice: What Everlisten says itself, which is not captioned.

    Raises:
        AudioFileError: The plan's file cannot be played.
    """

    def __init__(
        self,
        plan: SessionPlan,
        *,
        model: InteractionModel[Any],
        writer: TimelineWriter,
        tell: EventSink | None = None,
        own_voice: OwnVoice | None = None,
    ) -> None:
        self._plan = plan
        self._instruction = plan.instruction
        self._model = model
        self._writer = writer
        self._tell = tell or writer.put
        own_voice = None if SourceName.FILE in plan.sources else own_voice
        self.ring = ChunkRing(plan.sources, plan.ring_chunks)
        self.ring.ear = self._ear = Ear(plan.heard, own_voice)
        self._recorder_ring = ChunkRing(plan.sources) if plan.recorder is not None else None
        self._recorder: Recorder | None = None
        self._watch_ring = ChunkRing(plan.sources, plan.ring_chunks) if plan.watch else None
        self.watch: Watch | None = None
        self._questions = 0
        rings = [self.ring]
        if self._recorder_ring is not None:
            self._recorder_ring.ear = self._recorder_ear = Ear(plan.heard)
            rings.append(self._recorder_ring)
        if self._watch_ring is not None:
            rings.append(self._watch_ring)
        self.feed = plan.feed(rings)

    def start(self) -> None:
        """Begin to listen."""
        plan = self._plan
        self.id = self._writer.begin_session(
            model=plan.model_name, sources=plan.sources, title=plan.title
        ).session
        if plan.recorder is not None and self._recorder_ring is not None:
            self._recorder = plan.recorder(self.id, self._recorder_ring)
            self._recorder.start()
        self._post_watch()
        self.engine = self._new_engine()
        self.engine.start()
        self.feed.start()

    def _post_watch(self) -> None:
        if self._plan.watch is None or self._watch_ring is None:
            return
        self.watch = self._plan.watch(
            WatchPost(
                ring=self._watch_ring,
                session=self.id,
                problem=self.problem_of,
            )
        )
        self.watch.start()

    def restart_engine(self) -> None:
        """Start another engine thread after one failed; what waits in the ring is not lost."""
        engine = self._new_engine()
        engine.load = self.engine.load  # the session's length goes on
        self.engine = engine
        engine.start()

    def replace_model(self, model: InteractionModel[Any]) -> bool:
        """Go on with another model from the next chunk on; what waits in the ring is not lost.

        The open utterances of the model before are finished by it.

        Returns:
            False if its engine thread does not end: then it stays.
        """
        self.engine.stop()
        if self.engine.alive:
            return False
        self._model = model
        self.restart_engine()
        return True

    def _new_engine(self) -> EngineThread:
        return EngineThread(
            model=self._model,
            ring=self.ring,
            sink=self._tell,
            instruction=self._instruction,
            session=self.id,
            feed_problem=lambda: self.problem,
        )

    def pause(self) -> None:
        """Release the devices and finish the open sentence."""
        self.feed.pause()
        deadline_s = time.monotonic() + DRAIN_TIMEOUT_S
        while len(self.ring) and self.engine.alive and time.monotonic() < deadline_s:
            time.sleep(_TICK_S)
        self.engine.send(Flush())

    def resume(self) -> None:
        """Go on listening."""
        self.feed.resume()

    def hear(self, sources: tuple[SourceName, ...]) -> None:
        """Captions and recording hear only these sources of what is captured."""
        self._ear.sources = sources
        if self._recorder_ring is not None:
            self._recorder_ear.sources = sources

    def instruct(self, instruction: Instruction) -> None:
        """Change lanes, languages or the assistant between two steps."""
        self._instruction = instruction
        self.engine.send(SetInstruction(instruction))

    def ask(self, text: str) -> None:
        """Give the model a typed question; it is kept like everything that was said."""
        self._questions += 1
        now_s = self.engine.load.consumed_s
        self._writer.put(
            Question(
                id=f"{self.id}-question-{self._questions}",
                session=self.id,
                start_s=now_s,
                end_s=now_s,
                emitted_s=now_s,
                text=text,
            )
        )
        self.engine.send(AskText(text))

    def interrupt(self) -> None:
        """Break off the running reply."""
        self.engine.send(Interrupt())

    @property
    def problem(self) -> str:
        """What is wrong with the sound for captions, in sentences; "" if nothing is."""
        return self.problem_of(self._ear.sources)

    @property
    def heard(self) -> tuple[SourceName, ...] | None:
        """What captions hear; None: every source."""
        return self._ear.sources

    def problem_of(self, sources: Sequence[SourceName] | None) -> str:
        """What is wrong with the sound of some sources (None: of all); "" if nothing is."""
        health = self.feed.health()
        sentences = [health.problem]
        for one in health.sources:
            about = sources is None or one.source in sources
            # Opening is no problem; one that lasts becomes another condition.
            if about and one.condition is not Condition.OPENING:
                sentences.append(one.sentence)
        return " ".join(sentence for sentence in sentences if sentence)

    @property
    def recording(self) -> bool:
        """Whether the sound is kept."""
        return self._recorder is not None

    @property
    def finished(self) -> bool:
        """The feed has ended (a file is over) and everything about it was said."""
        if self.watch is not None and not self.watch.finished:
            return False
        return self.ring.finished and not self.engine.alive and not self.engine.failed

    def stop(self) -> None:
        """End the session: finish what is in the ring, say the last words, then `SessionEnded`."""
        self.feed.stop()
        if self._recorder is not None:
            self._recorder.stop()
        if self.engine.failed and not self.ring.finished:
            self.engine.join(DRAIN_TIMEOUT_S)
            self.restart_engine()
        if self.engine.alive and not self.engine.join(DRAIN_TIMEOUT_S):
            self.engine.stop()
        if self.watch is not None:
            self.watch.stop()
        if len(self.ring):
            self._tell_left(len(self.ring) * CHUNK_S)
        consumed_s = self.engine.load.consumed_s
        self._writer.put(
            SessionEnded(
                id=self.id,
                session=self.id,
                end_s=consumed_s,
                emitted_s=consumed_s,
            )
        )

    def _tell_left(self, seconds: float) -> None:
        sentence = f"The last {seconds:.0f} s were not captioned: the computer could not keep up."
        self._writer.put(EngineFailed(id=f"{self.id}-left", session=self.id, text=sentence))
