"""Where finals go when the program must end while the history cannot be written.

While the program runs, unsaved finals wait in memory, all of them: a day of speech is a few
megabytes. At the end they are written as lines of JSON beside the history or, if that folder takes
nothing at all, into the temporary folder; the next start takes them in from either.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import event_json
from everlisten.engine.events import EngineEvent
from everlisten.engine.timeline.entries import Entry
from everlisten.engine.timeline.records import RecordedPiece, SessionDetails

logger = logging.getLogger(__name__)

_RECORDS: dict[str, type[SessionDetails] | type[RecordedPiece]] = {
    "session_details": SessionDetails,
    "recorded_piece": RecordedPiece,
}


def write_spill(folder: Path, entries: Sequence[Entry]) -> Path | None:
    """Write entries durably to the first folder that takes them.

    Returns:
        The file, or None if neither `folder` nor the temporary folder could be written.
    """
    text = "".join(f"{_to_line(entry)}\n" for entry in entries)
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            return _write(place, _prefix(folder), text)
        except OSError as error:
            logger.warning("unsaved events cannot be put into %s: %s", place, error)
    return None


def find_spills(folder: Path) -> list[Path]:
    """Files that an earlier run of this user left for the history in `folder`."""
    found: list[Path] = []
    for place in (folder, Path(tempfile.gettempdir())):
        found += sorted(filter(_is_ours, place.glob(f"{_prefix(folder)}*.jsonl")))
    return found


def _prefix(folder: Path) -> str:
    """The temporary folder may hold files of several histories; each knows its own."""
    return f"unsaved-{hashlib.sha256(bytes(folder.absolute())).hexdigest()[:8]}-"


def _is_ours(path: Path) -> bool:
    """Anybody may put files into a temporary folder, only the user's own are taken in."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and (os.name != "posix" or status.st_uid == os.getuid())


def _write(place: Path, prefix: str, text: str) -> Path:
    number, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=place)
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        return Path(name).rename(Path(name).with_suffix(".jsonl"))
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def read_spill(path: Path) -> list[Entry]:
    """The entries of such a file; a line that cannot be read is logged and left out."""
    entries: list[Entry] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entries.append(_from_dict(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            logger.warning("%s holds a line that cannot be read", path)
    return entries


def _to_line(entry: Entry) -> str:
    if isinstance(entry, EngineEvent):
        return event_json.to_line(entry)
    name = next(name for name, cls in _RECORDS.items() if isinstance(entry, cls))
    return json.dumps({"type": name, **dataclasses.asdict(entry)})


def _from_dict(fields: dict[str, object]) -> Entry:
    record = _RECORDS.get(str(fields["type"]))
    if record is None:
        return event_json.from_dict(fields)
    values = {name: value for name, value in fields.items() if name != "type"}
    sources = values["sources"]
    assert isinstance(sources, list)
    values["sources"] = tuple(SourceName(source) for source in sources)
    return record(**values)  # type: ignore[arg-type]
