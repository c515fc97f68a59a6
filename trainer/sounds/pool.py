"""All sounds that streams are mixed from, as one long tape in the memory of the device.

A tape holds clip after clip with an activity track (one value a 10 ms frame), so that a batch of
streams is cut out of it by indexing, without a copy from the host.
"""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from everlisten.trainer.sounds.activity import active
from everlisten.trainer.sounds.alarms import synthesise
from everlisten.trainer.sounds.corpus import Clip, read_audio
from everlisten.trainer.sounds.labels import CONTINUOUS, SOUNDS

FRAME_SAMPLES = 160
_LONGEST_S = 30
_RATE_HZ = 16_000
_SYNTHETIC = "synthetic:"

PATTERNED = frozenset(
    {"smoke_alarm", "co_alarm", "siren", "phone_ringing", "alarm_clock", "vehicle_alarm",
     "doorbell", "church_bells"}
)  # fmt: skip
"""Sounds whose gaps belong to them."""
_BRIDGED_S = 1.6
"""Longest gap within a pattern that is no end of it; a temporal-three pause is 1.5 s."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One sound before it is put on the tape.

    Attributes:
        sound: Its id.
        samples: float32 [T].
        regions: Where it sounds, (start, end) in seconds.
        group: Pieces of one group are chosen together as often as one of another group.
        unsure: Sounds that it may hold as well.
    """

    sound: str
    samples: NDArray[np.float32]
    regions: Sequence[tuple[float, float]]
    group: str
    unsure: tuple[str, ...] = ()


@dataclass(slots=True)
class Pool:
    """The tape and where what is on it.

    Attributes:
        tape: float16 [T] at 16 kHz.
        activity: bool [T // 160].
        begins: int64 [P] first frame of each piece.
        lengths: int64 [P] frames.
        first: int64 [P] first active frame, from the piece's begin.
        last: int64 [P] one past the last active frame.
        sounds: int64 [P].
        levels: float32 [P] RMS of the active parts.
        unsure: bool [P, K].
        groups: For each sound the recordings, each a list of pieces.
        synthetic: For each sound its synthesised pieces, each a list of its own.
    """

    tape: Tensor
    activity: Tensor
    begins: Tensor
    lengths: Tensor
    first: Tensor
    last: Tensor
    sounds: Tensor
    levels: Tensor
    unsure: Tensor
    groups: dict[str, list[list[int]]] = field(default_factory=dict)
    synthetic: dict[str, list[list[int]]] = field(default_factory=dict)


def real_pieces(clips: Iterable[Clip]) -> list[Piece]:
    """The clips of the corpus."""
    with multiprocessing.Pool() as workers:
        return [piece for piece in workers.map(_real, list(clips), 8) if piece.regions]


def synthetic_pieces(each: dict[str, int], seed: int) -> list[Piece]:
    """So many synthesised pieces of each sound."""
    tasks = [
        (sound, seed * 1_000_003 + number * 101 + SOUNDS.index(sound))
        for sound, count in each.items()
        for number in range(count)
    ]
    with multiprocessing.Pool() as workers:
        return workers.map(_synthetic, tasks, 8)


def build_pool(pieces: Sequence[Piece], device: torch.device) -> Pool:
    """Put pieces on a tape."""
    frames = [-(-len(piece.samples) // FRAME_SAMPLES) for piece in pieces]
    begins = np.concatenate(([0], np.cumsum(frames)))
    tape = np.zeros(begins[-1] * FRAME_SAMPLES, np.float16)
    activity = np.zeros(begins[-1], bool)
    unsure = np.zeros((len(pieces), len(SOUNDS)), bool)
    first, last, levels = [], [], []
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, piece in enumerate(pieces):
        at = begins[number]
        loudest = max(float(np.abs(piece.samples).max()), 1e-6)
        samples = piece.samples / loudest
        tape[at * FRAME_SAMPLES :][: len(samples)] = samples
        track = _track(piece, frames[number])
        activity[at : at + frames[number]] = track
        on = np.flatnonzero(track)
        first.append(on[0])
        last.append(on[-1] + 1)
        levels.append(_level(samples, track))
        unsure[number, [SOUNDS.index(each) for each in piece.unsure]] = True
        groups[piece.sound][piece.group].append(number)

    def moved(values: object, kind: torch.dtype) -> Tensor:
        return torch.as_tensor(np.asarray(values), dtype=kind, device=device)

    return Pool(
        tape=torch.as_tensor(tape, device=device), activity=torch.as_tensor(activity).to(device),
        begins=moved(begins[:-1], torch.int64), lengths=moved(frames, torch.int64),
        first=moved(first, torch.int64), last=moved(last, torch.int64),
        sounds=moved([SOUNDS.index(piece.sound) for piece in pieces], torch.int64),
        levels=moved(levels, torch.float32), unsure=torch.as_tensor(unsure).to(device),
        groups=_split(groups, synthetic=False), synthetic=_split(groups, synthetic=True),
    )  # fmt: skip


def _split(
    groups: dict[str, dict[str, list[int]]], *, synthetic: bool
) -> dict[str, list[list[int]]]:
    kept = {
        sound: [
            pieces for name, pieces in found.items() if name.startswith(_SYNTHETIC) == synthetic
        ]
        for sound, found in groups.items()
    }
    return {sound: found for sound, found in kept.items() if found}


def _real(clip: Clip) -> Piece:
    samples = read_audio(clip)[: _LONGEST_S * _RATE_HZ]
    regions = active(samples, continuous=clip.sound in CONTINUOUS)
    if clip.sound == "background":
        # As a bed it may as well be nearly silent.
        regions = [(0.0, len(samples) / _RATE_HZ)]
    return Piece(clip.sound, samples, regions, clip.source_group, clip.unsure)


def _synthetic(task: tuple[str, int]) -> Piece:
    sound, seed = task
    made = synthesise(sound, np.random.default_rng(seed))
    regions = active(made.samples) or [(made.onset_s, made.end_s)]
    return Piece(made.sound, made.samples, regions, f"{_SYNTHETIC}{seed}", made.unsure)


def _track(piece: Piece, frames: int) -> NDArray[np.bool_]:
    """Frames in which the piece sounds; a pattern's gaps belong to it."""
    track = np.zeros(frames, bool)
    regions = list(piece.regions)
    if piece.sound in PATTERNED:
        joined = [list(regions[0])]
        for start, end in regions[1:]:
            if start - joined[-1][1] <= _BRIDGED_S:
                joined[-1][1] = end
            else:
                joined.append([start, end])
        regions = [(start, end) for start, end in joined]
    for start, end in regions:
        track[int(start * 100) : max(int(start * 100) + 1, int(np.ceil(end * 100)))] = True
    return track


def _level(samples: NDArray[np.float32], track: NDArray[np.bool_]) -> float:
    padded = np.zeros(len(track) * FRAME_SAMPLES, np.float32)
    padded[: len(samples)] = samples
    return float(np.sqrt((padded.reshape(-1, FRAME_SAMPLES)[track] ** 2).mean() + 1e-10))
