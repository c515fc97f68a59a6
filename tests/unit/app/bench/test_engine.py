"""The engine's benchmark at tiny sizes: it measures what it says, and needs few packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from everlisten.app.bench import engine
from everlisten.app.bench.engine_report import Table, read_tables, write_tables
from everlisten.app.bench.engine_soak import soak
from everlisten.app.bench.engine_steps import cache_bytes, weight_bytes
from everlisten.app.bench.engine_stream import LANES, SPEAKS_EVERY, TEXT_TOKENS, latency_rows
from everlisten.app.bench.engine_subject import Listening, Script, Subject
from everlisten.app.bench.engine_timing import Timing, copy_bandwidth, measure
from everlisten.engine.laim.checkpoint import load_checkpoint

CPU = torch.device("cpu")
QUICK = ("--device", "cpu", "--count", "3", "--soak-minutes", "0.1", "--paced-s", "0")
QUICK += ("--hours", "0.005", "--minutes", "0.05,0.1", "--steady-chunks", "5")

HIDE_PACKAGES = """
import sys
from importlib.machinery import PathFinder

HIDDEN = {"PySide6", "soxr", "soundfile", "rtmixer", "sounddevice", "ctranslate2", "faster_whisper",
          "soundcard", "platformdirs"}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in HIDDEN:
            return None
        places = [each for each in path or sys.path if "site-packages" not in each]
        found = PathFinder.find_spec(name, places)
        if found is None and "find_spec" not in sys._getframe(2).f_code.co_name:
            raise ModuleNotFoundError(f"hidden: {name}", name=name)
        return found

sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of tiny sizes, written as the benchmark writes them."""
    scratch = tmp_path_factory.mktemp("scratch")
    options = ("--random", "tiny", "--suite", "load", "--precision", "float32")
    assert run(scratch / "out", *options, "--scratch", str(scratch)) == 0
    return scratch / "tiny"


@pytest.fixture
def subject(checkpoint: Path) -> Subject:
    return Subject(folder=checkpoint, precision="float32", device="cpu")


def run(out: Path, *options: str) -> int:
    return engine.run([*QUICK, "--out", str(out), *options])


def test_every_suite_reports(checkpoint: Path, tmp_path: Path) -> None:
    assert run(tmp_path, "--model", str(checkpoint), "--precision", "float32") == 0
    report = (tmp_path / "float32.md").read_text("utf-8")
    for title in ("Load time", "One pass", "Audio tower", "Chunks through", "Soak", "Beside"):
        assert f"### {title}" in report
    assert "nan" not in report
    soaked = read_tables(tmp_path / "float32-soak.json")[0].rows
    assert [row["lanes"] for row in soaked] == [1, 3]
    assert all(row["dropped chunks"] == 0 and "failed" not in row for row in soaked)


def test_finished_suites_are_not_measured_again(checkpoint: Path, tmp_path: Path) -> None:
    known = Table("Known", ({"what": "kept"},))
    write_tables(tmp_path / "float32-steps.json", [known])
    options = ("--model", str(checkpoint), "--precision", "float32", "--suite", "steps,soak")
    assert run(tmp_path, *options, "--budget-s", "0") == 0
    assert read_tables(tmp_path / "float32-steps.json") == [known]
    report = (tmp_path / "float32.md").read_text("utf-8")
    assert "kept" in report
    assert "Not run: no time left." in report
    assert not (tmp_path / "float32-soak.json").exists()


def test_a_suite_that_fails_does_not_take_the_others_along(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    (damaged / "tokenizer.json").unlink()  # needed to listen, not to measure a pass
    options = ("--model", str(damaged), "--precision", "float32", "--suite", "load,steps")
    assert run(tmp_path, *options) == 1
    assert (tmp_path / "float32-steps.json").exists()
    assert "tokenizer.json" in (tmp_path / "float32.md").read_text("utf-8")
    assert "ModelLoadError" in capsys.readouterr().err


def test_an_unknown_suite_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--random", "tiny", "--suite", "stepz") == 2
    assert "stepz" in capsys.readouterr().err


def test_several_precisions_run_apart_and_without_the_desktop_packages(
    checkpoint: Path, tmp_path: Path, repository: Path
) -> None:
    """As on a machine that has PyTorch, a checkout, and nothing of the window and the devices."""
    (tmp_path / "sitecustomize.py").write_text(HIDE_PACKAGES, encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, str(repository / "tests" / "gpu" / "from_checkout.py"), "bench"]
    command += [*QUICK, "--model", str(checkpoint), "--suite", "load,soak", "--out", str(out)]
    command += ["--precision", "bf16,int8"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.glob("*.md")} == {"bf16.md", "int8.md"}
    for name in ("bf16", "int8"):
        assert json.loads((out / f"{name}-soak.json").read_text("utf-8"))


def test_chunks_speak_as_scripted(subject: Subject) -> None:
    listening = Listening(subject, 3)
    played = listening.play(2 * SPEAKS_EVERY)
    lanes = {"captions", "translation", "assistant"}
    for each in played:
        assert each.decision_ms.keys() == lanes
        speaks = each.index % SPEAKS_EVERY == SPEAKS_EVERY - 1
        assert each.spoke == each.text_ms.keys() == (lanes if speaks else set())
        assert all(each.decision_ms[lane] < each.text_ms[lane] for lane in each.spoke)
        assert each.done_ms >= max([*each.decision_ms.values(), *each.text_ms.values()])
    counts = {row["what"]: row["n"] for row in latency_rows("here", 3, played)}
    assert counts == {
        "chunk end to decision": 20,
        "chunk end to first text token": 2,
        "all done, silent chunk": 18,
        f"all done, {TEXT_TOKENS} text tokens": 2,
    }
    assert listening.skip(SPEAKS_EVERY) == SPEAKS_EVERY
    subject.close()


def test_nobody_speaks_while_chunks_are_skipped() -> None:
    script = Script()
    assert [script("captions", chunk).text_tokens for chunk in (8, 9, 10)] == [0, TEXT_TOKENS, 0]
    script.silent = True
    assert script("captions", 9).text_tokens == 0


def test_an_engine_that_cannot_keep_up_is_seen_to_drop(subject: Subject) -> None:
    """A producer at a thousand times real time fills the ring's 150 chunks."""
    done = soak(subject.model(), LANES[3], chunks=400, speed=1000.0)
    subject.close()
    assert done.dropped > 0
    assert done.deepest == 150
    assert done.decisions == 3 * (400 - done.dropped)


