"""A virtual sound card for end-to-end tests, and the demo, which plays beside other tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everlisten.app.bench.virtual_sound import VirtualSoundServer


@pytest.fixture
def sound_server() -> Iterator[VirtualSoundServer]:
    """A private sound server with the sink "speakers" and the microphone "desk".

    What is played to the sink "room" is what the microphone hears. Tests may add and unload more.
    """
    with VirtualSoundServer() as server:
        server.add_sink("speakers", "Speakers")
        server.add_sink("room", "Room", rate_hz=44_100)
        server.add_microphone("desk", "room", "Desk")
        server.control("set-default-sink", "speakers")
        server.control("set-default-source", "desk")
        yield server


@pytest.fixture(scope="session")
def demo_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The application as it starts without a display: its process, and the folder that it is in.

    It prints to out.txt and err.txt there. The scene lasts 99 s and is played at the pace of life:
    files whose tests only wait for other programs, and measure no time, ask for it first.
    """
    folder = tmp_path_factory.mktemp("demo")
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PULSE_SERVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {
        "LC_ALL": "C.UTF-8",
        "EVERLISTEN_DATA_DIR": str(folder / "data"),
        "EVERLISTEN_CONFIG_DIR": str(folder / "config"),
    }
    with (
        (folder / "out.txt").open("wb") as out,
        (folder / "err.txt").open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "everlisten.app"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=errors,
        ) as process,
    ):
        yield process, folder
        process.terminate()
