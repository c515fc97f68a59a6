"""Where text that was written piece by piece takes a space, and where a sentence ends."""

from __future__ import annotations

import unicodedata

# Latin, then: ellipsis, ideographic stop, full-width ? and !, danda, Arabic question mark.
_SENTENCE_ENDS = (".", "?", "!", "\u2026", "\u3002", "\uff1f", "\uff01", "\u0964", "\u061f")
_CLOSING = "\"')]\u201d\u2019\u00bb\u300d\u300f\uff09 "
"""What may follow a sentence's end: quotation marks and brackets, straight, curly and CJK."""
_OPENING = "\"'([\u201c\u2018\u00ab\u00bf\u00a1"
"""What a word may begin with beside letters."""
_UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def ends_sentence(text: str) -> bool:
    """Whether the last sentence is whole."""
    return text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)


def needs_space(before: str, after: str) -> bool:
    """Whether a space goes between two characters that were written after different chunks."""
    if before.isspace() or not (after.isalnum() or after in _OPENING):
        return False
    return not (_unspaced(before) or _unspaced(after))


def _unspaced(character: str) -> bool:
    """Whether words stand without spaces between them in its script."""
    if unicodedata.east_asian_width(character) == "F" or "\u3000" <= character <= "\u303f":
        return True  # full-width punctuation
    return unicodedata.name(character, "").startswith(_UNSPACED_SCRIPTS)