def test_bytes_of_a_pass_are_those_of_the_weights(checkpoint: Path) -> None:
    weights = load_checkpoint(checkpoint, device="cpu", precision="float32").weights
    size = weights.size
    fused = (size.query_heads + 2 * size.kv_heads) * size.head_width
    per_layer = fused * (size.width + 1) + size.width * size.query_heads * size.head_width
    per_layer += 3 * size.width * size.feed_forward + 2 * size.width
    body = size.layers * per_layer + size.width + 8 * size.width
    assert weight_bytes(weights, head=False) == 4 * body
    assert weight_bytes(weights, head=True) == 4 * (body + size.vocabulary * size.width)
    assert cache_bytes(weights, 10) == 10 * 2 * 4 * size.layers * size.kv_heads * size.head_width


def test_percentiles_agree_with_numpy(rng: np.random.Generator) -> None:
    samples = rng.exponential(size=301).tolist()
    timing = Timing.of(samples)
    wanted = np.percentile(samples, (50, 95, 99, 100))
    assert np.allclose((timing.p50_ms, timing.p95_ms, timing.p99_ms, timing.max_ms), wanted)
    assert timing.n == 301


def test_measuring_counts_calls_and_keeps_to_its_time() -> None:
    calls = []
    timing = measure(lambda: calls.append(0), device=CPU, count=20, warm_up=3)
    assert (timing.n, len(calls)) == (20, 23)
    timing = measure(lambda: time.sleep(0.02), device=CPU, count=1000, warm_up=0, limit_s=0.1)
    assert 1 <= timing.n <= 5
    assert timing.p50_ms >= 20
    assert copy_bandwidth(CPU) > 1e8
