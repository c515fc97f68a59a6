"""Each error is one sentence with a way out."""

from __future__ import annotations

import pytest

from everlisten.audio_io.errors import DeviceLostError, DeviceNotFoundError, PermissionDeniedError


def test_the_closest_device_is_offered() -> None:
    error = DeviceNotFoundError("Blue Yetti", ["Blue Yeti", "Webcam"])
    assert str(error) == "Audio device 'Blue Yetti' was not found; did you mean 'Blue Yeti'?"


def test_known_devices_are_listed() -> None:
    error = DeviceNotFoundError("x", ["Blue Yeti", "Webcam"])
    assert str(error).endswith("choose one of: Blue Yeti, Webcam.")


def test_no_device_at_all() -> None:
    assert "plug one in" in str(DeviceNotFoundError("", []))
    assert "default" in str(DeviceNotFoundError("", []))


@pytest.mark.parametrize(
    ("platform", "way"),
    [
        ("darwin", "System Settings, Privacy & Security, Microphone"),
        ("win32", "Settings, Privacy & security, Microphone"),
        ("linux", "privacy settings"),
    ],
)
def test_denial_tells_the_way_to_the_setting(platform: str, way: str) -> None:
    error = PermissionDeniedError("Webcam", platform)
    assert "'Webcam'" in str(error)
    assert way in str(error)


def test_a_lost_device_is_named_with_the_reason() -> None:
    assert "'Webcam' cannot be listened to now (busy)" in str(DeviceLostError("Webcam", "busy"))
