"""Devices that exist only in memory."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.errors import AudioError, DeviceNotFoundError
from everlisten.audio_io.native import DeviceInfo


class ArrayStream:
    """A device that delivers a constant in real time."""

    def __init__(self, device: DeviceInfo, value: float) -> None:
        self.device = device
        self.rate_hz = device.rate_hz
        self.channels = device.channels
        self.value = value
        self.lost = 0
        self.dead = False
        self.mute = False
        self.closed = 0
        self._start_s = time.monotonic()
        self._read = 0

    def read(self) -> NDArray[np.float32]:
        assert not self.closed, "read after close"
        if self.dead or self.mute:
            return np.zeros((0, self.channels), np.float32)
        due = int((time.monotonic() - self._start_s) * self.rate_hz)
        count, self._read = due - self._read, due
        return np.full((count, self.channels), self.value, np.float32)

    def overflows(self) -> int:
        return self.lost

    def alive(self) -> bool:
        return not self.dead

    def close(self) -> None:
        self.closed += 1


class ArrayBackend:
    """Devices that a test plugs in and out."""

    def __init__(self) -> None:
        self.devices: dict[SourceName, dict[str, DeviceInfo]] = {
            SourceName.MIC: {},
            SourceName.SYSTEM: {},
        }
        self.default: dict[SourceName, str] = {}
        self.values: dict[str, float] = {}
        self.error: AudioError | None = None
        self.streams: list[ArrayStream] = []
        self.tries = 0
        self.closed = False
        self.hold = threading.Event()
        self.hold.set()

    def plug(
        self, source: SourceName, device_id: str, *, value: float = 0.1, rate_hz: int = 48_000
    ) -> None:
        device = DeviceInfo(id=device_id, name=device_id.title(), rate_hz=rate_hz, channels=2)
        self.devices[source][device_id] = device
        self.default.setdefault(source, device_id)
        self.values[device_id] = value

    def unplug(self, source: SourceName, device_id: str) -> None:
        del self.devices[source][device_id]
        for stream in self.streams:
            if stream.device.id == device_id:
                stream.dead = True

    def find(self, source: SourceName, device_id: str) -> DeviceInfo:
        self.tries += 1
        if self.error is not None:
            raise self.error
        known = self.devices[source]
        wanted = device_id or self.default.get(source, "")
        if wanted not in known:
            raise DeviceNotFoundError(wanted, [each.name for each in known.values()])
        return known[wanted]

    def open(self, source: SourceName, device: DeviceInfo) -> ArrayStream:
        self.hold.wait(5.0)
        stream = ArrayStream(device, self.values[device.id])
        self.streams.append(stream)
        return stream

    def close(self) -> None:
        assert all(stream.closed for stream in self.streams)
        self.closed = True


@pytest.fixture
def backend() -> ArrayBackend:
    """No device is plugged in yet."""
    return ArrayBackend()
