"""A checkpoint that runs anywhere: the tiny one in the released layout, with a tokenizer beside it.

Import it as `import laim_fixture`: `tests/conftest.py` puts this folder on the path.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from everlisten.engine.laim.text import TOKENIZER_FILE, byte_characters
from everlisten.engine.laim.tokens import TEXT_VOCABULARY

MERGES = ("h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "Ã ¤")
"""Two words, and the two bytes of one umlaut."""
SPECIALS = {151643: "<|endoftext|>", 151644: "<|im_start|>", 151645: "<|im_end|>"}


def write_tiny_tokenizer(path: Path, pieces: int = 0) -> None:
    """Write a byte-level `tokenizer.json` with Qwen2.5's special tokens at their ids.

    Args:
        path: File to write.
        pieces: Ids below this one that have no piece yet become words (" w1a2b"): a random model
            then says something that can be read.
    """
    vocabulary = {character: byte for byte, character in byte_characters().items()}
    for merge in MERGES:
        vocabulary[merge.replace(" ", "")] = len(vocabulary)
    for number in range(len(vocabulary), pieces):
        vocabulary[f"Ġw{number:x}"] = number
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": content, "special": True, **added}
            for number, content in SPECIALS.items()
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {**byte_level, "use_regex": True},
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": False},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {**vocabulary, **{content: id_ for id_, content in SPECIALS.items()}},
            "merges": [merge.split(" ") for merge in MERGES],
        },
    }
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def tiny_checkpoint(shared: Path, folder: Path) -> Path:
    """Copy the tiny checkpoint to `folder`/laim-tiny and add a tokenizer; returns its path."""
    copy = folder / "laim-tiny"
    source = shared / "fixtures" / "laim-tiny"
    # The originals may be read-only; the copy is the test's own to damage.
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    write_tiny_tokenizer(copy / TOKENIZER_FILE, pieces=TEXT_VOCABULARY)
    return copy
