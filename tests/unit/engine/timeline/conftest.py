"""A history in a folder of its own, and events to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import CaptionFinal, SessionEnded, SessionStarted
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore

STARTED_AT = "2026-11-22T17:05:12+01:00"


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "timeline.db"


@pytest.fixture
def store(db_path: Path) -> Iterator[TimelineStore]:
    with TimelineStore(db_path) as store:
        store.claim()
        yield store


@pytest.fixture
def history(store: TimelineStore) -> TimelineHistory:
    return TimelineHistory(store)


def started(session: str = "s1", at: str = STARTED_AT, title: str = "") -> SessionStarted:
    return SessionStarted(id=session, session=session, started_at=at, text=title)


def ended(session: str = "s1", at_s: float = 60.0) -> SessionEnded:
    return SessionEnded(id=session, session=session, emitted_s=at_s)


def caption(
    text: str,
    session: str = "s1",
    start_s: float = 1.0,
    source: SourceName | None = SourceName.MIC,
    id: str = "",
) -> CaptionFinal:
    return CaptionFinal(
        id=id or f"u{start_s}",
        session=session,
        source=source,
        start_s=start_s,
        end_s=start_s + 2.0,
        emitted_s=start_s + 2.8,
        text=text,
        language="en",
        confidence=0.9,
    )


Wait = Callable[[Callable[[], bool]], None]
