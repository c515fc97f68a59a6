"""`sequence.json`: several recordings that are heard one after the other in one running context.

The released samples have a list of paths; a list of objects with the path under `audio_path` or
`audio` (training data has those) is read as well. Relative paths are meant from the file's folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from everlisten.engine.errors import EngineError

SUFFIX = ".json"
PAUSE_S = 1.2
"""Silence after each recording, as the released code plays them: 1 s, filled up to whole chunks."""
_PATH_KEYS = ("audio_path", "audio")
_LARGEST_BYTES = 10_000_000


class SequenceError(EngineError):
    """A sequence file cannot be used."""


def is_sequence(path: Path) -> bool:
    """Whether `path` is meant as a sequence, by its name."""
    return path.suffix.lower() == SUFFIX


def read_sequence(path: Path) -> list[Path]:
    """The recordings of a sequence, in order; at least one.

    Raises:
        SequenceError: The file is missing or no such list, or a recording in it is missing.
    """
    entries = _read(path)
    if not isinstance(entries, list) or not entries:
        raise SequenceError(
            f'\'{path}\' holds no list of recordings; write it as ["first.wav", "second.wav"].'
        )
    recordings = [path.parent / _path_of(entry, path, i) for i, entry in enumerate(entries, 1)]
    for recording in recordings:
        if not recording.is_file():
            raise SequenceError(
                f"'{path}' names '{recording}', which is not there; check the name."
            )
    return recordings


def _path_of(entry: Any, path: Path, number: int) -> str:
    if isinstance(entry, dict):
        entry = next((entry[key] for key in _PATH_KEYS if key in entry), None)
    if not isinstance(entry, str) or not entry or "\0" in entry:
        raise SequenceError(
            f"'{path}': entry {number} names no recording; give a path, or an object with the path "
            f'under "{_PATH_KEYS[0]}".'
        )
    return entry


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise SequenceError(f"'{path}' is too large for a list of recordings; check the name.")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SequenceError(f"'{path}' is not there; check the name.") from error
    except OSError as error:
        raise SequenceError(f"'{path}' cannot be read ({error.strerror}); check it.") from error
    except (ValueError, RecursionError) as error:
        raise SequenceError(
            f"'{path}' is no valid JSON ({type(error).__name__}); write it as "
            '["first.wav", "second.wav"].'
        ) from error
