"""Streams of real speech, sound and mixtures for the benchmarks, made from the shared data."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
_SEED = 7
_PAUSE_S = (0.4, 1.4)
"""Pauses between sentences, uniform: read speech pauses 0.4-1.4 s at full stops."""
_LEAD_S = 0.8
_TAIL_S = 2.0
_ROOM_NOISE = 1e-4
"""-80 dBFS: a pause is quiet, not digital zero."""
_MAY_HOLD_SPEECH = frozenset({"laughing", "crowd", "human_hurt"})
"""Labels that name human voices; baby cries, coughs and sneezes stay in."""
CLIPS_WITH_SPEECH = frozenset({"1608084847489", "1608093542150", "1608084000019", "1608091359751"})
"""Last part of the names of home-noise clips in which somebody speaks whole phrases ("forces in the
standard model is called", "kinds of light also. And we"), found by what was captioned of them.
"""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeechStream:
    """Several sentences of one speaker with pauses between.

    Attributes:
        name: Set and speaker.
        samples: float32 [T] at 16 kHz.
        sentences: Reference text of each sentence.
        spans: Begin and end of each sentence's clip, seconds.
        language: ISO 639-1.
    """

    name: str
    samples: Samples
    sentences: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]
    language: str

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE_HZ


def read_clip(path: Path) -> Samples:
    """float32 [T] of a 16 kHz mono file."""
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ, (path, rate_hz)
    assert samples.ndim == 1, (path, samples.shape)
    return np.asarray(samples, np.float32)


def english_streams(data: Path) -> list[SpeechStream]:
    """Every English sentence with a transcript, one stream for each speaker."""
    by_speaker: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(data / "speech.csv"):
        if row["language"] == "en" and row["text"]:
            by_speaker[f"{Path(row['path']).parts[0]}:{row['speaker']}"].append(row)
    rng = np.random.default_rng(_SEED)
    return [_joined(name, rows, data, rng) for name, rows in by_speaker.items()]


def paragraph_streams(data: Path) -> list[tuple[SpeechStream, str]]:
    """The paragraphs in other languages than English, each with its English text."""
    rows = [r for r in _rows(data / "speech.csv") if r["path"].startswith("multilingual/")]
    english = {_paragraph(r): r["text"] for r in rows if r["language"] == "en"}
    rng = np.random.default_rng(_SEED)
    return [
        (_joined(Path(r["path"]).stem, [r], data, rng), english[_paragraph(r)])
        for r in rows
        if r["language"] != "en"
    ]


def quiet(stream: SpeechStream, level_dbfs: float = -35.0) -> SpeechStream:
    """The same at the given level (root mean square over the sentences)."""
    gain = 10 ** (level_dbfs / 20) / _speech_rms(stream)
    return _with_samples(stream, stream.samples * np.float32(gain))


def under_music(stream: SpeechStream, data: Path, snr_db: float = 10.0) -> SpeechStream:
    """The same with music at the given signal-to-noise ratio."""
    clips = [
        read_clip(data / "sounds" / row["path"])
        for row in _rows(data / "sounds.csv")
        if row["label"] == "music"
    ]
    music = np.resize(np.concatenate(clips), len(stream.samples))
    rms = float(np.sqrt(np.mean(music**2)))
    gain = _speech_rms(stream) / rms / 10 ** (snr_db / 20)
    return _with_samples(stream, np.clip(stream.samples + music * np.float32(gain), -1, 1))


def noise_clips(data: Path) -> Iterator[tuple[str, str, Samples]]:
    """Path, label and samples of every clip of sounds that holds no speech by its label."""
    for row in _rows(data / "sounds.csv"):
        number = Path(row["path"]).stem.rsplit("_", 1)[-1]
        if row["label"] not in _MAY_HOLD_SPEECH and number not in CLIPS_WITH_SPEECH:
            yield row["path"], row["label"], read_clip(data / "sounds" / row["path"])


def _paragraph(row: dict[str, str]) -> str:
    # ja-JP-audio.ogg has no number; it is the second paragraph.
    return "1" if "audio1" in row["path"] else "2"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _joined(
    name: str, rows: list[dict[str, str]], data: Path, rng: np.random.Generator
) -> SpeechStream:
    parts: list[Samples] = [_room(_LEAD_S, rng)]
    spans = []
    position = len(parts[0])
    for row in rows:
        clip = read_clip(data / "speech" / row["path"])
        spans.append((position / SAMPLE_RATE_HZ, (position + len(clip)) / SAMPLE_RATE_HZ))
        pause = _room(float(rng.uniform(*_PAUSE_S)), rng)
        parts += [clip, pause]
        position += len(clip) + len(pause)
    parts.append(_room(_TAIL_S, rng))
    return SpeechStream(
        name=name,
        samples=np.concatenate(parts),
        sentences=tuple(row["text"] for row in rows),
        spans=tuple(spans),
        language=rows[0]["language"],
    )


def _room(seconds: float, rng: np.random.Generator) -> Samples:
    count = int(seconds * SAMPLE_RATE_HZ)
    return (rng.standard_normal(count) * _ROOM_NOISE).astype(np.float32)


def _speech_rms(stream: SpeechStream) -> float:
    rate = SAMPLE_RATE_HZ
    parts = [stream.samples[int(a * rate) : int(b * rate)] for a, b in stream.spans]
    return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))


def _with_samples(stream: SpeechStream, samples: Samples) -> SpeechStream:
    return SpeechStream(
        name=stream.name,
        samples=samples.astype(np.float32),
        sentences=stream.sentences,
        spans=stream.spans,
        language=stream.language,
    )
