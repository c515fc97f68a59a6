"""A tiny sound model for tests: each sound that it knows is a tone of its own.

It is an ONNX file like the trained one, written byte by byte, so that tests need no package for it.
It reads the real log-mel frames: what shifts, scales or drops them changes what it says.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
TONES_HZ: Mapping[str, float] = {
    "smoke_alarm": 3100.0,
    "co_alarm": 2700.0,
    "appliance_beep": 2000.0,
    "alarm_clock": 2300.0,
    "siren": 1300.0,
    "baby_crying": 1000.0,
    "scream": 3600.0,
    "doorbell": 700.0,
    "dog_barking": 500.0,
    "gunshot": 5200.0,
    "glass_breaking": 6000.0,
    "music": 250.0,
    "door": 4200.0,
    "laughter": 7000.0,
    "speech": 1600.0,
}
"""The tone that the tiny model takes for each sound."""
SOUNDS = (*TONES_HZ, "background")
THRESHOLD = 0.6
WIDTH = 16
VERSION = "tiny-1"
_BINS = 80


def tone(
    sound: str, seconds: float = 2.0, level: float = 0.3, noise: float = 0.0
) -> NDArray[np.float32]:
    """float32 [T]: what the tiny model takes for `sound`; `noise` is white, of that deviation."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = level * np.sin(2 * np.pi * TONES_HZ[sound] * times)
    wave += noise * np.random.default_rng(7).standard_normal(len(wave))
    return wave.astype(np.float32)


def pulses(
    sound: str, spans_s: Iterable[tuple[float, float]], seconds: float, level: float = 0.3
) -> NDArray[np.float32]:
    """float32 [T]: the tone of `sound` within each span (from, to)."""
    wave = tone(sound, seconds, level)
    times = np.arange(len(wave)) / RATE_HZ
    inside = np.zeros(len(wave), bool)
    for begin_s, end_s in spans_s:
        inside |= (times >= begin_s) & (times < end_s)
    return np.where(inside, wave, 0.0).astype(np.float32)


def temporal_three(first_s: float = 0.0, cycles: int = 2) -> list[tuple[float, float]]:
    """ISO 8201: three pulses of 0.5 s, then 1.5 s of pause."""
    starts = [first_s + 4.0 * cycle + pulse for cycle in range(cycles) for pulse in range(3)]
    return [(start, start + 0.5) for start in starts]


def temporal_four(first_s: float = 0.0, cycles: int = 2) -> list[tuple[float, float]]:
    """Carbon monoxide: four pulses of 0.1 s, then 5 s of pause."""
    starts = [first_s + 5.7 * cycle + 0.2 * pulse for cycle in range(cycles) for pulse in range(4)]
    return [(start, start + 0.1) for start in starts]


def hush(seconds: float, deviation: float = 0.001) -> NDArray[np.float32]:
    """float32 [T]: a quiet room."""
    noise = np.random.default_rng(8).standard_normal(round(seconds * RATE_HZ))
    return (deviation * noise).astype(np.float32)


def chunks(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [N, 6400]; what is missing of the last chunk is silence."""
    count = -(-len(samples) // 6400)
    found = np.zeros((count, 6400), np.float32)
    found.reshape(-1)[: len(samples)] = samples
    return found


def write_sound_model(
    path: Path, *, sounds: Sequence[str] = SOUNDS, metadata: Mapping[str, str] | None = None
) -> Path:
    """Write the tiny model.

    Args:
        path: The file; its folder is made.
        sounds: Of `SOUNDS`, in the order of the probabilities.
        metadata: Replaces entries of the file's own.
    """
    thresholds = {sound: THRESHOLD for sound in sounds}
    own = {"sounds": json.dumps(list(sounds)), "version": VERSION}
    own["thresholds"] = json.dumps(thresholds)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_model(_graph(sounds), {**own, **(metadata or {})}))
    return path


def _weights(sounds: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What makes logits of the chunk's loudest values in each bin: [80, K], [K]."""
    weights = np.zeros((_BINS, len(sounds)), np.float32)
    bias = np.full(len(sounds), -9.0, np.float32)
    for column, sound in enumerate(sounds):
        if sound == "background":
            bias[column] = 2.0
            continue
        nearest = _bin_of(TONES_HZ[sound])
        weights[:, column] = -16.0 / _BINS
        weights[nearest, column] += 16.0
    return weights, bias


def _bin_of(frequency_hz: float) -> int:
    """The mel bin that is centred nearest to a frequency (Slaney's scale)."""
    top = 15 + 27 * np.log(8000 / 1000) / np.log(6.4)
    mels = np.linspace(0.0, top, _BINS + 2)[1:-1]
    centres = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mels - 15)))
    return int(np.argmin(np.abs(centres - frequency_hz)))


