"""The rows of the timeline as a list model, fed with engine events.

Appending costs the same after 100,000 rows as after ten; a partial touches its own row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import (
    AlertAcknowledged,
    CaptionFinal,
    CaptionPartial,
    ClipKept,
    EngineEvent,
    Question,
    ReplyDelta,
    ReplyFinal,
    SessionStarted,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
    TranslationPartial,
)
from everlisten.engine.timeline.records import default_title
from everlisten.ui.dates import in_words
from everlisten.ui.timeline_alerts import AlertRows
from everlisten.ui.timeline_row import RowKind, TimelineRow

ROW_ROLE = Qt.ItemDataRole.UserRole + 1
"""The `TimelineRow` itself; read it, never change it."""
Index = QModelIndex | QPersistentModelIndex


class TimelineModel(QAbstractListModel):
    """Rows in the order in which their first event came."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[TimelineRow] = []
        self._incoming: list[TimelineRow] = []
        self._by_id: dict[str, TimelineRow] = {}
        self._early: dict[str, TranslationPartial | TranslationFinal] = {}
        self._touched: dict[int, TimelineRow] = {}
        self._starts: dict[str, datetime] = {}
        self._sources: set[SourceName] = set()
        self._captions = 0
        self.alerts = AlertRows(self)
        self._handlers: dict[type[EngineEvent], Callable[[Any], None]] = {
            SessionStarted: self._on_session,
            CaptionPartial: self._on_caption_partial,
            CaptionFinal: self._on_caption_final,
            TranslationPartial: self._on_translation,
            TranslationFinal: self._on_translation,
            SoundAlert: self.alerts.on_alert,
            AlertAcknowledged: self.alerts.on_acknowledged,
            ClipKept: self.alerts.on_clip_kept,
            SoundHeard: self.alerts.on_sound,
            Question: self._on_question,
            ReplyDelta: self._on_reply_delta,
            ReplyFinal: self._on_reply_final,
        }

    @property
    def speakers(self) -> bool:
        """True once both the microphone and the computer are listened to: rows name them."""
        return {SourceName.MIC, SourceName.SYSTEM} <= self._sources

    def expect(self, sources: Iterable[SourceName]) -> None:
        """These are listened to from now on: speakers get their names from the first word."""
        speakers = self.speakers
        if {SourceName.MIC, SourceName.SYSTEM} <= set(sources):
            self._sources |= {SourceName.MIC, SourceName.SYSTEM}
        if speakers != self.speakers:
            self.layoutChanged.emit()

    @property
    def captions(self) -> int:
        """How many rows show something that was heard or said."""
        return self._captions

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.plain_text()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken_text(self.speakers)
        if role == Qt.ItemDataRole.ToolTipRole and row.kind is not RowKind.SEPARATOR:
            day = f"{in_words(row.clock)}, " if row.clock else ""
            return "\n".join(part for part in (day + row.time_text, row.note, row.why) if part)
        return None

    def row(self, position: int) -> TimelineRow:
        """One row; read it, never change it."""
        return self._rows[position]

    def position_of(self, event_id: str) -> int:
        """The row of an event, or -1."""
        row = self._by_id.get(event_id)
        return row.position if row else -1

    def clear(self) -> None:
        """Start again with no rows."""
        self.load(())

    def load(
        self, events: Iterable[EngineEvent], session: str = "", started_at: datetime | None = None
    ) -> None:
        """Show these events and nothing else; `started_at` gives `session` its clock."""
        self.beginResetModel()
        for held in (self._rows, self._by_id, self._early, self._starts, self._sources):
            held.clear()
        self.alerts.clear()
        self._captions = 0
        if started_at is not None:
            self._starts[session] = started_at
        for event in events:
            self._handle(event)
        self._rows, self._incoming = self._incoming, []
        self._touched.clear()
        self.endResetModel()

    def apply(self, events: Iterable[EngineEvent]) -> None:
        """Take in what the engine said since the last call, oldest first."""
        speakers = self.speakers
        for event in events:
            self._handle(event)
        if self._incoming:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(self._incoming) - 1)
            self._rows += self._incoming
            self._incoming = []
            self.endInsertRows()
        touched, self._touched = list(self._touched.values()), {}
        for row in touched:
            index = self.index(row.position)
            self.dataChanged.emit(index, index)
        self._remove_empty(touched)
        if speakers != self.speakers:
            self.layoutChanged.emit()

    def refresh_clips(self, state: Callable[[str], str]) -> None:
        """Ask again whether the sounds of alerts can be played; see `AlertRows`."""
        self.alerts.refresh_clips(state)
        self.apply(())

    def expand(self, row: TimelineRow) -> None:
        """Show the reasons of an alert, or hide them again."""
        self.touch(row)
        row.expanded = not row.expanded
        self.apply(())

    def _handle(self, event: EngineEvent) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _append(self, row: TimelineRow) -> TimelineRow:
        before = self.last()
        if before is not None and row.kind is not RowKind.SEPARATOR and _another_day(before, row):
            assert row.clock is not None
            before = self._append(
                TimelineRow(
                    kind=RowKind.SEPARATOR,
                    stable=in_words(row.clock),
                    clock=row.clock,
                    final=True,
                )
            )
        if before is not None:
            row.turn_begins = (before.kind, before.source) != (row.kind, row.source)
        row.position = len(self._rows) + len(self._incoming)
        self._incoming.append(row)
        if row.id:
            self._by_id[row.id] = row
        self._captions += row.kind is not RowKind.SEPARATOR
        return row

    def upsert(self, event: EngineEvent, kind: RowKind) -> TimelineRow:
        """The row of an event, made if there is none; it is about to change."""
        row = self._by_id.get(event.id)
        if row is not None:
            self.touch(row)
            return row
        if event.source is not None:
            self._sources.add(event.source)
        return self._append(
            TimelineRow(
                kind=kind,
                id=event.id,
                session=event.session,
                source=event.source,
                start_s=event.start_s,
                clock=self._clock(event),
            )
        )

    def find(self, id: str) -> TimelineRow | None:
        """The row of an event that was seen before."""
        return self._by_id.get(id)

    def last(self) -> TimelineRow | None:
        """The newest row."""
        return self._incoming[-1] if self._incoming else self._rows[-1] if self._rows else None

    def adopt(self, id: str, row: TimelineRow) -> None:
        """Another event is shown by the same row."""
        self._by_id[id] = row

    def touch(self, row: TimelineRow) -> None:
        """The row is about to look different; told with the next `apply`."""
        row.revision += 1
        if row.position < len(self._rows):
            self._touched[row.position] = row

    def _clock(self, event: EngineEvent) -> datetime | None:
        start = self._starts.get(event.session)
        if start is None:
            return None
        behind_s = event.emitted_s - event.start_s
        since_s = event.wall_s - behind_s if event.wall_s else event.start_s
        return start + timedelta(seconds=max(0.0, since_s))

    def _on_session(self, event: SessionStarted) -> None:
        clock = None
        if event.started_at:
            clock = datetime.fromisoformat(event.started_at)
            self._starts[event.session] = clock
        # Without a title of its own a session is named after this very moment.
        when = default_title(clock) if clock else ""
        text = " · ".join(dict.fromkeys(part for part in (event.text, when) if part))
        self._append(
            TimelineRow(
                kind=RowKind.SEPARATOR,
                session=event.session,
                stable=text or "New session",
                clock=clock,
                final=True,
            )
        )

    def _on_caption_partial(self, event: CaptionPartial) -> None:
        if event.id not in self._by_id and not event.text.strip():
            return
        row = self.upsert(event, RowKind.CAPTION)
        if not row.final:
            row.stable, row.unstable = event.stable, event.unstable
            # A partial without text takes back what was shown: there will be no final.
            row.final = not event.text.strip()
        self._catch_up(row)

    def _on_caption_final(self, event: CaptionFinal) -> None:
        if event.id not in self._by_id and not event.text.strip():
            return
        row = self.upsert(event, RowKind.CAPTION)
        row.stable, row.unstable, row.final = event.text, "", True
        self._catch_up(row)
        if event.language and row.translation_language == event.language:
            # The language was taken for another one at first: nothing is there to translate.
            row.translation = row.translation_unstable = ""

    def _on_translation(self, event: TranslationPartial | TranslationFinal) -> None:
        if not event.caption:
            self._on_translation_alone(event)
            return
        row = self._by_id.get(event.caption)
        if row is None:
            self._early[event.caption] = event
            return
        self.touch(row)
        self._translate(row, event)

    def _on_translation_alone(self, event: TranslationPartial | TranslationFinal) -> None:
        """Captions are switched off: the translation has a row of its own."""
        final = isinstance(event, TranslationFinal)
        if event.id not in self._by_id and not event.text.strip():
            return
        row = self.upsert(event, RowKind.CAPTION)
        if isinstance(event, TranslationPartial):
            row.stable, row.unstable = event.stable, event.unstable
        else:
            row.stable, row.unstable = event.text, ""
        row.final = final or not event.text.strip()

    def _catch_up(self, row: TimelineRow) -> None:
        """Give a new row the translation that came before its caption."""
        event = self._early.pop(row.id, None) if self._early else None
        if event is not None:
            self._translate(row, event)

    def _translate(self, row: TimelineRow, event: TranslationPartial | TranslationFinal) -> None:
        row.translation_language = event.language
        if isinstance(event, TranslationFinal):
            row.translation, row.translation_unstable = event.text, ""
        elif _repeats(event.text, row.text):
            # The language is not known yet and was guessed wrong: these are the caption's words.
            row.translation = row.translation_unstable = ""
        else:
            row.translation, row.translation_unstable = event.stable, event.unstable
        self._by_id.setdefault(event.id, row)

    def _on_question(self, event: Question) -> None:
        row = self.upsert(event, RowKind.QUESTION)
        row.label, row.stable, row.final = "You asked", event.text, True

    def _on_reply_delta(self, event: ReplyDelta) -> None:
        self.upsert(event, RowKind.REPLY).stable += event.text

    def _on_reply_final(self, event: ReplyFinal) -> None:
        row = self.upsert(event, RowKind.REPLY)
        row.stable, row.final = event.text, True

    def _remove_empty(self, touched: list[TimelineRow]) -> None:
        """Drop captions that the engine took back: their last event has no text."""
        for row in touched:
            if row.kind is not RowKind.CAPTION or not row.final or row.text:
                continue
            self.beginRemoveRows(QModelIndex(), row.position, row.position)
            del self._rows[row.position]
            self._by_id.pop(row.id, None)
            self._captions -= 1
            for later in self._rows[row.position :]:
                later.position -= 1
            self.endRemoveRows()
            self._turn_over(row)

    def _turn_over(self, gone: TimelineRow) -> None:
        """The row after one that went begins the turn that the other one began."""
        if gone.turn_begins and gone.position < len(self._rows):
            after = self._rows[gone.position]
            after.turn_begins = True
            after.revision += 1
            index = self.index(after.position)
            self.dataChanged.emit(index, index)


def _repeats(translation: str, caption: str) -> bool:
    """Whether a translation says, so far, what the caption says, in the same words."""
    said = "".join(c for c in translation.casefold() if c.isalnum())
    heard = "".join(c for c in caption.casefold() if c.isalnum())
    return bool(said) and heard.startswith(said)


def _another_day(before: TimelineRow, row: TimelineRow) -> bool:
    if before.clock is None or row.clock is None:
        return False
    return before.clock.date() != row.clock.date()
