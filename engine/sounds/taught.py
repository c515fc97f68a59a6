"""Sounds that the user taught: what is known of one, and the heads that listen for them.

A head is a logistic regression on the mean and the maximum of the last few embeddings of the sound
model, so twenty of them cost less than a tenth of a millisecond a chunk. How a head is fitted and
measured is `trainer.teaching`'s business.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from everlisten.engine.errors import EngineError

SEVERITIES = ("emergency", "warning", "notice")
MAX_SPAN = 15
"""Chunks of history that a head may look at: 6 s."""
MAX_NAME = 60
MAX_ADVICE = 400
_ID = re.compile(r"taught-[0-9a-f]{8}")

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How well a taught sound is expected to be known, and on how little that rests.

    Attributes:
        trials: Examples that were left out of the learning, one after the other.
        recognised: Of these, as they are.
        recall: Of these with noise, distance, another room and level: share recognised, 0..1.
        false_alarms: On background that the measured heads had not learnt from.
        background_hours: How much of that there was.
        warnings: Sentences about what is doubtful.
    """

    trials: int
    recognised: int
    recall: float
    false_alarms: int
    background_hours: float
    warnings: tuple[str, ...] = ()

    @property
    def false_alarms_per_hour(self) -> float:
        """NaN without any background."""
        return self.false_alarms / self.background_hours if self.background_hours else float("nan")

    @property
    def sentence(self) -> str:
        """For the user, the doubts included."""
        hours = f"{self.background_hours:.1f} hours"
        one = self.false_alarms == 1
        alarms = "was 1 false alarm" if one else f"were {self.false_alarms} false alarms"
        said = (
            f"Each of the {self.trials} examples was left out of the learning in turn:"
            f" {self.recognised} of them were recognised, and {self.recall:.0%} of their copies"
            f" with noise and from another room. In {hours} of other sounds there {alarms}"
            f" ({self.false_alarms_per_hour:.1f} an hour)."
        )
        return " ".join((said, *self.warnings))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaughtSound:
    """One taught sound; its recorded examples stay in the store.

    Attributes:
        id: "taught-" and eight hexadecimal digits.
        name: As the user calls it.
        severity: One of `SEVERITIES`.
        advice: What to do; may be empty.
        enabled: Whether it is listened for; off until the user has seen the estimate.
        weights: float32 [2 D], for the mean and then the maximum of the last `span` embeddings.
        bias: Of the logistic regression.
        span: Chunks of history, 1..`MAX_SPAN`.
        threshold: Probability at default sensitivity, 0..1.
        examples: How many it was taught with.
        version: Of the sound model whose embeddings these are; the head of another is stale.
        created_at: Seconds since 1970.
        embeddings: float16 [T, D]; the plain examples, one after the other: "something else" when
            another sound is taught.
    """

    id: str
    name: str
    severity: str = "notice"
    advice: str = ""
    enabled: bool = False
    weights: Vector
    bias: float
    span: int
    threshold: float
    examples: int
    estimate: Estimate
    version: str
    created_at: float
    embeddings: NDArray[np.float16]

    def __post_init__(self) -> None:
        check_words(self.name, self.severity, self.advice)
        if not _ID.fullmatch(self.id):
            raise EngineError(f"{self.id!r} is no id of a taught sound")
        whole = self.weights.ndim == 1 and self.weights.size and self.weights.size % 2 == 0
        if not whole or not np.isfinite(self.weights).all() or not np.isfinite(self.bias):
            raise EngineError(f"The taught sound {self.name!r} has damaged weights: teach it again")
        if not 1 <= self.span <= MAX_SPAN or not 0 < self.threshold < 1:
            raise EngineError(
                f"The taught sound {self.name!r} has a span of {self.span} chunks and a threshold"
                f" of {self.threshold:g}: 1 to {MAX_SPAN} and 0 to 1 are possible; teach it again"
            )

    @property
    def width(self) -> int:
        """D, the width of the embeddings that it is made for."""
        return self.weights.size // 2


def new_id() -> str:
    """An id for a new taught sound."""
    return f"taught-{secrets.token_hex(4)}"


def check_words(name: str, severity: str, advice: str) -> None:
    """Refuse what cannot be shown.

    Raises:
        EngineError: The name is empty or too long, or the severity is none.
    """
    if not name.strip():
        raise EngineError("Give the sound a name")
    if name != name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise EngineError(
            f"The name {name[:MAX_NAME]!r} cannot be used: give one line of at most {MAX_NAME}"
            " characters"
        )
    if severity not in SEVERITIES:
        raise EngineError(f"The severity {severity!r} is none of {', '.join(SEVERITIES)}")
    if len(advice) > MAX_ADVICE:
        raise EngineError(f"The advice has {len(advice)} characters: give at most {MAX_ADVICE}")


