"""A session as a file for other programs: SRT, VTT, TXT or JSON."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from everlisten.engine import event_json
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import FINAL_EVENTS, EngineEvent
from everlisten.engine.timeline.cues import Cue, cues, utterances
from everlisten.engine.timeline.records import SessionInfo


def export_session(info: SessionInfo, events: Sequence[EngineEvent], path: Path) -> None:
    """Write the final events of a session in the format that the suffix of `path` names.

    Times are rounded to 0.1 s. The file appears whole or not at all.

    Raises:
        TimelineError: The suffix is none of the known ones, or the file cannot be written.
    """
    check_suffix(path)
    finals = [event for event in events if isinstance(event, FINAL_EVENTS)]
    text = _FORMATS[path.suffix.lower()](info, finals)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TimelineError(
            f"{path} cannot be written: {error.strerror or error}; choose another place"
        ) from error


def check_suffix(path: Path) -> None:
    """Refuse a file name that names no format.

    Raises:
        TimelineError: Names the suffix and the allowed ones.
    """
    if path.suffix.lower() not in _FORMATS:
        allowed = ", ".join(_FORMATS)
        named = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise TimelineError(f"{path} has {named}; the name must end in one of {allowed}")


def suffixes() -> tuple[str, ...]:
    """What a file name may end in."""
    return tuple(_FORMATS)


def _srt(_: SessionInfo, events: Sequence[EngineEvent]) -> str:
    blocks = []
    for number, cue in enumerate(_all_cues(events), start=1):
        lines = _labelled(cue)
        text = "\n".join(line.replace("-->", "->") for line in lines)
        span = f"{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}"
        blocks.append(f"{number}\n{span}\n{text}\n")
    return "\n".join(blocks)


def _vtt(info: SessionInfo, events: Sequence[EngineEvent]) -> str:
    blocks = [f"WEBVTT - {_plain_header(info.title)}\n"]
    for cue in _all_cues(events):
        lines = [html.escape(line, quote=False) for line in (*cue.lines, *cue.translation)]
        if cue.speaker:
            lines[0] = f"<v {cue.speaker}>{lines[0]}"
        span = f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}"
        blocks.append("\n".join((span, *lines)) + "\n")
    return "\n".join(blocks)


def _txt(info: SessionInfo, events: Sequence[EngineEvent]) -> str:
    lines = [info.title, f"{info.started_at:%Y-%m-%d %H:%M:%S %z}", ""]
    for one in utterances(events):
        stamp = f"[{_clock(one.start_s, '.')[:-2]}] "
        label = f"{one.speaker}: " if one.speaker else ""
        lines.append(stamp + label + (one.text or one.translation))
        if one.text and one.translation:
            lines.append(" " * len(stamp) + one.translation)
    return "\n".join(lines) + "\n"


def _json(info: SessionInfo, events: Sequence[EngineEvent]) -> str:
    document: dict[str, Any] = {
        "session": {
            "id": info.id,
            "title": info.title,
            "started_at": info.started_at.isoformat(),
            "length_s": round(info.length_s, 1),
            "model": info.model,
            "sources": list(info.sources),
            "recovered": info.recovered,
        },
        "events": [_json_event(event) for event in events],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _json_event(event: EngineEvent) -> dict[str, Any]:
    fields = event_json.to_dict(event)
    return {
        name: round(value, 1) if name.endswith("_s") else value for name, value in fields.items()
    }


def _all_cues(events: Sequence[EngineEvent]) -> list[Cue]:
    found = [cue for one in utterances(events) for cue in cues(one)]
    return sorted(found, key=lambda cue: (cue.start_s, cue.end_s))


def _labelled(cue: Cue) -> tuple[str, ...]:
    lines = (*cue.lines, *cue.translation)
    return (f"{cue.speaker}: {lines[0]}", *lines[1:]) if cue.speaker else lines


def _clock(seconds: float, point: str) -> str:
    """Hours, minutes, seconds, milliseconds, rounded to 0.1 s."""
    tenths = max(0, round(seconds * 10))
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{tenths // 10:02d}{point}{tenths % 10}00"


def _plain_header(title: str) -> str:
    return " ".join(title.replace("-->", "->").split())


_FORMATS: dict[str, Callable[[SessionInfo, Sequence[EngineEvent]], str]] = {
    ".srt": _srt,
    ".vtt": _vtt,
    ".txt": _txt,
    ".json": _json,
}
