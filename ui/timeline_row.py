"""One row of the timeline: what is shown of one utterance, alert, question, reply or separator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from everlisten.audio_io.chunk import SourceName
from everlisten.ui.alert_words import length_words, severity_word, sure_words

_ANSWERS = {"user": "acknowledged", "snooze": "snoozed", "not_this": "it was something else"}
SPEAKERS = {SourceName.MIC: "You", SourceName.SYSTEM: "Others"}


class RowKind(Enum):
    """What a row shows."""

    CAPTION = "caption"
    ALERT = "alert"
    SOUND = "sound"
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
    end_s: float = 0.0
    """Stream time of the end of the last sound of a row of sounds."""
    sounds: list[tuple[str, int]] = field(default_factory=list)
    """Label and count of what follows each other in a row of sounds."""
    length_s: float = 0.0
    confidence: float = 0.0
    why: str = ""
    ongoing: bool = False
    level: int = 0
    answer: str = ""
    """How an alert was answered; "" while it was not."""
    clip: str = ""
    """"" if an alert's sound is gone, "there" if it can be played, "kept" if it is on disk."""
    expanded: bool = False
    """The reasons of an alert are shown."""
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
    def note(self) -> str:
        """The quiet line below an alert: how long, how sure, how it was answered."""
        if self.kind is not RowKind.ALERT:
            return ""
        long = length_words(self.length_s) if self.length_s >= 0.5 else ""
        parts = (
            f"for {long}" if self.ongoing and long else long,
            f"told {self.level + 1} times" if self.level else "",
            sure_words(self.confidence),
            "clip kept" if self.clip == "kept" else "",
            _ANSWERS.get(self.answer, self.answer),
        )
        return " \u00b7 ".join(part for part in parts if part)

    @property
    def actions(self) -> tuple[tuple[str, str], ...]:
        """(name, text) of what can be done with an alert."""
        if self.kind is not RowKind.ALERT:
            return ()
        made = [("play", "Play")] if self.clip else []
        made += [("keep", "Keep clip")] if self.clip == "there" else []
        made += [("why", "Less" if self.expanded else "Why?")] if self.why else []
        return tuple(made)

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
        who = "Everlisten" if self.kind is RowKind.REPLY else ""
        if self.kind is RowKind.CAPTION and speakers:
            who = self.speaker
        if self.kind is RowKind.ALERT:
            who = severity_word(self.severity) if self.severity else "Alert"
        said = f"{self.label}. {self.text}" if self.label else self.text
        parts = [f"{self.time_text},", f"{who}:" if who else "", said]
        if self.note:
            parts.append(f"({self.note})")
        if self.translated:
            parts.append(f"Translation: {self.translated}")
        return " ".join(part for part in parts if part)
