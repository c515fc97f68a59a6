"""Long recordings in pieces: the weights were trained offline on clips of at most 20 s."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples

LONGEST_S = 20.0
_SEARCHED_S = 5.0
"""A cut is looked for in the last seconds of a piece: speech pauses more often than that."""
_QUIET_S = 0.2
"""How long a pause should be; the quietest stretch of this length is cut in its middle."""
_FRAME_SAMPLES = SAMPLE_RATE_HZ // 100


def cut(samples: Samples, longest_s: float = LONGEST_S) -> list[Samples]:
    """Cut a recording at quiet spots.

    Args:
        samples: float32 [T] at 16 kHz, T > 0.
        longest_s: Most seconds of a piece.

    Returns:
        Views of `samples`, one after the other; nothing is left out.
    """
    longest = round(longest_s * SAMPLE_RATE_HZ)
    searched = round(min(_SEARCHED_S, longest_s / 2) * SAMPLE_RATE_HZ)
    pieces: list[Samples] = []
    while len(samples) > longest:
        end = longest - searched + _quietest(samples[longest - searched : longest])
        pieces.append(samples[:end])
        samples = samples[end:]
    return [*pieces, samples]


def join(texts: Sequence[str]) -> str:
    """The pieces' texts as one, without spaces where the script has none (Chinese, Japanese)."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        if joined and not (_wide(joined[-1]) or _wide(text[0])):
            joined += " "
        joined += text
    return joined


def _quietest(samples: Samples) -> int:
    """Middle of the quietest stretch, in samples."""
    count = len(samples) // _FRAME_SAMPLES
    frames = samples[: count * _FRAME_SAMPLES].reshape(count, _FRAME_SAMPLES)
    width = round(_QUIET_S * SAMPLE_RATE_HZ) // _FRAME_SAMPLES
    power = np.convolve((frames.astype(np.float64) ** 2).sum(axis=1), np.ones(width), mode="valid")
    return int((int(power.argmin()) + width / 2) * _FRAME_SAMPLES)


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")
