"""Everything on the device that a training of the sound model needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from everlisten.engine.laim.log_mel import mel_filters
from everlisten.trainer.sounds.corpus import Clip, Corpus
from everlisten.trainer.sounds.log_mel import MEL_BINS, LogMel
from everlisten.trainer.sounds.mixing import Batch, MixConfig, Mixer
from everlisten.trainer.sounds.pool import build_pool, real_pieces, synthetic_pieces
from everlisten.trainer.sounds.rooms import microphone_response, room_response

SYNTHETIC = {
    "smoke_alarm": 320, "co_alarm": 240, "siren": 240, "vehicle_alarm": 240, "appliance_beep": 480,
    "alarm_clock": 360, "phone_ringing": 360, "doorbell": 360, "door_knock": 160, "car_horn": 160,
    "thunder": 100, "glass_breaking": 120, "gunshot": 200, "coughing": 100, "sneezing": 80,
    "snoring": 120, "scream": 200, "fire_crackling": 60, "chime": 360, "background": 300,
    "music": 240,
}  # fmt: skip
"""Pieces of each sound that are synthesised."""
_ROOMS, _MICROPHONES = 400, 160
_ROOM_SAMPLES, _MICROPHONE_SAMPLES = 8_000, 512
T = TypeVar("T")
_VALIDATION_BATCHES, _VALIDATION_SEED = 12, 7_777


class Workshop:
    """Recordings, syntheses, rooms and microphones, and the streams that are mixed of them.

    Args:
        corpus: The recordings.
        more: Recordings that are in no fold.
        fold: Left out; None leaves none out.
        seed: Of everything random.
        device: Where.
    """

    def __init__(
        self, corpus: Corpus, more: tuple[Clip, ...], fold: int | None, seed: int,
        device: torch.device,
    ) -> None:  # fmt: skip
        self.device, self.seed = device, seed
        filters = torch.as_tensor(mel_filters(MEL_BINS), dtype=torch.float32)
        self.log_mel = LogMel(filters.to(device))
        rng = np.random.default_rng(seed)
        self._rooms = _responses(
            [room_response(rng, float(rng.random())) for _ in range(_ROOMS)], _ROOM_SAMPLES, device
        )
        self._microphones = _responses(
            [microphone_response(rng) for _ in range(_MICROPHONES)], _MICROPHONE_SAMPLES, device
        )
        made = synthetic_pieces(SYNTHETIC, seed)
        self.pool = build_pool([*real_pieces([*corpus.training(fold), *more]), *made], device)
        self._held_out = None
        if fold is not None:
            some = {sound: 24 for sound in SYNTHETIC}
            made = synthetic_pieces(some, _VALIDATION_SEED)
            clips = [clip for clip in corpus.test(fold) if not clip.evaluation_only]
            self._held_out = build_pool([*real_pieces(clips), *made], device)

    def mixer(self, seed: int) -> Mixer:
        """Streams to train on."""
        return Mixer(self.pool, self._rooms, self._microphones, MixConfig(), seed)

    def validation(self) -> list[Batch]:
        """Streams of the fold that was left out; the same for every candidate."""
        assert self._held_out is not None
        config = MixConfig(
            few=0.0, talk=0.0, bed_db=(-62.0, -26.0), snr_db=(-2.0, 28.0), speed=0.1, roomy_beds=0.0
        )
        mixer = Mixer(self._held_out, self._rooms, self._microphones, config, _VALIDATION_SEED)
        return [mixer.batch(64) for _ in range(_VALIDATION_BATCHES)]

    def hear(self, model: nn.Module, samples: Tensor) -> Tensor:
        """Logits [B, N, K] of samples [B, T]."""
        with self.precision():
            logits: Tensor = model(self.log_mel(samples))
        return logits

    def precision(self) -> torch.autocast:
        """Products in bfloat16 where a GPU makes them fast."""
        gpu = self.device.type == "cuda"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=gpu)

    def compiled(self, forward: Callable[..., T]) -> Callable[..., T]:
        """On a GPU a third faster; on a CPU compiling would cost more than it gives."""
        return torch.compile(forward) if self.device.type == "cuda" else forward


def _responses(found: list[np.ndarray], length: int, device: torch.device) -> Tensor:
    """Impulse responses of unit energy, cut or filled to one length."""
    rows = np.zeros((len(found), length), np.float32)
    for row, each in zip(rows, found, strict=True):
        row[: len(each[:length])] = each[:length]
    rows /= np.sqrt((rows**2).sum(1, keepdims=True)) + 1e-9
    return torch.as_tensor(rows, device=device)
