"""What the history says about a session, and how a session gets its name."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from everlisten.audio_io.chunk import SourceName

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """One row of the history."""

    id: str
    title: str
    started_at: datetime
    """With time zone."""
    length_s: float
    captions: int
    recovered: bool = False
    """The program was killed while this session was open."""
    ended: bool = True
    """False while a live process still writes to it."""
    model: str = ""
    sources: tuple[SourceName, ...] = ()
    recorded: bool = False
    """There is a recording of its sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One caption, translation, reply or alert that matches a search."""

    session: SessionInfo
    event: str
    start_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDetails:
    """What is known of a session beside its events; kept, not shown as an event."""

    session: str
    model: str = ""
    sources: tuple[SourceName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPiece:
    """A closed audio file of a session; one channel for each source, in this order."""

    session: str
    file: str
    """Path below the folder of recordings."""
    sources: tuple[SourceName, ...]
    start_s: float
    end_s: float


def new_session_id(now: datetime) -> str:
    """A name that sorts by time and serves as a folder name."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def default_title(started_at: datetime) -> str:
    """For example "Sunday 22 November, 17:05"; not through strftime, which follows the locale."""
    day, month = _DAYS[started_at.weekday()], _MONTHS[started_at.month - 1]
    return f"{day} {started_at.day} {month}, {started_at:%H:%M}"


def local_zone() -> str:
    """Name of the computer's time zone, "Europe/Berlin" where the system tells, else "CET"."""
    if name := os.environ.get("TZ", "").lstrip(":"):
        return name
    parts = str(Path("/etc/localtime").resolve()).split("zoneinfo/")
    return parts[1] if len(parts) == 2 else time.tzname[time.localtime().tm_isdst > 0]
