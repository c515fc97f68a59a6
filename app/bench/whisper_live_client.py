"""Runs WhisperLive's server and speaks to it; started with the Python of a venv of its own.

Not part of the application and imports nothing of it. Reads float32 samples (16 kHz) from a file,
sends them in chunks of 0.4 s at real-time pace, and prints every answer as one line of JSON with
the seconds since the stream began; the last line holds the server's processor time and memory.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 6_400 * 4
_CHUNK_S = 0.4
_START_TIMEOUT_S = 120.0
_DRAIN_S = 15.0


def serve(port: int, weights: str) -> None:
    """The server, as `run_server.py --backend faster_whisper` starts it."""
    from whisper_live.server import TranscriptionServer

    TranscriptionServer().run(
        "127.0.0.1",
        port=port,
        backend="faster_whisper",
        faster_whisper_custom_model_path=weights,
        single_model=True,
        max_connection_time=3600,
    )


def main(samples_path: str, weights: str, port: int) -> None:
    """Play the file and print the answers."""
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, weights))
    server.start()
    try:
        play(Path(samples_path).read_bytes(), port)
        print(json.dumps(_usage(server.pid)), flush=True)
    finally:
        server.terminate()
        server.join()


def play(sound: bytes, port: int) -> None:
    """Send in real time while a thread prints what comes back."""
    connection = _connect(port)
    options = {"uid": "bench", "language": "en", "task": "transcribe", "model": "base",
               "use_vad": True, "send_last_n_segments": 10}  # fmt: skip
    connection.send(json.dumps(options))
    while "SERVER_READY" not in connection.recv():
        pass
    began_s = time.monotonic()
    reader = threading.Thread(target=_print_answers, args=(connection, began_s), daemon=True)
    reader.start()
    for number, begin in enumerate(range(0, len(sound), _CHUNK_BYTES)):
        due_s = began_s + (number + 1) * _CHUNK_S
        time.sleep(max(0.0, due_s - time.monotonic()))
        connection.send_binary(sound[begin : begin + _CHUNK_BYTES])
    time.sleep(_DRAIN_S)
    connection.close()


def _connect(port: int) -> Any:
    import websocket  # type: ignore[import-not-found]

    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            return websocket.create_connection(f"ws://127.0.0.1:{port}", timeout=60)
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.5)


def _print_answers(connection: Any, began_s: float) -> None:
    while True:
        try:
            answer = json.loads(connection.recv())
        except Exception:  # closed at the end, whatever this client's version raises for it
            return
        if "segments" in answer:
            at_s = time.monotonic() - began_s
            print(json.dumps({"at_s": at_s, "segments": answer["segments"]}), flush=True)


def _usage(pid: int | None) -> dict[str, float]:
    import psutil

    process = psutil.Process(pid)
    times = process.cpu_times()
    return {"cpu_s": times.user + times.system, "memory_mb": process.memory_info().rss / 1e6}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
