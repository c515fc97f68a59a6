"""What nano is taught beside the sounds: what Whisper's own layers make of the whole stream.

Recordings are few and learnt by heart; what Whisper hears in them is richer than their names. The
teacher is Whisper as it was released, up to the tower's last layer but with attention over the
whole stream, which tells sounds apart better than chunks alone (docs/sound-model-log.md). Nano must
be able to say it of each chunk: knowledge distillation (arXiv 1503.02531) of hidden layers, as
FitNets has it (arXiv 1412.6550).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from everlisten.trainer.sounds.nano import Nano, Told
from everlisten.trainer.sounds.network import ROWS, EarConfig, Tower

_STEADY = 1e-3


class Teacher(nn.Module):
    """Whisper's first layers, frozen.

    Args:
        encoder: Whisper's weights by the names of `network.Tower`.
        layers: How many of its layers; the first one, which hears little more than the spectrum,
            is not taught.

    Attributes:
        width: W of what is taught.
    """

    def __init__(self, encoder: dict[str, Tensor], layers: int) -> None:
        super().__init__()
        self._tower = Tower(EarConfig(layers=layers, left_chunks=0))
        self._tower.load_whisper(encoder)
        self.requires_grad_(False)
        self.width = self._tower.positions.shape[1] * (layers - 1)

    def forward(self, log_mel: Tensor) -> Tensor:
        """What each chunk of log_mel [B, 80, 40 N] is: [B, N, W] of mean 0 and deviation 1."""
        rows = [nnf.layer_norm(each, each.shape[-1:]) for each in self._tower.whole(log_mel)[1:]]
        chunks = torch.cat(rows, -1).unflatten(1, (-1, ROWS)).mean(2).float()
        heard: Tensor = (chunks - chunks.mean((0, 1))) / (chunks.std((0, 1)) + _STEADY)
        return heard


class Pupil(nn.Module):
    """Nano while it is trained, with what it says to its teacher.

    Args:
        nano: Trained in place.
        width: Of what is taught.
    """

    def __init__(self, nano: Nano, width: int) -> None:
        super().__init__()
        self.nano = nano
        self.answer = nn.Linear(nano.outlet.in_features, width)

    def forward(self, log_mel: Tensor, words: Tensor) -> tuple[Told, Tensor]:
        """What nano tells (`Nano.told`), and its answer to the teacher [B, N, W]."""
        told = self.nano.told(log_mel, words)
        return told, self.answer(told.understood)


def taught_loss(answer: Tensor, right: Tensor) -> Tensor:
    """Mean squared distance of what the pupil says from what the teacher hears, [B, N, W] each."""
    return nnf.mse_loss(answer.float(), right)
