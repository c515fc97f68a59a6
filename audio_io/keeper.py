"""Keeps one device open: opens it, watches it, waits for it, and takes it back when it returns.

Opening may take seconds, so it never happens on the audio thread: each source has a keeper with a
thread of its own. The user's choice is never changed here; only "" follows the system's default.
"""

from __future__ import annotations

import logging
import sys
import threading
import time

from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.config import CaptureConfig
from everlisten.audio_io.errors import (
    AudioError,
    DeviceLostError,
    DeviceNotFoundError,
    PermissionDeniedError,
)
from everlisten.audio_io.health import Condition
from everlisten.audio_io.native import DEFAULT_DEVICE, DeviceBackend, DeviceInfo, NativeStream
from everlisten.audio_io.pulse_library import SoundServerError

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 2.0
ANY_DEVICE = {
    SourceName.MIC: "a microphone",
    SourceName.SYSTEM: "a sound output",
    SourceName.FILE: "a file",
}


class DeviceKeeper:
    """Owns the stream of one source.

    The audio thread borrows the stream with `borrow` and holds `lock` while it reads; the
    keeper's thread closes a stream only under that lock, which it holds for an instant.
    """

    def __init__(
        self,
        source: SourceName,
        device_id: str,
        backend: DeviceBackend,
        config: CaptureConfig,
        known_name: str = "",
    ) -> None:
        """Remember what to keep; nothing is opened before `start`.

        Args:
            source: Microphone or system.
            device_id: The user's choice; "" follows the default.
            backend: Finds and opens.
            config: Pauses between tries.
            known_name: The device's name for people, if it is known from before.
        """
        self.source = source
        self.device_id = device_id
        self.lock = threading.Lock()
        self._backend = backend
        self._config = config
        self._stream: NativeStream | None = None
        self._device: DeviceInfo | None = None
        self._name = known_name or _plain(device_id) or ANY_DEVICE[source]
        self._status = (Condition.OPENING, f"Opening {self._name}.")
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"audio-keeper-{source.value}", daemon=True
        )

    @property
    def name(self) -> str:
        """Name of the device that is open or waited for."""
        return self._name

    @property
    def device(self) -> DeviceInfo | None:
        """The device that was opened last; None before the first."""
        return self._device

    @property
    def status(self) -> tuple[Condition, str]:
        """Condition and sentence, as far as the device itself goes."""
        return self._status

    def borrow(self) -> NativeStream | None:
        """The open stream, or None. Use it only while holding `lock`."""
        return self._stream

    def start(self) -> None:
        """Begin to open."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask the thread to end, without waiting."""
        self._stop.set()

    @property
    def running(self) -> bool:
        """The thread has not ended yet."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Close the device; returns when the thread has ended, or after `timeout_s`."""
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning("'%s' does not answer; its thread is left behind", self._name)

    def _run(self) -> None:
        pause_s = self._config.retry_first_s
        try:
            while not self._stop.is_set():
                if self._step():
                    pause_s = self._config.retry_first_s
                    self._stop.wait(self._config.watch_s)
                else:
                    self._stop.wait(pause_s)
                    pause_s = min(2.0 * pause_s, self._config.retry_max_s)
        except Exception as error:
            logger.exception("keeping '%s' open failed", self._name)
            self._status = (Condition.FAILED, f"{self._name} failed: {error}; see the log.")
        finally:
            self._close()

    def _step(self) -> bool:
        """Open, or check what is open; True while it is well."""
        try:
            self._keep()
        except AudioError as error:
            self._close()
            status = self._told(error)
            if status != self._status:
                logger.info("%s: %s", self.source.value, error)
            self._status = status
            return False
        return True

    def _keep(self) -> None:
        stream = self._stream
        if stream is not None and not stream.alive():
            logger.info("%s: '%s' has ended", self.source.value, self._name)
            self._close()
            self._status = (Condition.WAITING, f"Waiting for {self._name}.")
            stream = None
        device = self._backend.find(self.source, self.device_id)
        if stream is not None and self._device is not None and device.id == self._device.id:
            return
        self._close()
        began_s = time.monotonic()
        stream = self._backend.open(self.source, device)
        self._name = device.name
        self._device = device
        with self.lock:
            self._stream = stream
        self._status = (Condition.OK, "")
        logger.info(
            "%s: opened '%s', %d Hz, %d channels, in %.2f s",
            self.source.value,
            device.name,
            stream.rate_hz,
            stream.channels,
            time.monotonic() - began_s,
        )

    def _close(self) -> None:
        with self.lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _told(self, error: AudioError) -> tuple[Condition, str]:
        if isinstance(error, PermissionDeniedError):
            return Condition.DENIED, str(error)
        if isinstance(error, DeviceNotFoundError | DeviceLostError):
            return Condition.WAITING, f"Waiting for {self._name}."
        if isinstance(error, SoundServerError):
            return Condition.WAITING, f"Waiting for {self._name}. {error}"
        return Condition.FAILED, str(error)


def silent_sentence(platform: str = sys.platform) -> str:
    """What exact zeros from a microphone may mean."""
    sentence = "Microphone gives only silence: muted?"
    if platform == "darwin":
        sentence += " If not, allow Everlisten in System Settings, Privacy & Security, Microphone."
    return sentence


def _plain(device_id: str) -> str:
    """The readable end of an id, for a device that was never seen."""
    return "" if device_id == DEFAULT_DEVICE else device_id.split(":")[-1]
