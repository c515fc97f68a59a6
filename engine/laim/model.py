"""Audio-Interaction behind `engine.interaction.InteractionModel`: hears, decides, responds.

One thread calls it. `step` takes a chunk in: it is encoded at once and waits for every lane; then
one forward pass runs. `advance` runs one more. So text streams out token by token, and no chunk
ever waits for a reply's end before it is encoded.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from everlisten.audio_io.chunk import AudioChunk
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.events import EngineEvent
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.briefs import ASSISTANT_LANE, LANES
from everlisten.engine.laim.config import LaimConfig
from everlisten.engine.laim.log_mel import Frames
from everlisten.engine.laim.memory import next_measure, out_of_memory, release
from everlisten.engine.laim.outcomes import Question
from everlisten.engine.laim.parts import LaimParts, load_parts, slots_for
from everlisten.engine.laim.schedule import Schedule, Slots, WorkDone
from everlisten.engine.laim.seating import Seating
from everlisten.engine.laim.session import LaimState
from everlisten.engine.laim.transcript import Transcript
from everlisten.engine.laim.utterances import Clock

logger = logging.getLogger(__name__)


class AudioInteractionModel:
    """The released model, or a tiny one of its layout.

    A state that was not the last one to be stepped finds its cache taken and prefills its context
    again: right, but slow; a program has one session at a time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        eager: bool = False,
        config: LaimConfig | None = None,
        tell: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
        policy: UrgentReplyPolicy | None = None,
    ) -> None:
        """Load the weights, compile and capture.

        Args:
            folder: Of the checkpoint, in the released or the converted layout.
            device: "auto", "cuda", "mps" or "cpu".
            precision: "auto", "bf16", "int8", "int4" or "float32".
            eager: Neither compile nor capture: ready sooner, slower afterwards.
            config: How lanes listen, speak and forget.
            tell: Takes sentences about how far the first compilation is, which then runs in a
                process of its own; None compiles here.
            stop: Set: the loading is given up.
            policy: Decides which urgent replies become alerts, by the choices that hold for the
                sound thread too; None takes the shipped catalogue and no choices.

        Raises:
            ModelLoadError: A file is missing or damaged, or it does not fit.
        """
        config = config or LaimConfig()
        parts = load_parts(
            folder, device=device, precision=precision, eager=eager, config=config,
            lanes=len(LANES), tell=tell, stop=stop,
        )  # fmt: skip
        self._begin(parts, config, policy)

    @classmethod
    def of_parts(
        cls, parts: LaimParts, config: LaimConfig, policy: UrgentReplyPolicy | None = None
    ) -> AudioInteractionModel:
        """A model of parts that are loaded already."""
        model = cls.__new__(cls)
        model._begin(parts, config, policy)
        return model

    def _begin(
        self, parts: LaimParts, config: LaimConfig, policy: UrgentReplyPolicy | None
    ) -> None:
        self._parts = parts
        self._policy = policy or UrgentReplyPolicy()
        self._seating = Seating(parts, config, self._policy)
        self.done = WorkDone()
        release()  # what loading took beside the weights
        step = parts.new_step(config, len(LANES))
        self._schedule: Schedule | None = Schedule(step, config, self.done)
        self._owner: LaimState | None = None

    @property
    def parts(self) -> LaimParts:
        """The weights and what goes with them, to share with work on whole recordings."""
        return self._parts

    @property
    def precision_reason(self) -> str:
        """Why the weights run in this precision, in one sentence."""
        return self._parts.precision_reason

    @property
    def config(self) -> LaimConfig:
        """How lanes listen, speak and forget; smaller than at first if memory ran out."""
        return self._seating.config

    def new_state(self, instruction: Instruction, session: str) -> LaimState:
        """Fresh state."""
        return LaimState(
            instruction=instruction,
            log_mel=self._parts.perception.new_state(),
            clock=Clock(session),
            alerts=self._policy.new_state(session),
        )

    def step(self, chunk: AudioChunk, state: LaimState) -> Sequence[EngineEvent]:
        """Take in one chunk and run one pass.

        Where the lanes' queues are full, passes run until a chunk fits: further ones wait in the
        chunk ring meanwhile, which counts what it drops.
        """
        events = self._note(chunk, state)
        events += self._guarded(state, lambda: self._seating.follow(state))
        # Taken in once, whatever fails afterwards: the spectrum is a stream of its own.
        frames = self._parts.perception.frames(chunk, state.log_mel)
        if state.lanes:
            events += self._guarded(state, lambda: self._hear(chunk, frames, state))
        events += self._guarded(state, lambda: self._forget(state))  # what the last chunk left
        events += self._guarded(state, lambda: self._work(state))
        state.forgets = self._schedule is not None and self._schedule.full(state.seats)
        while any(len(seat.lane.waiting) >= self.config.waiting_chunks for seat in state.seats):
            events += self._guarded(state, lambda: self._work(state))
        return events

    def busy(self, state: LaimState) -> bool:
        """Whether work is waiting that needs no further chunk."""
        changed = state.seated is not state.instruction
        return changed or state.forgets or any(seat.busy for seat in state.seats)

    def advance(self, state: LaimState) -> Sequence[EngineEvent]:
        """Run one pass: the lanes' if they want one, else a part of forgetting."""
        events = self._guarded(state, lambda: self._seating.follow(state))
        if any(seat.busy for seat in state.seats):
            return events + self._guarded(state, lambda: self._work(state))
        return events + self._guarded(state, lambda: self._forget(state))

    def ask(self, text: str, state: LaimState) -> Sequence[EngineEvent]:
        """Take in a typed question; the assistant answers once it has heard what waits for it."""
        events = self._guarded(state, lambda: self._seating.follow(state))
        ids = self._parts.tokenizer.encode(text.strip())
        if ASSISTANT_LANE not in state.lanes:
            return [*events, state.notice("The assistant is off: switch it on to ask something.")]
        longest = self.config.max_question_tokens
        if len(ids) > longest:
            too_long = f"The question has {len(ids)} tokens: shorten it to {longest}."
            return [*events, state.notice(too_long)]
        if ids:
            after = max(state.clock.first, (state.next_chunk or 0) - 1)
            lane = state.lanes[ASSISTANT_LANE].seat.lane
            lane.waiting.append(Question(after, tuple(ids)))
        return events

    def interrupt(self, state: LaimState) -> Sequence[EngineEvent]:
        """End the assistant's running reply where it is."""
        assistant = state.lanes.get(ASSISTANT_LANE)
        return [] if assistant is None else assistant.write(assistant.seat.lane.cut())

    def flush(self, state: LaimState) -> Sequence[EngineEvent]:
        """The sound has ended: hear what waits, finish replies and open utterances."""
        events: list[EngineEvent] = []
        while self.busy(state):
            events += self.advance(state)
        for lane in state.lanes.values():
            events += lane.writer.close()
        return events

    def reset(self, state: LaimState) -> None:
        """Make `state` equal to a fresh one with the same instruction and session."""
        fresh = self.new_state(state.instruction, state.clock.session)
        for name in (each.name for each in fields(fresh)):
            setattr(state, name, getattr(fresh, name))
        if self._owner is state:
            self._owner = None

    def close(self) -> None:
        """Free the weights and the cache."""
        del self._parts, self._seating
        self._schedule = self._owner = None
        release()

    def _note(self, chunk: AudioChunk, state: LaimState) -> list[EngineEvent]:
        """Move the session's clock on; dropped chunks end what was being written down."""
        events: list[EngineEvent] = []
        if state.next_chunk is None:
            state.clock.first = chunk.index
        elif chunk.index != state.next_chunk:
            for lane in state.lanes.values():
                events += lane.writer.miss() if isinstance(lane.writer, Transcript) else []
        state.next_chunk = chunk.index + 1
        state.clock.emitted_s = chunk.end_s
        return events

    def _hear(self, chunk: AudioChunk, frames: Frames, state: LaimState) -> list[EngineEvent]:
        heard = self._parts.perception.heard(chunk, frames)
        for seat in state.seats:
            seat.hear(heard)
        return []

    def _work(self, state: LaimState) -> list[EngineEvent]:
        assert self._schedule is not None
        events: list[EngineEvent] = []
        for seat, outcomes in self._schedule.work(state.seats, state.slots):
            events += state.lanes[seat.lane.name].write(outcomes)
        return events

    def _forget(self, state: LaimState) -> list[EngineEvent]:
        assert self._schedule is not None
        if state.forgets:
            state.forgets = False
            self._schedule.forget(state.seats, state.slots)
        return []

    def _guarded(
        self, state: LaimState, work: Callable[[], list[EngineEvent]]
    ) -> list[EngineEvent]:
        """Do something that takes memory; where there is none, give something up, do it again."""
        events: list[EngineEvent] = []
        while True:
            try:
                return [*events, *self._take_cache(state), *work()]
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                logger.warning("the device is out of memory: %s", error)
            # Not inside `except`: there the failed pass would still hold its memory.
            events += self._step_down(state)

    def _take_cache(self, state: LaimState) -> list[EngineEvent]:
        """Make the cache this state's; it is the one's already that had it last."""
        if self._schedule is None:
            step = self._parts.new_step(self._seating.config, self._lanes)
            self._schedule = Schedule(step, self._seating.config, self.done)
            self._owner = None
        if self._owner is state:
            return []
        events: list[EngineEvent] = []
        for name in self._seating.refused & state.lanes.keys():
            events += self._seating.leave(name, state)
        self._seating.renew(state, Slots(list(range(slots_for(self._lanes)))))
        self._owner = state
        return events

    @property
    def _lanes(self) -> int:
        return len(LANES) - len(self._seating.refused)

    def _step_down(self, state: LaimState) -> list[EngineEvent]:
        """Give up one thing and the cache; the next one is smaller."""
        seating = self._seating
        measure = next_measure(seating.refused, seating.config, len(self._parts.prefix))
        seating.refused, seating.config = measure.refused, measure.config
        self._schedule = None
        release()
        return [state.notice(measure.sentence)]
