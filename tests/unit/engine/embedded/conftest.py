"""Sound for the captions, scripted stand-ins for the models, and the real weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.embedded.captioner import Captioner
from everlisten.engine.embedded.config import CaptionConfig
from everlisten.engine.embedded.model import EmbeddedModel
from everlisten.engine.embedded.vad import WINDOW_SAMPLES, SileroVad
from everlisten.engine.embedded.whisper_decoder import (
    DecodeRequest,
    Encoded,
    Hypothesis,
    WhisperDecoder,
)
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.catalogue import ModelCatalogue

Samples = NDArray[np.float32]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the real weights."""
    catalogue = ModelCatalogue(tmp_path_factory.mktemp("models"))
    try:
        return catalogue.ensure("whisper-base")
    except ModelLoadError as error:
        pytest.skip(f"needs the weights of the captions: {error}")


@pytest.fixture(scope="session")
def real_model(weights: Path) -> EmbeddedModel:
    return EmbeddedModel(weights, threads=2)


@pytest.fixture(scope="session")
def speech(shared: Path) -> Samples:
    """14 s of one speaker: two sentences, a pause of 1.2 s between."""
    pause = np.zeros(19_200, np.float32)
    folder = shared / "data" / "speech" / "ljspeech"
    one = soundfile.read(folder / "LJ001-0001.ogg", dtype="float32")[0]
    two = soundfile.read(folder / "LJ001-0002.ogg", dtype="float32")[0]
    return np.concatenate((pause[:6_400], one, pause, two, pause))


class ChunkMaker(Protocol):
    def __call__(
        self, samples: Samples, source: SourceName = SourceName.FILE, first: int = 0
    ) -> list[AudioChunk]: ...


@pytest.fixture(scope="session")
def chunks_of() -> ChunkMaker:
    """Cuts sound into chunks, the last one filled up with zeros."""
    return _chunks_of


def _chunks_of(
    samples: Samples, source: SourceName = SourceName.FILE, first: int = 0
) -> list[AudioChunk]:
    count = -(-len(samples) // CHUNK_SAMPLES)
    rows = np.zeros((count, 1, CHUNK_SAMPLES), np.float32)
    rows.reshape(-1)[: len(samples)] = samples
    return [
        AudioChunk(index=first + i, sources=(source,), samples=rows[i], captured_s=0.0)
        for i in range(count)
    ]


class LoudnessVad:
    """Takes every window that is not silent for speech."""

    def new_state(self) -> list[Samples]:
        return [np.zeros(0, np.float32)]

    def step(self, samples: Samples, state: list[Samples]) -> Samples:
        pending = np.concatenate((state[0], samples))
        count = len(pending) // WINDOW_SAMPLES
        windows = pending[: count * WINDOW_SAMPLES].reshape(count, WINDOW_SAMPLES)
        state[0] = pending[count * WINDOW_SAMPLES :]
        return np.asarray(np.abs(windows).max(axis=1) > 0.01, np.float32)


@dataclass(slots=True)
class ScriptedDecoder:
    """Writes one word for each half second of sound; token n is the word "wn"."""

    calls: list[tuple[float, int, tuple[DecodeRequest, ...]]] = field(default_factory=list)
    spoken: str = "en"
    log_probability: float = -0.2
    script: list[tuple[int, ...]] = field(default_factory=list)
    """Hypotheses to give instead, after the forced prefix."""

    def encode(self, log_mel: Samples, sound_s: float) -> Encoded:
        return Encoded(view=None, sound_s=sound_s)

    def languages(self, encoded: Encoded) -> dict[str, float]:
        return {self.spoken: 0.99, "xx": 0.01}

    def decode(
        self, encoded: Encoded, requests: Sequence[DecodeRequest], beam: int
    ) -> list[Hypothesis]:
        self.calls.append((encoded.sound_s, beam, tuple(requests)))
        return [self._hypothesis(encoded, request) for request in requests]

    def _hypothesis(self, encoded: Encoded, request: DecodeRequest) -> Hypothesis:
        tokens = tuple(range(max(1, int(encoded.sound_s * 2))))
        if self.script:
            tokens = self.script.pop(0)
        tokens = request.prefix + tokens[len(request.prefix) :]
        return Hypothesis(
            tokens=tokens,
            mean_log_probability=self.log_probability,
            no_speech_probability=0.0,
            probabilities=(0.9,) * len(tokens),
        )

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(f" w{token}" for token in tokens)

    def word_ends(self, tokens: Sequence[int]) -> list[int]:
        return list(range(1, len(tokens) + 1))


@pytest.fixture
def decoder() -> ScriptedDecoder:
    return ScriptedDecoder()


@pytest.fixture
def captioner(decoder: ScriptedDecoder) -> Captioner:
    """A captioner without weights."""
    vad = cast(SileroVad, LoudnessVad())
    return Captioner(cast(WhisperDecoder, decoder), vad, CaptionConfig())


@pytest.fixture
def tone(rng: np.random.Generator) -> Samples:
    """0.8 s of silence, 3.2 s of noise that the stand-in takes for speech, 1.6 s of silence."""
    silence = np.zeros(12_800, np.float32)
    loud = np.sign(rng.standard_normal(51_200)).astype(np.float32) * np.float32(0.1)
    return np.concatenate((silence, loud, silence, silence))
