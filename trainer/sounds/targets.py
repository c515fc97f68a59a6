"""What is right for each chunk of a stream, and where nobody can say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from everlisten.trainer.sounds.labels import ALERT_SOUNDS, SOUNDS

_CHUNK_FRAMES = 40
_HEARD_FRAMES = 5
"""A chunk with so much of a sound (50 ms) has it: a gunshot is short."""
_PATTERN_FRAMES = 15
_PATTERN_CHUNKS = {
    "smoke_alarm": 5,
    "co_alarm": 2,
    "alarm_clock": 2,
    "vehicle_alarm": 3,
    "siren": 2,
}
"""So many chunks after its first one a pattern can be told."""
_LIKE_ALARMS = (
    "appliance_beep",
    "alarm_clock",
    "vehicle_alarm",
    "chime",
    "smoke_alarm",
    "co_alarm",
)
"""The first beeps of one are like those of another."""
_UNDECIDED = {"smoke_alarm": 6, "co_alarm": 3, "alarm_clock": 4, "vehicle_alarm": 4}


@dataclass(frozen=True, slots=True)
class Targets:
    """heard: float32 [B, N, K], 0 or 1. known: float32 [B, N, K], 0 where it must not count."""

    heard: Tensor
    known: Tensor


def targets_of(activity: Tensor, sounds: Tensor, audible: Tensor, unsure: Tensor) -> Targets:
    """Targets of a batch.

    Args:
        activity: bool [B, E, 40 N], by frame.
        sounds: int64 [B, E].
        audible: bool [B, E]; an event that is not leaves its sound unknown where it is.
        unsure: bool [B, N, K], sounds that another one may hold.
    """
    count = len(SOUNDS)
    frames = activity.unflatten(2, (-1, _CHUNK_FRAMES)).sum(3)  # [B, E, N]
    which = torch.nn.functional.one_hot(sounds, count).to(frames.dtype)  # [B, E, K]
    by_sound = (frames[..., None] * which[:, :, None] * audible[..., None, None]).amax(1)
    drowned = (frames[..., None] * which[:, :, None] * ~audible[..., None, None]).amax(1) > 0
    enough = torch.full((count,), _HEARD_FRAMES, device=frames.device)
    for sound in _PATTERN_CHUNKS:
        enough[SOUNDS.index(sound)] = _PATTERN_FRAMES
    on = by_sound >= enough
    after = shifted(on, 1)
    # An alert is still there a chunk later: what comes at a chunk's end is told with the next.
    alerts = torch.zeros(count, dtype=torch.bool, device=frames.device)
    alerts[: len(ALERT_SOUNDS)] = True
    heard = on | (after & alerts)
    doubtful = ((by_sound > 0) | after | shifted(on, 2)) & ~heard
    doubtful |= (unsure & ~on) | (drowned & ~on)
    for sound, chunks in _PATTERN_CHUNKS.items():
        at = SOUNDS.index(sound)
        doubtful[..., at] |= on[..., at] & ~shifted(on, chunks)[..., at]
    for sound, chunks in _UNDECIDED.items():
        _undecide(doubtful, heard, on[..., SOUNDS.index(sound)], chunks)
    doubtful[..., SOUNDS.index("background")] = True
    return Targets(heard.float(), (~doubtful).float())


def _undecide(doubtful: Tensor, heard: Tensor, on: Tensor, chunks: int) -> None:
    """While a pattern is not whole yet, the sounds that begin like it do not count."""
    early = on & ~shifted(on[..., None], chunks)[..., 0]
    for sound in _LIKE_ALARMS:
        at = SOUNDS.index(sound)
        doubtful[..., at] |= early & ~heard[..., at]


def shifted(on: Tensor, chunks: int) -> Tensor:
    """[B, N, K], later by so many chunks."""
    moved = torch.zeros_like(on)
    moved[:, chunks:] = on[:, :-chunks]
    return moved
