"""A recording stream of the sound server: the monitor of a sink, or a microphone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.errors import AudioError, DeviceLostError, PermissionDeniedError
from everlisten.audio_io.native import DeviceInfo
from everlisten.audio_io.pulse_client import PulseClient
from everlisten.audio_io.pulse_library import (
    ANY_SIZE,
    ERROR_ACCESS,
    MAX_CHANNELS,
    SAMPLE_FLOAT32LE,
    STREAM_ADJUST_LATENCY,
    STREAM_DONT_MOVE,
    STREAM_FAILED,
    STREAM_READY,
)

OPEN_TIMEOUT_S = 2.0
BUFFER_S = 10.0
"""How much the library's queue holds while nobody reads."""


class PulseStream:
    """Records one source of the server at its native rate and channel count.

    The library's own thread fills its queue in C; `read` empties it. The stream never moves to
    another device: when its source goes away it ends.
    """

    def __init__(
        self, client: PulseClient, device: DeviceInfo, source: str, latency_s: float
    ) -> None:
        """Open.

        Args:
            client: Connection; outlives the stream.
            device: What is opened, for people.
            source: Name of the server's source.
            latency_s: Block length asked for.

        Raises:
            DeviceLostError: The source cannot be recorded now.
            PermissionDeniedError: The server refuses this program.
        """
        self.device = device
        self.rate_hz = device.rate_hz
        self.channels = max(1, min(device.channels, MAX_CHANNELS))
        self._client = client
        self._stream = self._connect(source, latency_s)
        self._closed = False
        client.use()

    def read(self) -> NDArray[np.float32]:
        """float32 [frames, channels], owned by the caller: all that waits."""
        blocks: list[NDArray[np.float32]] = []
        if not self._closed:
            with self._client.locked():
                self._drain(blocks)
        flat = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        return flat[: len(flat) // self.channels * self.channels].reshape(-1, self.channels)

    def overflows(self) -> int:
        """Always 0: the queue is 10 s deep, and holes come as silence of their length."""
        return 0

    def alive(self) -> bool:
        """The server still feeds the stream."""
        if self._closed:
            return False
        with self._client.locked():
            return bool(self._client.lib.pa_stream_get_state(self._stream) == STREAM_READY)

    def close(self) -> None:
        """End the stream; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with self._client.locked():
            self._client.lib.pa_stream_disconnect(self._stream)
            self._client.lib.pa_stream_unref(self._stream)
        self._client.release()

    def _drain(self, blocks: list[NDArray[np.float32]]) -> None:
        ffi, lib = self._client.ffi, self._client.lib
        data, size = ffi.new("const void **"), ffi.new("size_t *")
        while lib.pa_stream_get_state(self._stream) == STREAM_READY:
            if lib.pa_stream_peek(self._stream, data, size) < 0 or size[0] == 0:
                return
            if data[0]:
                view = np.frombuffer(ffi.buffer(data[0], size[0]), np.float32)
                blocks.append(view.copy())  # the library takes the memory back on drop
            else:
                blocks.append(np.zeros(size[0] // 4, np.float32))
            lib.pa_stream_drop(self._stream)

    def _connect(self, source: str, latency_s: float) -> Any:
        ffi, lib = self._client.ffi, self._client.lib
        spec = ffi.new(
            "pa_sample_spec *",
            {"format": SAMPLE_FLOAT32LE, "rate": self.rate_hz, "channels": self.channels},
        )
        frame_bytes = 4 * self.channels
        attributes = ffi.new(
            "pa_buffer_attr *",
            {
                "maxlength": int(BUFFER_S * self.rate_hz) * frame_bytes,
                "tlength": ANY_SIZE,
                "prebuf": ANY_SIZE,
                "minreq": ANY_SIZE,
                "fragsize": max(1, int(latency_s * self.rate_hz)) * frame_bytes,
            },
        )
        with self._client.locked():
            stream = lib.pa_stream_new(self._client.context, b"capture", spec, ffi.NULL)
            if not stream:
                raise self._error()
            flags = STREAM_DONT_MOVE | STREAM_ADJUST_LATENCY
            if lib.pa_stream_connect_record(stream, source.encode(), attributes, flags) < 0:
                error = self._error()
                lib.pa_stream_unref(stream)
                raise error
        self._wait_ready(stream)
        return stream

    def _wait_ready(self, stream: Any) -> None:
        lib = self._client.lib
        until_s = time.monotonic() + OPEN_TIMEOUT_S
        while True:
            with self._client.locked():
                state = lib.pa_stream_get_state(stream)
                if state == STREAM_READY:
                    return
                if state >= STREAM_FAILED or time.monotonic() > until_s:
                    error = self._error()
                    lib.pa_stream_disconnect(stream)
                    lib.pa_stream_unref(stream)
                    raise error
            time.sleep(0.002)

    def _error(self) -> AudioError:
        """What the server said last, as one of ours; the connection is locked by the caller."""
        code = self._client.lib.pa_context_errno(self._client.context)
        if code == ERROR_ACCESS:
            return PermissionDeniedError(self.device.name)
        text = bytes(self._client.ffi.string(self._client.lib.pa_strerror(code)))
        reason = text.decode("utf-8", "replace").lower() if code else "no answer"
        return DeviceLostError(self.device.name, reason)
