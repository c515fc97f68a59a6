"""What can go wrong with sound; every message is one sentence naming the thing and the way out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path


class AudioError(Exception):
    """Root of all errors of this room."""


class DeviceNotFoundError(AudioError):
    """No device of that name is there now."""

    def __init__(self, wanted: str, known: Sequence[str]) -> None:
        """Name the closest known device, or list them all.

        Args:
            wanted: What was asked for; "" is the system's default.
            known: Names of the devices that are there.
        """
        self.wanted = wanted
        self.known = tuple(known)
        close = get_close_matches(wanted, self.known, n=1)
        if not known:
            way = "no such device is there at all: plug one in or start the sound server"
        elif close:
            way = f"did you mean '{close[0]}'?"
        else:
            way = f"choose one of: {', '.join(self.known)}"
        what = f"Audio device '{wanted}'" if wanted else "The default audio device"
        super().__init__(f"{what} was not found; {way}{'' if way.endswith('?') else '.'}")


class DeviceLostError(AudioError):
    """A device that was open is gone or does not answer."""

    def __init__(self, name: str, reason: str = "") -> None:
        """Name the device and, where it is known, what the system said about it."""
        self.name = name
        detail = f" ({reason})" if reason else ""
        super().__init__(
            f"'{name}' cannot be listened to now{detail}; it is tried again by itself."
        )


class PermissionDeniedError(AudioError):
    """The system forbids listening; the device itself is there."""

    def __init__(self, name: str, platform: str = sys.platform) -> None:
        """Name the device and the way to the setting on `platform`."""
        self.name = name
        super().__init__(f"The system does not allow listening to '{name}': {_way_in(platform)}.")


class AudioFileError(AudioError):
    """A file cannot be played."""

    def __init__(self, path: Path, reason: str, way_out: str) -> None:
        """Name the file, what is wrong with it, and what to do."""
        self.path = path
        super().__init__(f"'{path}' {reason}; {way_out}.")


def _way_in(platform: str) -> str:
    if platform == "darwin":
        return "open System Settings, Privacy & Security, Microphone, and switch Everlisten on"
    if platform == "win32":
        return (
            "open Settings, Privacy & security, Microphone, and allow desktop apps to use "
            "the microphone"
        )
    return (
        "allow the microphone in the desktop's privacy settings, or add your account to the "
        "group 'audio' and log in again"
    )
