"""`everlisten ask` with the tiny checkpoint: results, going on after a break, and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import laim_fixture
import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("demo_run")]


@pytest.fixture(scope="module")
def model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files, the second of 23 s in another format."""
    folder = tmp_path_factory.mktemp("recordings")
    generator = np.random.default_rng(3)
    made = []
    for name, seconds, rate_hz in (
        ("a.wav", 2, 16_000),
        ("b.flac", 23, 8_000),
        ("c.wav", 1, 48_000),
    ):
        path = folder / name
        soundfile.write(path, generator.standard_normal(seconds * rate_hz) * 0.1, rate_hz)
        made.append(path)
    return made


def ask(*args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "everlisten.app", "ask", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def results(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_run_that_was_cut_off_goes_on(
    model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "results.jsonl"
    options = ("--task", "asr", "--model", model, "--out", out)
    first = ask(*recordings[:2], *options)
    assert first.stdout == ""
    by_file = {line["file"]: line for line in results(out)}
    assert set(by_file) == {str(path) for path in recordings[:2]}
    assert all(line["text"] for line in by_file.values())
    assert by_file[str(recordings[1])]["duration_s"] == pytest.approx(23.0)
    assert by_file[str(recordings[1])]["heard_s"] == pytest.approx(23.0)

    content = out.read_bytes()
    kept = content.splitlines(keepends=True)[0]
    out.write_bytes(content[: len(kept) + 30])
    ask(*recordings, *options)
    again = {line["file"]: line for line in results(out)}
    assert out.read_bytes().startswith(kept)
    assert len(results(out)) == 3
    assert {name: again[name]["text"] for name in by_file} == {
        name: line["text"] for name, line in by_file.items()
    }

    before = out.read_bytes()
    done = ask(*recordings, *options)
    assert "already" in done.stderr
    assert out.read_bytes() == before


def test_one_file_is_answered_on_the_screen(model: Path, recordings: list[Path]) -> None:
    done = ask(recordings[0], "--text", "What is it?", "--model", model)
    assert len(done.stdout.strip()) > 10
    translated = ask(recordings[0], "--task", "translate", "--to", "zh", "--model", model)
    assert translated.stdout.strip() not in ("", done.stdout.strip())


def test_a_damaged_file_is_told_and_the_others_go_on(
    model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"RIFF nothing")
    out = tmp_path / "results.jsonl"
    done = ask(damaged, recordings[0], "--model", model, "--out", out, code=2)
    assert "damaged.wav" in done.stderr
    assert [line["file"] for line in results(out)] == [str(recordings[0])]


def test_a_sequence_is_one_running_context(
    model: Path, recordings: list[Path], tmp_path: Path
) -> None:
    sequence = tmp_path / "sequence.json"
    sequence.write_text(json.dumps([str(recordings[0]), str(recordings[2])]))
    out = tmp_path / "results.jsonl"
    ask(sequence, "--text", "What was it?", "--model", model, "--out", out)
    lines = results(out)
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert {line["file"] for line in lines} == {str(sequence)}
    assert [line["recording"] for line in lines] == [
        *(str(recordings[0]), str(recordings[2])),
        str(sequence),
    ]
    assert lines[2]["text"]
    # The typed question comes last, so what was said before it does not depend on it.
    out.unlink()
    ask(sequence, "--model", model, "--out", out)
    assert [line["text"] for line in results(out)] == [line["text"] for line in lines[:2]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--task", "translate"), "add --to zh"),
        (("--task", "asr", "--to", "zh"), "--to goes with --task translate"),
        (("--task", "asr", "--text", "Why?"), "--text goes with --task question"),
        (("--task", "translate", "--to", "klingon"), "klingon"),
        (("--model", "embedded"), "needs the big model"),
        (("--out", "/nowhere/results.jsonl"), "cannot be written"),
        (("/nowhere/b.wav",), "/nowhere/b.wav"),
        (("/nowhere/sequence.json",), "/nowhere/sequence.json"),
    ],
)
def test_bad_input_is_one_sentence(
    model: Path, recordings: list[Path], options: tuple[str, ...], message: str
) -> None:
    if "--model" not in options:
        options += ("--model", str(model))
    done = ask(recordings[0], *options, code=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_model_is_one_sentence(
    shared: Path, recordings: list[Path], tmp_path: Path
) -> None:
    damaged = laim_fixture.tiny_checkpoint(shared, tmp_path)
    (damaged / "tokenizer.json").unlink()
    done = ask(recordings[0], "--model", damaged, code=3)
    assert "tokenizer.json" in done.stderr
    assert done.stderr.count("\n") == 1
