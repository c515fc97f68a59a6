"""How text is cut into words for the full-text index, in writing systems with and without spaces.

FTS5's `unicode61` takes a run of letters as one word, so in Chinese, Japanese or Thai a whole
sentence would be one word that no search finds. Every character of such scripts is made a word of
its own, and a search for several of them becomes a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0e30\u0e32\u0e33\u0e40-\u0e46"  # Thai letters (marks stay with them)
    "\u0e80-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Lao
    "\u1000-\u102a\u103f\u1050-\u1055"  # Burmese
    "\u1780-\u17b3"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Kana and iteration marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"  # Han, further planes
    "])"
)


def index_text(fields: Mapping[str, Any]) -> str:
    """What of an event, given as its JSON object, can be searched for; may be empty."""
    return _cut(str(fields.get("text") or fields.get("label") or ""))


def match_query(text: str) -> str:
    """An FTS5 query for all words of `text`, each as the beginning of a word; may be empty."""
    words = [_cut(word).replace('"', " ") for word in text.split()]
    return " ".join(f'"{word}"*' for word in words if _has_word(word))


def _cut(text: str) -> str:
    # A NUL would end the text for SQLite; as a space it separates words.
    normal = unicodedata.normalize("NFKC", text).replace("\0", " ").casefold()
    return " ".join(_UNSPACED.sub(r" \1", normal).split())


def _has_word(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LN" for char in text)
