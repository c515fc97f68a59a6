"""Streams mixed on the device: a bed of noise, speech or music, and sounds in rooms above it.

Everything random is drawn from one generator, so that a seed gives the same streams again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from everlisten.trainer.sounds.labels import ALERT_SOUNDS, SOUNDS
from everlisten.trainer.sounds.pool import FRAME_SAMPLES, Pool
from everlisten.trainer.sounds.targets import Targets, targets_of

CHUNK_SAMPLES = 6_400
_CHUNK_FRAMES = 40
_CUT_FRAMES = 600
"""Most of a sound that goes into a stream: 6 s."""
_FADE_SAMPLES = 160
_BEDS = {
    "background": 0.36, "speech": 0.22, "music": 0.14, "rain": 0.05, "wind": 0.05, "engine": 0.03,
    "household_machine": 0.03, "sea_waves": 0.02, "insects": 0.02, "typing": 0.02, "birds": 0.02,
    "footsteps": 0.02, "water": 0.02,
}  # fmt: skip
_REAL_BEDS = 0.75
"""Of beds: few pieces of music were recorded, and alarms must not be heard in others."""
_LOWEST_DB = -90.0


@dataclass(frozen=True, kw_only=True)
class MixConfig:
    """How streams are made.

    Attributes:
        chunks: Length of a stream, 0.4 s each.
        events: Most sounds in a stream.
        present: Share of these that are there.
        alerts: Share of the sounds that are alerts.
        real: Share of real recordings where there are many, and synthesised ones as well.
        few: So many recordings get half of that share: one that is heard over and over is learnt
            by heart.
        talk: Share of the sounds that are no alerts that is speech, beside that in beds.
        bed_db: Level of the bed, RMS, dB of full scale.
        snr_db: Level of a sound over the bed.
        speed: A sound is played so much faster or slower at most.
        roomy: Share of sounds that are heard through a room.
        roomy_beds: Share of beds that are.
        replayed: Share of sounds that went through a microphone before.
    """

    chunks: int = 45
    events: int = 4
    present: float = 0.75
    alerts: float = 0.6
    real: float = 0.8
    few: float = 4.0
    talk: float = 0.15
    bed_db: tuple[float, float] = (-70.0, -26.0)
    snr_db: tuple[float, float] = (-2.0, 42.0)
    speed: float = 0.15
    roomy: float = 0.8
    roomy_beds: float = 0.6
    replayed: float = 0.3


@dataclass(frozen=True, slots=True)
class Batch:
    """Streams and what is right for them.

    Attributes:
        samples: float32 [B, 6400 N].
        targets: What is heard in each chunk, and where that is known.
    """

    samples: Tensor
    targets: Targets


@dataclass(frozen=True, slots=True)
class Cut:
    """Parts of the tape: samples float32 [M, T], activity bool [M, T // 160], pieces int64 [M]."""

    samples: Tensor
    activity: Tensor
    pieces: Tensor


class Mixer:
    """Makes batches.

    Args:
        pool: What is mixed.
        rooms: float32 [R, L], impulse responses of rooms.
        microphones: float32 [M, L], of microphones.
        config: How.
        seed: Of everything random.
    """

    def __init__(
        self, pool: Pool, rooms: Tensor, microphones: Tensor, config: MixConfig, seed: int
    ) -> None:
        self._pool, self._microphones = pool, microphones
        self._config = config
        self._rooms = rooms
        self._event_size = _power_of_two(_CUT_FRAMES * FRAME_SAMPLES + rooms.shape[1])
        self._room_spectra = torch.fft.rfft(rooms, self._event_size)
        self._microphone_spectra = torch.fft.rfft(microphones, self._event_size)
        self._rng = np.random.default_rng(seed)
        self._device = pool.tape.device
        known = set(pool.groups) | set(pool.synthetic)
        self._alerts = [sound for sound in ALERT_SOUNDS if sound in known]
        self._talk = config.talk if "speech" in known else 0.0
        self._others = [
            sound for sound in SOUNDS if sound in known and sound not in (*ALERT_SOUNDS, "speech")
        ]
        weights = {sound: share for sound, share in _BEDS.items() if sound in pool.groups}
        self._beds = list(weights)
        self._bed_shares = np.array(list(weights.values())) / sum(weights.values())

    def batch(self, size: int) -> Batch:
        """Mix `size` streams."""
        config, frames = self._config, self._config.chunks * _CHUNK_FRAMES
        bed, bed_activity, bed_sounds = self._bed(size, frames)
        bed_db = self._uniform((size,), *config.bed_db)
        events = self._events(size * config.events)
        present = self._tensor(self._rng.random((size, config.events)) < config.present)
        snr_db = self._uniform((size, config.events), *config.snr_db)
        event_db = (bed_db[:, None] + snr_db).clamp(-58.0, -3.0)
        levels = self._pool.levels[events.pieces].view(size, -1)
        gain = present * 10 ** (event_db / 20) / levels.clamp_min(1e-4)
        onsets = self._tensor(self._rng.integers(-100, frames - 60, (size, config.events)))
        heard, activity = self._placed(events, onsets, frames)
        mixed = self._level(bed, bed_db) + (gain[..., None] * heard).sum(1)
        # What the bed drowns is neither right nor wrong.
        audible = present & (event_db - bed_db[:, None] > -4.0)
        targets = targets_of(
            torch.cat((activity & present[..., None], bed_activity[:, None]), 1),
            torch.cat((self._pool.sounds[events.pieces].view(size, -1), bed_sounds[:, None]), 1),
            torch.cat((audible, torch.ones_like(audible[:, :1])), 1),
            self._unsure(events.pieces.view(size, -1), activity & present[..., None]),
        )
        return Batch(self._recorded(mixed), targets)

    # What is in a stream

    def _bed(self, size: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Samples [B, T], activity [B, T // 160], sounds [B]: five cuts, one after the other."""
        cuts = 5
        each = -(-frames // cuts)
        chosen = self._rng.choice(len(self._beds), size, p=self._bed_shares)
        sounds = [self._beds[number] for number in chosen]
        pieces = [self._piece(sound, _REAL_BEDS, 0.0) for sound in sounds for _ in range(cuts)]
        cut = self._cut(pieces, each, anywhere=1.0, wrapped=True)
        dry = cut.samples.view(size, -1)[:, : frames * FRAME_SAMPLES]
        samples = self._through(dry, self._rooms, self._config.roomy_beds)
        numbers = self._tensor(np.array([SOUNDS.index(sound) for sound in sounds]))
        return samples, cut.activity.view(size, -1)[:, :frames], numbers

    def _events(self, count: int) -> Cut:
        pieces = [
            self._piece(self._sound(), self._config.real, self._config.few) for _ in range(count)
        ]
        cut = self._cut(pieces, _CUT_FRAMES, anywhere=0.3, wrapped=False)
        return Cut(self._played(cut.samples), cut.activity, cut.pieces)

    def _sound(self) -> str:
        """What kind of sound comes next."""
        kind, speech, number = self._rng.random(3)
        if kind >= self._config.alerts and speech < self._talk:
            return "speech"
        among = self._alerts if kind < self._config.alerts else self._others
        return among[int(number * len(among))]

    def _played(self, samples: Tensor) -> Tensor:
        """Events [M, T] in rooms, and some through a microphone before.

        Some recordings have a telephone's band: no sound may be told by that.
        """
        spectrum = torch.fft.rfft(samples, self._event_size)
        for spectra, share in (
            (self._room_spectra, self._config.roomy),
            (self._microphone_spectra, self._config.replayed),
        ):
            chosen, through = self._drawn(len(samples), len(spectra), share)
            spectrum = spectrum * torch.where(through, spectra[chosen], 1.0)
        played: Tensor = torch.fft.irfft(spectrum, self._event_size)
        return played[:, : samples.shape[1]]

    def _piece(self, sound: str, real: float, few: float) -> int:
        """One piece of a sound: first real or not, then which recording, then which take."""
        pool = self._pool
        recorded, made = pool.groups.get(sound, []), pool.synthetic.get(sound, [])
        which, number, take = self._rng.random(3)
        share = real * len(recorded) / max(1.0, len(recorded) + few)
        groups = recorded if recorded and (not made or which < share) else made
        group = groups[int(number * len(groups))]
        return group[int(take * len(group))]

    def _cut(self, numbers: list[int], frames: int, *, anywhere: float, wrapped: bool) -> Cut:
        """Cut each piece from just before it sounds, or with the share `anywhere` from within."""
        pool, count = self._pool, len(numbers)
        pieces = self._tensor(np.array(numbers))
        first, last, length = (x[pieces] for x in (pool.first, pool.last, pool.lengths))
        inside = self._uniform((count,), 0.0, 1.0) * (last - first - 30).clamp_min(0)
        within = self._tensor(self._rng.random(count) < anywhere)
        start = torch.where(within, first + inside, (first - 10).clamp_min(0).float()).long()
        speed = 1 + self._uniform((count,), -self._config.speed, self._config.speed)
        steps = torch.arange(frames * FRAME_SAMPLES, device=self._device)
        at = start[:, None] * FRAME_SAMPLES + steps * speed[:, None]
        end = (length * FRAME_SAMPLES - 1)[:, None]
        there = torch.ones_like(at, dtype=torch.bool) if wrapped else at < end
        at = at.remainder(end) if wrapped else at.minimum(end)
        whole = at.long()
        index = pool.begins[pieces][:, None] * FRAME_SAMPLES + whole
        low, high = pool.tape[index].float(), pool.tape[(index + 1).clamp_max(len(pool.tape) - 1)]
        samples = torch.lerp(low, high.float(), at - whole) * there * fade(frames, self._device)
        middles = slice(FRAME_SAMPLES // 2, None, FRAME_SAMPLES)
        activity = pool.activity[index[:, middles] // FRAME_SAMPLES] & there[:, middles]
        return Cut(samples, activity, pieces)

    def _placed(self, events: Cut, onsets: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Shift events to their places: samples [B, E, T], activity [B, E, T // 160]."""
        count = onsets.numel()
        shifted = []
        for track, scale in ((events.samples, FRAME_SAMPLES), (events.activity, 1)):
            steps = torch.arange(frames * scale, device=self._device)
            at = steps - onsets.view(count, 1) * scale
            there = (at >= 0) & (at < track.shape[1])
            shifted.append(track.gather(1, at.clamp(0, track.shape[1] - 1)) * there)
        samples, activity = shifted
        return samples.view(*onsets.shape, -1), activity.bool().view(*onsets.shape, -1)

    def _unsure(self, pieces: Tensor, activity: Tensor) -> Tensor:
        """bool [B, N, K]: chunks with a sound that may hold these as well."""
        chunks = activity.unflatten(2, (-1, _CHUNK_FRAMES)).any(3)
        unsure: Tensor = self._pool.unsure[pieces][:, :, None] & chunks[..., None]
        return unsure.any(1)

    # How it is recorded

    def _recorded(self, mixed: Tensor) -> Tensor:
        """Microphone, level, noise of its own, sometimes clipped."""
        size = len(mixed)
        mixed = self._through(mixed, self._microphones, share=0.6)
        mixed = mixed * 10 ** (self._uniform((size, 1), -14.0, 10.0) / 20)
        generator = torch.Generator(self._device).manual_seed(int(self._rng.integers(2**31)))
        hiss = torch.randn(mixed.shape, device=self._device, generator=generator)
        mixed = mixed + hiss * 10 ** (self._uniform((size, 1), _LOWEST_DB, -60.0) / 20)
        loud = mixed.abs().amax(1, keepdim=True)
        clipped = self._tensor(self._rng.random((size, 1)) < 0.1)
        # A few recordings are too loud for their microphone; the others just fit.
        return torch.where(clipped, mixed * 2.0, mixed / loud.clamp_min(1.0)).clamp(-1, 1)

    def _through(self, samples: Tensor, responses: Tensor, share: float) -> Tensor:
        """A share of the rows through a room or a microphone each."""
        chosen, through = self._drawn(len(samples), len(responses), share)
        return torch.where(through, convolved(samples, responses[chosen]), samples)

    def _drawn(self, count: int, among: int, share: float) -> tuple[Tensor, Tensor]:
        """One of so many for each row, int64 [M], and whether it is used, bool [M, 1]."""
        chosen = self._tensor(self._rng.integers(among, size=count))
        return chosen, self._tensor(self._rng.random((count, 1)) < share)

    def _level(self, bed: Tensor, level_db: Tensor) -> Tensor:
        loud = bed.square().mean(1, keepdim=True).sqrt().clamp_min(1e-5)
        return bed / loud * 10 ** (level_db[:, None] / 20)

    def _uniform(self, shape: tuple[int, ...], low: float, high: float) -> Tensor:
        return self._tensor(self._rng.uniform(low, high, shape).astype(np.float32))

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        """On the device; the host goes on at once and prepares what comes next."""
        tensor = torch.as_tensor(values)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


def convolved(samples: Tensor, responses: Tensor) -> Tensor:
    """Samples [M, T] through responses [M, L], the tail beyond T left out."""
    size = _power_of_two(samples.shape[1] + responses.shape[1])
    product = torch.fft.rfft(samples, size) * torch.fft.rfft(responses, size)
    whole: Tensor = torch.fft.irfft(product, size)
    return whole[:, : samples.shape[1]]


def _power_of_two(length: int) -> int:
    """The smallest one that is not below."""
    return 1 << (length - 1).bit_length()


def fade(frames: int, device: torch.device) -> Tensor:
    """1 with short ramps at both ends, float32 [T]."""
    ramp = torch.linspace(0, 1, _FADE_SAMPLES, device=device)
    shape = torch.ones(frames * FRAME_SAMPLES, device=device)
    shape[:_FADE_SAMPLES], shape[-_FADE_SAMPLES:] = ramp, ramp.flip(0)
    return shape
