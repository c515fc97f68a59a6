"""One row of the timeline: what is shown of one utterance, alert, question, reply or separator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from everlisten.audio_io.chunk import SourceName

SPEAKERS = {SourceName.MIC: "You", SourceName.SYSTEM: "Others"}


class RowKind(Enum):
    """What a row shows."""

    CAPTION = "caption"
    ALERT = "alert"
    QUESTION = "question"
    REPLY = "reply"
    SEPARATOR = "separator"


@dataclass(slots=True, kw_only=True)
class TimelineRow:
    """Changed in place by the model; `revision` counts the changes."""

    kind: RowKind
    id: str = ""
    session: str = ""
    source: SourceName | None = None
    start_s: float = 0.0
    clock: datetime | None = None
    """Wall-clock time of the start; None if the session's start is not known."""
    stable: str = ""
    unstable: str = ""
    translation: str = ""
    translation_unstable: str = ""
    translation_language: str = ""
    final: bool = False
    turn_begins: bool = True
    """Another speaker, or another kind of row, came before."""
    label: str = ""
    severity: str = ""
    revision: int = 0
    position: int = 0

    @property
    def text(self) -> str:
        """The whole text, without the blank that some decoders put first."""
        return (self.stable + self.unstable).strip()

    @property
    def translated(self) -> str:
        """The whole translation."""
        return (self.translation + self.translation_unstable).strip()

    @property
    def speaker(self) -> str:
        """You, Others, or nothing for a file."""
        return SPEAKERS.get(self.source, "") if self.source else ""

    @property
    def time_text(self) -> str:
        """Clock time, or time since the start of the session where that is all we know."""
        if self.clock is not None:
            return self.clock.strftime("%H:%M:%S")
        minutes, seconds = divmod(int(self.start_s), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"

    def plain_text(self) -> str:
        """What "Copy" puts on the clipboard."""
        parts = [self.label, self.text]
        lines = [": ".join(part for part in parts if part), self.translated]
        return "\n".join(line for line in lines if line)

    def timed_text(self, speakers: bool) -> str:
        """What "Copy with times" puts on the clipboard."""
        if self.kind is RowKind.SEPARATOR:
            return self.text
        who = f"{self.speaker}: " if speakers and self.speaker else ""
        return f"[{self.time_text}] {who}{self.plain_text()}"

    def spoken_text(self, speakers: bool) -> str:
        """What a screen reader says."""
        if self.kind is RowKind.SEPARATOR:
            return self.text
        who = {RowKind.ALERT: "Alert", RowKind.REPLY: "Everlisten"}.get(self.kind, "")
        if self.kind is RowKind.CAPTION and speakers:
            who = self.speaker
        said = f"{self.label}. {self.text}" if self.label else self.text
        parts = [f"{self.time_text},", f"{who}:" if who else "", said]
        if self.translated:
            parts.append(f"Translation: {self.translated}")
        return " ".join(part for part in parts if part)
