"""Which lanes are on: follows the instruction while it runs, one lane at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from torch import Tensor

from everlisten.audio_io.chunk import CHUNK_S
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.events import EngineEvent
from everlisten.engine.laim.briefs import (
    ASSISTANT_LANE,
    CAPTIONS_LANE,
    TRANSLATION_LANE,
    Brief,
    briefs_of,
)
from everlisten.engine.laim.config import LaimConfig
from everlisten.engine.laim.context import Context, Turn
from everlisten.engine.laim.eviction import choose
from everlisten.engine.laim.lane import Lane
from everlisten.engine.laim.outcomes import Heard, Question
from everlisten.engine.laim.parts import LaimParts
from everlisten.engine.laim.replies import Replies
from everlisten.engine.laim.schedule import Seat, Slots
from everlisten.engine.laim.session import LaimState, LaneState
from everlisten.engine.laim.spoken import SpeechError
from everlisten.engine.laim.text import StreamingDecoder
from everlisten.engine.laim.tokens import KEEP_SILENCE
from everlisten.engine.laim.transcript import Transcript

_BEFORE = -1
"""Number of the turns before the first chunk."""


@dataclass(slots=True, eq=False)
class Seating:
    """Switches lanes on and off; the ones that stay are left alone.

    Attributes:
        parts: Of the model.
        config: The lanes'.
        policy: Of urgent replies.
        refused: Lanes that there is no memory for.
    """

    parts: LaimParts
    config: LaimConfig
    policy: UrgentReplyPolicy
    refused: frozenset[str] = frozenset()

    def follow(self, state: LaimState) -> list[EngineEvent]:
        """Make the lanes those of the instruction."""
        if state.seated is state.instruction:
            return []
        wanted = briefs_of(state.instruction)
        wanted = {name: brief for name, brief in wanted.items() if name not in self.refused}
        events: list[EngineEvent] = []
        stay = {name for name, lane in state.lanes.items() if wanted.get(name) == lane.brief}
        # Encoding comes first: it may fail for lack of memory, and nothing has changed then.
        beginnings = {
            name: self._beginning(brief, state, events)
            for name, brief in wanted.items()
            if name not in stay
        }
        unheard: dict[str, deque[Heard | Question]] = {}
        for name in state.lanes.keys() - stay:
            unheard[name] = state.lanes[name].seat.lane.waiting
            events += self.leave(name, state)
        for name, turns in beginnings.items():
            state.lanes[name] = self._enter(name, wanted[name], turns, state)
            # A lane that is told something else still hears what waited for it.
            state.lanes[name].seat.lane.waiting += unheard.get(name, ())
        state.lanes = {name: state.lanes[name] for name in wanted}
        _tell(state)
        state.seated = state.instruction
        return events

    def leave(self, name: str, state: LaimState) -> list[EngineEvent]:
        """Switch a lane off."""
        lane = state.lanes.pop(name)
        events = [*lane.write(lane.seat.lane.cut()), *lane.writer.close()]
        lane.seat.leave(state.slots)
        _tell(state)
        return events

    def renew(self, state: LaimState, slots: Slots) -> None:
        """The cache is a new one: every lane prefills what it keeps."""
        state.slots = slots
        for lane_state in state.lanes.values():
            seat, lane = lane_state.seat, lane_state.seat.lane
            seat.branch, lane.rebuild, lane.config = None, None, self.config
            pinned = [turn for turn in lane.context.turns[1:] if turn.pinned]
            for turn in pinned[self.config.max_instruction_chunks :]:
                turn.pinned = False
            lane.limit = min(lane.limit, self.config.max_reply_tokens)
            if lane.reply is not None:
                lane.reply.limit = min(lane.reply.limit, lane.limit)
            kept = choose(lane.context.turns, self.config.keep, self.config.recent_chunks)
            lane.context = Context.of_turns(slots.take(), kept)

    def _enter(self, name: str, brief: Brief, turns: list[Turn], state: LaimState) -> LaneState:
        lane = Lane(name, Context.of_turns(state.slots.take(), turns), self.config)
        text = StreamingDecoder(self.parts.tokenizer)
        if name != ASSISTANT_LANE:
            lane.limit = min(lane.limit, self.config.max_caption_tokens)
            transcript = Transcript(name, state.clock, text)
            if name == TRANSLATION_LANE:
                transcript.language = state.instruction.translate_to or ""
            return LaneState(brief, Seat(lane), transcript)
        lane.temperature = self.config.temperature
        replies = Replies(name, state.clock, text, self.policy, state.alerts)
        return LaneState(brief, Seat(lane, interruptible=True), replies)

    def _beginning(self, brief: Brief, state: LaimState, events: list[EngineEvent]) -> list[Turn]:
        """The turns that a lane begins with: the prefix and the instruction, never forgotten."""
        turns = [Turn(_BEFORE, self.parts.prefix, pinned=True)]
        try:
            samples = brief.samples()
        except SpeechError as error:
            events.append(state.notice(f"{error} Until then the instruction is given as text."))
            text = self.parts.tokenizer.encode(brief.words)[: self.config.max_question_tokens]
            typed = Turn.of_question(_BEFORE, text)
            turns += [Turn(_BEFORE, typed.head, pinned=True, tail=[KEEP_SILENCE])]
            return turns
        chunks: list[Tensor] = [] if samples is None else self.parts.perception.clip(samples)
        longest = self.config.max_instruction_chunks
        if len(chunks) > longest:
            events.append(
                state.notice(
                    f"The instruction takes {len(chunks) * CHUNK_S:.0f} s to say; only the first"
                    f" {longest * CHUNK_S:.0f} s are used: give a shorter one."
                )
            )
        for features in chunks[:longest]:
            turns.append(Turn.of_chunk(_BEFORE, features, pinned=True))
            turns[-1].tail.append(KEEP_SILENCE)
        return turns


def _tell(state: LaimState) -> None:
    """Give the lanes those parts of the instruction that do not begin them anew."""
    captions, translation = (_transcript(name, state) for name in (CAPTIONS_LANE, TRANSLATION_LANE))
    if captions is not None:
        captions.language = state.instruction.language or ""
        captions.translation = translation
    if translation is not None:
        translation.captions = captions
    assistant = state.lanes.get(ASSISTANT_LANE)
    for lane in assistant.seat.lanes if assistant is not None else ():
        lane.bias = state.instruction.talkativeness


def _transcript(name: str, state: LaimState) -> Transcript | None:
    lane = state.lanes.get(name)
    if lane is None:
        return None
    assert isinstance(lane.writer, Transcript)
    return lane.writer
