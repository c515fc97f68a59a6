"""From a click being played to its samples lying in the device's ring, for both ways in.

A private sound server is started (Linux, PulseAudio); `pacat` plays clicks into sinks that play to
nobody. A click counts from the moment its bytes are handed to the player, so the player's own
buffer of about 10 ms is included: the numbers are upper bounds of what the capture adds.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from everlisten.app.bench.virtual_sound import VirtualSoundError, VirtualSoundServer
from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.config import CaptureConfig
from everlisten.audio_io.devices import SystemBackend
from everlisten.audio_io.native import NativeStream

BAR_MS = 150.0
RATE_HZ = 48_000
TICK_S = 0.01
PAUSES_TICKS = (31, 37, 43, 29, 53)
"""Uneven, so that a click cannot be taken for the one before it."""
FIRST_CLICK_TICKS = 50
WARM_UP_TICKS = 100
RUN_DRY_S = 0.3
SILENCE = bytes(2 * round(TICK_S * RATE_HZ))
CLICK = np.full(round(TICK_S * RATE_HZ), 20_000, np.int16).tobytes()
POLL_S = 0.001
QUIET_S = 0.1
FIRST_DATA_TIMEOUT_S = 10.0
F_SETPIPE_SZ = 1031
"""Linux's fcntl; the module has the name only on Python 3.10 and Linux."""

PATHS = {SourceName.MIC: "room", SourceName.SYSTEM: "speakers"}


class Clicker:
    """Plays silence with clicks into a sink and notes when each was handed to the player."""

    def __init__(self, sink: str) -> None:
        """Start the player on `sink`."""
        program = shutil.which("pacat")
        if program is None:
            raise VirtualSoundError("the program pacat is missing; install pulseaudio-utils")
        self.played_s: list[float] = []
        self._stop = threading.Event()
        self._player = subprocess.Popen(
            [
                *(program, "--playback", "--raw", "--format=s16le", f"--rate={RATE_HZ}"),
                *("--channels=1", "--latency-msec=10", "--process-time-msec=2", f"--device={sink}"),
            ],
            stdin=subprocess.PIPE,
        )
        assert self._player.stdin is not None
        # A pipe of the usual 64 KiB would hold 0.7 s of sound and hide it from the clock.
        fcntl.fcntl(self._player.stdin, F_SETPIPE_SZ, 4096)
        self._thread = threading.Thread(target=self._run, name="bench-clicks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the player."""
        self._stop.set()
        self._thread.join()
        self._player.terminate()
        self._player.wait()

    def _run(self) -> None:
        # What piled up in the pipe while the player started would stay there as delay: let it
        # run dry once, then hand over each tick when it is due.
        for _ in range(WARM_UP_TICKS):
            self._write(SILENCE)
            self._stop.wait(TICK_S)
        self._stop.wait(RUN_DRY_S)
        due_s = time.monotonic()
        until_click = FIRST_CLICK_TICKS
        while not self._stop.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + TICK_S, time.monotonic())  # never hurry after a stall
            until_click -= 1
            if until_click:
                self._write(SILENCE)
                continue
            self.played_s.append(time.monotonic())
            self._write(CLICK)
            until_click = PAUSES_TICKS[len(self.played_s) % len(PAUSES_TICKS)]

    def _write(self, sound: bytes) -> None:
        assert self._player.stdin is not None
        try:
            self._player.stdin.write(sound)
            self._player.stdin.flush()
        except BrokenPipeError:
            self._stop.set()


def run(clicks: int = 40) -> dict[str, Any]:
    """Measure both ways.

    Args:
        clicks: How many clicks for each.

    Returns:
        Per way ("mic", "system"): p50_ms, p95_ms, worst_ms, clicks, missed, first_data_s; and
        "bar_ms" and "met".

    Raises:
        VirtualSoundError: No private sound server can be started here.
    """
    result: dict[str, Any] = {"bar_ms": BAR_MS}
    with VirtualSoundServer() as server:
        for sink in PATHS.values():
            server.add_sink(sink)
        server.add_microphone("desk", "room")
        server.control("set-default-sink", PATHS[SourceName.SYSTEM])
        server.control("set-default-source", "desk")
        for source, sink in PATHS.items():
            result[source.value] = _measure(source, sink, clicks)
    result["met"] = all(
        result[source.value]["p95_ms"] <= BAR_MS and not result[source.value]["missed"]
        for source in PATHS
    )
    return result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `everlisten bench latency`."""
    parser.add_argument("--clicks", type=int, default=40, help="clicks for each way in")
    parser.add_argument("--out", type=Path, help="write the numbers as JSON")


def main(options: argparse.Namespace) -> int:
    """Print a table, write JSON with --out; 0 when the bar is met."""
    try:
        result = run(options.clicks)
    except VirtualSoundError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    lines = ["way      p50 ms  p95 ms  worst ms  clicks  missed"]
    for source in PATHS:
        way = result[source.value]
        lines.append(
            f"{source.value:<8} {way['p50_ms']:6.1f}  {way['p95_ms']:6.1f}  {way['worst_ms']:8.1f}"
            f"  {way['clicks']:6d}  {way['missed']:6d}"
        )
    lines.append(f"bar: p95 <= {BAR_MS:.0f} ms: {'met' if result['met'] else 'MISSED'}")
    sys.stdout.write("\n".join(lines) + "\n")
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["met"] else 1


def _measure(source: SourceName, sink: str, clicks: int) -> dict[str, Any]:
    backend = SystemBackend(CaptureConfig().latency_s)
    try:
        opened_s = time.monotonic()
        stream = backend.open(source, backend.find(source, ""))
        try:
            first_s = _first_data(stream) - opened_s
            played_s, heard_s = _listen(stream, sink, clicks)
        finally:
            stream.close()
    finally:
        backend.close()
    # In order: nothing is lost between the player and the ring, or the counts differ.
    found = [1000.0 * (heard - played) for played, heard in zip(played_s, heard_s, strict=False)]
    return {
        "p50_ms": float(np.percentile(found, 50)) if found else float("inf"),
        "p95_ms": float(np.percentile(found, 95)) if found else float("inf"),
        "worst_ms": max(found, default=float("inf")),
        "clicks": len(played_s),
        "missed": len(played_s) - len(found),
        "first_data_s": round(first_s, 3),
    }


def _first_data(stream: NativeStream) -> float:
    until_s = time.monotonic() + FIRST_DATA_TIMEOUT_S
    while not len(stream.read()):
        if time.monotonic() > until_s:
            raise VirtualSoundError(f"'{stream.device.name}' delivers nothing")
        time.sleep(POLL_S)
    return time.monotonic()


def _listen(stream: NativeStream, sink: str, clicks: int) -> tuple[list[float], list[float]]:
    """(when each click was played, when each was found in the ring), monotonic seconds."""
    clicker = Clicker(sink)
    heard_s: list[float] = []
    loud_s = float("-inf")
    tick_s = max(PAUSES_TICKS) * TICK_S
    until_s = time.monotonic() + 5.0 + clicks * tick_s
    try:
        while time.monotonic() < until_s and len(heard_s) < clicks:
            block = stream.read()
            now_s = time.monotonic()
            if len(block) and np.abs(block).max() > 0.2:
                if now_s - loud_s > QUIET_S:
                    heard_s.append(now_s)
                loud_s = now_s
            time.sleep(POLL_S)
    finally:
        clicker.close()
    return clicker.played_s[:clicks], heard_s
