"""A sound server of our own, with sinks that play to nobody: for benchmarks and tests on Linux.

It never touches the user's server: it has a socket, a runtime folder and a configuration of its
own, and `PULSE_SERVER` points this process and its children to it only while it runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 10.0


class VirtualSoundError(Exception):
    """The private sound server does not run, or a program that it needs is missing."""


class VirtualSoundServer:
    """A private PulseAudio daemon; `with` starts it and takes everything away again."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._folder: Path | None = None
        self._daemon: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        self._server_before: str | None = None

    def __enter__(self) -> VirtualSoundServer:
        self._server_before = os.environ.get("PULSE_SERVER")
        self._folder = Path(tempfile.mkdtemp(prefix="everlisten-sound-"))
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the daemon."""
        assert self._daemon is not None, "not running"
        return self._daemon.pid

    def start(self) -> None:
        """Start the daemon, also again after `kill`; there are no sinks at first."""
        assert self._folder is not None, "use with"
        socket = self._folder / "socket"
        socket.unlink(missing_ok=True)
        (self._folder / "runtime").mkdir(mode=0o700, exist_ok=True)
        os.environ["PULSE_SERVER"] = f"unix:{socket}"
        command = [
            _program("pulseaudio"),
            *("-n", "--daemonize=no", "--exit-idle-time=-1", "--system=false"),
            *("--use-pid-file=no", "--disable-shm=yes", "--log-target=stderr", "--log-level=error"),
            *("-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
        ]
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder / "runtime"),
            "PULSE_RUNTIME_PATH": str(self._folder / "runtime"),
        }
        with (self._folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._wait_ready()

    def kill(self) -> None:
        """End the daemon as a crash would."""
        if self._daemon is not None:
            _end(self._daemon, signal.SIGKILL)
            self._daemon = None

    def close(self) -> None:
        """End the players and the daemon, remove the folder, give `PULSE_SERVER` back."""
        for player in self._players:
            _end(player, signal.SIGTERM)
        self._players = []
        if self._daemon is not None:
            _end(self._daemon, signal.SIGTERM)
            self._daemon = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._server_before is None:
            os.environ.pop("PULSE_SERVER", None)
        else:
            os.environ["PULSE_SERVER"] = self._server_before

    def add_sink(self, name: str, description: str = "", rate_hz: int = 48_000) -> int:
        """Load a sink that plays to nobody; returns its module, for `unload`."""
        properties = f"device.description={description or name}"
        return self._load(
            "module-null-sink", f"sink_name={name}", f"rate={rate_hz}",
            f"sink_properties={properties}",
        )  # fmt: skip

    def add_microphone(self, name: str, sink: str, description: str = "") -> int:
        """Load a source that hears what is played to `sink`; returns its module."""
        properties = f"device.description={description or name}"
        return self._load(
            "module-remap-source", f"master={sink}.monitor", f"source_name={name}",
            f"source_properties={properties}",
        )  # fmt: skip

    def unload(self, module: int) -> None:
        """Take a sink or source away, as unplugging does."""
        self.control("unload-module", str(module))

    def control(self, *arguments: str) -> str:
        """Run `pactl` and return what it prints."""
        done = subprocess.run(
            [_program("pactl"), *arguments],
            capture_output=True,
            text=True,
            timeout=CALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise VirtualSoundError(f"pactl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def play(self, path: Path, sink: str) -> subprocess.Popen[bytes]:
        """Start `paplay`; it ends with the file, or with the server."""
        command = [_program("paplay"), f"--device={sink}", str(path)]
        player = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._players.append(player)
        return player

    def _load(self, *arguments: str) -> int:
        return int(self.control("load-module", *arguments))

    def _wait_ready(self) -> None:
        until_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.control("info")
                return
            except VirtualSoundError as error:
                assert self._daemon is not None
                assert self._folder is not None
                if self._daemon.poll() is not None or time.monotonic() > until_s:
                    log = (self._folder / "log").read_text(errors="replace")
                    raise VirtualSoundError(f"pulseaudio does not start: {log}") from error
            time.sleep(0.02)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise VirtualSoundError(
            f"the program {name} is missing; install it (Debian and Ubuntu: apt install "
            "pulseaudio pulseaudio-utils)"
        )
    return path


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
