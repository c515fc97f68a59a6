"""Text and token ids: Qwen2.5's byte-level pieces, and the stream of text that they spell.

A piece is a run of bytes and may end in the middle of a character, so text comes out only where
characters are complete. What the user types never becomes a control token: special tokens written
out in it are spelled as text, and pieces whose ids the token layout uses otherwise are spelled in
bytes.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.tokens import CONTROL_IDS, TEXT_VOCABULARY

TOKENIZER_FILE = "tokenizer.json"


class TextTokenizer:
    """The pieces of one `tokenizer.json`. Keeps no state between calls."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.encode_special_tokens = True
        characters = byte_characters()
        self._bytes = {character: byte for byte, character in characters.items()}
        ids = (tokenizer.token_to_id(characters[byte]) for byte in range(0x100))
        self._byte_ids = [number for number in ids if number is not None]
        assert len(self._byte_ids) == 0x100
        self._added = {
            number: b"" if token.special else token.content.encode()
            for number, token in tokenizer.get_added_tokens_decoder().items()
        }

    @classmethod
    def load(cls, path: Path) -> TextTokenizer:
        """Read `tokenizer.json`.

        Raises:
            ModelLoadError: The file is missing, damaged, or no byte-level tokenizer.
        """
        if not path.is_file():
            raise ModelLoadError(f"{path} is missing; fetch the checkpoint again")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # its own errors are bare Exceptions
            raise ModelLoadError(f"{path} is not a valid tokenizer; fetch it again") from error
        missing = [c for c in byte_characters().values() if tokenizer.token_to_id(c) is None]
        if missing:
            raise ModelLoadError(
                f"{path} is no byte-level tokenizer; fetch the one of Qwen2.5 that belongs to the "
                "checkpoint"
            )
        return cls(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Ids of `text`; all of them are text to the model. Half a character becomes U+003F."""
        text = text.encode("utf-8", "replace").decode("utf-8")  # a window may give half a pair
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [spelled for number in ids for spelled in self._spelled(number)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text that `ids` spell; bytes that are no text become U+FFFD."""
        decoder = StreamingDecoder(self)
        return "".join([*(decoder.push(number) for number in ids), decoder.flush()])

    def piece(self, number: int) -> bytes:
        """The bytes of one id; none for a special token and for an id beyond the vocabulary."""
        if number in self._added:
            return self._added[number]
        characters = self._tokenizer.id_to_token(number) if number >= 0 else None
        return bytes(self._bytes[character] for character in characters or "")

    def _spelled(self, number: int) -> list[int]:
        if number < TEXT_VOCABULARY and number not in CONTROL_IDS:
            return [number]
        content = self.piece(number)
        return [self._byte_ids[byte] for byte in content]


class StreamingDecoder:
    """Text of one reply as its ids come in; each costs the same, however long the reply is."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, number: int) -> str:
        """Take in the next id; returns the characters that are now complete."""
        return self._utf8.decode(self._tokenizer.piece(number))

    def flush(self) -> str:
        """The reply has ended: U+FFFD if a character was left incomplete. Ready for another."""
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return rest


def byte_characters() -> dict[int, str]:
    """GPT-2's printable stand-in for every byte, by which `tokenizer.json` spells pieces."""
    printable = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
    table = {byte: chr(byte) for byte in printable}
    others = [byte for byte in range(0x100) if byte not in table]
    return table | {byte: chr(0x100 + index) for index, byte in enumerate(others)}
