"""Events as a person reads them in a terminal, or as JSON lines."""

from __future__ import annotations

import shutil
from typing import Literal, TextIO

from everlisten.audio_io.chunk import SourceName
from everlisten.engine import event_json
from everlisten.engine.events import (
    AlertHealth,
    CaptionFinal,
    CaptionPartial,
    EngineEvent,
    EngineFailed,
    EngineHealth,
    EngineStateChanged,
    Question,
    ReplyDelta,
    ReplyFinal,
    SessionStarted,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
    TranslationPartial,
)

PartialStyle = Literal["in place", "lines", "none"]

_SPEAKERS = {SourceName.MIC: "You: ", SourceName.SYSTEM: "Others: "}
_INDENT = " " * 10


def clock(seconds: float) -> str:
    """Stream time as [h:]mm:ss.s."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes:02d}"
    return f"{head}:{rest:04.1f}"


class JsonPrinter:
    """One object a line, and nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, event: EngineEvent) -> None:
        """Print one event at once."""
        self._out.write(event_json.to_line(event) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing is left open."""


class ConsolePrinter:
    """Finals as lines; partials rewritten in place, as lines, or not at all.

    Args:
        out: Where captions go.
        notes: Where states and problems go.
        partials: What happens to text that may still change.
        label_speakers: Begin captions with You or Others.
    """

    def __init__(
        self,
        out: TextIO,
        notes: TextIO,
        *,
        partials: PartialStyle,
        label_speakers: bool = False,
    ) -> None:
        self._out = out
        self._notes = notes
        self._partials = partials
        self._label_speakers = label_speakers
        self._open_columns = 0
        self._last_problem = ""
        self._replies: dict[str, str] = {}
        self._alerts: dict[str, int] = {}
        self._sounds: set[str] = set()
        self._alert_problem = ""

    def show(self, event: EngineEvent) -> None:
        """Print one event, if it is for a person."""
        match event:
            case CaptionPartial() | TranslationPartial():
                self._partial(event)
            case CaptionFinal():
                self._line(f"[{clock(event.start_s)}] {self._speaker(event)}{event.text}")
            case TranslationFinal():
                self._line(f"{_INDENT}→ {event.text}")
            case SoundAlert():
                self._alert(event)
            case SoundHeard():
                self._sound(event)
            case AlertHealth():
                self._alert_health(event)
            case Question():
                self._line(f"[{clock(event.start_s)}] You asked: {event.text}")
            case ReplyDelta():
                self._replies[event.id] = self._replies.get(event.id, "") + event.text
                text = " ".join(self._replies[event.id].split())
                self._unfinished(f"Everlisten: {text}")
            case ReplyFinal():
                self._replies.pop(event.id, None)
                self._line(f"[{clock(event.start_s)}] Everlisten: {event.text}")
            case EngineFailed():
                self._note(event.text)
            case EngineHealth():
                self._problem(event.problem)
            case EngineStateChanged() if event.reason:
                self._note(event.reason)
            case SessionStarted():
                self._note(event.text)

    def close(self) -> None:
        """End a partial that is still on the screen."""
        self._erase()

    def _speaker(self, event: EngineEvent) -> str:
        if not self._label_speakers or event.source is None:
            return ""
        return _SPEAKERS.get(event.source, "")

    def _partial(self, event: CaptionPartial | TranslationPartial) -> None:
        mark = "→ " if isinstance(event, TranslationPartial) else self._speaker(event)
        self._unfinished(f"{mark}{event.stable}|{event.unstable}")

    def _alert(self, event: SoundAlert) -> None:
        # An event that goes on is told again with the same id; louder, if nobody has reacted.
        if event.level > self._alerts.get(event.id, -1):
            self._alerts[event.id] = event.level
            again = "still: " if event.level else ""
            self._line(f"[{clock(event.start_s)}] ! {again}{event.label}. {event.advice}".rstrip())

    def _sound(self, event: SoundHeard) -> None:
        if event.id not in self._sounds:
            self._sounds.add(event.id)
            self._line(f"[{clock(event.start_s)}] [{event.label}]")

    def _alert_health(self, event: AlertHealth) -> None:
        problem = "" if event.working else event.problem
        if problem == self._alert_problem:
            return
        if problem or self._alert_problem:
            self._note(problem or "Alerts are working again.")
        self._alert_problem = problem

    def _unfinished(self, text: str) -> None:
        if self._partials == "lines":
            self._out.write(f"{_INDENT}… {text}\n")
            self._out.flush()
        elif self._partials == "in place":
            self._erase()
            shown = text[-(shutil.get_terminal_size().columns - 4) :]
            self._out.write("… " + shown)
            self._out.flush()
            self._open_columns = len(shown) + 2

    def _line(self, text: str) -> None:
        self._erase()
        self._out.write(text + "\n")
        self._out.flush()

    def _note(self, text: str) -> None:
        self._erase()
        self._notes.write(text + "\n")
        self._notes.flush()

    def _problem(self, problem: str) -> None:
        # "3 s behind" and "5 s behind" are one problem, told once.
        kind = "".join(c for c in problem if not c.isdigit())
        if kind != self._last_problem:
            self._last_problem = kind
            if problem:
                self._note(problem)

    def _erase(self) -> None:
        if self._open_columns:
            self._out.write("\r\x1b[K")
            self._open_columns = 0
