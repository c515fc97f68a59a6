"""How well a candidate tells sounds apart on streams of recordings that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from everlisten.trainer.sounds.labels import ALERT_SOUNDS, SOUNDS
from everlisten.trainer.sounds.mixing import Batch

_RARE = 1e-3
"""Share of wrong chunks at which recall is read: 9 chunks an hour before the policy's hits."""


@dataclass(frozen=True, slots=True)
class SoundScore:
    """Of one sound, over chunks.

    Attributes:
        average_precision: Area under precision over recall.
        recall: Share of its chunks found where one chunk of a thousand without it is wrong.
        chunks: With it.
    """

    average_precision: float
    recall: float
    chunks: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Of every sound that was there."""

    by_sound: dict[str, SoundScore]

    def macro(self, what: str, sounds: Sequence[str] = ALERT_SOUNDS) -> float:
        """Mean of one figure over sounds."""
        found: list[float] = [
            getattr(self.by_sound[each], what) for each in sounds if each in self.by_sound
        ]
        return sum(found) / max(1, len(found))

    def summary(self) -> dict[str, object]:
        """For the log."""
        return {
            "macro average precision": round(self.macro("average_precision"), 4),
            "macro recall at 0.001": round(self.macro("recall"), 4),
            "others": round(self.macro("average_precision", SOUNDS[len(ALERT_SOUNDS) :]), 4),
            "sounds": {name: asdict(score) for name, score in self.by_sound.items()},
        }


@torch.no_grad()
def validate(hear: Callable[[Tensor], Tensor], batches: Sequence[Batch]) -> Scores:
    """Scores of a candidate.

    Args:
        hear: Samples [B, T] to logits [B, N, K].
        batches: Streams.
    """
    logits = torch.cat([hear(batch.samples).float().flatten(0, 1) for batch in batches])
    heard = torch.cat([batch.targets.heard.flatten(0, 1) for batch in batches])
    known = torch.cat([batch.targets.known.flatten(0, 1) for batch in batches])
    scores = {}
    for number, name in enumerate(SOUNDS):
        counted = known[:, number] > 0
        right = heard[counted, number] > 0
        if right.any() and not right.all():
            scores[name] = _score(logits[counted, number], right)
    return Scores(scores)


def _score(logits: Tensor, right: Tensor) -> SoundScore:
    order = logits.argsort(descending=True)
    found = right[order].cumsum(0)
    precision = found / torch.arange(1, len(found) + 1, device=found.device)
    total = int(right.sum())
    wrong = (~right[order]).cumsum(0) / (len(right) - total)
    allowed = found[wrong <= _RARE]
    return SoundScore(
        average_precision=round(float(precision[right[order]].mean()), 4),
        recall=round(float(allowed[-1]) / total if len(allowed) else 0.0, 4),
        chunks=total,
    )
