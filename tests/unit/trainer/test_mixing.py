"""Streams to train on: what is right for them, and that a seed gives them again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from everlisten.engine.embedded.log_mel import LogMelStream
from everlisten.engine.laim.log_mel import mel_filters
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import MEL_BINS, LogMel
from everlisten.trainer.sounds.mixing import MixConfig, Mixer
from everlisten.trainer.sounds.pool import Piece, build_pool
from everlisten.trainer.sounds.targets import Targets, targets_of

CPU = torch.device("cpu")
FRAMES = 40
DOG, SMOKE, BEEP, SPEECH = (
    SOUNDS.index(name) for name in ("dog_barking", "smoke_alarm", "appliance_beep", "speech")
)


def targets(sound: int, start: int, end: int, *, audible: bool = True, chunks: int = 12) -> Targets:
    """Of one event between two frames."""
    activity = torch.zeros(1, 1, chunks * FRAMES, dtype=torch.bool)
    activity[..., start:end] = True
    unsure = torch.zeros(1, chunks, len(SOUNDS), dtype=torch.bool)
    return targets_of(activity, torch.tensor([[sound]]), torch.tensor([[audible]]), unsure)


def test_a_sound_is_heard_where_it_is_and_one_chunk_longer() -> None:
    found = targets(DOG, 2 * FRAMES, 4 * FRAMES)
    assert found.heard[0, :, DOG].nonzero().flatten().tolist() == [2, 3, 4]
    assert found.known[0, :, DOG].tolist() == [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert not found.heard[0, :, SMOKE].any()


def test_what_is_drowned_is_neither_right_nor_wrong() -> None:
    found = targets(DOG, 2 * FRAMES, 4 * FRAMES, audible=False)
    assert not found.heard[0, :, DOG].any()
    assert found.known[0, :, DOG].tolist() == [1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_a_pattern_is_asked_for_only_when_it_can_be_told() -> None:
    found = targets(SMOKE, FRAMES, 11 * FRAMES)
    assert found.known[0, 1:6, SMOKE].sum() == 0
    assert found.heard[0, 6, SMOKE] == found.known[0, 6, SMOKE] == 1
    # Its first beeps may be those of an oven; its later ones are not.
    assert found.known[0, 2, BEEP] == 0
    assert found.known[0, 9, BEEP] == 1


def pieces() -> list[Piece]:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(64_000).astype(np.float32) * 0.05
    bark = np.zeros(32_000, np.float32)
    bark[8_000:16_000] = np.sin(np.arange(8_000) * 0.2)
    return [
        Piece("background", noise, [(0.0, 4.0)], "room"),
        Piece("dog_barking", bark, [(0.5, 1.0)], "dog"),
    ]


def mixer(seed: int) -> Mixer:
    impulse = torch.zeros(3, 64)
    impulse[:, 0] = 1.0
    config = MixConfig(chunks=15, snr_db=(15.0, 25.0))
    return Mixer(build_pool(pieces(), CPU), impulse, impulse, config, seed)


def test_a_seed_gives_the_same_streams() -> None:
    first, again, other = (mixer(seed).batch(2) for seed in (1, 1, 2))
    assert torch.equal(first.samples, again.samples)
    assert torch.equal(first.targets.heard, again.targets.heard)
    assert not torch.equal(first.samples, other.samples)


def test_a_bark_is_loud_where_it_is_said_to_be() -> None:
    batch = mixer(4).batch(16)
    assert batch.samples.shape == (16, 15 * 6_400)
    assert batch.samples.abs().max() <= 1
    power = batch.samples.unflatten(1, (15, -1)).square().mean(2).log10()
    power = power - power.median(1, keepdim=True).values
    heard = batch.targets.heard[..., DOG] > 0
    known = batch.targets.known[..., DOG] > 0
    assert heard.any()
    assert not batch.targets.heard[..., SMOKE].any()
    assert power[heard & known].mean() > power[~heard & known].mean() + 0.3


def test_speech_also_comes_as_a_sound_of_its_own() -> None:
    speech = pieces()[1]
    found = [pieces()[0], Piece("speech", speech.samples, speech.regions, "someone")]
    impulse = torch.zeros(1, 64)
    impulse[:, 0] = 1.0
    config = MixConfig(chunks=15, alerts=0.0, talk=1.0, snr_db=(15.0, 25.0))
    batch = Mixer(build_pool(found, CPU), impulse, impulse, config, 2).batch(16)
    loud = batch.samples.unflatten(1, (15, -1)).square().mean(2).log10()
    heard = batch.targets.heard[..., SPEECH] > 0
    # Where speech is the bed it is heard throughout; elsewhere it stands out of the bed.
    some = heard.any(1) & ~heard.all(1)
    assert some.sum() >= 3
    assert loud[some][heard[some]].mean() > loud[some][~heard[some]].mean() + 0.3


def test_beds_are_heard_through_rooms() -> None:
    """Here a room that is silent: what is left of the bed is the microphone's own hiss."""
    impulse = torch.zeros(1, 64)
    impulse[:, 0] = 1.0
    levels = []
    for share in (0.0, 1.0):
        config = MixConfig(chunks=15, present=0.0, bed_db=(-30.0, -29.0), roomy_beds=share)
        bed = Mixer(build_pool(pieces(), CPU), torch.zeros(1, 64), impulse, config, 5)
        levels.append(float(bed.batch(8).samples.square().mean(1).sqrt().min()))
    assert levels[0] > 3e-3
    assert levels[1] < 2e-3


def test_frames_are_those_of_the_running_program() -> None:
    samples = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, 64_000).astype(np.float32))
    ours = LogMel(torch.as_tensor(mel_filters(MEL_BINS), dtype=torch.float32))(samples[None])[0]
    stream = LogMelStream()
    state = stream.new_state()
    stream.step(samples.numpy(), state)
    # Neither the first frame, whose past differs, nor the last, whose future does.
    theirs = (stream.frames(2, 390, state) + 4) / 4
    assert ours[:, 2:390].numpy() == pytest.approx(theirs, abs=2e-4)
