"""The sound model: probabilities of every sound it knows for each chunk of 0.4 s, on a CPU."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.embedded.log_mel import MEL_BINS, LogMelState, LogMelStream
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.sounds import signal
from everlisten.engine.sounds.signal import SignalState

CHUNK_FRAMES = 40
_LOUDEST_CHUNKS = 75
"""30 s: what was louder before no longer lifts the floor."""
_LOWEST_LOUDEST = -4.0
"""log10 of a power; otherwise the noise of a quiet room would be blown up to full scale."""
_FLOOR = -10.0
_NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
Vector = NDArray[np.float32]
Memory = dict[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class SoundReading:
    """What the model says of one chunk; owned by the receiver.

    Attributes:
        probabilities: float32 [K], one for each of `SoundModel.sounds`, independent of each other;
            all 0 in digital silence and where the signal is broken.
        embedding: float32 [D], finite: what taught sounds are told apart by.
        broken: "" or why nothing may be concluded from this chunk.
    """

    probabilities: Vector
    embedding: Vector
    broken: str = ""


@dataclass(slots=True, eq=False)
class SoundState:
    """Everything that is remembered of one stream."""

    log_mel: LogMelState
    memory: Memory
    """The network's own state, by the name of its input."""
    signal: SignalState = field(default_factory=signal.new_state)
    loudest: deque[float] = field(default_factory=lambda: deque(maxlen=_LOUDEST_CHUNKS))
    """Loudest bin of each of the last chunks."""
    broken: str = ""
    """Why the chunk before was broken."""


class SoundModel:
    """One ONNX session for all streams. All calls come from one thread.

    Args:
        path: The weights; those that ship with the program if None.

    Attributes:
        sounds: Ids in the order of the probabilities.
        thresholds: Probability from which a sound counts at default sensitivity, by id.
        version: Embeddings of different versions do not mix.
        embedding_width: D.

    Raises:
        ModelLoadError: The file is missing, damaged or no sound model.
    """

    def __init__(self, path: Path | None = None) -> None:
        path = shipped_model() if path is None else path
        self._session = _open(path)
        self._log_mel = LogMelStream()
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.sounds: tuple[str, ...] = tuple(json.loads(metadata["sounds"]))
            self.version: str = metadata["version"]
            self.thresholds: Mapping[str, float] = _thresholds(metadata["thresholds"], self.sounds)
            self._memory = {
                one.name: (tuple(one.shape), _NUMBERS[one.type])
                for one in self._session.get_inputs()
                if one.name != "log_mel"
            }
            self._outputs = [
                "probabilities", "embedding",
                *(f"{name.removesuffix('_in')}_out" for name in self._memory),
            ]  # fmt: skip
            reading = self.step(np.zeros(CHUNK_SAMPLES, np.float32), self.new_state())
        except Exception as error:
            raise ModelLoadError(
                f"{path} is not a sound model that this version can use ({error}); install"
                " Everlisten again"
            ) from error
        self.embedding_width = len(reading.embedding)
        if len(reading.probabilities) != len(self.sounds):
            raise ModelLoadError(
                f"{path} does not say which sounds it knows; install Everlisten again"
            )

    def new_state(self) -> SoundState:
        """State of a stream that has heard nothing."""
        return SoundState(log_mel=self._log_mel.new_state(), memory=self._new_memory())

    def reset(self, state: SoundState) -> None:
        """Make `state` equal to a fresh one."""
        state.log_mel = self._log_mel.new_state()
        state.memory = self._new_memory()
        signal.reset(state.signal)
        state.loudest.clear()
        state.broken = ""

    def step(self, samples: NDArray[np.float32], state: SoundState) -> SoundReading:
        """Hear one more chunk.

        Args:
            samples: float32 [6400] at 16 kHz; left as they are.
            state: Of this stream; updated in place.
        """
        assert samples.shape == (CHUNK_SAMPLES,), samples.shape
        clean = signal.step(samples, state.signal)
        self._log_mel.step(clean.samples, state.log_mel)
        outputs = self._session.run(self._outputs, {"log_mel": self._input(state), **state.memory})
        probabilities, embedding = (np.asarray(one[0], np.float32) for one in outputs[:2])
        sound = np.isfinite(probabilities).all() and np.isfinite(embedding).all()
        if not sound or not all(np.isfinite(one).all() for one in outputs[2:]):
            self.reset(state)  # a network that has lost its way would stay lost
            return self._nothing(len(embedding), "The sound model computed no numbers.")
        state.memory = dict(zip(self._memory, outputs[2:], strict=True))
        # The first frames of a chunk hold samples of the one before it.
        broken, state.broken = clean.broken or state.broken, clean.broken
        if clean.silent or broken:
            probabilities = np.zeros_like(probabilities)
        return SoundReading(probabilities.copy(), embedding.copy(), broken)

    def _new_memory(self) -> Memory:
        return {name: np.zeros(shape, kind) for name, (shape, kind) in self._memory.items()}

    def _nothing(self, width: int, broken: str) -> SoundReading:
        zeros = np.zeros(len(self.sounds), np.float32)
        return SoundReading(zeros, np.zeros(width, np.float32), broken)

    def _input(self, state: SoundState) -> NDArray[np.float32]:
        """The 40 newest complete frames, scaled: float32 [1, 80, 40].

        The last frame that belongs to a chunk needs samples of the next one, so a chunk's frames
        begin one before its own; the first chunk's begin with one of silence.
        """
        end = state.log_mel.total
        first = max(0, end - CHUNK_FRAMES)
        frames = np.full((MEL_BINS, CHUNK_FRAMES), _FLOOR, np.float32)
        frames[:, CHUNK_FRAMES - (end - first) :] = self._log_mel.frames(first, end, state.log_mel)
        state.loudest.append(float(frames.max()))
        loudest = max(_LOWEST_LOUDEST, *state.loudest)
        scaled = (np.maximum(frames, loudest - 8.0) + 4.0) / 4.0
        return np.ascontiguousarray(scaled[None], np.float32)


def shipped_model() -> Path:
    """Where the weights lie that ship with the program."""
    return Path(str(resources.files("everlisten.assets").joinpath("sounds", "sound.onnx")))


def _open(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelLoadError(f"The sound model is missing ({path}); install Everlisten again")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        # The library's errors have no common root of their own.
        raise ModelLoadError(
            f"The sound model {path} is damaged; install Everlisten again"
        ) from error


def _thresholds(text: str, sounds: Sequence[str]) -> Mapping[str, float]:
    said = json.loads(text)
    found = {sound: float(said.get(sound, 0.5)) for sound in sounds}
    wrong = {sound: value for sound, value in found.items() if not 0.0 < value < 1.0}
    if wrong:
        raise ValueError(f"thresholds {wrong}: give numbers between 0 and 1")
    return MappingProxyType(found)
