"""What the computer plays, through SoundCard's loopback: Windows (WASAPI).

On Linux the sound server's monitors are recorded by `pulse_stream`; on macOS there is no loopback
without a virtual device, which is then opened like a microphone.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.errors import DeviceLostError, PermissionDeniedError
from everlisten.audio_io.native import DeviceInfo

logger = logging.getLogger(__name__)

QUEUE_BLOCKS = 1024
"""10 s of blocks of 10 ms."""
START_TIMEOUT_S = 3.0
STOP_TIMEOUT_S = 2.0


class Loopback:
    """Records a loopback microphone of SoundCard from a reader thread of its own.

    The thread copies blocks into a queue of bounded length. SoundCard itself returns silence of
    the right length while WASAPI delivers nothing because nothing plays.
    """

    def __init__(self, device: DeviceInfo, microphone: Any, latency_s: float) -> None:
        """Open and start.

        Args:
            device: What is opened; its rate and channels are asked for.
            microphone: SoundCard's microphone object, a loopback.
            latency_s: Block length asked for.

        Raises:
            DeviceLostError: It cannot be recorded now.
            PermissionDeniedError: The system does not allow it.
        """
        self.device = device
        self.rate_hz = device.rate_hz
        self.channels = device.channels
        self._microphone = microphone
        self._block_frames = max(1, int(latency_s * self.rate_hz))
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._overflows = 0
        self._error: Exception | None = None
        self._started = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio-loopback", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            self._stop.set()
            raise DeviceLostError(device.name, "no answer")
        if self._error is not None:
            self.close()
            raise _told(device, self._error)

    def read(self) -> NDArray[np.float32]:
        """float32 [frames, channels], owned by the caller: all that waits."""
        blocks = [self._blocks.popleft() for _ in range(len(self._blocks))]
        return np.concatenate(blocks) if blocks else np.zeros((0, self.channels), np.float32)

    def overflows(self) -> int:
        """Blocks that were lost because nobody read for 10 s."""
        return self._overflows

    def alive(self) -> bool:
        """The reader thread still runs."""
        return self._thread.is_alive() and not self._stop.is_set()

    def close(self) -> None:
        """End the thread; may be called twice."""
        self._stop.set()
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            logger.warning("the reader of '%s' does not end", self.device.name)

    def _run(self) -> None:
        try:
            recorder = self._microphone.recorder(
                samplerate=self.rate_hz, channels=self.channels, blocksize=self._block_frames
            )
            with recorder:
                self._started.set()
                while not self._stop.is_set():
                    self._keep(recorder.record(numframes=None))
        except Exception as error:
            # Ends this stream only; `alive` tells, and the device is tried again.
            self._error = error
            logger.warning("listening to '%s' ended: %s", self.device.name, error)
        finally:
            self._started.set()

    def _keep(self, block: NDArray[np.float32]) -> None:
        if len(self._blocks) >= QUEUE_BLOCKS:
            self._overflows += 1
            return
        if len(block):
            self._blocks.append(np.array(block, np.float32).reshape(-1, self.channels))


def _told(device: DeviceInfo, error: Exception) -> Exception:
    text = str(error)
    if "80070005" in text or "denied" in text.lower():
        return PermissionDeniedError(device.name)
    return DeviceLostError(device.name, text.strip().rstrip(".").lower())
