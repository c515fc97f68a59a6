"""Lanes over a small random language model: what the loop's tests are built on.

Import it as `import laim_rig`: `tests/conftest.py` puts this folder on the path. The weights are
random, so decisions, emotions and words are as good as drawn by lot, and any slip in what a lane
feeds shows in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.laim import tokens
from everlisten.engine.laim.config import LaimConfig
from everlisten.engine.laim.context import Context, Turn, joined
from everlisten.engine.laim.lane import Lane
from everlisten.engine.laim.outcomes import Decided, Heard, Outcome
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.schedule import Schedule, Seat, Slots
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.weights import LanguageModelSize, LanguageModelWeights, LayerWeights

SIZE = LanguageModelSize(
    layers=2, width=16, query_heads=4, kv_heads=2, head_width=4, feed_forward=32,
    vocabulary=151_936, norm_eps=1e-6, rope_base=1e4,
)  # fmt: skip
PREFIX = tokens.prefix((11, 12, 13))
RARELY = -2.0
"""A bias with which about one chunk in five is answered."""


@cache
def weights() -> LanguageModelWeights:
    """Random ones, large enough for every row to matter to those behind it."""
    random = torch.Generator().manual_seed(20260606)

    def normal(*shape: int, scale: float = 0.5) -> Tensor:
        return torch.randn(*shape, generator=random) * scale

    heads = (SIZE.query_heads + 2 * SIZE.kv_heads) * SIZE.head_width
    layers = tuple(
        LayerWeights(
            input_norm=torch.ones(SIZE.width),
            qkv=normal(heads, SIZE.width, scale=1.5),
            qkv_bias=normal(heads),
            out=normal(SIZE.width, SIZE.query_heads * SIZE.head_width),
            post_norm=torch.ones(SIZE.width),
            gate_up=normal(2 * SIZE.feed_forward, SIZE.width),
            down=normal(SIZE.width, SIZE.feed_forward),
        )
        for _ in range(SIZE.layers)
    )
    head = normal(SIZE.vocabulary, SIZE.width, scale=0.3)
    head[tokens.TEXT_END] *= 4  # else one of 150,000 tokens would never be chosen
    return LanguageModelWeights(
        size=SIZE,
        embedding=normal(SIZE.vocabulary, SIZE.width, scale=1.0),
        layers=layers,
        norm=torch.ones(SIZE.width),
        head=head,
        control_rows=head[list(tokens.CONTROL_CHOICES)],
    )


def new_step(lanes: int = 3, window: int = 2048) -> LmStep:
    """The real step over the random weights."""
    return LmStep(weights(), slots=2 * lanes + 1, positions=window, lanes=lanes, mode="eager")


def chunks(count: int, *, first: int = 0, seed: int = 1) -> list[Heard]:
    """Chunks of random sound; a chunk of the same seed and number is the same."""
    heard = []
    for index in range(first, first + count):
        random = torch.Generator().manual_seed(1_000_003 * seed + index)
        features = torch.randn(tokens.AUDIO_TOKENS, SIZE.width, generator=random)
        heard.append(Heard(index, features, {SourceName.MIC: 1.0}))
    return heard


@dataclass
class Rig:
    """Lanes and what they did.

    Attributes:
        config: The lanes'.
        lanes: Most lanes there will be.
        said: What each lane did, by name.
    """

    config: LaimConfig = field(default_factory=LaimConfig)
    lanes: int = 3
    said: dict[str, list[Outcome]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step = new_step(self.lanes, self.config.window)
        self.schedule = Schedule(self.step, self.config)
        self.slots = Slots(list(range(2 * self.lanes + 1)))
        self.seats: list[Seat] = []

    def seat(
        self,
        name: str = "assistant",
        *,
        bias: float = RARELY,
        interruptible: bool = False,
        instruction: Sequence[Heard] = (),
        prefix: Sequence[int] = PREFIX,
    ) -> Seat:
        """Switch a lane on."""
        turns = [Turn(-1, tuple(prefix), pinned=True)]
        for heard in instruction:
            turns.append(Turn.of_chunk(-1, heard.features, pinned=True))
            turns[-1].tail.append(tokens.KEEP_SILENCE)
        context = Context.of_turns(self.slots.take(), turns)
        seat = Seat(Lane(name, context, self.config, bias), interruptible)
        self.seats.append(seat)
        self.said.setdefault(name, [])
        return seat

    def hear(self, heard: Iterable[Heard]) -> None:
        """Chunks arrive; nothing is done yet."""
        for one in heard:
            for seat in self.seats:
                seat.hear(one)

    def work(self, passes: int = 1) -> None:
        """Run passes."""
        for _ in range(passes):
            for seat, outcomes in self.schedule.work(self.seats, self.slots):
                self.said[seat.lane.name] += outcomes

    def settle(self) -> None:
        """Run passes until nothing is left to do."""
        while any(seat.busy for seat in self.seats):
            self.work()

    def listen(self, heard: Iterable[Heard]) -> None:
        """Chunks one by one, each done with before the next; forgetting as it goes."""
        for one in heard:
            self.hear([one])
            self.work()
            self.schedule.forget(self.seats, self.slots)
            self.settle()

    def decisions(self, name: str = "assistant") -> list[Decided]:
        """What a lane decided."""
        return [outcome for outcome in self.said[name] if isinstance(outcome, Decided)]


def told(outcomes: Iterable[Outcome]) -> list[object]:
    """Outcomes without scores and sound, for comparing."""
    return [
        ("decided", one.heard.index, one.speak) if isinstance(one, Decided) else one
        for one in outcomes
    ]


def scores(decisions: Iterable[Decided]) -> Tensor:
    """Probabilities of speaking, float64 [n]."""
    return torch.tensor([decided.score for decided in decisions], dtype=torch.float64)


def replay(turns: Sequence[Turn]) -> list[RowReading]:
    """The readings of every row of a record, fed to an empty cache one row at a time."""
    context = Context.of_turns(0, turns)
    step = new_step(1)
    readings = []
    for position in range(context.rows):
        ids, sound = context.between(position, position + 1)
        block = RowBlock(slot=0, position=position, tokens=ids, features=joined(sound), read=(0,))
        readings.append(step.forward([block])[0][0])
    return readings


def assistant_rows(turns: Sequence[Turn]) -> list[int]:
    """The row of each turn after which the lane decides."""
    context = Context.of_turns(0, turns)
    starts = zip(context.starts, turns, strict=True)
    return [start + len(turn.head) - 1 for start, turn in starts]
