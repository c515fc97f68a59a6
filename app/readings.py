"""Snapshots of a session as the window's health line and meters want them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import psutil

from everlisten.app.session import Session
from everlisten.audio_io.health import SourceHealth
from everlisten.engine.models.entries import shipped_entries
from everlisten.ui.protocols import HealthReading, SourceReading

_PROCESS = psutil.Process()


def health_reading(
    session: Session | None, *, model: str, saved_s_ago: float | None, note: str = ""
) -> HealthReading:
    """What is true now; all zeros while nothing listens."""
    memory_mb = _PROCESS.memory_info().rss / 1e6
    if session is None:
        return HealthReading(
            memory_mb=memory_mb, saved_s_ago=saved_s_ago, model=_title(model), note=note
        )
    capture = session.feed.health()
    heard = session.heard
    load = session.engine.load
    return HealthReading(
        # A microphone that is open for alerts alone has no meter; alerts say how it is.
        sources=tuple(
            _source_reading(one) for one in capture.sources if heard is None or one.source in heard
        ),
        lag_s=load.lag_s,
        load=load.load,
        memory_mb=memory_mb,
        dropped=capture.dropped,
        overflows=capture.overflows,
        saved_s_ago=saved_s_ago,
        recording=session.recording,
        problem=capture.problem,
        model=_title(model),
        note=note,
    )


@cache
def _title(model: str) -> str:
    """What the catalogue calls a model, in short ("Whisper base"); a folder by its name."""
    entry = shipped_entries().get(model)
    return entry.title.partition(",")[0] if entry is not None else Path(model).name


def _source_reading(health: SourceHealth) -> SourceReading:
    return SourceReading(
        source=health.source,
        device=health.device,
        rate_hz=health.rate_hz,
        channels=health.channels,
        level_db=health.level_db,
        peak_db=health.peak_db,
        gain_db=health.gain_db,
        condition=health.condition.value,
        sentence=health.sentence,
    )
