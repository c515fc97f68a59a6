"""The microphone: PortAudio fills its lock-free C ring from rtmixer's C callback.

No Python runs between the device and the ring, so a busy interpreter loses no sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io import port_audio
from everlisten.audio_io.errors import DeviceLostError, PermissionDeniedError
from everlisten.audio_io.native import DeviceInfo

RING_S = 10.0
"""What the C ring holds at least while nobody reads."""
WASAPI_DENIED = -2147024891
"""E_ACCESSDENIED, as a signed 32-bit number."""


class Microphone:
    """An input device of PortAudio, opened at its native rate and channel count."""

    def __init__(
        self, device: DeviceInfo, index: int, latency_s: float, *, pulse_source: str = ""
    ) -> None:
        """Open and start.

        Args:
            device: What is opened; its rate and channels are asked for.
            index: PortAudio's index of it now.
            latency_s: Asked for; PortAudio's defaults over ALSA's pulse plugin are too deep.
            pulse_source: With ALSA's pulse device, the source of the sound server to record.

        Raises:
            DeviceLostError: It cannot be opened now.
            PermissionDeniedError: The system does not allow it.
        """
        self.device = device
        self.rate_hz = device.rate_hz
        self.channels = device.channels
        self._closed = False
        self._overflows = 0
        self._stats: Any = None
        with port_audio.opening(pulse_source) as sounddevice:
            try:
                self._open(index, latency_s)
            except sounddevice.PortAudioError as error:
                raise _told(device, error) from error
        self.rate_hz = round(self._stream.samplerate)

    def read(self) -> NDArray[np.float32]:
        """float32 [frames, channels], owned by the caller: all that waits in the ring."""
        self._count_overflows()
        block = np.empty((self._ring.read_available, self.channels), np.float32)
        frames = self._ring.readinto(block) if len(block) else 0
        return block[:frames]

    def overflows(self) -> int:
        """How often the device or the ring lost samples."""
        return self._overflows

    def alive(self) -> bool:
        """PortAudio's thread still runs."""
        return not self._closed and bool(self._stream.active)

    def close(self) -> None:
        """Stop and close; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with port_audio.closing():
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

    def _open(self, index: int, latency_s: float) -> None:
        import rtmixer

        frame_bytes = 4 * self.channels
        frames = 2 ** math.ceil(math.log2(RING_S * self.rate_hz))
        self._ring = rtmixer.RingBuffer(frame_bytes, frames)
        self._stream = rtmixer.Recorder(
            device=index,
            channels=self.channels,
            samplerate=self.rate_hz,
            latency=latency_s,
            blocksize=0,
        )
        try:
            self._action = self._stream.record_ringbuffer(self._ring)
            self._stream.start()
        except BaseException:
            self._stream.close(ignore_errors=True)
            raise

    def _count_overflows(self) -> None:
        """Collect the counters of PortAudio's callback about once per call, without waiting."""
        if self._closed or not self._stream.active:
            return
        if self._action not in self._stream.actions:
            # rtmixer ends a recording whose ring was full: nobody read for 10 s.
            self._overflows += 1
            self._action = self._stream.record_ringbuffer(self._ring)
        if self._stats is not None:
            if self._stats in self._stream.actions:
                return
            self._overflows += int(self._stats.stats.input_overflows)
        self._stats = self._stream.fetch_and_reset_stats()


def _told(device: DeviceInfo, error: Exception) -> Exception:
    """PortAudio's error as one of ours."""
    arguments = error.args
    host = arguments[2] if len(arguments) > 2 else None
    text = str(arguments[0]) if arguments else str(error)
    if (host and WASAPI_DENIED in host) or "Permission denied" in text:
        return PermissionDeniedError(device.name)
    return DeviceLostError(device.name, text.split("[")[0].strip().rstrip(".").lower())
