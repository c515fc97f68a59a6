"""Lists of recordings that share one running context."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from everlisten.engine.laim.sequence import SequenceError, is_sequence, read_sequence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("a.wav", "sub/b.mp3"):
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, content: object) -> Path:
    path = folder / "sequence.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        ["a.wav", "sub/b.mp3", "a.wav"],
        [{"audio_path": "a.wav", "assistant": "x"}, {"audio": "sub/b.mp3"}, "a.wav"],
        '\ufeff["a.wav", "sub/b.mp3", "a.wav"]',
    ],
)
def test_paths_are_meant_from_the_files_folder(folder: Path, content: object) -> None:
    made = read_sequence(write(folder, content))
    assert made == [folder / "a.wav", folder / "sub" / "b.mp3", folder / "a.wav"]


def test_absolute_paths_stay(folder: Path) -> None:
    assert read_sequence(write(folder, [str(folder / "a.wav")])) == [folder / "a.wav"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds no list of recordings"),
        ({"audio": "a.wav"}, "holds no list of recordings"),
        ("null", "holds no list of recordings"),
        ("[", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        (["a.wav", 3], "entry 2 names no recording"),
        (["a.wav", ""], "entry 2 names no recording"),
        ([{"path": "a.wav"}], "entry 1 names no recording"),
        ([{"audio": None}], "entry 1 names no recording"),
        (["a\0.wav"], "entry 1 names no recording"),
        (["a.wav", "missing.wav"], r"missing\.wav', which is not there"),
        (["sub"], "sub', which is not there"),
    ],
)
def test_anything_else_is_one_sentence(folder: Path, content: object, message: str) -> None:
    with pytest.raises(SequenceError, match=message) as raised:
        read_sequence(write(folder, content))
    assert "sequence.json" in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text(folder: Path) -> None:
    path = folder / "sequence.json"
    path.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(SequenceError, match="no valid JSON"):
        read_sequence(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"gone\.json' is not there"):
        read_sequence(tmp_path / "gone.json")


def test_sequences_are_told_by_their_name() -> None:
    assert is_sequence(Path("sample/sequence.JSON"))
    assert not is_sequence(Path("sample/json.wav"))
