"""What a fold is measured on: a list of scenes, each made anew from its plan and a seed.

A plan is small and goes to another process; the sound is made there. A scene depends on its plan
alone, so it is the same in whatever order and in however many processes scenes are made.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from everlisten.trainer.sounds import staging, streams
from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.alarms import SYNTHESES
from everlisten.trainer.sounds.conditions import BROKEN, CONDITIONS
from everlisten.trainer.sounds.corpus import Clip, Corpus
from everlisten.trainer.sounds.labels import ALERT_SOUNDS, OTHER_SOUNDS
from everlisten.trainer.sounds.measures import Event, Outcome
from everlisten.trainer.sounds.staging import Prop, Rng, Samples

CLIP, STREAM, OTHER_STREAM, EVENTS = "clip", "stream", "other stream", "events"
CHANGED, BROKEN_SIGNAL = "changed clip", "broken signal"
STREAM_SOUNDS = ("speech", "music", "background")
"""What the streams for false alarms are made of."""
MOST_USES = 4
"""A file is heard so often at most in the streams of its fold."""

_CLIP_S = 11.6
_LONGEST_CLIP_S = 6.5
_ONSET_S = (3.0, 4.6)
_QUIET_DB = (-62.0, -50.0)
"""Home noise around a clip."""
_CLIP_DB = (-38.0, -16.0)
"""40 dB between the quietest clip in the loudest noise and the loudest in the quietest."""
_NOISY_SNR_DB = {"smoke_alarm": 5.0, "co_alarm": 10.0}
_NOISES = ("background", "background", "speech", "room")
_SYNTHETIC_COUNTS = {"smoke_alarm": 40, "co_alarm": 20}
_OTHER_SYNTHETIC = 8
_MOST_OTHER_CLIPS = 8
"""Real clips of one sound that is no alert."""
_CHANGED_CLIPS = 2
"""Real clips of an alert sound, or synthesised ones where there are none, under each condition."""
_CHANGED_OTHERS = 12
_EVENT_STREAMS = 2
_EVENT_MINUTES = 10.0
_EVENTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePlan:
    """One scene before its sound is made.

    Attributes:
        kind: `CLIP`, `STREAM`, `OTHER_STREAM`, `EVENTS`, `CHANGED` or `BROKEN_SIGNAL`.
        name: Unique in its fold and kind.
        fold: Whose clips are heard.
        seed: Of the evaluation.
        sound: Of a clip, or of a synthesis.
        clips: Names of the files; none is a synthesis.
        condition: Of a changed clip or a broken signal.
    """

    kind: str
    name: str
    fold: int
    seed: int
    sound: str = ""
    clips: tuple[str, ...] = ()
    condition: str = ""

    def rng(self) -> Rng:
        """A generator of this scene's own."""
        return np.random.default_rng((self.seed, self.fold, zlib.crc32(self.name.encode())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Files of streams without alerts.

    Attributes:
        files: Different ones.
        seconds: Of them, each counted once.
        most_uses: How often one of them is heard at most.
    """

    files: int
    seconds: float
    most_uses: int


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is played, and what is in it.

    Attributes:
        samples: float32 [T] at 16 kHz.
        outcome: With nothing told yet.
    """

    samples: Samples
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneAmounts:
    """How much is planned for one fold.

    Attributes:
        stream_s: Streams without events, seconds.
        event_streams: Streams of ten minutes with 40 events each.
        share: Of the clips; below 1 for a quick look.
    """

    stream_s: float
    event_streams: int = _EVENT_STREAMS
    share: float = 1.0


def plans_of(corpus: Corpus, fold: int, seed: int, amounts: SceneAmounts) -> list[ScenePlan]:
    """Every scene of a fold, the same for the same arguments."""
    rng = np.random.default_rng((seed, fold))
    plans = list(_clip_plans(corpus, fold, seed, rng))
    kept = max(1, round(amounts.share * len(plans)))
    plans = [plans[number] for number in sorted(rng.permutation(len(plans))[:kept])]
    plans += _changed_plans(plans, rng)
    plans += [
        ScenePlan(kind=BROKEN_SIGNAL, name=name, fold=fold, seed=seed, condition=name)
        for name in BROKEN
    ]
    inside = [clip for clip in corpus.test(fold) if clip.sound in STREAM_SOUNDS]
    outside = [
        clip
        for clip in corpus.test(fold)
        if clip.sound in OTHER_SOUNDS
        and clip.sound not in STREAM_SOUNDS
        and not set(clip.unsure) & set(ALERT_SOUNDS)
    ]
    plans += _stream_plans(STREAM, inside, fold, seed, amounts.stream_s, MOST_USES)
    if amounts.stream_s:
        plans += _stream_plans(OTHER_STREAM, outside, fold, seed, float("inf"), 1)
    plans += [
        ScenePlan(kind=EVENTS, name=f"events {number}", fold=fold, seed=seed)
        for number in range(amounts.event_streams)
    ]
    return plans


def _clip_plans(corpus: Corpus, fold: int, seed: int, rng: Rng) -> Iterator[ScenePlan]:
    for sound in (*ALERT_SOUNDS, *OTHER_SOUNDS):
        clips = [clip for clip in corpus.test(fold) if clip.sound == sound]
        if sound in OTHER_SOUNDS:
            clips = [clips[n] for n in rng.permutation(len(clips))[:_MOST_OTHER_CLIPS]]
        for clip in clips:
            yield ScenePlan(
                kind=CLIP, name=clip.name, fold=fold, seed=seed, sound=sound, clips=(clip.name,)
            )
        if sound in SYNTHESES:
            for number in range(_SYNTHETIC_COUNTS.get(sound, _OTHER_SYNTHETIC)):
                name = f"synthetic {sound} {number}"
                yield ScenePlan(kind=CLIP, name=name, fold=fold, seed=seed, sound=sound)


def _changed_plans(clips: Sequence[ScenePlan], rng: Rng) -> list[ScenePlan]:
    """Some of the clips again, under every condition."""
    picked: list[ScenePlan] = []
    for sound in ALERT_SOUNDS:
        own = [plan for plan in clips if plan.sound == sound]
        picked += sorted(own, key=lambda plan: not plan.clips)[:_CHANGED_CLIPS]
    others = [plan for plan in clips if plan.sound in OTHER_SOUNDS and plan.clips]
    picked += [others[n] for n in rng.permutation(len(others))[:_CHANGED_OTHERS]]
    return [
        replace(plan, kind=CHANGED, condition=condition)
        for condition in CONDITIONS
        for plan in picked
    ]


def _stream_plans(
    kind: str, clips: Sequence[Clip], fold: int, seed: int, seconds: float, most_uses: int
) -> list[ScenePlan]:
    rng = np.random.default_rng((seed, fold, zlib.crc32(kind.encode())))
    return [
        ScenePlan(
            kind=kind, name=f"{kind} {number}", fold=fold, seed=seed,
            clips=tuple(clip.name for clip in hand),
        )
        for number, hand in enumerate(streams.dealt(clips, rng, seconds, most_uses))
    ]  # fmt: skip


def material_of(plans: Sequence[ScenePlan], corpus: Corpus) -> Material:
    """What the streams for false alarms are made of."""
    uses = Counter(name for plan in plans if plan.kind == STREAM for name in plan.clips)
    return Material(
        files=len(uses),
        seconds=sum(clip.seconds for clip in corpus.clips if clip.name in uses),
        most_uses=max(uses.values(), default=0),
    )


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
