"""How fast the window listens, and what it costs: time to listening, memory, idle CPU.

Starts the real window as a process of its own, with a data folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from everlisten.app.demo import demo_scene
from everlisten.app.paths import AppPaths
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ

_LISTENING = "-> listening"
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.02
_STOP_TIMEOUT_S = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `everlisten bench start`."""
    parser.add_argument("--starts", type=int, default=5, help="warm starts to time (default 5)")
    parser.add_argument("--idle-s", type=float, default=30.0, help="seconds of silence")
    parser.add_argument("--speech-s", type=float, default=60.0, help="seconds of speech")
    parser.add_argument("--out", type=Path, help="write the report as JSON")


def main(args: argparse.Namespace) -> int:
    """Measure, print a table, write the report."""
    with tempfile.TemporaryDirectory(prefix="everlisten-bench-") as folder:
        report = measure(Path(folder), args)
    for name, value in report.items():
        print(f"{name:28} {value}")
    if args.out is not None:
        args.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def measure(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Times in s, memory in MB, CPU in percent of one core."""
    silence = folder / "silence.wav"
    soundfile.write(silence, np.zeros(int(SAMPLE_RATE_HZ * (args.idle_s + 30)), np.int16), 16_000)
    with _window(folder, silence) as (_, first_s):
        pass
    times_s = []
    for _ in range(args.starts):
        with _window(folder, silence) as (_, seconds):
            times_s.append(seconds)
    with _window(folder, silence) as (process, _):
        idle_percent = _cpu_percent(process, args.idle_s)
        idle_mb = process.memory_info().rss / 1e6
    with _window(folder, demo_scene()) as (process, _):
        speech_percent = _cpu_percent(process, args.speech_s)
        speech_mb = process.memory_info().rss / 1e6
    return {
        "first start to listening s": round(first_s, 2),
        "start to listening s p50": round(float(np.median(times_s)), 2),
        "start to listening s max": round(max(times_s), 2),
        "idle CPU % of a core": round(idle_percent, 1),
        "idle memory MB": round(idle_mb),
        "speech CPU % of a core": round(speech_percent, 1),
        "memory after speech MB": round(speech_mb),
        "processors": os.cpu_count(),
    }


@contextmanager
def _window(folder: Path, sound: Path) -> Iterator[tuple[psutil.Process, float]]:
    """A window that listens to `sound`, and how many seconds it took to listen."""
    environment = dict(
        os.environ, EVERLISTEN_DATA_DIR=str(folder), EVERLISTEN_CONFIG_DIR=str(folder)
    )
    if not os.environ.get("DISPLAY"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    log = AppPaths(data=folder, config=folder).log
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    began_s = time.monotonic()
    command = [sys.executable, "-m", "everlisten.app", "--open", str(sound)]
    with subprocess.Popen(command, env=environment) as child:
        try:
            yield psutil.Process(child.pid), _wait_for_listening(log, child, began_s)
        finally:
            child.terminate()
            child.wait(_STOP_TIMEOUT_S)


def _wait_for_listening(log: Path, child: subprocess.Popen[bytes], began_s: float) -> float:
    while _LISTENING not in log.read_text():
        waited_s = time.monotonic() - began_s
        if child.poll() is not None or waited_s > _READY_TIMEOUT_S:
            raise RuntimeError(f"the window did not listen within {waited_s:.0f} s; see {log}")
        time.sleep(_POLL_S)
    return time.monotonic() - began_s


def _cpu_percent(process: psutil.Process, seconds: float) -> float:
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / seconds * 100
