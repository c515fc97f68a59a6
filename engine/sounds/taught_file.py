"""A taught sound as files: sound.yaml, weights.npz and its examples as FLAC.

The same bytes lie in the store's folders and in the exported archive. What comes from outside is
looked at before it is used: names, sizes, types, finite numbers. Nothing is unpickled, and nothing
larger than the limits is ever unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.taught import Estimate, TaughtSound

FORMAT = 1
DESCRIPTION = "sound.yaml"
WEIGHTS = "weights.npz"
EXAMPLE = re.compile(r"example-([1-9][0-9]?)\.flac")
MAX_BYTES = {"yaml": 64 << 10, "npz": 8 << 20, "flac": 4 << 20}
"""Of one file, unpacked, by its suffix."""
MAX_EXAMPLES = 50
MAX_EXAMPLE_S = 30.0
_LARGEST = 1e12
_ARRAYS = {"weights": np.float32, "embeddings": np.float16}


def example_name(number: int) -> str:
    """File name of an example, from 1."""
    return f"example-{number}.flac"


def number_of(name: str) -> int:
    """The number of an example's file."""
    match = EXAMPLE.fullmatch(name)
    assert match, name
    return int(match[1])


def describe(sound: TaughtSound) -> bytes:
    """The content of sound.yaml."""
    estimate = sound.estimate
    return yaml.safe_dump(
        {
            "format": FORMAT,
            "id": sound.id,
            "name": sound.name,
            "severity": sound.severity,
            "advice": sound.advice,
            "enabled": sound.enabled,
            "examples": sound.examples,
            "created_at": float(sound.created_at),
            "model_version": sound.version,
            "span_chunks": sound.span,
            "bias": float(sound.bias),
            "threshold": float(sound.threshold),
            "estimate": {
                "trials": estimate.trials,
                "recognised": estimate.recognised,
                "recall": float(estimate.recall),
                "false_alarms": estimate.false_alarms,
                "background_hours": float(estimate.background_hours),
                "warnings": list(estimate.warnings),
            },
        },
        sort_keys=False,
        allow_unicode=True,
    ).encode()


def pack(sound: TaughtSound, examples: Sequence[Samples]) -> dict[str, bytes]:
    """All files of a sound, by name."""
    weights = io.BytesIO()
    np.savez_compressed(weights, weights=sound.weights, embeddings=sound.embeddings)
    files = {DESCRIPTION: describe(sound), WEIGHTS: weights.getvalue()}
    for number, samples in enumerate(examples, 1):
        files[example_name(number)] = encode(samples)
    return files


def encode(samples: Samples) -> bytes:
    """Float32 [T] at 16 kHz as FLAC of 16 bits."""
    stream = io.BytesIO()
    soundfile.write(stream, np.clip(samples, -1, 1), SAMPLE_RATE_HZ, "PCM_16", format="FLAC")
    return stream.getvalue()


