"""What the model says after a row: the decision's score, an emotion, the next piece of text.

Only admissible tokens take part: KEEP_SILENCE or TEXT_BEGIN as a decision, the six emotions, and
text pieces or TEXT_END as text. A control id among the text pieces, another special token or the
vocabulary's padding is never chosen, however likely the model finds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from everlisten.engine.laim.operations import Operations
from everlisten.engine.laim.tokens import (
    CONTROL_CHOICES,
    CONTROL_IDS,
    TEXT_END,
    TEXT_VOCABULARY,
)
from everlisten.engine.laim.weights import LanguageModelWeights

SAMPLED_AMONG = 3
"""The model's card recommends temperature 0.3 among the 3 likeliest."""


@dataclass(frozen=True, slots=True)
class RowReading:
    """What the model says after one row.

    Attributes:
        score: logit(TEXT_BEGIN) - logit(KEEP_SILENCE); above 0 the model would rather speak.
        emotion: Likeliest of the six emotion ids.
        token: Text piece or TEXT_END; -1 where no text was asked for.
    """

    score: float
    emotion: int
    token: int


def inadmissible_text(vocabulary: int, device: torch.device) -> Tensor:
    """bool [V]: what is never text."""
    refused = torch.zeros(vocabulary, dtype=torch.bool)
    refused[TEXT_VOCABULARY:] = True
    refused[CONTROL_IDS.start : CONTROL_IDS.stop] = True
    refused[TEXT_END] = False
    return refused.to(device)


def read_controls(hidden: Tensor, weights: LanguageModelWeights) -> Tensor:
    """float32 [M, 2] of `hidden` [M, D]: the score, and the emotion's index in CONTROL_CHOICES."""
    logits = (hidden @ weights.control_rows.T).float()
    emotion = logits[:, 2:].argmax(dim=-1) + 2
    return torch.stack((logits[:, 0] - logits[:, 1], emotion.float()), dim=-1)


def read_text(
    hidden: Tensor,
    noise: Tensor,
    refused: Tensor,
    weights: LanguageModelWeights,
    operations: Operations,
) -> Tensor:
    """Text token of each row.

    Args:
        hidden: [M, D].
        noise: float32 [M, 3]; temperature times standard Gumbel noise: the likeliest of logits plus
            this is a sample at that temperature, and with zeros the greedy choice.
        refused: bool [V]; see `inadmissible_text`.
        weights: Of the model.
        operations: How the head is computed.

    Returns:
        float32 [M]: token ids (exact below 2^24).
    """
    return operations.choose(operations.project(hidden, weights.head), refused, noise)


def to_readings(packed: Tensor) -> list[RowReading]:
    """Readings of float32 [M, 3] rows on the host: score, emotion's index, token."""
    return [
        RowReading(score, int(CONTROL_CHOICES[int(emotion)]), int(token))
        for score, emotion, token in packed.tolist()
    ]
