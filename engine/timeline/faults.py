"""SQLite's errors in plain words, each with the way out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from everlisten.engine.errors import TimelineError

_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "the disk is full; make room there",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; make its folder writable",
    sqlite3.SQLITE_BUSY: "another program holds it; close that program",
    sqlite3.SQLITE_LOCKED: "another program holds it; close that program",
    sqlite3.SQLITE_IOERR: "the disk reports an error or is full; check the disk and its free space",
    sqlite3.SQLITE_PERM: "access is denied; make the file and its folder writable",
    sqlite3.SQLITE_CORRUPT: "it is damaged; start Everlisten again, it then begins a new one",
    sqlite3.SQLITE_NOTADB: "it is damaged; start Everlisten again, it then begins a new one",
}


def primary_code(error: BaseException) -> int:
    """SQLite's error code without its extension; 0 where there is none."""
    code = getattr(error, "sqlite_errorcode", None)
    return int(code) & 0xFF if code is not None else 0


def is_damage(error: BaseException) -> bool:
    """The file is no database (any more)."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def timeline_error(error: BaseException, path: Path, *, doing: str = "written") -> TimelineError:
    """One sentence about `path` for what SQLite or the system said."""
    way_out = _WAYS_OUT.get(primary_code(error))
    if way_out is None and isinstance(error, OSError):
        way_out = f"{error.strerror or error}; make its folder writable"
    if way_out is None:
        way_out = f"{error}; check the file"
    return TimelineError(
        f"The history {path} cannot be {doing}: {way_out}, or set EVERLISTEN_DATA_DIR to another "
        "folder"
    )
