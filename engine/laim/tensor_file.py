"""Safetensors files, read and written piece by piece.

The format (github.com/huggingface/safetensors): 8 bytes, the little-endian length of the header; a
JSON header `{key: {dtype, shape, data_offsets}}`; then the data without gaps. It is read here with
plain reads instead of the library's memory map: pages of a map stay in the process's memory, and a
shard of 4 GB would count as 4 GB. The library reads whatever is written here.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from everlisten.engine.errors import ModelLoadError

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000
"""The library's own limit."""
_BLOCK_BYTES = 64 << 20
"""Read at once; bounds the host memory that loading needs beside the model's own."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a header says of one tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Length of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


class TensorFile:
    """One safetensors file, open for reading; the header is checked against the file's length.

    Raises:
        ModelLoadError: The file is missing, truncated or no safetensors file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._buffer = torch.empty(0, dtype=torch.uint8)
        try:
            self._stream = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise ModelLoadError(f"{path} is missing; fetch the checkpoint again") from error
        except OSError as error:
            raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            self.specs, self._offsets = self._read_header()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and free its buffer."""
        self._stream.close()
        self._buffer = torch.empty(0, dtype=torch.uint8)

    def blocks(self, key: str) -> Iterator[tuple[int, Tensor]]:
        """A tensor's rows from first to last, some 64 MB at a time.

        Yields:
            (index of the first row, CPU tensor [rows, ...] in the stored dtype); a view of the
            file's one buffer, overwritten by the next.
        """
        spec = self.specs[key]
        rows, row_shape = spec.shape[0], spec.shape[1:]
        row_bytes = max(1, math.prod(row_shape) * spec.dtype.itemsize)
        step = max(1, _BLOCK_BYTES // row_bytes)
        buffer = self._buffer_of(min(step, rows) * row_bytes)
        for start in range(0, rows, step):
            count = min(step, rows - start)
            part = buffer[: count * row_bytes]
            self._read_into(part, self._offsets[key] + start * row_bytes, key)
            yield start, part.view(spec.dtype).view(count, *row_shape)

    def _buffer_of(self, size: int) -> Tensor:
        if self._buffer.numel() < size:
            self._buffer = torch.empty(size, dtype=torch.uint8)
        return self._buffer

    def _read_into(self, target: Tensor, offset: int, key: str) -> None:
        view = target.numpy().data
        try:
            self._stream.seek(offset)
            while len(view):
                count = self._stream.readinto(view)
                if not count:
                    raise _damaged(self.path, f"it ends within {key}")
                view = view[count:]
        except OSError as error:
            raise ModelLoadError(
                f"{self.path}: {key} cannot be read: {error.strerror or error}"
            ) from error

    def _read_header(self) -> tuple[dict[str, TensorSpec], dict[str, int]]:
        size = os.fstat(self._stream.fileno()).st_size
        length = int.from_bytes(self._stream.read(_LENGTH_BYTES) or b"", "little")
        if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, _MAX_HEADER_BYTES):
            raise _damaged(self.path, "it ends within its header or is no safetensors file")
        try:
            header = json.loads(self._stream.read(length) or b"")
            entries = {k: _entry(v) for k, v in header.items() if k != "__metadata__"}
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(self.path, "its header is no safetensors header") from error
        start = _LENGTH_BYTES + length
        end = 0
        for key, (spec, first, last) in sorted(entries.items(), key=lambda item: item[1][1]):
            if first != end or last - first != spec.bytes:
                raise _damaged(self.path, f"its header contradicts itself at {key}")
            if start + last > size:
                raise _damaged(self.path, f"it ends within {key}")
            end = last
        if start + end != size:
            raise _damaged(self.path, f"{size - start - end} bytes stand behind the last tensor")
        return (
            {key: spec for key, (spec, _, _) in entries.items()},
            {key: start + first for key, (_, first, _) in entries.items()},
        )


class TensorFileWriter:
    """Writes one safetensors file whose tensors arrive in any order, in pieces.

    Args:
        path: New file; the caller renames it into place.
        specs: Every tensor that will be written.
        metadata: Plain strings for the header.
    """

    def __init__(
        self, path: Path, specs: Mapping[str, TensorSpec], metadata: Mapping[str, str]
    ) -> None:
        # Wide types first, as the library orders them, so that every tensor is aligned.
        order = sorted(specs, key=lambda key: -specs[key].dtype.itemsize)
        header: dict[str, Any] = {"__metadata__": dict(metadata)}
        offset = 0
        self._offsets: dict[str, int] = {}
        for key in order:
            spec = specs[key]
            self._offsets[key] = offset
            header[key] = {
                "dtype": _NAMES[spec.dtype],
                "shape": list(spec.shape),
                "data_offsets": [offset, offset + spec.bytes],
            }
            offset += spec.bytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _LENGTH_BYTES)
        self._specs = dict(specs)
        self._start = _LENGTH_BYTES + len(text)
        self._stream = path.open("wb")
        self._stream.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)

    def write(self, key: str, tensor: Tensor, row: int = 0) -> None:
        """Write a tensor, or its rows from `row` on."""
        spec = self._specs[key]
        assert tensor.dtype == spec.dtype, key
        assert tensor.shape[1:] == spec.shape[1:], key
        assert row + tensor.shape[0] <= spec.shape[0], key
        row_bytes = math.prod(spec.shape[1:]) * spec.dtype.itemsize
        self._stream.seek(self._start + self._offsets[key] + row * row_bytes)
        data = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
        self._stream.write(data.numpy().data)

    def close(self) -> None:
        """Bring everything to the disk."""
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        finally:
            self._stream.close()


def _entry(fields: Mapping[str, Any]) -> tuple[TensorSpec, int, int]:
    shape: Sequence[int] = fields["shape"]
    first, last = fields["data_offsets"]
    if not all(type(value) is int and value >= 0 for value in (*shape, first, last)):
        raise ValueError("sizes are whole numbers")
    return TensorSpec(DTYPES[fields["dtype"]], tuple(shape)), first, last


def _damaged(path: Path, why: str) -> ModelLoadError:
    return ModelLoadError(f"{path} is damaged: {why}; fetch this file again")
