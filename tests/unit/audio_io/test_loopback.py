"""The reader thread of Windows' loopback, on a SoundCard made of arrays."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any

import numpy as np
import pytest

from everlisten.audio_io.errors import DeviceLostError, PermissionDeniedError
from everlisten.audio_io.loopback import QUEUE_BLOCKS, Loopback
from everlisten.audio_io.native import DeviceInfo

DEVICE = DeviceInfo(id="soundcard:x", name="Speakers", rate_hz=48_000, channels=2)


class Recorder:
    """Gives numbered blocks as fast as they are asked for, at most `count`, then fails."""

    def __init__(self, count: int, error: Exception | None) -> None:
        self.count = count
        self.error = error
        self.given = 0
        self.unplugged = threading.Event()

    def __enter__(self) -> Recorder:
        if self.error is not None and self.count == 0:
            raise self.error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def record(self, numframes: int | None) -> np.ndarray:
        assert numframes is None
        if self.given >= self.count:
            if self.error is not None and self.unplugged.is_set():
                raise self.error
            time.sleep(0.005)
            return np.zeros((0, 2))
        self.given += 1
        return np.full((4, 2), float(self.given))


class FakeMicrophone:
    def __init__(self, count: int = 3, error: Exception | None = None) -> None:
        self.made = Recorder(count, error)

    def recorder(self, **format_: Any) -> Recorder:
        assert format_ == {"samplerate": 48_000, "channels": 2, "blocksize": 960}
        return self.made


def _wait(what: Any) -> None:
    until_s = time.monotonic() + 5.0
    while not what():
        assert time.monotonic() < until_s
        time.sleep(0.002)


def test_blocks_come_in_order_and_are_owned() -> None:
    microphone = FakeMicrophone(3)
    loopback = Loopback(DEVICE, microphone, 0.02)
    blocks: list[np.ndarray] = []

    def all_there() -> bool:
        blocks.append(loopback.read())
        return sum(map(len, blocks)) >= 12

    _wait(all_there)
    block = np.concatenate(blocks)
    assert block.dtype == np.float32
    np.testing.assert_array_equal(block[:, 0], np.repeat([1, 2, 3], 4))
    assert loopback.read().shape == (0, 2)
    assert loopback.alive()
    loopback.close()
    loopback.close()
    assert not loopback.alive()
    assert "audio-loopback" not in {thread.name for thread in threading.enumerate()}


def test_what_nobody_reads_is_counted() -> None:
    microphone = FakeMicrophone(QUEUE_BLOCKS + 5)
    loopback = Loopback(DEVICE, microphone, 0.02)
    _wait(lambda: loopback.overflows() == 5)
    assert len(loopback.read()) == 4 * QUEUE_BLOCKS
    loopback.close()


def test_a_device_that_goes_ends_the_stream() -> None:
    microphone = FakeMicrophone(2, RuntimeError("device invalidated"))
    loopback = Loopback(DEVICE, microphone, 0.02)
    _wait(lambda: microphone.made.given == 2)
    microphone.made.unplugged.set()
    _wait(lambda: not loopback.alive())
    assert len(loopback.read()) == 8
    loopback.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("Error 0x80070005"), PermissionDeniedError),
        (RuntimeError("Error 0x88890004"), DeviceLostError),
    ],
)
def test_a_device_that_cannot_be_opened_is_told(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="Speakers"):
        Loopback(DEVICE, FakeMicrophone(0, error), 0.02)
