"""What an open device is to the rest of this room, and what devices there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from everlisten.audio_io.chunk import SourceName

DEFAULT_DEVICE = ""
"""Device id that follows the system's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """One thing that can be listened to.

    Attributes:
        id: Stable over restarts and re-plugging: made of the system's own name, never of an index.
        name: For people.
        rate_hz: Native sample rate; 0 where it is known only once open.
        channels: Native channel count; 0 where it is known only once open.
        is_default: The system's default now.
        hint: A sentence for devices that need something first; else empty.
    """

    id: str
    name: str
    rate_hz: int = 0
    channels: int = 0
    is_default: bool = False
    hint: str = ""


class NativeStream(Protocol):
    """An open device. Used by the audio thread; closed by the thread that opened it."""

    device: DeviceInfo
    rate_hz: int
    channels: int

    def read(self) -> NDArray[np.float32]:
        """float32 [frames, channels], owned by the caller: all that waits. Never blocks."""

    def overflows(self) -> int:
        """How often samples were lost before they could be read, since it was opened."""

    def alive(self) -> bool:
        """False once the system has ended the stream."""

    def close(self) -> None:
        """Give the device back; may be called twice. No read follows or runs meanwhile."""


class DeviceBackend(Protocol):
    """Finds and opens devices; every call may take time, none is made by the audio thread."""

    def find(self, source: SourceName, device_id: str) -> DeviceInfo:
        """What `device_id` means now; "" resolves to the default.

        Raises:
            AudioError: It is not there, or not allowed.
        """

    def open(self, source: SourceName, device: DeviceInfo) -> NativeStream:
        """Open what `find` returned.

        Raises:
            AudioError: It is gone again, busy, or not allowed.
        """

    def close(self) -> None:
        """Let go of the sound system; every stream has been closed before."""
