"""From samples to events, chunk by chunk: model, taught sounds, rhythm, policy, narration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, SourceName
from everlisten.engine.alerts.catalogue import EMERGENCY, LANGUAGES, AlertEntry
from everlisten.engine.alerts.evidence import DEFAULT_THRESHOLD, HeardChunk
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.state import AlertState
from everlisten.engine.events import EngineEvent
from everlisten.engine.sounds import rhythm
from everlisten.engine.sounds.model import SoundModel, SoundReading, SoundState
from everlisten.engine.sounds.narration import Narration, NarrationState
from everlisten.engine.sounds.taught import TaughtHeads, TaughtSound, TaughtState

Samples = NDArray[np.float32]
Vector = NDArray[np.float32]

_HISTORY_SAMPLES = round(rhythm.SECONDS * SAMPLE_RATE_HZ)
_ASKED_FROM = 0.25
"""Share of its threshold from which a sound is compared with counter-examples."""
_TAUGHT_ADVICE = {"en": "You taught this sound.", "zh": "这是您教给 Everlisten 的声音。"}


class CounterBar(Protocol):
    """What the user said was something else, see `engine.sounds.counter_examples`."""

    def penalty(self, sound: str, embedding: Vector) -> float:
        """Logits by which the bar of `sound` is higher now; `embedding` is float32 [D]."""

    def add(self, sound: str, samples: Samples, embeddings: Vector) -> None:
        """Remember one: float32 [T] and float32 [N, D]. Writes to the disk."""


@dataclass(slots=True, eq=False)
class DetectorState:
    """Everything that is remembered of one stream.

    Attributes:
        model: The network's own state.
        alerts: What the policy remembers.
        narration: What the narration remembers.
        heads: The taught sounds that `taught` belongs to.
        taught: Their state.
        history: float32 [160000], the last 10 s, the newest last; shifted in place.
        heard: Samples in `history` that were heard.
        end_s: Stream time up to which it was heard; None before the first chunk.
        embedding: float32 [D] of the last chunk.
    """

    model: SoundState
    alerts: AlertState
    narration: NarrationState
    heads: TaughtHeads | None
    taught: TaughtState | None
    history: Samples = field(default_factory=lambda: np.zeros(_HISTORY_SAMPLES, np.float32))
    heard: int = 0
    end_s: float | None = None
    embedding: Vector = field(default_factory=lambda: np.zeros(0, np.float32))


class SoundDetector:
    """Hears everything that the sound thread hears. All calls come from one thread.

    Args:
        model: The sound model.
        policy: Decides what the user is warned about.
        narration: Decides what else becomes a caption; None tells nothing else.
        taught: Sounds that the user taught.
        counter: What the user said was something else.
    """

    def __init__(
        self,
        model: SoundModel,
        policy: AlertPolicy,
        narration: Narration | None = None,
        taught: TaughtHeads | None = None,
        counter: CounterBar | None = None,
    ) -> None:
        self._model = model
        self._narration = narration
        self.policy = policy
        self.counter = counter
        self.set_taught(taught)

    def set_taught(self, taught: TaughtHeads | None) -> None:
        """Listen for other taught sounds from the next chunk."""
        self._taught = taught
        sounds = taught.sounds if taught is not None else ()
        self.policy.set_taught(taught_entry(sound) for sound in sounds)

    def for_test(self, sound: str) -> SoundDetector:
        """The same for a test: nothing is held back, `sound` is switched on, nothing narrated."""
        policy = self.policy.for_test(sound)
        return SoundDetector(self._model, policy, None, self._taught, self.counter)

    def new_state(self, session: str, *, test: bool = False) -> DetectorState:
        """State of a stream that has heard nothing."""
        return DetectorState(
            model=self._model.new_state(),
            alerts=self.policy.new_state(session, test=test),
            narration=(self._narration or Narration()).new_state(session),
            heads=self._taught,
            taught=self._taught.new_state() if self._taught is not None else None,
        )

    def reset(self, state: DetectorState) -> None:
        """Make `state` equal to a fresh one."""
        self.policy.reset(state.alerts)
        (self._narration or Narration()).reset(state.narration)
        self._forget_sound(state)
        state.end_s = None
        state.embedding = np.zeros(0, np.float32)

    def step(
        self,
        samples: Samples,
        start_s: float,
        end_s: float,
        source: SourceName | None,
        state: DetectorState,
    ) -> list[EngineEvent]:
        """Hear one more chunk.

        Args:
            samples: float32 [6400] at 16 kHz, whatever a driver delivers.
            start_s: Stream time; where it does not follow the chunk before, the model begins anew.
            end_s: Stream time.
            source: Where it was loudest.
            state: Of this stream; updated in place.
        """
        if state.end_s is not None and abs(start_s - state.end_s) > 0.01:
            self._forget_sound(state)
        state.end_s = end_s
        reading = self._model.step(samples, state.model)
        state.embedding = reading.embedding
        self._remember(samples, state)
        chunk = self._chunk(reading, start_s, end_s, source, state)
        events: list[EngineEvent] = [*self.policy.heard(state.alerts, chunk)]
        if self._narration is not None:
            groups = self.policy.groups_on(state.alerts)
            events += self._narration.heard(state.narration, chunk, self.policy.settings, groups)
        return events

    def flush(self, state: DetectorState) -> list[EngineEvent]:
        """The sound has ended: everything is over."""
        if self._narration is not None:
            self._narration.flush(state.narration)
        return [*self.policy.flush(state.alerts, state.end_s or 0.0)]

    def _chunk(
        self,
        reading: SoundReading,
        start_s: float,
        end_s: float,
        source: SourceName | None,
        state: DetectorState,
    ) -> HeardChunk:
        found = dict(zip(self._model.sounds, reading.probabilities.tolist(), strict=True))
        thresholds = {**self._model.thresholds}
        if self._taught is not None:
            found |= self._taught_probabilities(reading, state)
            thresholds |= self._taught.thresholds
        return HeardChunk(
            probabilities=found,
            thresholds=thresholds,
            start_s=start_s,
            end_s=end_s,
            source=source,
            rhythm=self._rhythm(found, thresholds, state),
            raised=self._raised(found, thresholds, reading),
            broken=reading.broken,
        )

    def _taught_probabilities(
        self, reading: SoundReading, state: DetectorState
    ) -> Mapping[str, float]:
        assert self._taught is not None
        if state.heads is not self._taught or state.taught is None:
            state.heads, state.taught = self._taught, self._taught.new_state()
        found = self._taught.step(reading.embedding, state.taught)
        # In digital silence, too, the newest embeddings are of what was before.
        quiet = not reading.probabilities.any()
        return dict.fromkeys(found, 0.0) if quiet else found

    def _rhythm(
        self, found: Mapping[str, float], thresholds: Mapping[str, float], state: DetectorState
    ) -> rhythm.Rhythm | None:
        """Looked at only where it can decide anything: it costs more than the model."""
        if not self.policy.rhythm_matters(state.alerts, found, thresholds):
            return None
        return rhythm.rhythm(state.history[len(state.history) - state.heard :])

    def _raised(
        self, found: Mapping[str, float], thresholds: Mapping[str, float], reading: SoundReading
    ) -> Mapping[str, float]:
        if self.counter is None:
            return MappingProxyType({})
        counter = self.counter
        return {
            sound: counter.penalty(sound, reading.embedding)
            for sound, probability in found.items()
            if sound in self.policy.entries
            and probability >= _ASKED_FROM * thresholds.get(sound, DEFAULT_THRESHOLD)
        }

    def _remember(self, samples: Samples, state: DetectorState) -> None:
        state.history[:-CHUNK_SAMPLES] = state.history[CHUNK_SAMPLES:]
        state.history[-CHUNK_SAMPLES:] = np.nan_to_num(np.clip(samples, -1.0, 1.0), nan=0.0)
        state.heard = min(state.heard + CHUNK_SAMPLES, len(state.history))

    def _forget_sound(self, state: DetectorState) -> None:
        self._model.reset(state.model)
        if state.heads is not None and state.taught is not None:
            state.heads.reset(state.taught)
        state.history[:] = 0.0
        state.heard = 0


def taught_entry(sound: TaughtSound) -> AlertEntry:
    """How the policy treats a sound that the user taught.

    One chunk is enough: its threshold and its estimate are about single chunks.
    """
    emergency = sound.severity == EMERGENCY
    advice = dict.fromkeys(LANGUAGES, sound.advice) if sound.advice.strip() else _TAUGHT_ADVICE
    return AlertEntry(
        id=sound.id,
        label=dict.fromkeys(LANGUAGES, sound.name),
        advice=advice,
        severity=sound.severity,
        emotion="urgent" if emergency else "normal",
        merge_s=10.0,
        cooldown_s=10.0,
        escalate_s=20.0 if emergency else 0.0,
    )
