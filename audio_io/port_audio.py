"""PortAudio's device list, kept fresh, and its one rule: never re-initialise under a stream.

PortAudio lists its devices once, when it is initialised. To see what was plugged in since, it must
be shut down and initialised again, which kills every open stream; so streams are counted here and
the list is renewed only while there is none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from everlisten.audio_io.errors import AudioError

_lock = threading.RLock()
_open_streams = 0


class PortAudioMissingError(AudioError):
    """The PortAudio library is not installed."""

    def __init__(self) -> None:
        """Say how to get it."""
        super().__init__(
            "PortAudio is not installed, so no microphone can be opened; install it "
            "(Debian and Ubuntu: apt install libportaudio2)."
        )


def module() -> ModuleType:
    """sounddevice, imported on first use; raises `PortAudioMissingError`."""
    try:
        import sounddevice
    except OSError as error:
        raise PortAudioMissingError from error
    assert isinstance(sounddevice, ModuleType)
    return sounddevice


def devices(*, fresh: bool) -> list[dict[str, Any]]:
    """Every device as sounddevice describes it, plus "hostapi_name" and "is_default_input".

    Args:
        fresh: Look again for devices that were plugged in or out, unless a stream is open.
    """
    with _lock:
        sounddevice = module()
        if fresh and not _open_streams:
            sounddevice._terminate()
            sounddevice._initialize()
        hosts = sounddevice.query_hostapis()
        default = _default_input(sounddevice)
        return [
            {
                **device,
                "hostapi_name": hosts[device["hostapi"]]["name"],
                "is_default_input": device["index"] == default,
            }
            for device in sounddevice.query_devices()
        ]


def _default_input(sounddevice: ModuleType) -> int:
    try:
        return int(sounddevice.query_devices(kind="input")["index"])
    except (sounddevice.PortAudioError, ValueError):
        return -1


@contextmanager
def opening(pulse_source: str = "") -> Iterator[ModuleType]:
    """Hold PortAudio while a stream is opened; the stream counts if the block succeeds.

    Args:
        pulse_source: Name of the sound server's source that ALSA's pulse device shall record.
    """
    global _open_streams
    with _lock:
        before = os.environ.get("PULSE_SOURCE")
        if pulse_source:
            os.environ["PULSE_SOURCE"] = pulse_source
        try:
            yield module()
            _open_streams += 1
        finally:
            if pulse_source:
                if before is None:
                    del os.environ["PULSE_SOURCE"]
                else:
                    os.environ["PULSE_SOURCE"] = before


@contextmanager
def closing() -> Iterator[None]:
    """Hold PortAudio while a stream is closed."""
    global _open_streams
    with _lock:
        try:
            yield
        finally:
            _open_streams -= 1