def pooled(history: Vector, span: int) -> Vector:
    """What a head looks at, for every chunk of a stream.

    Args:
        history: float32 [T, D], consecutive embeddings from the start of a stream.
        span: Chunks to look back, this one included; fewer at the start.

    Returns:
        float32 [T, 2 D]: mean and maximum of the last `span` embeddings.
    """
    count, width = history.shape
    features = np.empty((count, 2 * width), np.float32)
    mean, largest = features[:, :width], features[:, width:]
    mean[:] = largest[:] = history
    for back in range(1, span):
        mean[back:] += history[: max(count - back, 0)]
        np.maximum(largest[back:], history[: max(count - back, 0)], out=largest[back:])
    mean /= np.minimum(np.arange(1, count + 1), span).astype(np.float32)[:, None]
    return features


@dataclass(slots=True)
class TaughtState:
    """The newest embeddings of one stream.

    Attributes:
        history: float32 [longest span, D], newest last; overwritten in place.
        heard: Chunks so far; at most the rows of `history` count.
    """

    history: Vector
    heard: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Heads:
    """Those that look equally far back: weights float32 [N, 2 D], bias float32 [N]."""

    ids: tuple[str, ...]
    weights: Vector = field(repr=False)
    bias: Vector


class TaughtHeads:
    """Listens for all taught sounds at once.

    Args:
        sounds: As the store lists them. Disabled ones are left out, and so are stale ones.
        version: Of the sound model that hears now; None takes that of the first enabled sound.
        width: D of its embeddings; None as above.

    Attributes:
        sounds: Those that are listened for.
        thresholds: Their probabilities at default sensitivity, by id.
        stale: Ids of enabled sounds that belong to another sound model, to be fitted again.
    """

    def __init__(
        self, sounds: Sequence[TaughtSound], *, version: str | None = None, width: int | None = None
    ) -> None:
        enabled = [sound for sound in sounds if sound.enabled]
        if enabled:
            version = enabled[0].version if version is None else version
            width = enabled[0].width if width is None else width
        fits = [sound for sound in enabled if (sound.version, sound.width) == (version, width)]
        self.sounds = tuple(fits)
        self.stale = tuple(sound.id for sound in enabled if sound not in fits)
        self.thresholds: Mapping[str, float] = MappingProxyType(
            {sound.id: sound.threshold for sound in fits}
        )
        self._width = width or 0
        self._longest = max((sound.span for sound in fits), default=1)
        self._heads = {
            span: _heads([sound for sound in fits if sound.span == span])
            for span in sorted({sound.span for sound in fits})
        }

    def new_state(self) -> TaughtState:
        """State of a stream that has heard nothing."""
        return TaughtState(np.zeros((self._longest, self._width), np.float32))

    def reset(self, state: TaughtState) -> None:
        """Make `state` equal to a fresh one."""
        state.history[:] = 0
        state.heard = 0

    def step(self, embedding: Vector, state: TaughtState) -> dict[str, float]:
        """Hear one more chunk.

        Args:
            embedding: float32 [D] of the sound model; copied.
            state: Of this stream; updated in place.

        Returns:
            Probability of each sound, by id.
        """
        if not self.sounds:
            return {}
        state.history[:-1] = state.history[1:]
        state.history[-1] = embedding
        state.heard = min(state.heard + 1, self._longest)
        return self.probabilities(state.history[-state.heard :])

    def probabilities(self, history: Vector) -> dict[str, float]:
        """Probability of each sound at the end of `history`, float32 [T, D], T >= 1."""
        found: dict[str, float] = {}
        for span, heads in self._heads.items():
            recent = history[-span:]
            feature = np.concatenate((recent.mean(axis=0), recent.max(axis=0)))
            logits = heads.weights @ feature + heads.bias
            found.update(zip(heads.ids, sigmoid(logits).tolist(), strict=True))
        return found


def _heads(sounds: Sequence[TaughtSound]) -> _Heads:
    return _Heads(
        tuple(sound.id for sound in sounds),
        np.stack([sound.weights for sound in sounds]),
        np.array([sound.bias for sound in sounds], np.float32),
    )


def sigmoid(logits: Vector) -> Vector:
    """Probabilities; never overflows."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), np.float32)
