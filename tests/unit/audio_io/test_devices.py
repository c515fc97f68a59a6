"""The lists that the picker shows, from systems that are not here."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from everlisten.audio_io import devices as module
from everlisten.audio_io import port_audio
from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.devices import DeviceList, SystemBackend, find_device
from everlisten.audio_io.errors import DeviceNotFoundError, PermissionDeniedError
from everlisten.audio_io.native import DeviceInfo
from everlisten.audio_io.pulse_client import PulseSource, PulseState
from everlisten.audio_io.pulse_library import SoundServerError

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM


def _port(name: str, host: str, inputs: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "index": 0,
        "hostapi_name": host,
        "max_input_channels": inputs,
        "default_samplerate": 44_100.0,
        "is_default_input": False,
        **more,
    }


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[dict[str, Any]]], None]:
    """Make this computer run another system, with the given PortAudio devices."""

    def use(platform: str, found: list[dict[str, Any]]) -> None:
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(port_audio, "devices", lambda *, fresh: found)

    return use


def _no_server(*_args: Any) -> None:
    raise SoundServerError("connection refused")


def test_macos_shows_virtual_devices_as_system_sound(ports: Any) -> None:
    ports(
        "darwin",
        [
            _port("MacBook Pro Microphone", "Core Audio", 1, is_default_input=True),
            _port("BlackHole 2ch", "Core Audio"),
            _port("Speakers", "Core Audio", 0),
        ],
    )
    found = SystemBackend().devices()
    assert [each.id for each in found.microphones] == [
        "portaudio:Core Audio:MacBook Pro Microphone"
    ]
    assert found.microphones[0].is_default
    assert [each.name for each in found.systems] == ["BlackHole 2ch"]
    assert "Multi-Output Device" in found.systems[0].hint
    assert found.system_hint == ""


def test_macos_without_a_driver_says_which_to_install(ports: Any) -> None:
    ports("darwin", [])
    found = SystemBackend().devices()
    assert not found.systems
    assert "BlackHole" in found.system_hint
    assert "plug one in" in found.microphone_hint


def test_windows_lists_the_loopback_of_every_output(
    ports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports("win32", [_port("Webcam", "Windows WASAPI", 1)])
    speakers = types.SimpleNamespace(id="{0.0.0}", name="Speakers", channels=8, isloopback=True)
    webcam = types.SimpleNamespace(id="{0.0.1}", name="Webcam", channels=1, isloopback=False)
    soundcard = types.SimpleNamespace(
        default_speaker=lambda: speakers,
        all_microphones=lambda include_loopback: [speakers, webcam],
    )
    monkeypatch.setitem(sys.modules, "soundcard", soundcard)
    found = SystemBackend().devices()
    assert [(each.id, each.channels, each.is_default) for each in found.systems] == [
        ("soundcard:{0.0.0}", 2, True)
    ]
    assert [each.id for each in found.microphones] == ["portaudio:Windows WASAPI:Webcam"]


def test_linux_without_a_server_lists_the_hardware(
    ports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports("linux", [_port("HDA Intel: ALC (hw:0,0)", "ALSA"), _port("default", "ALSA", 32)])
    monkeypatch.setattr(module, "PulseClient", _no_server)
    found = SystemBackend().devices()
    assert [each.name for each in found.microphones] == ["HDA Intel: ALC (hw:0,0)"]
    assert not found.systems
    assert "No sound server" in found.system_hint


def test_hardware_that_may_not_be_read_is_a_denied_permission(
    ports: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ports("linux", [])
    (tmp_path / "pcmC0D0c").touch()
    monkeypatch.setattr(module, "PulseClient", _no_server)
    monkeypatch.setattr(module, "SOUND_NODES", tmp_path)
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionDeniedError, match="group 'audio'"):
        SystemBackend().find(MIC, "")
    assert "group 'audio'" in SystemBackend().devices().microphone_hint


def test_without_portaudio_one_sentence_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NoLibrary:
        def find_spec(self, name: str, *_rest: Any) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(module, "PulseClient", _no_server)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    found = SystemBackend().devices()
    assert not found.microphones
    assert "apt install libportaudio2" in found.microphone_hint


def _state(default_source: str) -> PulseState:
    def source(name: str, monitor_of: str = "") -> PulseSource:
        return PulseSource(
            name=name,
            description=name.title(),
            rate_hz=48_000,
            channels=12,
            monitor_of=monitor_of,
        )

    return PulseState(
        sources=(source("out.monitor", "out"), source("usb")),
        default_sink="out",
        default_source=default_source,
    )


class _Client:
    def __init__(self) -> None:
        self.closed = False

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def state(self) -> PulseState:
        return _state("out.monitor")


def test_a_monitor_is_never_the_default_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers make a monitor the default source when no microphone is plugged in."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(module, "PulseClient", _Client)
    backend = SystemBackend()
    assert backend.find(MIC, "").id == "pulse:usb"
    assert backend.find(SYSTEM, "").id == "pulse:out"
    assert backend.find(MIC, "").channels == 8
    assert backend.find(MIC, "pulse:out.monitor").name == "Out.Monitor"
    with pytest.raises(DeviceNotFoundError, match="choose one of: Usb"):
        backend.find(MIC, "pulse:qqq")
    backend.close()


KNOWN = DeviceList(
    microphones=(
        DeviceInfo(id="pulse:a", name="Webcam Mono"),
        DeviceInfo(id="pulse:b", name="Webcam", is_default=True),
    )
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", "pulse:b"), ("pulse:a", "pulse:a"), ("Webcam", "pulse:b"), ("mono", "pulse:a")],
)
def test_a_device_is_found_by_id_name_or_part(wanted: str, found: str) -> None:
    assert find_device(KNOWN, MIC, wanted).id == found


@pytest.mark.parametrize("wanted", ["webcam", "yeti"])
def test_unclear_and_unknown_names_are_refused(wanted: str) -> None:
    with pytest.raises(DeviceNotFoundError, match="Webcam"):
        find_device(KNOWN, MIC, wanted)


def test_no_default_where_nothing_is() -> None:
    with pytest.raises(DeviceNotFoundError, match="default audio device"):
        find_device(DeviceList(), SYSTEM, "")
