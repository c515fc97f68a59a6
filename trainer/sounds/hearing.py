"""What a sound model says of each chunk of a scene, kept, and the policy of alerts played over it.

The model is slow and the policy is quick, so readings are kept: a threshold or another policy is
then tried again in seconds. A test shows that the policy over kept readings tells the same as the
program's own detector does over the sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, SourceName
from everlisten.engine.alerts.catalogue import MOST_CHUNKS, AlertEntry, shipped_alerts
from everlisten.engine.alerts.evidence import HeardChunk
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds import rhythm
from everlisten.engine.sounds.model import SoundModel, SoundReading
from everlisten.engine.sounds.rhythm import Rhythm
from everlisten.trainer.sounds.outcomes import Outcome, Telling
from everlisten.trainer.sounds.staging import Samples

_KINDS = ("", rhythm.TEMPORAL_3, rhythm.TEMPORAL_4, rhythm.REGULAR)
_RHYTHM_FROM = 1e-4
"""Probability below which the policy sees no differences, so that no rhythm lifts it to a bar."""
_HISTORY_SAMPLES = round(rhythm.SECONDS * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What was heard in each chunk of one scene.

    Attributes:
        probabilities: float32 [N, K].
        broken: bool [N], nothing may be concluded from this chunk.
        rhythms: float32 [N, 3]: number of the rhythm's kind, its confidence, its cycles.
    """

    probabilities: NDArray[np.float32]
    broken: NDArray[np.bool_]
    rhythms: NDArray[np.float32]

    def rhythm(self, number: int) -> Rhythm:
        """Of the 10 s up to the end of a chunk."""
        kind, confidence, cycles = self.rhythms[number]
        return Rhythm(_KINDS[int(kind)], float(confidence), int(cycles))


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The readings of one scene.

    Attributes:
        outcome: What was played; nothing is told yet.
        readings: What the model said.
    """

    outcome: Outcome
    readings: Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is needed to know of a model beside its readings."""

    sounds: tuple[str, ...]
    thresholds: Mapping[str, float]
    version: str


def facts_of(model: SoundModel) -> ModelFacts:
    """Those of a loaded model."""
    return ModelFacts(sounds=model.sounds, thresholds=dict(model.thresholds), version=model.version)


def read(model: SoundModel, samples: Samples) -> list[SoundReading]:
    """The model's readings of a whole sound from a fresh state on; an unfinished chunk is left."""
    state = model.new_state()
    return [
        model.step(samples[begin : begin + CHUNK_SAMPLES], state)
        for begin in range(0, len(samples) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES)
    ]


def readings_of(model: SoundModel, samples: Samples) -> Readings:
    """Play a whole sound to the model and keep what it says."""
    heard = read(model, samples)
    probabilities = np.stack([each.probabilities for each in heard])
    rhythms = np.zeros((len(heard), 3), np.float32)
    history = np.nan_to_num(np.clip(samples, -1.0, 1.0), nan=0.0)
    for number in np.flatnonzero(_may_pulse(model.sounds, probabilities)):
        end = (int(number) + 1) * CHUNK_SAMPLES
        found = rhythm.rhythm(history[max(0, end - _HISTORY_SAMPLES) : end])
        rhythms[number] = (_KINDS.index(found.kind), found.confidence, found.cycles)
    return Readings(
        probabilities=probabilities,
        broken=np.array([bool(each.broken) for each in heard]),
        rhythms=rhythms,
    )


def _may_pulse(sounds: Sequence[str], probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Chunks in which a rhythm could matter at any threshold: it costs as much as a small model.

    Args:
        sounds: Ids of the columns.
        probabilities: float32 [N, K].
    """
    patterned = [n for n, sound in enumerate(sounds) if _has_pattern(sound)]
    surest = probabilities[:, patterned].max(axis=1, initial=0.0)
    # A sound is remembered for as long as the longest window is.
    padded = np.concatenate((np.zeros(MOST_CHUNKS - 1, np.float32), surest))
    windows = np.lib.stride_tricks.sliding_window_view(padded, MOST_CHUNKS)
    return np.asarray(windows.max(axis=1) > _RHYTHM_FROM)


def _has_pattern(sound: str) -> bool:
    entry = shipped_alerts().get(sound)
    return entry is not None and bool(entry.pattern)


def replayed(
    recording: Recording, facts: ModelFacts, entries: Mapping[str, AlertEntry] | None = None
) -> Outcome:
    """What the policy tells, given the kept readings.

    Args:
        recording: Of one scene.
        facts: Of the model, perhaps with other thresholds.
        entries: Another catalogue than the shipped one.
    """
    told = tuple(
        Telling(sound=alert.sound, at_s=alert.emitted_s, confidence=alert.confidence)
        for alert in alerts(recording.readings, facts, entries)
    )
    return replace(recording.outcome, told=told)


def alerts(
    readings: Readings, facts: ModelFacts, entries: Mapping[str, AlertEntry] | None = None
) -> list[SoundAlert]:
    """The alerts of one scene, each as it first appears: it is told again as it goes on."""
    policy = AlertPolicy(entries)
    state = policy.new_state("evaluation")
    told: dict[str, SoundAlert] = {}
    for number, row in enumerate(readings.probabilities.tolist()):
        probabilities = dict(zip(facts.sounds, row, strict=True))
        # As the detector: what was known of the rhythm counts only where it was looked at.
        asked = policy.rhythm_matters(state, probabilities, facts.thresholds)
        chunk = HeardChunk(
            probabilities=probabilities,
            thresholds=facts.thresholds,
            start_s=number * CHUNK_S,
            end_s=(number + 1) * CHUNK_S,
            source=SourceName.MIC,
            rhythm=readings.rhythm(number) if asked else None,
            broken="kept as broken" if readings.broken[number] else "",
        )
        for alert in policy.heard(state, chunk):
            told.setdefault(alert.id, alert)
    return list(told.values())
