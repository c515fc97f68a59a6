"""Sounds that a program keeps inside one file of its own: what lies in it, by name.

Four kinds, told apart by how the file's name ends: zip archives (`.pk3`), OpenTTD's sound sets
(`.cat`), SoundFont samples (`.sf2`) and OpenClonk's groups (`.ocg`).
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import soundfile

_CAT_OFFSET = 0x7FFFFFFF
"""The highest bit of an offset says only that names follow."""
_SAMPLE_HEADER = struct.Struct("<20s5I6x")
_GROUP_HEADER, _GROUP_ENTRY, _GROUP_NAME = 204, 316, 260
_GROUP_KEY = 237
_MOST_NESTED = 8


class ArchiveError(ValueError):
    """The file is damaged, or not of the kind that its name says."""


def sounds_inside(name: str, archive: bytes) -> dict[str, bytes]:
    """All files of an archive, by name; SoundFont samples as WAVE files.

    Args:
        name: The archive's own name; its ending tells its kind.
        archive: What is in it.

    Raises:
        ArchiveError: No kind has this ending, or the archive can't be read.
    """
    ending = name.rpartition(".")[2]
    if ending not in _READERS:
        raise ArchiveError(f"{name} is no archive that can be looked into")
    try:
        return dict(_READERS[ending](archive))
    except (struct.error, OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ArchiveError(f"{name} is damaged: {error}") from error


def _zip(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


def _openttd(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """A table of (offset, size); at each offset a name, then a WAVE file of that size."""
    (first,) = struct.unpack_from("<I", archive)
    for entry in range((first & _CAT_OFFSET) // 8):
        offset, size = struct.unpack_from("<II", archive, 8 * entry)
        name_at = (offset & _CAT_OFFSET) + 1
        data_at = name_at + archive[name_at - 1]
        yield str(entry), archive[data_at : data_at + size]


def _soundfont(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The sample data is one long track of 16-bit numbers; headers say what is where."""
    samples = np.frombuffer(_chunk(archive, b"smpl"), "<i2")
    headers = _chunk(archive, b"shdr")
    for name, start, end, _loop, _loop_end, rate_hz in _SAMPLE_HEADER.iter_unpack(headers):
        if end > start:
            wave = io.BytesIO()
            soundfile.write(wave, samples[start:end], rate_hz, format="WAV", subtype="PCM_16")
            yield name.partition(b"\0")[0].decode("latin-1"), wave.getvalue()


def _chunk(archive: bytes, name: bytes) -> bytes:
    """The content of the first chunk of this name, in whichever list it is."""
    at = 12
    while at + 8 <= len(archive):
        found, size = struct.unpack_from("<4sI", archive, at)
        if found == name:
            return archive[at + 8 : at + 8 + size]
        at += 12 if found == b"LIST" else 8 + size + size % 2
    raise ArchiveError(f"it has no chunk {name.decode()!r}")


def _openclonk(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """A gzip file whose first two bytes are changed; its header is scrambled."""
    yield from _group(gzip.decompress(b"\x1f\x8b" + archive[2:]), "", _MOST_NESTED)


def _group(group: bytes, folder: str, depth: int) -> Iterator[tuple[str, bytes]]:
    if depth == 0:
        raise ArchiveError("its groups lie too deep in one another")
    header = bytearray(byte ^ _GROUP_KEY for byte in group[:_GROUP_HEADER])
    for at in range(0, _GROUP_HEADER - 2, 3):
        header[at], header[at + 2] = header[at + 2], header[at]
    (entries,) = struct.unpack_from("<i", header, 36)
    contents = _GROUP_HEADER + _GROUP_ENTRY * entries
    for entry in range(entries):
        at = _GROUP_HEADER + _GROUP_ENTRY * entry
        name = group[at : at + _GROUP_NAME].partition(b"\0")[0].decode("latin-1")
        _packed, is_group, size, _, offset = struct.unpack_from("<5i", group, at + _GROUP_NAME)
        content = group[contents + offset : contents + offset + size]
        if is_group:
            yield from _group(content, f"{folder}{name}/", depth - 1)
        else:
            yield f"{folder}{name}", content


_READERS: Mapping[str, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    "pk3": _zip,
    "cat": _openttd,
    "sf2": _soundfont,
    "ocg": _openclonk,
}
