"""What the lanes do next: one forward pass for all that want something, and forgetting beside it.

A pass takes one block from every lane, whatever each is at: a text token of one, a chunk of
another, and the branch of a third. The step is bound by reading the weights, so lanes share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everlisten.engine.laim.branch import Branch
from everlisten.engine.laim.config import LaimConfig, Policy
from everlisten.engine.laim.eviction import Rebuild
from everlisten.engine.laim.lane import Lane
from everlisten.engine.laim.outcomes import Heard, Outcome
from everlisten.engine.laim.plan import Plan
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.tokens import TURN_ROWS, Emotion


@dataclass(slots=True, eq=False)
class Seat:
    """A lane's place in the batch.

    Attributes:
        lane: Who sits there.
        interruptible: Whether a branch listens for urgent sounds while the lane speaks.
        branch: That branch; None while there is nothing for it to do.
    """

    lane: Lane
    interruptible: bool = False
    branch: Branch | None = None

    @property
    def lanes(self) -> list[Lane]:
        """The lane, and the branch's if there is one."""
        return [self.lane] if self.branch is None else [self.lane, self.branch.lane]

    @property
    def can_be_interrupted(self) -> bool:
        """Whether an urgent reply would cut the running one; an urgent one is not cut again."""
        lane = self.lane
        queued = self.interruptible and lane.config.policy is Policy.QUEUE
        return queued and lane.reply is not None and lane.reply.emotion is not Emotion.URGENT

    @property
    def busy(self) -> bool:
        """Whether there is work that needs no further chunk."""
        return any(lane.busy for lane in self.lanes)

    def hear(self, heard: Heard) -> None:
        """A chunk arrived."""
        self.lane.waiting.append(heard)
        if self.branch is not None:
            self.branch.hear(heard)

    def close_branch(self, slots: Slots) -> None:
        """The branch has nothing to do any more."""
        if self.branch is not None:
            slots.give(self.branch.lane.context.slot)
            self.branch = None

    def leave(self, slots: Slots) -> None:
        """The lane is switched off."""
        self.close_branch(slots)
        self.free(slots)

    def free(self, slots: Slots) -> None:
        """The lane's context goes; a branch's does not."""
        slots.give(self.lane.context.slot)
        if self.lane.rebuild is not None:
            slots.give(self.lane.rebuild.context.slot)


@dataclass(slots=True)
class Slots:
    """Cache slots that are free."""

    free: list[int]

    def take(self) -> int:
        """A slot; there is always one: two for a lane, and one for the branch."""
        return self.free.pop()

    def give(self, *slots: int) -> None:
        """These are free again."""
        self.free += slots


@dataclass(slots=True)
class WorkDone:
    """Counts what was computed, to show that it does not grow."""

    passes: int = 0
    rows: int = 0
    evictions: int = 0
    furthest: int = 0
    """Largest number of positions that a lane ever took."""