def _graph(sounds: Sequence[str]) -> bytes:
    weights, bias = _weights(sounds)
    mixing = np.random.default_rng(9).standard_normal((_BINS, WIDTH)).astype(np.float32) / 9
    nodes = [
        _node("ReduceMax", ["log_mel"], ["now"], axes=[2], keepdims=0),
        _node("MatMul", ["now", "weights"], ["evidence"]),
        _node("Add", ["evidence", "bias"], ["logits"]),
        _node("Sigmoid", ["logits"], ["probabilities"]),
        _node("Mul", ["level_in", "half"], ["old"]),
        _node("Mul", ["now", "half"], ["new"]),
        _node("Add", ["old", "new"], ["level_out"]),
        _node("MatMul", ["level_out", "mixing"], ["embedding"]),
    ]
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"tiny")
    for name, values in (
        ("weights", weights),
        ("bias", bias),
        ("mixing", mixing),
        ("half", np.array([0.5], np.float32)),
    ):
        graph += _bytes(5, _tensor(name, values))
    graph += _bytes(11, _value("log_mel", (1, _BINS, 40)))
    graph += _bytes(11, _value("level_in", (1, _BINS)))
    graph += _bytes(12, _value("probabilities", (1, len(sounds))))
    graph += _bytes(12, _value("embedding", (1, WIDTH)))
    return graph + _bytes(12, _value("level_out", (1, _BINS)))


# The field numbers of onnx.proto3, as far as they are needed.


def _model(graph: bytes, metadata: Mapping[str, str]) -> bytes:
    pairs = (
        _bytes(1, name.encode()) + _bytes(2, value.encode()) for name, value in metadata.items()
    )
    opset = _bytes(1, b"") + _integer(2, 13)
    return (
        _integer(1, 8)
        + _bytes(7, graph)
        + _bytes(8, opset)
        + b"".join(_bytes(14, pair) for pair in pairs)
    )


def _node(operation: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object):
    node = b"".join(_bytes(1, name.encode()) for name in inputs)
    node += b"".join(_bytes(2, name.encode()) for name in outputs)
    node += _bytes(4, operation.encode())
    for name, value in attributes.items():
        attribute = _bytes(1, name.encode())
        if isinstance(value, list):
            attribute += b"".join(_integer(8, each) for each in value) + _integer(20, 7)
        else:
            attribute += _integer(3, value) + _integer(20, 2)
        node += _bytes(5, attribute)
    return node


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(_integer(1, size) for size in values.shape)
    return dims + _integer(2, 1) + _bytes(8, name.encode()) + _bytes(9, values.tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_bytes(1, _integer(1, size)) for size in shape)
    kind = _bytes(1, _integer(1, 1) + _bytes(2, dims))
    return _bytes(1, name.encode()) + _bytes(2, kind)


def _integer(field: int, value: object) -> bytes:
    assert isinstance(value, int)
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    assert value >= 0
    found = b""
    while value > 127:
        found += struct.pack("B", value & 127 | 128)
        value >>= 7
    return found + struct.pack("B", value)
