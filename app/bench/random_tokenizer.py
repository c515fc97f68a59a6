"""A tokenizer for random weights: every text id is a word, so what they say comes out as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from everlisten.engine.laim.text import byte_characters
from everlisten.engine.laim.tokens import TEXT_VOCABULARY


def write_random_tokenizer(path: Path) -> None:
    """Write a byte-level `tokenizer.json`: 256 bytes, then words (" w1a2b") up to the specials."""
    vocabulary = {character: byte for byte, character in byte_characters().items()}
    for number in range(len(vocabulary), TEXT_VOCABULARY):
        vocabulary[f"Ġw{number:x}"] = number
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {**byte_level, "use_regex": True},
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": False},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
    }
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
