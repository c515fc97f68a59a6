"""What goes into a lane, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.laim.tokens import Emotion


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One chunk as lanes take it in.

    Attributes:
        index: Of the chunk in its session.
        features: [10, D] on the model's device.
        energy: Of each source, to tell later which one was loudest.
    """

    index: int
    features: Tensor
    energy: Mapping[SourceName, float]


@dataclass(frozen=True, slots=True)
class Question:
    """A typed question: token ids, and the chunk that it came after."""

    after: int
    text: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The lane decided after a chunk; `score` is its probability of speaking."""

    heard: Heard
    speak: bool
    score: float


@dataclass(frozen=True, slots=True)
class Began:
    """A reply begins, after chunk `number`."""

    number: int
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class Word:
    """The reply's next text token."""

    token: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The reply is over."""


Outcome = Decided | Began | Word | Ended
