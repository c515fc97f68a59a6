"""The last half minute that was heard, and the sounds of the last alerts; in memory alone."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.events import SoundAlert, is_test

MEMORY_S = 30.0
CLIP_S = 20.0
"""Longest clip."""
AROUND_S = 1.0
"""Before the start of an alert, and after its end."""
MOST_CLIPS = 20
"""At 16 bits they take 13 MB at most."""
MOST_ROWS = 25
_SAMPLES = round(MEMORY_S * SAMPLE_RATE_HZ)

Samples = NDArray[np.float32]
Vector = NDArray[np.float32]


@dataclass(slots=True, kw_only=True, eq=False)
class _Clip:
    """Attributes:
    sound: What it was taken for.
    start_s: Stream time of the alert's start.
    wanted_s: Stream time up to which it is to be kept.
    filled_s: Up to which it is.
    pieces: int16, one after the other.
    rows: Embeddings of the chunks in which the sound was heard, float32 [D] each.
    """

    sound: str
    start_s: float
    wanted_s: float
    filled_s: float
    pieces: list[NDArray[np.int16]] = field(default_factory=list)
    rows: list[Vector] = field(default_factory=list)


class SoundMemory:
    """Written by the sound thread; everything may be read from any thread and is a copy.

    The ring takes 1.9 MB. A gap in stream time empties it: clips have no joints.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring = np.zeros(_SAMPLES, np.float32)
        self._total = 0
        """Samples since the last gap."""
        self._end_s = 0.0
        self._clips: OrderedDict[str, _Clip] = OrderedDict()
        self._rows: deque[tuple[float, Vector]] = deque(maxlen=round(MEMORY_S / 0.4))

    def hear(self, samples: Samples, start_s: float, end_s: float, embedding: Vector) -> None:
        """Append a chunk.

        Args:
            samples: float32 [T]; copied.
            start_s: Stream time.
            end_s: Stream time.
            embedding: float32 [D] of the chunk; kept.
        """
        with self._lock:
            if abs(start_s - self._end_s) > 0.01:
                self._total = 0
                self._rows.clear()
            at = self._total % _SAMPLES
            first = min(len(samples), _SAMPLES - at)
            self._ring[at : at + first] = samples[:first]
            self._ring[: len(samples) - first] = samples[first:]
            self._total += len(samples)
            self._end_s = end_s
            self._rows.append((end_s, embedding))
            for clip in self._clips.values():
                self._fill(clip)

    def note(self, alert: SoundAlert) -> None:
        """Keep the sound of an alert, or more of it as the alert grows."""
        if is_test(alert):
            return
        with self._lock:
            clip = self._clips.get(alert.id)
            if clip is None:
                begin_s = max(0.0, alert.start_s - AROUND_S)
                clip = _Clip(sound=alert.sound, start_s=begin_s, wanted_s=begin_s, filled_s=begin_s)
                clip.rows = [row for end_s, row in self._rows if end_s > alert.start_s + 0.01]
                self._clips[alert.id] = clip
                while len(self._clips) > MOST_CLIPS:
                    self._clips.popitem(last=False)
            clip.wanted_s = min(alert.end_s + AROUND_S, clip.start_s + CLIP_S)
            self._fill(clip)

    def note_sounding(self, alert_ids: Collection[str], embedding: Vector) -> None:
        """These alerts were heard in the newest chunk."""
        with self._lock:
            for alert_id in alert_ids:
                clip = self._clips.get(alert_id)
                if clip is not None and len(clip.rows) < MOST_ROWS:
                    clip.rows.append(embedding)

    def last(self, seconds: float = MEMORY_S) -> Samples:
        """The newest samples, at most 30 s: float32 [T]."""
        with self._lock:
            return self._newest(round(seconds * SAMPLE_RATE_HZ), 0)

    def clip(self, alert_id: str) -> Samples | None:
        """The sound of an alert, as far as it has come: float32 [T]; None if it is forgotten."""
        with self._lock:
            clip = self._clips.get(alert_id)
            if clip is None or not clip.pieces:
                return None
            return np.concatenate(clip.pieces).astype(np.float32) / 32767.0

    def example(self, alert_id: str) -> tuple[str, Samples, Vector] | None:
        """Sound, samples and embeddings (float32 [N, D]) of an alert; None if it is forgotten."""
        samples = self.clip(alert_id)
        with self._lock:
            clip = self._clips.get(alert_id)
            if clip is None or samples is None or not clip.rows:
                return None
            return clip.sound, samples, np.stack(clip.rows)

    def _fill(self, clip: _Clip) -> None:
        """Copy what has come since out of the ring."""
        end_s = min(clip.wanted_s, self._end_s)
        count = round((end_s - clip.filled_s) * SAMPLE_RATE_HZ)
        if count <= 0:
            return
        back = round((self._end_s - end_s) * SAMPLE_RATE_HZ)
        piece = np.clip(self._newest(count, back), -1.0, 1.0) * 32767.0
        clip.pieces.append(piece.astype(np.int16))
        clip.filled_s = end_s

    def _newest(self, count: int, back: int) -> Samples:
        """`count` samples that end `back` before the newest one, as far as they are there."""
        end = self._total - back
        begin = max(end - count, self._total - _SAMPLES, 0)
        indices = np.arange(begin, max(begin, end)) % _SAMPLES
        return self._ring[indices]
