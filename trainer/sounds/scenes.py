"""Scenes: the sound of a plan, and what is in it.

A scene depends on its plan alone, so it is the same in whatever order and in however many processes
scenes are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from everlisten.trainer.sounds import staging, streams
from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.conditions import BROKEN, CONDITIONS
from everlisten.trainer.sounds.corpus import Clip, Corpus
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.outcomes import Event, Outcome
from everlisten.trainer.sounds.scene_plans import BROKEN_SIGNAL, CHANGED, CLIP, EVENTS, ScenePlan
from everlisten.trainer.sounds.staging import Prop, Rng, Samples

_CLIP_S = 11.6
_LONGEST_CLIP_S = 6.5
_ONSET_S = (3.0, 4.6)
_QUIET_DB = (-62.0, -50.0)
"""Home noise around a clip."""
_CLIP_DB = (-38.0, -16.0)
"""A clip, RMS of its sounding part: from across the room to beside the microphone."""
_NOISY_SNR_DB = {"smoke_alarm": 5.0, "co_alarm": 10.0}
_NOISES = ("background", "background", "speech", "room")
_EVENT_MINUTES = 10.0
_EVENTS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is played, and what is in it.

    Attributes:
        samples: float32 [T] at 16 kHz.
        outcome: With nothing told yet.
    """

    samples: Samples
    outcome: Outcome


def made(plan: ScenePlan, corpus: Corpus) -> Scene | None:
    """Make the sound of a scene; None where its clip turns out to be silent."""
    rng = plan.rng()
    if plan.kind in (CLIP, CHANGED):
        scene = _clip_scene(plan, corpus, rng)
        if scene is None or not plan.condition:
            return scene
        return Scene(CONDITIONS[plan.condition](scene.samples), scene.outcome)
    if plan.kind == BROKEN_SIGNAL:
        samples = BROKEN[plan.condition](rng)
        return Scene(samples, _outcome(plan, samples))
    if plan.kind == EVENTS:
        samples, spans = streams.event_stream(corpus, plan.fold, rng, _EVENT_MINUTES, _EVENTS)
        events = tuple(Event(sound=s, onset_s=on, offset_s=off) for s, on, off in spans)
    else:
        samples = streams.eventless_stream([_clip(corpus, name) for name in plan.clips], rng)
        events = ()
    return Scene(samples, replace(_outcome(plan, samples), events=events))


def _clip_scene(plan: ScenePlan, corpus: Corpus, rng: Rng) -> Scene | None:
    clip = _clip(corpus, plan.clips[0]) if plan.clips else None
    if clip is None:
        prop = staging.synthetic(plan.sound, rng, _LONGEST_CLIP_S + 2.0)
    else:
        found = staging.real(clip, rng, _LONGEST_CLIP_S)
        if found is None:
            return None
        prop = found
    at_s = float(rng.uniform(*_ONSET_S))
    noisy_db = _NOISY_SNR_DB.get(plan.sound) if clip is None else None
    stage = _staged(plan, corpus, prop, at_s, noisy_db, rng)
    event = Event(sound=plan.sound, onset_s=at_s + prop.onset_s, offset_s=at_s + prop.offset_s)
    outcome = replace(
        _outcome(plan, stage),
        group=clip.source_group if clip is not None else plan.name,
        synthetic=clip is None,
        unsure=prop.unsure,
        events=(event,) if plan.sound in ALERT_SOUNDS else (),
    )
    return Scene(stage, outcome)


def _staged(
    plan: ScenePlan, corpus: Corpus, prop: Prop, at_s: float, snr_db: float | None, rng: Rng
) -> Samples:
    """A clip in quiet home noise; or in noise at a given level below it."""
    clip_db = float(rng.uniform(*_CLIP_DB))
    noise_db = float(rng.uniform(*_QUIET_DB)) if snr_db is None else clip_db - snr_db
    kind = "background" if snr_db is None else _NOISES[int(rng.integers(len(_NOISES)))]
    seconds = max(_CLIP_S, at_s + len(prop.samples) / SAMPLE_RATE_HZ + 1.0)
    if kind == "room":
        stage = staging.room_noise(rng, seconds, noise_db)
    else:
        clips = [
            clip
            for clip in corpus.test(plan.fold)
            if clip.sound == kind and clip.name not in plan.clips
        ]
        stage = staging.joined(clips, rng, seconds)
        stage *= np.float32(10 ** ((noise_db - staging.level_db(stage)) / 20))
    heard = staging.in_room(prop.samples, rng)
    staging.add(stage, heard, at_s, clip_db - prop.level_db)
    return staging.finished(stage, staging.microphone(rng))


def _outcome(plan: ScenePlan, samples: Samples) -> Outcome:
    return Outcome(
        kind=plan.kind,
        name=plan.name,
        fold=plan.fold,
        seconds=len(samples) / SAMPLE_RATE_HZ,
        sound=plan.sound,
        condition=plan.condition,
    )


def _clip(corpus: Corpus, name: str) -> Clip:
    return next(clip for clip in corpus.clips if clip.name == name)
