"""The networks that were compared, and how fast their parts learn: see docs/sound-model-log.md."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import Ear, EarConfig, Tower


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network and how fast its parts learn.

    Attributes:
        ear: Sizes; nano takes the number of layers and the dropout.
        nano: Audio-Interaction's architecture instead.
        taught: Of nano: weight of what a teacher hears beside that of the sounds; 0: no teacher.
        tower_rate: Learning rate of what comes from Whisper.
        rate: Of everything else.
    """

    ear: EarConfig = field(default_factory=EarConfig)
    nano: bool = False
    taught: float = 0.0
    tower_rate: float = 5e-5
    rate: float = 1e-3

    def build(self, encoder: dict[str, Tensor]) -> Nano | Ear:
        """With Whisper's weights where it has them."""
        count = len(SOUNDS)
        ear = self.ear
        model = (
            Nano(ear.layers, count, ear.dropout, ear.tower_dropout)
            if self.nano
            else Ear(ear, count)
        )
        tower = model.encoder
        if isinstance(tower, Tower):
            tower.load_whisper(encoder)
        return model

    def rate_of(self, name: str) -> float:
        """Of a parameter of the network, also where a pupil holds it as `nano`."""
        name = name.removeprefix("nano.")
        own = ("conv", "layers.")
        whisper = self.nano or self.ear.kind == "whisper"
        if whisper and name.startswith(tuple(f"encoder.{each}" for each in own)):
            return self.rate * 0.3 if name.endswith("age_bias") else self.tower_rate
        return self.rate


CANDIDATES = {
    "ear": Candidate(),
    "ear-2-layers": Candidate(ear=EarConfig(layers=2)),
    "ear-no-context": Candidate(ear=EarConfig(left_chunks=0)),
    "ear-frozen": Candidate(tower_rate=0.0),
    "ear-fast": Candidate(tower_rate=2e-4),
    "small": Candidate(ear=EarConfig(kind="small")),
    "nano": Candidate(ear=EarConfig(dropout=0.1), nano=True, rate=6e-4, tower_rate=1e-4),
    "nano-fast": Candidate(ear=EarConfig(dropout=0.1), nano=True, rate=1e-3, tower_rate=2e-4),
    "nano-regular": Candidate(
        ear=EarConfig(dropout=0.2, tower_dropout=0.1), nano=True, rate=6e-4, tower_rate=1e-4
    ),
    "nano-taught": Candidate(
        ear=EarConfig(dropout=0.1), nano=True, taught=0.5, rate=6e-4, tower_rate=1e-4
    ),
}
