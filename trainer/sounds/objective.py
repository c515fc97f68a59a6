"""What a network is trained to say of a batch of streams."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as nnf

from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.nano import Told, Vocabulary
from everlisten.trainer.sounds.targets import Targets

_SPOKEN = 0.3
"""Weight of the decision and of the reply beside that of the sounds."""


def hearing_loss(logits: Tensor, targets: Targets) -> Tensor:
    """Of the sounds: binary cross-entropy where it is known, a sum over sounds, a mean over chunks.

    Args:
        logits: [B, N, K].
        targets: Of the same streams.
    """
    each = nnf.binary_cross_entropy_with_logits(logits.float(), targets.heard, reduction="none")
    return (each * targets.known).sum(-1).mean()


class Reply(NamedTuple):
    """What each stream of a batch is told after its last chunk: an alert that sounds then.

    Attributes:
        words: int64 [B, 2], emotion and name.
        given: bool [B], whether there is anything to tell.
    """

    words: Tensor
    given: Tensor


class Spoken:
    """Sounds, decisions and replies of nano.

    Args:
        vocabulary: Of its language model.
        device: Of the streams.
    """

    def __init__(self, vocabulary: Vocabulary, device: torch.device) -> None:
        self._vocabulary = vocabulary
        entries = shipped_alerts()
        emotions = [vocabulary.emotion(entries[sound].emotion) for sound in ALERT_SOUNDS]
        self._emotions = torch.tensor(emotions, device=device)

    def reply(self, targets: Targets) -> Reply:
        """Draw one of the alerts that sound at once."""
        alerts = targets.heard[:, -1, : len(ALERT_SOUNDS)]
        # Where there is none, any, which then does not count.
        name = torch.multinomial(alerts + 1e-6, 1)
        return Reply(torch.cat((self._emotions[name], name), 1), alerts.amax(1) > 0)

    def loss(self, told: Told, reply: Reply, targets: Targets) -> Tensor:
        """Of all that is told."""
        sounds = hearing_loss(told.decisions[..., : self._vocabulary.names], targets)
        spoken = self._decided(told.decisions, targets) + self._replied(told.reply, reply)
        return sounds + _SPOKEN * spoken

    def _decided(self, logits: Tensor, targets: Targets) -> Tensor:
        """KEEP_SILENCE or TEXT_BEGIN, [B, N, V]: one speaks wherever an alert sounds."""
        vocabulary, count = self._vocabulary, len(ALERT_SOUNDS)
        heard, known = targets.heard[..., :count], targets.known[..., :count]
        speak = (heard * known).amax(-1) > 0
        certain = speak | (known.amin(-1) > 0)
        right = torch.where(speak, vocabulary.text_begin, vocabulary.keep_silence)
        return _cross_entropy(
            logits[..., vocabulary.controls], right - vocabulary.controls.start, certain
        )

    def _replied(self, logits: Tensor, reply: Reply) -> Tensor:
        """Emotion, name and end, [B, 3, V], each over the whole vocabulary."""
        end = torch.full_like(reply.words[:, :1], self._vocabulary.text_end)
        right = torch.cat((reply.words, end), 1)
        return _cross_entropy(logits, right, reply.given[:, None].expand_as(right))


def _cross_entropy(logits: Tensor, right: Tensor, counted: Tensor) -> Tensor:
    """The mean over rows [..., V] that count."""
    each = nnf.cross_entropy(logits.float().flatten(0, 1), right.flatten(), reduction="none")
    return (each * counted.flatten()).sum() / counted.sum().clamp_min(1)
