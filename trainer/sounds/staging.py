"""Puts sounds on the stage of a scene: cut to their sounding part, in a room, at a level.

Everything here is NumPy and float32 [T] at 16 kHz; the training mixes on the device instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ, active
from everlisten.trainer.sounds.alarms import synthesise
from everlisten.trainer.sounds.corpus import Clip, read_audio
from everlisten.trainer.sounds.labels import CONTINUOUS
from everlisten.trainer.sounds.rooms import microphone_response, room_response

Samples = NDArray[np.float32]
Rng = np.random.Generator

_PEAK = 0.98
_FADE_SAMPLES = 160


@dataclass(frozen=True, slots=True, eq=False)
class Prop:
    """One sound, ready to be placed.

    Attributes:
        samples: float32 [T], near and dry.
        onset_s: Where it begins to sound.
        offset_s: Where it ends.
        unsure: Sounds that it may hold as well.
    """

    samples: Samples
    onset_s: float
    offset_s: float
    unsure: tuple[str, ...] = ()

    @property
    def level_db(self) -> float:
        """RMS of the sounding part, dB of full scale."""
        return level_db(self.samples[_at(self.onset_s) : _at(self.offset_s)])


def real(clip: Clip, rng: Rng, longest_s: float) -> Prop | None:
    """A clip of the corpus, from its first sounding part on.

    Args:
        clip: Any.
        rng: Draws the part of a clip that is longer.
        longest_s: A longer clip is cut.

    Returns:
        None where the clip is silent.
    """
    samples = read_audio(clip)
    regions = active(samples, continuous=clip.sound in CONTINUOUS)
    if not regions:
        return None
    starts = [start for start, _ in regions if start + longest_s <= regions[-1][1]]
    first_s = starts[int(rng.integers(len(starts)))] if starts else regions[0][0]
    if clip.sound in CONTINUOUS and regions[-1][1] - first_s > longest_s:
        first_s = float(rng.uniform(first_s, regions[-1][1] - longest_s))
    begin = max(0, _at(first_s - 0.02))
    cut = samples[begin : begin + _at(longest_s)].copy()
    begin_s = begin / SAMPLE_RATE_HZ
    ends = [end - begin_s for start, end in regions if start < begin_s + longest_s - 0.02]
    _fade(cut)
    return Prop(cut, first_s - begin_s, min(ends[-1], len(cut) / SAMPLE_RATE_HZ), clip.unsure)


def synthetic(
    sound: str, rng: Rng, longest_s: float, *, uncut: bool = False, least_s: float = 0.0
) -> Prop:
    """A synthesised sound.

    Args:
        sound: Its id.
        rng: Draws it.
        longest_s: A longer one is cut.
        uncut: Only one that begins at the beginning of its pattern.
        least_s: Only one that lasts so long.
    """
    for _ in range(1000):
        made = synthesise(sound, rng)
        if made.end_s - made.onset_s >= least_s and not (uncut and made.kind.endswith(" cut")):
            break
    cut = made.samples[: _at(longest_s)].copy()
    if len(cut) < len(made.samples):
        _fade(cut)
    end_s = min(made.end_s, len(cut) / SAMPLE_RATE_HZ)
    return Prop(cut, made.onset_s, end_s, made.unsure)


def in_room(samples: Samples, rng: Rng, farthest: float = 0.8) -> Samples:
    """The same heard from some place in some room; its reverberation follows it."""
    response = room_response(rng, float(rng.uniform(0, farthest)))
    return convolved(samples, response)


def microphone(rng: Rng) -> Samples:
    """The response of one microphone, for everything in a scene."""
    return microphone_response(rng)


def convolved(samples: Samples, response: Samples) -> Samples:
    """Full convolution, float32 [T + R - 1]."""
    length = len(samples) + len(response) - 1
    size = 1 << (length - 1).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(product, size)[:length], np.float32)


def add(stage: Samples, samples: Samples, at_s: float, gain_db: float) -> None:
    """Add to `stage` in place; what would stand past its end is left out."""
    begin = _at(at_s)
    end = min(len(stage), begin + len(samples))
    stage[begin:end] += samples[: end - begin] * np.float32(10 ** (gain_db / 20))


def joined(clips: Sequence[Clip], rng: Rng, seconds: float) -> Samples:
    """One clip after the other, in random order and all at the same level (0 dB), faded at joints.

    Args:
        clips: At least one; drawn again when all are used up.
        rng: Draws the order.
        seconds: Wanted length.
    """
    assert clips
    parts: list[Samples] = []
    missing = _at(seconds)
    while missing > 0:
        for number in rng.permutation(len(clips)):
            samples = read_audio(clips[number])
            samples = (samples * 10 ** (-level_db(samples) / 20)).astype(np.float32)
            _fade(samples)
            parts.append(samples[:missing])
            missing -= len(parts[-1])
            if missing <= 0:
                break
    return np.concatenate(parts)


def room_noise(rng: Rng, seconds: float, at_db: float) -> Samples:
    """Noise of a quiet room (pink from 50 Hz on) at a level, dB of full scale."""
    length = _at(seconds)
    size = 1 << max(1, length - 1).bit_length()
    bins = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(size)) / np.sqrt(np.maximum(bins, 50.0))
    noise = np.fft.irfft(spectrum, size)[:length]
    return np.asarray(noise * 10 ** ((at_db - level_db(noise)) / 20), np.float32)


def finished(stage: Samples, response: Samples) -> Samples:
    """The stage as a microphone hears it, its loudest peak within full scale."""
    heard = convolved(stage, response)[: len(stage)]
    peak = float(np.abs(heard).max(initial=0.0))
    return heard * np.float32(_PEAK / peak) if peak > _PEAK else heard


def level_db(samples: NDArray[np.floating]) -> float:
    """RMS, dB of full scale; at least -120."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * float(np.log10(max(power, 1e-12)))


def _at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def _fade(samples: Samples) -> None:
    """Soften both edges in place, 10 ms."""
    count = min(_FADE_SAMPLES, len(samples) // 2)
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    samples[:count] *= ramp
    samples[len(samples) - count :] *= ramp[::-1]
