"""Plays sounds to the loudspeakers from a thread of its own; nobody waits for it.

What is urgent goes first and cuts short what is not. A computer without a sound output, or one
that refuses, costs nothing but the sound: it is logged, and told once.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from everlisten.audio_io.chunk import Samples
from everlisten.audio_io.errors import AudioError

logger = logging.getLogger(__name__)

_BLOCK_S = 0.05
"""A stop is heard after so long."""
_JOIN_S = 3.0
_REFUSED = "No sound can be played on this computer, so alerts are silent: {reason}"


class Output(Protocol):
    """An opened loudspeaker."""

    def write(self, samples: Samples) -> None:
        """Take float32 [T]; waits while the device's buffer is full."""

    def close(self) -> None:
        """Play the rest and close."""


OpenOutput = Callable[[int], Output]
"""From a sample rate; raises `AudioError`."""
Make = Callable[[], tuple[Samples, int] | None]
"""Makes float32 [T] and its rate in the player's thread; None if there is nothing to play."""


@dataclass(frozen=True, slots=True)
class _Job:
    make: Make
    urgent: bool


class SoundPlayer:
    """One loudspeaker.

    Args:
        heard: Told from when until when (`time.monotonic()`) something is played, before it is.
        tell: Takes one sentence when nothing can be played.
        open_output: Opens the loudspeaker; PortAudio's default if None.
    """

    def __init__(
        self,
        heard: Callable[[float, float], None],
        tell: Callable[[str], None],
        open_output: OpenOutput | None = None,
    ) -> None:
        self._heard = heard
        self._tell = tell
        self._open = open_output or PortAudioOutput
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._cut = threading.Event()
        self._quitting = False
        self._told = False
        self._playing_urgent = False
        self._thread: threading.Thread | None = None
        self.problem = ""
        """Why nothing can be played; "" if something can, or was not tried yet."""

    def start(self) -> None:
        """Begin to wait for sounds."""
        self._thread = threading.Thread(target=self._run, name="sound-player", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cut short what is played and end."""
        self._quitting = True
        self._cut.set()
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                logger.warning("the sound output does not answer")

    def play(self, make: Make, *, urgent: bool = False) -> None:
        """Play what `make` gives, in turn; what is urgent cuts short what is not."""
        if urgent and not self._playing_urgent:
            self._cut.set()
        self._jobs.put(_Job(make, urgent))

    def cut(self) -> None:
        """Cut short what is played, unless it is urgent."""
        if not self._playing_urgent:
            self._cut.set()

    def _run(self) -> None:
        while not self._quitting:
            job = self._jobs.get()
            if job is None:
                continue
            self._cut.clear()
            self._playing_urgent = job.urgent
            try:
                self._carry_out(job)
            except AudioError as error:
                self._fail(str(error))
            except Exception as error:
                logger.exception("a sound could not be played")
                self._fail(f"{error!r}. The log says more.")
            self._playing_urgent = False

    def _carry_out(self, job: _Job) -> None:
        made = job.make()
        if made is None or self._quitting:
            return
        samples, rate_hz = made
        output = self._open(rate_hz)
        try:
            now_s = time.monotonic()
            self._heard(now_s, now_s + len(samples) / rate_hz)
            for block in np.array_split(samples, max(1, round(len(samples) / rate_hz / _BLOCK_S))):
                if self._cut.is_set():
                    break
                output.write(block)
        finally:
            output.close()
        self.problem, self._told = "", False

    def _fail(self, reason: str) -> None:
        self.problem = _REFUSED.format(reason=reason)
        logger.warning("%s", self.problem)
        if not self._told:
            self._told = True
            self._tell(self.problem)


class PortAudioOutput:
    """The system's default output."""

    def __init__(self, rate_hz: int) -> None:
        """Open it.

        Raises:
            AudioError: There is none, or it refuses.
        """
        from everlisten.audio_io import port_audio

        self._port_audio = port_audio
        with port_audio.opening() as sounddevice:
            try:
                self._stream: Any = sounddevice.OutputStream(
                    samplerate=rate_hz, channels=1, dtype="float32"
                )
                self._stream.start()
            except sounddevice.PortAudioError as error:
                raise AudioError(
                    f"the sound output cannot be opened ({error}); choose one in the system's"
                    " sound settings."
                ) from error

    def write(self, samples: Samples) -> None:
        """Take float32 [T]."""
        self._stream.write(np.ascontiguousarray(samples[:, np.newaxis]))

    def close(self) -> None:
        """Play the rest and close."""
        self._stream.stop(ignore_errors=True)
        with self._port_audio.closing():
            self._stream.close(ignore_errors=True)
