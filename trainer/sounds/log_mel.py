"""Whisper's log-mel spectrum on a GPU, scaled as the running program scales it.

`engine.embedded.log_mel` computes the same frames one chunk at a time; a test compares the two.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK_FRAMES = 40
HOP_SAMPLES = 160
MEL_BINS = 80
_FFT_SAMPLES = 400
_LOWEST_LOUDEST = -4.0
"""log10 of a power; the loudest bin of near silence counts as so much."""


class LogMel:
    """Frames of 10 ms for whole streams.

    Args:
        filters: float32 [80, 201], Whisper's mel filters.
    """

    def __init__(self, filters: Tensor) -> None:
        self._filters = filters
        self._window = torch.hann_window(_FFT_SAMPLES, device=filters.device)

    def __call__(self, samples: Tensor) -> Tensor:
        """Scaled frames.

        Args:
            samples: float32 [B, T], T a multiple of 160.

        Returns:
            float32 [B, 80, T // 160]; frame i is centred on sample 160 i.
        """
        spectrum = torch.stft(
            samples, _FFT_SAMPLES, HOP_SAMPLES, window=self._window, return_complex=True,
            pad_mode="constant",
        )  # fmt: skip
        power = spectrum[..., :-1].abs().square()
        return scaled((self._filters @ power).clamp_min(1e-10).log10())


def scaled(frames: Tensor) -> Tensor:
    """Lift to 8 decades below the loudest bin so far, then Whisper's scale.

    Args:
        frames: log10 of mel power, [B, 80, T]; streams here are shorter than the 30 s after which
            the running program forgets what was loudest.
    """
    loudest = frames.amax(1).cummax(1).values.clamp_min(_LOWEST_LOUDEST)
    # By whole chunks, as in the running program: a chunk's loudest frame lifts all of it.
    loudest = loudest.unflatten(1, (-1, CHUNK_FRAMES)).amax(2).repeat_interleave(CHUNK_FRAMES, 1)
    return (torch.maximum(frames, loudest[:, None] - 8.0) + 4.0) / 4.0


def masked(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Hide up to two bands of up to 12 bins in half of the streams (SpecAugment, arXiv 1904.08779).

    Args:
        frames: Scaled, [B, 80, T].
        generator: On the device of the frames.
    """
    bins = torch.arange(MEL_BINS, device=frames.device)
    drawn = torch.rand(3, len(frames), 2, 1, device=frames.device, generator=generator)
    width = drawn[0] * 12 * (drawn[2] < 0.35)
    start = drawn[1] * (MEL_BINS - width)
    hidden = ((bins >= start) & (bins < start + width)).any(1)[..., None]
    return torch.where(hidden, frames.amin(1, keepdim=True), frames)