def decode(data: bytes, name: str) -> Samples:
    """The samples of an example, float32 [T] at 16 kHz.

    Raises:
        EngineError: It is no such recording.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            fits = (file.format, file.samplerate, file.channels) == ("FLAC", SAMPLE_RATE_HZ, 1)
            if fits and 0 < file.frames <= MAX_EXAMPLE_S * SAMPLE_RATE_HZ:
                return np.asarray(file.read(dtype="float32"), np.float32)
    except (soundfile.SoundFileError, OSError) as error:
        raise EngineError(f"{name} is no FLAC recording") from error
    raise EngineError(
        f"{name} is no FLAC recording of one channel at 16 kHz and at most {MAX_EXAMPLE_S:g} s"
    )


def read_sound(description: bytes, weights: bytes) -> TaughtSound:
    """The sound without its examples.

    Raises:
        EngineError: What of it cannot be used.
    """
    fields = _fields(description)
    estimate = _estimate(fields.pop("estimate"))
    arrays = _arrays(weights)
    if arrays["embeddings"].ndim != 2 or 2 * arrays["embeddings"].shape[1] != len(
        arrays["weights"]
    ):
        raise EngineError(f"{WEIGHTS} holds arrays that do not fit together")
    return TaughtSound(
        version=fields.pop("model_version"),
        span=fields.pop("span_chunks"),
        weights=arrays["weights"],
        embeddings=arrays["embeddings"],
        estimate=estimate,
        **fields,
    )


_SOUND_FIELDS: Mapping[str, type] = {
    "id": str, "name": str, "severity": str, "advice": str, "enabled": bool, "examples": int,
    "created_at": float, "model_version": str, "span_chunks": int, "bias": float,
    "threshold": float, "estimate": dict,
}  # fmt: skip
_ESTIMATE_FIELDS: Mapping[str, type] = {
    "trials": int, "recognised": int, "recall": float, "false_alarms": int,
    "background_hours": float, "warnings": list,
}  # fmt: skip


def _fields(description: bytes) -> dict[str, Any]:
    try:
        found = yaml.safe_load(description.decode())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise EngineError(f"{DESCRIPTION} cannot be read") from error
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise EngineError(f"{DESCRIPTION} does not describe a taught sound")
    if (version := found.pop("format")) != FORMAT:
        raise EngineError(
            f"{DESCRIPTION} has format {version}, this version of Everlisten reads {FORMAT}: update"
            " Everlisten"
        )
    return _typed(found, _SOUND_FIELDS)


def _estimate(found: dict[str, Any]) -> Estimate:
    fields = _typed(found, _ESTIMATE_FIELDS)
    warnings = fields.pop("warnings")
    if len(warnings) > 10 or not all(isinstance(each, str) for each in warnings):
        raise EngineError(f"{DESCRIPTION}: estimate.warnings holds something else than sentences")
    return Estimate(warnings=tuple(each[:500] for each in warnings), **fields)


def _typed(found: dict[str, Any], wanted: Mapping[str, type]) -> dict[str, Any]:
    """Exactly the wanted keys with values of their types, numbers finite and not negative."""
    if found.keys() != wanted.keys():
        odd = sorted(map(str, found.keys() ^ wanted.keys()))[0]
        raise EngineError(f"{DESCRIPTION}: the key {odd[:40]!r} is missing or unknown")
    for key, kind in wanted.items():
        value = found[key]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise EngineError(f"{DESCRIPTION}: {key} is to be of type {kind.__name__}")
        if isinstance(value, (int, float)) and not abs(value) < _LARGEST:
            raise EngineError(f"{DESCRIPTION}: {key} is no usable number")
        if isinstance(value, (int, float)) and value < 0 and key != "bias":
            raise EngineError(f"{DESCRIPTION}: {key} is below 0")
    return found


def _arrays(weights: bytes) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(weights)) as archive:
            members = {info.filename: info.file_size for info in archive.infolist()}
            if members.keys() != {f"{name}.npy" for name in _ARRAYS}:
                raise EngineError(f"{WEIGHTS} holds other arrays than it should")
            if max(members.values()) > MAX_BYTES["npz"]:
                raise EngineError(f"{WEIGHTS} is too large")
            return {
                name: _array(archive.read(f"{name}.npy"), name, dtype)
                for name, dtype in _ARRAYS.items()
            }
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError) as error:
        raise EngineError(f"{WEIGHTS} is damaged") from error


def _array(data: bytes, name: str, dtype: type) -> NDArray[Any]:
    """An array whose header is believed only as far as bytes follow it."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(name)
    shape, fortran, kind = np.lib.format.read_array_header_1_0(stream)
    count = int(np.prod([int(side) for side in shape], dtype=object))
    rest = len(data) - stream.tell()
    if fortran or kind != np.dtype(dtype) or rest != count * kind.itemsize:
        raise ValueError(name)
    array = np.frombuffer(data, kind, count, stream.tell()).reshape(shape).copy()
    if not np.isfinite(array).all():
        raise EngineError(f"{WEIGHTS} holds numbers that are not finite")
    return array
