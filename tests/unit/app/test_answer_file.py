"""Results on disk: what was written is known, and what was half written is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from everlisten.app.answer_file import AnswerFile
from everlisten.app.config import ConfigError
from everlisten.app.file_tasks import FileTask, TaskResult

TASK = FileTask(kind="question", text="Was ist das für ein Geräusch?")
MODEL = "model"


def result(name: str, number: int = 0) -> TaskResult:
    return TaskResult(
        file=Path(name),
        number=number,
        recording=Path(name),
        text="ein Hund\n犬",
        duration_s=1.23456,
        heard_s=1.0,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


@pytest.fixture
def written(path: Path) -> Path:
    with AnswerFile(path, TASK, MODEL) as answers:
        answers.add(result("a.wav"))
        answers.add(result("b.json", 1))
    return path


def test_a_result_is_one_line_with_everything(written: Path) -> None:
    first, second = written.read_text("utf-8").splitlines()
    assert json.loads(first) == {
        "file": str(Path("a.wav").resolve()),
        "number": 0,
        "recording": str(Path("a.wav").resolve()),
        "task": "question",
        "question": TASK.text,
        "to": "",
        "model": MODEL,
        "text": "ein Hund\n犬",
        "duration_s": 1.235,
        "heard_s": 1.0,
        "complete": True,
    }
    assert json.loads(second)["number"] == 1


def test_what_was_written_is_known(written: Path) -> None:
    with AnswerFile(written, TASK, MODEL) as answers:
        assert answers.has(Path("a.wav"))
        assert answers.has(Path("b.json"), 1)
        assert not answers.has(Path("b.json"))
        assert not answers.has(Path("c.wav"))


@pytest.mark.parametrize(
    ("task", "model"),
    [
        (replace(TASK, text="Who speaks?"), MODEL),
        (FileTask(kind="asr"), MODEL),
        (FileTask(kind="translate", to="zh"), MODEL),
        (TASK, "other"),
    ],
)
def test_another_task_or_model_is_another_result(written: Path, task: FileTask, model: str) -> None:
    with AnswerFile(written, task, model) as answers:
        assert not answers.has(Path("a.wav"))


def test_wherever_a_line_breaks_off_it_is_removed(written: Path) -> None:
    content = written.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(first, len(content)):
        written.write_bytes(content[:length])
        with AnswerFile(written, TASK, MODEL) as answers:
            assert answers.has(Path("a.wav"))
            whole = answers.has(Path("b.json"), 1)
            assert whole is (length == len(content) - 1)
            if not whole:
                answers.add(result("b.json", 1))
        assert written.read_bytes() == content


@pytest.mark.parametrize("length", [1, 5, 9, 40])
def test_a_first_line_may_break_off_too(written: Path, length: int) -> None:
    written.write_bytes(written.read_bytes()[:length])
    with AnswerFile(written, TASK, MODEL) as answers:
        assert not answers.has(Path("a.wav"))
    assert written.read_bytes() == b""


@pytest.mark.parametrize(
    "content",
    [b"RIFF\x00\x00\x00\x00WAVE", b"hello\n", b"{}\n", b"[1]\n", b'{"file": 3}\n', b"\xff\n", b"x"],
)
def test_a_file_with_other_content_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="choose another --out"):
        AnswerFile(path, TASK, MODEL)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone.*cannot be written"):
        AnswerFile(tmp_path / "gone" / "results.jsonl", TASK, MODEL)
