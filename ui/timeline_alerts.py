"""Rows of alerts and of sounds that are no alerts: what their events change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from everlisten.engine.events import (
    AlertAcknowledged,
    ClipKept,
    EngineEvent,
    SoundAlert,
    SoundHeard,
)
from everlisten.ui.timeline_row import RowKind, TimelineRow

MERGE_S = 30.0
"""A sound that begins so soon after the one before stands in the same row."""
MOST_SOUNDS = 8
WATCHED_ALERTS = 50
"""The clips of so many alerts are looked after; older ones have left the memory."""


class Rows(Protocol):
    """What is needed of the timeline's model."""

    def upsert(self, event: EngineEvent, kind: RowKind) -> TimelineRow:
        """The row of an event, made if there is none."""

    def find(self, id: str) -> TimelineRow | None:
        """The row of an event that was seen before."""

    def last(self) -> TimelineRow | None:
        """The newest row."""

    def adopt(self, id: str, row: TimelineRow) -> None:
        """Another event is shown by the same row."""

    def touch(self, row: TimelineRow) -> None:
        """The row is about to look different."""


class AlertRows:
    """Writes alerts and sounds into rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._alerts: list[TimelineRow] = []

    def clear(self) -> None:
        """Every row went."""
        self._alerts.clear()

    def on_alert(self, event: SoundAlert) -> None:
        """An alert began, goes on, or is told again."""
        known = self._rows.find(event.id) is not None
        row = self._rows.upsert(event, RowKind.ALERT)
        if not known:
            self._alerts = [*self._alerts[1 - WATCHED_ALERTS :], row]
        row.label, row.severity, row.stable = event.label, event.severity, event.advice
        row.length_s = max(0.0, event.end_s - event.start_s)
        row.confidence, row.why = event.confidence, event.why
        row.ongoing, row.level, row.final = event.ongoing, event.level, True

    def on_acknowledged(self, event: AlertAcknowledged) -> None:
        """The user answered an alert."""
        row = self._rows.find(event.id)
        if row is not None and row.answer != event.how:
            self._rows.touch(row)
            row.answer = event.how

    def on_clip_kept(self, event: ClipKept) -> None:
        """The sound of an alert is on disk."""
        row = self._rows.find(event.id)
        if row is not None:
            self._rows.touch(row)
            row.clip = "kept"

    def on_sound(self, event: SoundHeard) -> None:
        """A sound that is no alert; those that follow each other closely share a row."""
        row = self._rows.find(event.id)
        if row is not None:
            row.end_s = max(row.end_s, event.end_s)
            return
        row = self._rows.last()
        if row is None or not _follows(row, event):
            row = self._rows.upsert(event, RowKind.SOUND)
            row.final = True
        else:
            self._rows.touch(row)
            self._rows.adopt(event.id, row)
        row.end_s = event.end_s
        if row.sounds and row.sounds[-1][0] == event.label:
            row.sounds[-1] = (event.label, row.sounds[-1][1] + 1)
        else:
            row.sounds.append((event.label, 1))
        row.stable = " ".join(_bracketed(label, count) for label, count in row.sounds)

    def refresh_clips(self, state: Callable[[str], str]) -> None:
        """Ask again whether the sounds of the last alerts can be played: "", "there", "kept"."""
        for row in self._alerts:
            clip = state(row.id)
            if clip != row.clip:
                self._rows.touch(row)
                row.clip = clip


def _follows(row: TimelineRow, event: SoundHeard) -> bool:
    same = (row.kind, row.session, row.source) == (RowKind.SOUND, event.session, event.source)
    return same and event.start_s - row.end_s < MERGE_S and len(row.sounds) < MOST_SOUNDS


def _bracketed(label: str, count: int) -> str:
    return f"[{label} \u00d7{count}]" if count > 1 else f"[{label}]"
