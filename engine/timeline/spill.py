"""Where finals go when the program must end while the history cannot be written.

While the program runs, unsaved finals wait in memory, all of them: a day of speech is a few
megabytes. At the end they are written as lines of JSON beside the history; the next start takes
them in. If that folder takes nothing at all, the temporary folder is used and the user is told.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import event_json
from everlisten.engine.events import EngineEvent
from everlisten.engine.timeline.entries import Entry
from everlisten.engine.timeline.records import RecordedPiece, SessionDetails

logger = logging.getLogger(__name__)

_PATTERN = "unsaved-*.jsonl"
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
            number, name = tempfile.mkstemp(prefix="unsaved-", suffix=".part", dir=place)
            with os.fdopen(number, "w", encoding="utf-8", errors="replace") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            return Path(name).rename(Path(name).with_suffix(".jsonl"))
        except OSError as error:
            logger.warning("unsaved events cannot be put into %s: %s", place, error)
    return None


def find_spills(folder: Path) -> list[Path]:
    """Files that an earlier run left in the data folder."""
    return sorted(folder.glob(_PATTERN))


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
