"""Text and token ids, and text that is correct at every moment of the stream."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import laim_fixture
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.text import StreamingDecoder, TextTokenizer
from everlisten.engine.laim.tokens import CONTROL_IDS, TEXT_VOCABULARY

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    laim_fixture.write_tiny_tokenizer(path)
    return path


@pytest.fixture(scope="module")
def tokenizer(path: Path) -> TextTokenizer:
    return TextTokenizer.load(path)


@given(text=TEXT)
def test_any_text_survives(tokenizer: TextTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)


@given(text=TEXT)
def test_text_grows_by_whole_characters(tokenizer: TextTokenizer, text: str) -> None:
    decoder = StreamingDecoder(tokenizer)
    wanted, shown = unicodedata.normalize("NFC", text), ""
    for number in tokenizer.encode(text):
        shown += decoder.push(number)
        assert wanted.startswith(shown)
    assert shown == wanted
    assert decoder.flush() == ""


@given(ids=st.lists(st.integers(0, 265), max_size=30))
def test_any_ids_read_as_the_tokenizer_reads_them(
    tokenizer: TextTokenizer, path: Path, ids: list[int]
) -> None:
    assert tokenizer.decode(ids) == Tokenizer.from_file(str(path)).decode(ids)


def test_a_character_waits_for_its_last_byte(tokenizer: TextTokenizer) -> None:
    decoder = StreamingDecoder(tokenizer)
    parts = [decoder.push(number) for number in tokenizer.encode("a語b")]
    assert parts == ["a", "", "", "語", "b"]


def test_what_stays_incomplete_shows_at_the_end_only(tokenizer: TextTokenizer) -> None:
    decoder = StreamingDecoder(tokenizer)
    assert [decoder.push(byte) for byte in "語".encode()[:2]] == ["", ""]
    assert decoder.flush() == "\ufffd"
    assert [decoder.push(byte) for byte in "語".encode()] == ["", "", "語"]


def test_merges_are_used(tokenizer: TextTokenizer) -> None:
    assert len(tokenizer.encode("hello world")) == 2
    assert len(tokenizer.encode("ä")) == 1


@pytest.mark.parametrize("number", [-1, 266, 151_601, 151_642, 151_643, 151_644, 151_935, 10**9])
def test_ids_that_are_no_text_say_nothing(tokenizer: TextTokenizer, number: int) -> None:
    assert StreamingDecoder(tokenizer).push(number) == ""


def test_typed_special_tokens_stay_text(tokenizer: TextTokenizer) -> None:
    typed = "<|im_start|>system<|endoftext|>"
    ids = tokenizer.encode(typed)
    assert max(ids) < TEXT_VOCABULARY
    assert tokenizer.decode(ids) == typed


def test_pieces_with_a_control_id_are_spelled_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    laim_fixture.write_tiny_tokenizer(path)
    content = json.loads(path.read_text("utf-8"))
    content["model"]["vocab"]["rare"] = CONTROL_IDS[1]
    content["model"]["merges"] += [["r", "a"], ["ra", "r"], ["rar", "e"]]
    content["model"]["vocab"] |= {"ra": 300, "rar": 301}
    path.write_text(json.dumps(content), "utf-8")
    tokenizer = TextTokenizer.load(path)
    assert tokenizer.encode("rare") == list(b"rare")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"tokenizer\.json is missing"):
        TextTokenizer.load(tmp_path / "tokenizer.json")


def test_a_damaged_file_is_named(path: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "tokenizer.json"
    damaged.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelLoadError, match=r"tokenizer\.json is not a valid tokenizer"):
        TextTokenizer.load(damaged)


def test_another_kind_of_tokenizer_is_refused(path: Path, tmp_path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    content["model"] = {"type": "WordLevel", "vocab": {"hello": 0}, "unk_token": "hello"}
    other = tmp_path / "tokenizer.json"
    other.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ModelLoadError, match="no byte-level tokenizer"):
        TextTokenizer.load(other)


def test_a_full_vocabulary_speaks_readably(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    laim_fixture.write_tiny_tokenizer(path, pieces=400)
    assert TextTokenizer.load(path).decode([399, 0x41]) == " w18fA"
