"""One archive to hand a taught sound on: a zip file that holds exactly the files of a sound."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds import taught_file
from everlisten.engine.sounds.taught_file import DESCRIPTION, WEIGHTS

_MAX_BYTES = 64 << 20


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def unzipped(path: Path) -> dict[str, bytes]:
    """The files of an archive, none of them of another name or larger than allowed.

    Raises:
        EngineError: One sentence: why the file is refused.
        OSError: It cannot be read.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise EngineError(f"{path.name} is refused: it is larger than 64 MB")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check_members(path.name, infos)
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise EngineError(f"{path.name} is refused: it is no sound of Everlisten") from error


def _check_members(archive: str, infos: Sequence[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    examples = [name for name in names if taught_file.EXAMPLE.fullmatch(name)]
    odd = [name for name in names if name not in (DESCRIPTION, WEIGHTS, *examples)]
    if odd:
        raise EngineError(f"{archive} is refused: {odd[0][:60]!r} does not belong into it")
    if len(set(names)) < len(names) or not {DESCRIPTION, WEIGHTS} <= set(names):
        raise EngineError(f"{archive} is refused: {DESCRIPTION} and {WEIGHTS} are to be in it once")
    if not 0 < len(examples) <= taught_file.MAX_EXAMPLES:
        raise EngineError(f"{archive} is refused: it holds {len(examples)} examples")
    for info in infos:
        if info.file_size > taught_file.MAX_BYTES[info.filename.rpartition(".")[2]]:
            raise EngineError(f"{archive} is refused: {info.filename} in it is too large")
