"""All streaming state of one session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everlisten.engine.alerts.state import AlertState
from everlisten.engine.events import EngineEvent, EngineFailed
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.briefs import Brief
from everlisten.engine.laim.log_mel import LogMelState
from everlisten.engine.laim.outcomes import Outcome
from everlisten.engine.laim.replies import Replies
from everlisten.engine.laim.schedule import Seat, Slots
from everlisten.engine.laim.transcript import Transcript
from everlisten.engine.laim.utterances import Clock


@dataclass(slots=True, eq=False)
class LaneState:
    """One lane that is on.

    Attributes:
        brief: What it was told.
        seat: Its place in the batch.
        writer: Makes events of what it does.
    """

    brief: Brief
    seat: Seat
    writer: Transcript | Replies

    def write(self, outcomes: Sequence[Outcome]) -> list[EngineEvent]:
        """What the lane did, as events."""
        return [event for outcome in outcomes for event in self.writer.write(outcome)]


@dataclass(slots=True, kw_only=True, eq=False)
class LaimState:
    """All streaming state of one session.

    Attributes:
        instruction: Replaced by the runner between two steps.
        backlog_chunks: Set by the runner; nothing is left out, several chunks go in at once.
        log_mel: Of the sound.
        clock: Where the session is.
        alerts: What the alert policy has told.
        slots: Free cache slots.
        lanes: That are on, in the order of `briefs.LANES`.
        seated: The instruction that `lanes` follows.
        next_chunk: Index of the chunk that comes next if none is dropped; None before the first.
        forgets: Whether a part of forgetting is still to be done for the last chunk.
        notices: Sentences told so far, for their ids.
    """

    instruction: Instruction
    backlog_chunks: int = 0
    log_mel: LogMelState
    clock: Clock
    alerts: AlertState
    slots: Slots = field(default_factory=lambda: Slots([]))
    lanes: dict[str, LaneState] = field(default_factory=dict)
    seated: Instruction | None = None
    next_chunk: int | None = None
    forgets: bool = False
    notices: int = 0

    @property
    def seats(self) -> list[Seat]:
        """Of the lanes that are on."""
        return [lane.seat for lane in self.lanes.values()]

    def notice(self, sentence: str) -> EngineFailed:
        """One sentence for the user."""
        self.notices += 1
        return EngineFailed(
            id=f"{self.clock.session}-notice-{self.clock.first}-{self.notices}",
            session=self.clock.session,
            emitted_s=self.clock.emitted_s,
            text=sentence,
        )