@dataclass(slots=True, eq=False)
class Schedule:
    """Runs the lanes' passes.

    Attributes:
        step: The language model.
        config: The lanes'.
        done: What was computed so far.
    """

    step: LmStep
    config: LaimConfig
    done: WorkDone = field(default_factory=WorkDone)

    def work(self, seats: Sequence[Seat], slots: Slots) -> list[tuple[Seat, list[Outcome]]]:
        """One forward pass of everything that the lanes want; nothing if they want nothing."""
        wanted: list[tuple[Seat, Lane, Plan]] = []
        for seat in seats:
            self._make_room(seat.lane, slots)
            self._tend_branch(seat, slots)
            plans = ((lane, lane.plan(self.step.max_rows)) for lane in seat.lanes)
            wanted += [(seat, lane, plan) for lane, plan in plans if plan is not None]
        if not wanted:
            return []
        readings = self._forward([plan.block for _, _, plan in wanted])
        return [
            (seat, self._apply(seat, lane, plan, reading, slots))
            for (seat, lane, plan), reading in zip(wanted, readings, strict=True)
        ]

    def full(self, seats: Sequence[Seat]) -> bool:
        """Whether a lane's window nears its end, or is being renewed."""
        return any(seat.lane.rebuild is not None or self._nearly_full(seat.lane) for seat in seats)

    def forget(self, seats: Sequence[Seat], slots: Slots) -> None:
        """One bounded part of forgetting, where a lane's window nears its end."""
        for seat in seats:
            if seat.lane.rebuild is None and self._nearly_full(seat.lane):
                self._begin_rebuild(seat.lane, slots)
        rebuilding = [seat.lane for seat in seats if seat.lane.rebuild is not None]
        if rebuilding:
            self._prefill(rebuilding, slots)

    def _forward(self, blocks: Sequence[RowBlock]) -> list[tuple[RowReading, ...]]:
        readings = self.step.forward(blocks)
        self.done.passes += 1
        for block in blocks:
            self.done.rows += len(block.tokens)
            self.done.furthest = max(self.done.furthest, block.position + len(block.tokens))
        return readings

    def _apply(
        self,
        seat: Seat,
        lane: Lane,
        plan: Plan,
        readings: tuple[RowReading, ...],
        slots: Slots,
    ) -> list[Outcome]:
        if lane is seat.lane:
            return lane.apply(plan, readings)
        # Where the lane's reply has just ended, the lane hears the branch's chunks itself.
        if seat.branch is None or not seat.branch.apply(plan, readings):
            return []
        if not seat.can_be_interrupted:
            return []
        seat.free(slots)
        outcomes = seat.branch.take_over(seat.lane)
        seat.branch = None
        return outcomes

    def _room(self, lane: Lane) -> int:
        return self.config.window - lane.context.rows

    def _nearly_full(self, lane: Lane) -> bool:
        return self._room(lane) < self.config.reserve

    def _make_room(self, lane: Lane, slots: Slots) -> None:
        """Forget at once where the next pass would go beyond the window."""
        while self._room(lane) < lane.needed_rows:
            if lane.rebuild is None:
                assert lane.context.rows > self.config.keep, "what stays leaves no room"
                self._begin_rebuild(lane, slots)
            self._finish_rebuild(lane, slots)

    def _tend_branch(self, seat: Seat, slots: Slots) -> None:
        """Open, close or renew the branch as the lane's reply asks for it."""
        lane = seat.lane
        if not seat.can_be_interrupted:
            seat.close_branch(slots)
            return
        if seat.branch is not None and self._room(seat.branch.lane) < 2 * TURN_ROWS:
            # It begins again where the lane is once it has forgotten.
            seat.close_branch(slots)
            if lane.rebuild is not None:
                slots.give(lane.rebuild.context.slot)
            self._begin_rebuild(lane, slots)
            self._finish_rebuild(lane, slots)
        if seat.branch is None and any(isinstance(item, Heard) for item in lane.waiting):
            seat.branch = Branch.of(lane, slots.take())
            context = seat.branch.lane.context
            self.step.copy(lane.context.slot, context.slot, context.position)

    def _begin_rebuild(self, lane: Lane, slots: Slots) -> None:
        config = self.config
        lane.rebuild = Rebuild.begin(lane.context, slots.take(), config.keep, config.recent_chunks)
        self.done.evictions += 1

    def _finish_rebuild(self, lane: Lane, slots: Slots) -> None:
        while lane.rebuild is not None:
            self._prefill([lane], slots)

    def _prefill(self, lanes: Sequence[Lane], slots: Slots) -> None:
        """A pass of kept rows; a context that is whole then takes its lane's place."""
        rebuilds = [(lane, lane.rebuild) for lane in lanes if lane.rebuild is not None]
        passes: list[tuple[Rebuild, RowBlock]] = []
        for lane, rebuild in rebuilds:
            rebuild.follow(lane.context)
            if not rebuild.whole(lane.context):
                passes.append((rebuild, rebuild.block(lane.context, self.step.max_rows)))
        if passes:
            self._forward([block for _, block in passes])
        for rebuild, block in passes:
            rebuild.fed(block)
        for lane, rebuild in rebuilds:
            if rebuild.whole(lane.context):
                slots.give(lane.context.slot)
                lane.context, lane.rebuild = rebuild.context, None
