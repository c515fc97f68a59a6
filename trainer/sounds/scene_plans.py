"""What a fold is measured on: a list of plans, from each of which a scene is made anew.

A plan is small and goes to another process; its sound is made there.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from everlisten.trainer.sounds import streams
from everlisten.trainer.sounds.alarms import SYNTHESES
from everlisten.trainer.sounds.conditions import BROKEN, CONDITIONS
from everlisten.trainer.sounds.corpus import Clip, Corpus
from everlisten.trainer.sounds.labels import ALERT_SOUNDS, OTHER_SOUNDS
from everlisten.trainer.sounds.staging import Rng

CLIP, STREAM, OTHER_STREAM, EVENTS = "clip", "stream", "other stream", "events"
CHANGED, BROKEN_SIGNAL = "changed clip", "broken signal"
STREAM_SOUNDS = ("speech", "music", "background")
"""What the streams for false alarms are made of."""
MOST_USES = 4
"""A file is heard so often at most in the streams of its fold."""

_SYNTHETIC_COUNTS = {"smoke_alarm": 40, "co_alarm": 20}
_OTHER_SYNTHETIC = 8
_MOST_OTHER_CLIPS = 8
"""Real clips of one sound that is no alert."""
_CHANGED_CLIPS = 2
"""Real clips of an alert sound, or synthesised ones where there are none, under each condition."""
_CHANGED_OTHERS = 12
_EVENT_STREAMS = 2


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
