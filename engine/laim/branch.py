"""The branch: the assistant as though it had not begun to reply.

Under the policy `queue`, chunks that arrive during a reply wait for its end. A smoke alarm must
not wait, so a second lane takes them in meanwhile, from the state before the reply, in the layout
that the weights know. Where it would speak, it is asked for the emotion: an urgent reply interrupts
the running one, and the branch becomes the lane. Anything else is counted as silence; the lane
decides about that chunk itself when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from everlisten.engine.laim.context import Context, Turn
from everlisten.engine.laim.lane import Lane
from everlisten.engine.laim.outcomes import Began, Decided, Heard, Outcome, Question
from everlisten.engine.laim.plan import Plan
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.tokens import CHUNK_TOKENS, KEEP_SILENCE, Emotion


@dataclass(slots=True, eq=False)
class Branch:
    """A lane beside a lane that speaks.

    Attributes:
        lane: With a context and waiting chunks of its own.
        decided: Decisions since the reply began; the last one may still be open.
    """

    lane: Lane
    decided: list[Decided] = field(default_factory=list)

    @classmethod
    def of(cls, lane: Lane, slot: int) -> Branch:
        """The branch of a lane that speaks, and hears everything that waits for the lane.

        `slot` must hold the first `context.position` rows of the lane's slot.
        """
        *before, spoken = lane.context.turns
        context = Context.of_turns(slot, before)
        if spoken.head == CHUNK_TOKENS:
            turn = Turn(spoken.number, spoken.head, spoken.features, spoken.pinned, [KEEP_SILENCE])
            context.append(turn)
        # A reply to a typed question goes together with the question.
        context.position = min(lane.context.position, context.rows - 1)
        branch = cls(Lane(lane.name, context, lane.config, lane.bias, lane.temperature, lane.limit))
        for item in lane.waiting:
            branch.hear(item)
        return branch

    def hear(self, item: Heard | Question) -> None:
        """Something arrived; questions wait for the lane."""
        if isinstance(item, Heard):
            self.lane.waiting.append(item)

    def apply(self, plan: Plan, readings: Sequence[RowReading]) -> bool:
        """Take what the model said after the rows of a plan; True if an urgent reply begins."""
        for outcome in self.lane.apply(plan, readings):
            if isinstance(outcome, Decided):
                self.decided.append(outcome)
            elif isinstance(outcome, Began):
                if outcome.emotion is Emotion.URGENT:
                    return True
                self.lane.retract()
                self.decided[-1] = replace(self.decided[-1], speak=False)
        return False

    def take_over(self, lane: Lane) -> list[Outcome]:
        """Make `lane` what the branch is: its running reply is cut, the urgent one goes on."""
        assert self.lane.reply is not None
        outcomes = lane.cut()
        last = self.decided[-1].heard.index
        lane.waiting = deque(
            item for item in lane.waiting if isinstance(item, Question) or item.index > last
        )
        lane.context, lane.reply, lane.rebuild = self.lane.context, self.lane.reply, None
        return [*outcomes, *self.decided, Began(last, Emotion.URGENT)]
