"""Scenes and streams: what is said to be in them is in them, and a seed gives them again."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from everlisten.trainer.sounds import staging
from everlisten.trainer.sounds.conditions import BROKEN, CONDITIONS
from everlisten.trainer.sounds.corpus import Corpus, read_corpus
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.scene_plans import (
    BROKEN_SIGNAL,
    CHANGED,
    CLIP,
    EVENTS,
    MOST_USES,
    OTHER_STREAM,
    STREAM,
    STREAM_SOUNDS,
    SceneAmounts,
    ScenePlan,
    material_of,
    plans_of,
)
from everlisten.trainer.sounds.scenes import made
from everlisten.trainer.sounds.staging import level_db
from everlisten.trainer.sounds.streams import event_stream

FOLD = 2
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Corpus:
    return read_corpus(shared / "data")


@pytest.fixture(scope="module")
def plans(corpus: Corpus) -> list[ScenePlan]:
    return plans_of(corpus, FOLD, 7, SceneAmounts(stream_s=1440.0))


def test_only_clips_of_the_test_fold_are_heard(corpus: Corpus, plans: list[ScenePlan]) -> None:
    inside = {clip.name for clip in corpus.test(FOLD)}
    assert {name for plan in plans for name in plan.clips} <= inside
    assert len({(plan.kind, plan.name, plan.condition) for plan in plans}) == len(plans)


def test_every_alert_clip_of_the_fold_is_a_scene(corpus: Corpus, plans: list[ScenePlan]) -> None:
    heard = {plan.name for plan in plans if plan.kind == CLIP}
    wanted = {clip.name for clip in corpus.test(FOLD) if clip.sound in ALERT_SOUNDS}
    assert wanted <= heard
    smoke = [plan for plan in plans if plan.kind == CLIP and plan.sound == "smoke_alarm"]
    assert len(smoke) == 40


def test_streams_are_long_enough_and_use_no_file_too_often(
    corpus: Corpus, plans: list[ScenePlan]
) -> None:
    sounds = {clip.name: clip for clip in corpus.clips}
    streams = [plan for plan in plans if plan.kind == STREAM]
    uses = Counter(name for plan in streams for name in plan.clips)
    assert {sounds[name].sound for name in uses} == set(STREAM_SOUNDS)
    assert max(uses.values()) <= MOST_USES
    material = material_of(plans, corpus)
    assert material.files == len(uses)
    assert material.most_uses == max(uses.values())
    assert material.seconds == pytest.approx(sum(sounds[name].seconds for name in uses))
    most = plans_of(corpus, FOLD, 7, SceneAmounts(stream_s=1e6))
    assert material_of(most, corpus).most_uses == MOST_USES, "there is no more than that"
    others = {n for plan in plans if plan.kind == OTHER_STREAM for n in plan.clips}
    assert not {sounds[name].sound for name in others} & {*ALERT_SOUNDS, *STREAM_SOUNDS}


def test_a_stream_is_about_as_long_as_its_files(corpus: Corpus, plans: list[ScenePlan]) -> None:
    stream = next(plan for plan in plans if plan.kind == STREAM)
    scene = made(stream, corpus)
    assert scene is not None
    assert 240 < scene.outcome.seconds < 420
    assert scene.outcome.seconds == len(scene.samples) / RATE_HZ
    assert scene.outcome.events == ()
    assert 0.01 < np.abs(scene.samples).max() <= 1.0


def test_a_scene_is_the_same_again_and_differs_by_seed(
    corpus: Corpus, plans: list[ScenePlan]
) -> None:
    dog = next(plan for plan in plans if plan.sound == "dog_barking")
    first, again = made(dog, corpus), made(dog, corpus)
    assert first is not None
    assert again is not None
    assert np.array_equal(first.samples, again.samples)
    assert first.outcome == again.outcome
    other = plans_of(corpus, FOLD, 8, SceneAmounts(stream_s=0.0))
    changed = made(next(plan for plan in other if plan.name == dog.name), corpus)
    assert changed is not None
    assert not np.array_equal(first.samples[:1000], changed.samples[:1000])


def test_a_clip_is_louder_than_its_home_noise_where_it_sounds(
    corpus: Corpus, plans: list[ScenePlan]
) -> None:
    dogs = [p for p in plans if p.kind == CLIP and p.sound == "dog_barking" and p.clips]
    assert len(dogs) == 8
    for plan in dogs:
        scene = made(plan, corpus)
        assert scene is not None
        (event,) = scene.outcome.events
        assert 3.0 <= event.onset_s < event.offset_s <= scene.outcome.seconds
        before = scene.samples[: round((event.onset_s - 0.1) * RATE_HZ)]
        inside = scene.samples[round(event.onset_s * RATE_HZ) : round(event.offset_s * RATE_HZ)]
        assert level_db(inside) > level_db(before) + 6
        assert scene.outcome.seconds == pytest.approx(11.6, abs=0.7)


def test_smoke_alarms_are_in_noise_and_some_begin_within_their_pattern(
    corpus: Corpus, plans: list[ScenePlan]
) -> None:
    smoke = [plan for plan in plans if plan.sound == "smoke_alarm"][:12]
    rises = []
    for plan in smoke:
        scene = made(plan, corpus)
        assert scene is not None
        assert scene.outcome.synthetic
        (event,) = scene.outcome.events
        begin, end = (round(s * RATE_HZ) for s in (event.onset_s, event.offset_s))
        rises.append(level_db(scene.samples[begin:end]) - level_db(scene.samples[:begin]))
    # 5 dB of signal to noise lift the sum by 10 log10(1 + 10^0.5) = 6.2 dB.
    assert 3.0 < float(np.median(rises)) < 9.0
    drawn = [staging.synthetic("smoke_alarm", plan.rng(), 8.5) for plan in smoke]
    assert len({round(prop.offset_s - prop.onset_s, 2) for prop in drawn}) > 6


def test_events_of_a_stream_are_where_they_are_said_to_be(corpus: Corpus) -> None:
    sounds = ["dog_barking", "smoke_alarm", "baby_crying", "doorbell"]
    samples, spans = event_stream(
        corpus, FOLD, np.random.default_rng(3), 1.0, sounds, snr_db=(20.0, 20.0)
    )
    assert samples.dtype == np.float32
    assert len(samples) == 60 * RATE_HZ
    assert [sound for sound, _, _ in spans] == sounds
    for (_, onset_s, offset_s), (_, following_s, _) in pairwise(spans):
        assert onset_s < offset_s < following_s
    smoke = next(span for span in spans if span[0] == "smoke_alarm")
    assert smoke[2] - smoke[1] >= 5.0, "an alarm in a house goes on"
    for _, onset_s, offset_s in spans:
        begin, end = round(onset_s * RATE_HZ), round(offset_s * RATE_HZ)
        assert level_db(samples[begin:end]) > level_db(samples[begin - 8000 : begin - 800])


def test_a_number_of_events_takes_every_alert_sound_in_turn(corpus: Corpus) -> None:
    _, spans = event_stream(corpus, FOLD, np.random.default_rng(4), 3.0, 20)
    assert sorted(sound for sound, _, _ in spans) == sorted(ALERT_SOUNDS)
    assert all(3.0 <= onset_s < offset_s < 180.0 for _, onset_s, offset_s in spans)


def test_too_many_events_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="give at most 7"):
        event_stream(corpus, FOLD, np.random.default_rng(4), 1.0, 12)


def test_event_streams_are_planned(plans: list[ScenePlan]) -> None:
    assert sum(plan.kind == EVENTS for plan in plans) == 2


def test_a_changed_clip_is_the_same_clip_changed(corpus: Corpus, plans: list[ScenePlan]) -> None:
    dog = next(plan for plan in plans if plan.sound == "dog_barking" and plan.clips)
    original = made(dog, corpus)
    assert original is not None
    changed = {
        plan.condition: made(plan, corpus)
        for plan in plans
        if plan.kind == CHANGED and plan.name == dog.name
    }
    assert changed.keys() == CONDITIONS.keys()
    for scene in changed.values():
        assert scene is not None
        assert scene.outcome.events == original.outcome.events
        assert np.abs(scene.samples).max() <= 1.0
    quieter = changed["20 dB quieter"]
    assert quieter is not None
    assert level_db(quieter.samples) == pytest.approx(level_db(original.samples) - 20, abs=0.01)
    offset = changed["an offset of 0.3"]
    assert offset is not None
    assert float(offset.samples.mean()) == pytest.approx(0.3, abs=0.01)
    telephone = changed["a source at 8 kHz"]
    assert telephone is not None
    spectrum = np.abs(np.fft.rfft(telephone.samples))
    assert spectrum[int(len(spectrum) * 3_900 / 8_000) :].max() < 1e-3 * spectrum.max()
    others = {p.name for p in plans if p.kind == CHANGED and p.sound not in ALERT_SOUNDS}
    assert len(others) == 12


def test_broken_signals_are_what_they_say(corpus: Corpus, plans: list[ScenePlan]) -> None:
    scenes = [(plan.condition, made(plan, corpus)) for plan in plans if plan.kind == BROKEN_SIGNAL]
    signals = {name: scene.samples for name, scene in scenes if scene is not None}
    assert signals.keys() == BROKEN.keys()
    assert not signals["digital silence"].any()
    assert np.isnan(signals["no numbers"]).sum() > 100
    assert np.isinf(signals["infinite samples"]).any()
    assert {len(samples) for samples in signals.values()} == {24 * RATE_HZ}


def test_convolution_is_that_of_numpy() -> None:
    rng = np.random.default_rng(5)
    samples = rng.standard_normal(1000).astype(np.float32)
    response = rng.standard_normal(77).astype(np.float32)
    wanted = np.convolve(samples, response)
    assert np.allclose(staging.convolved(samples, response), wanted, atol=1e-4)


def test_noise_has_the_level_that_was_asked_for() -> None:
    noise = staging.room_noise(np.random.default_rng(6), 2.0, -60.0)
    assert level_db(noise) == pytest.approx(-60.0, abs=0.01)
    assert len(noise) == 32_000
