"""Files out of a Debian package, with nothing installed.

A `.deb` is an `ar` archive whose last member is a compressed tar archive of the files.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from everlisten.trainer.sounds.game_archives import ArchiveError, sounds_inside

INSIDE = "!"
"""Between a file of the package and a sound inside it: `usr/share/x/0snd.pk3!sound/bell.ogg`."""
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = struct.Struct("16s32x10s2s")


class PackageError(ValueError):
    """A package is damaged, or a file that is wanted isn't in it."""


def read_members(package: Path, members: Collection[str]) -> dict[str, bytes]:
    """What the wanted files of a package hold.

    Args:
        package: A `.deb`.
        members: Their paths without a leading slash; after `INSIDE`, a name within such a file.

    Raises:
        PackageError: The package can't be read, or one of them isn't there.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for member in members:
        wanted[member.partition(INSIDE)[0]].add(member)
    try:
        found = _read(package, wanted)
    except (OSError, tarfile.TarError, lzma.LZMAError, zlib.error, struct.error) as error:
        raise PackageError(f"{package.name} can't be read: {error}") from error
    if missing := sorted(set(members) - found.keys()):
        raise PackageError(f"{package.name} has no {missing[0]}")
    return found


def _read(package: Path, wanted: dict[str, set[str]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with package.open("rb") as file:
        _go_to_files(file, package.name)
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            for entry in tar:
                name = entry.name.removeprefix("./")
                if name in wanted and (opened := tar.extractfile(entry)) is not None:
                    found |= _taken(name, opened.read(), wanted.pop(name))
                if not wanted:
                    break
    return found


def _taken(name: str, content: bytes, members: set[str]) -> dict[str, bytes]:
    """Those of the members that are this file or lie inside it."""
    found = {name: content} if name in members else {}
    if inner := members - {name}:
        try:
            inside = sounds_inside(name, content)
        except ArchiveError as error:
            raise PackageError(str(error)) from error
        found |= {f"{name}{INSIDE}{each}": data for each, data in inside.items()}
    return {each: data for each, data in found.items() if each in inner | {name}}


def _go_to_files(package: BinaryIO, name: str) -> None:
    """Move to where the tar archive of the files begins."""
    if package.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise PackageError(f"{name} is no Debian package")
    while header := package.read(60):
        member, size, end = _AR_HEADER.unpack(header)
        if end != b"`\n" or not size.strip().isdigit():
            raise PackageError(f"{name} is damaged: one of its headers is none")
        if member.startswith(b"data.tar"):
            return
        package.seek(int(size) + int(size) % 2, 1)
    raise PackageError(f"{name} holds no files")
