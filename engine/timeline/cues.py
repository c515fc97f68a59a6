"""Subtitles out of events: what is shown from when to when, in lines that can be read.

A line holds about 42 columns and a cue two lines, as is usual for television; a longer caption
becomes several cues, each with a share of the time in proportion to its text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import (
    CaptionFinal,
    EngineEvent,
    Question,
    ReplyFinal,
    SoundAlert,
    SoundHeard,
    TranslationFinal,
)

COLUMNS = 42
LINES = 2
_SHORTEST_S = 0.1
_SPEAKERS = {SourceName.MIC: "You", SourceName.SYSTEM: "Others", SourceName.FILE: "File"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One thing that was said or heard, with its translation."""

    start_s: float
    end_s: float
    speaker: str = ""
    """Empty where a session has only one source."""
    text: str = ""
    translation: str = ""
    is_alert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What is on the screen at once."""

    start_s: float
    end_s: float
    speaker: str
    lines: tuple[str, ...]
    translation: tuple[str, ...] = ()


def utterances(events: Sequence[EngineEvent]) -> list[Utterance]:
    """Captions with their translations, alerts, other sounds, questions and replies, by time."""
    captions = [event for event in events if isinstance(event, CaptionFinal)]
    by_caption = {e.caption: e for e in events if isinstance(e, TranslationFinal)}
    known = {caption.id for caption in captions}
    labelled = len({caption.source for caption in captions}) > 1
    found = [
        _utterance(
            event,
            speaker=_SPEAKERS[event.source] if labelled and event.source else "",
            text=_one_line(event.text),
            translation=_one_line(by_caption[event.id].text) if event.id in by_caption else "",
        )
        for event in captions
    ]
    for event in events:
        if isinstance(event, TranslationFinal) and event.caption not in known:
            found.append(_utterance(event, translation=_one_line(event.text)))
        elif isinstance(event, SoundAlert):
            found.append(_utterance(event, text=f"[{_one_line(event.label)}]", is_alert=True))
        elif isinstance(event, SoundHeard):
            found.append(_utterance(event, text=f"[{_one_line(event.label)}]"))
        elif isinstance(event, Question):
            found.append(_utterance(event, speaker="You asked", text=_one_line(event.text)))
        elif isinstance(event, ReplyFinal):
            found.append(_utterance(event, speaker="Everlisten", text=_one_line(event.text)))
    kept = (one for one in found if one.text or one.translation)
    return sorted(kept, key=lambda one: (one.start_s, one.end_s))


def cues(utterance: Utterance) -> list[Cue]:
    """An utterance cut into cues of at most two lines of text and two of translation."""
    label = f"{utterance.speaker}: " if utterance.speaker else ""
    pieces = _pieces(utterance.text, len(label))
    translated = _pieces(utterance.translation, 0 if pieces else len(label))
    count = max(len(pieces), len(translated))
    pieces, translated = _spread(pieces, count), _spread(translated, count)
    weights = [
        sum(map(_width, lines)) or sum(map(_width, below))
        for lines, below in zip(pieces, translated, strict=True)
    ]
    found: list[Cue] = []
    total, done = sum(weights) or 1, 0
    length_s = max(utterance.end_s - utterance.start_s, _SHORTEST_S * count)
    for lines, below, weight in zip(pieces, translated, weights, strict=True):
        start_s = utterance.start_s + length_s * done / total
        done += weight
        found.append(
            Cue(
                start_s=start_s,
                end_s=utterance.start_s + length_s * done / total,
                speaker=utterance.speaker,
                lines=tuple(lines),
                translation=tuple(below),
            )
        )
    return found


def wrap(text: str, columns: int = COLUMNS, first: int | None = None) -> list[str]:
    """Break text into lines at spaces, or anywhere in scripts that have none.

    Args:
        text: One line of text.
        columns: Width of a line; a wide character (Chinese, Japanese, Korean) takes two.
        first: Width of the first line, if it is another.
    """
    lines: list[str] = []
    line, limit = "", columns if first is None else first
    for unit in _units(text):
        if line and _width((line + unit).rstrip()) > limit:
            lines.append(line.rstrip())
            line, limit = "", columns
            unit = unit.lstrip()
        while _width(unit.rstrip()) > limit:
            cut = _fitting(unit, limit)
            lines.append(unit[:cut])
            unit, limit = unit[cut:], columns
        line += unit
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _utterance(
    event: EngineEvent,
    *,
    speaker: str = "",
    text: str = "",
    translation: str = "",
    is_alert: bool = False,
) -> Utterance:
    return Utterance(
        start_s=event.start_s,
        end_s=max(event.end_s, event.start_s),
        speaker=speaker,
        text=text,
        translation=translation,
        is_alert=is_alert,
    )


def _pieces(text: str, label_width: int) -> list[list[str]]:
    """Groups of lines, one group a cue; the label stands before the first line of each."""
    rest = wrap(text, COLUMNS, COLUMNS - label_width) if text else []
    if len(rest) <= LINES:
        return [rest] if rest else []
    lines = wrap(text, COLUMNS - label_width)
    # Cues of about equal length read better than full ones and a stub.
    count = -(-len(lines) // LINES)
    share = -(-sum(map(_width, lines)) // (count * LINES))
    even = wrap(text, min(COLUMNS - label_width, share + 6))
    lines = even if -(-len(even) // LINES) == count else lines
    return [lines[i : i + LINES] for i in range(0, len(lines), LINES)]


def _spread(pieces: list[list[str]], count: int) -> list[list[str]]:
    """Distribute pieces over `count` cues, in order; cues in between show the last one again."""
    if not pieces:
        return [[] for _ in range(count)]
    return [pieces[i * len(pieces) // count] for i in range(count)]


def _units(text: str) -> list[str]:
    """Words with the space after them; wide characters one by one, with what belongs to them."""
    units: list[str] = []
    glue = True
    for char in text:
        wide = _is_wide(char)
        belongs = unicodedata.category(char)[0] == "M" or (
            unicodedata.category(char) in ("Pe", "Pf", "Po") or char.isspace()
        )
        if units and (belongs or (not wide and glue)):
            units[-1] += char
        else:
            units.append(char)
        glue = not wide and not char.isspace()
    return units


def _fitting(text: str, columns: int) -> int:
    """How many characters of `text` fit into `columns`, at least one, marks not cut off."""
    width, cut = 0, 0
    for index, char in enumerate(text):
        width += _width(char)
        if width > columns and index:
            break
        cut = index + 1
    while 1 < cut < len(text) and unicodedata.category(text[cut])[0] == "M":
        cut -= 1
    return cut


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 1 + _is_wide(char)
        for char in text
    )


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F")


def _one_line(text: str) -> str:
    return " ".join(text.split())
