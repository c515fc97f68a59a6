"""What can be listened to on this computer, and how it is opened."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from everlisten.audio_io import port_audio
from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.errors import AudioError, DeviceNotFoundError, PermissionDeniedError
from everlisten.audio_io.microphone import Microphone
from everlisten.audio_io.native import DEFAULT_DEVICE, DeviceInfo, NativeStream
from everlisten.audio_io.pulse_client import PulseClient, PulseSource, PulseState
from everlisten.audio_io.pulse_library import SoundServerError
from everlisten.audio_io.pulse_stream import PulseStream

PULSE = "pulse:"
"""Prefix of ids that name a source of the sound server; for system sound, a sink."""
PORT = "portaudio:"
"""Prefix of ids made of PortAudio's host interface and device name."""
SOUNDCARD = "soundcard:"
"""Prefix of ids that SoundCard gives; Windows loopback."""

PSEUDO_DEVICES = ("pulse", "default", "sysdefault", "dmix", "null", "jack", "samplerate", "upmix")
"""ALSA names that stand for another device or none."""
VIRTUAL_DEVICES = ("blackhole", "loopback audio", "soundflower", "vb-cable", "existential")
"""macOS drivers that bring the computer's own sound in as an input."""
SOUND_NODES = Path("/dev/snd")
MAX_CHANNELS = 8
"""More are never needed to make mono, and would only cost time."""

MAC_HINT = (
    "macOS gives programs no way to hear the computer's own sound: install the free driver "
    "BlackHole, join it with your loudspeakers in a Multi-Output Device, and choose it here."
)
NO_MICROPHONE_HINT = "No microphone is there: plug one in, it is found by itself."
ROUTE_HINT = "Play through a Multi-Output Device that holds this device, or it stays silent."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceList:
    """Everything that can be listened to now.

    Attributes:
        microphones: Input devices.
        systems: Outputs whose sound can be captured.
        system_hint: Why there are no `systems`, with the way out; empty if there are.
        microphone_hint: The same for `microphones`.
    """

    microphones: tuple[DeviceInfo, ...] = ()
    systems: tuple[DeviceInfo, ...] = ()
    system_hint: str = ""
    microphone_hint: str = ""

    def of(self, source: SourceName) -> tuple[DeviceInfo, ...]:
        """The devices of one source."""
        return self.systems if source is SourceName.SYSTEM else self.microphones


def list_devices() -> DeviceList:
    """Look once, now; takes some 10 ms, and returns empty lists where there is no sound at all."""
    backend = SystemBackend()
    try:
        return backend.devices()
    finally:
        backend.close()


def find_device(devices: DeviceList, source: SourceName, wanted: str) -> DeviceInfo:
    """The device that a person means by its id, its name, or a part of its name.

    Raises:
        DeviceNotFoundError: None or several match; lists those there are.
    """
    known = devices.of(source)
    if wanted == DEFAULT_DEVICE:
        return _default(known)
    exact = [device for device in known if wanted in (device.id, device.name)]
    partial = [device for device in known if wanted.casefold() in device.name.casefold()]
    for found in (exact, partial):
        if len(found) == 1:
            return found[0]
    raise DeviceNotFoundError(wanted, [device.name for device in known])


class SystemBackend:
    """The real devices of this computer.

    On Linux the sound server's sources are the microphones, because the hardware belongs to the
    server; PortAudio's own list is used where there is no server, and on the other systems.
    """

    def __init__(self, latency_s: float = 0.03) -> None:
        """Touch nothing yet.

        Args:
            latency_s: Block length asked of the devices.
        """
        self._latency_s = latency_s
        self._lock = threading.RLock()
        self._client: PulseClient | None = None

    def devices(self) -> DeviceList:
        """Everything there is now; never raises for what is missing: the hints tell."""
        hints = {SourceName.MIC: "", SourceName.SYSTEM: ""}
        found: dict[SourceName, tuple[DeviceInfo, ...]] = {}
        for source in hints:
            try:
                found[source] = self._list(source)
            except AudioError as error:
                found[source], hints[source] = (), str(error)
            if source is SourceName.SYSTEM and not found[source] and sys.platform == "darwin":
                hints[source] = MAC_HINT
            if source is SourceName.MIC and not found[source]:
                hints[source] = hints[source] or NO_MICROPHONE_HINT
        return DeviceList(
            microphones=found[SourceName.MIC],
            systems=found[SourceName.SYSTEM],
            microphone_hint=hints[SourceName.MIC],
            system_hint=hints[SourceName.SYSTEM],
        )

    def find(self, source: SourceName, device_id: str) -> DeviceInfo:
        """See `DeviceBackend.find`."""
        if device_id.startswith(PULSE):
            return self._pulse_by_name(source, device_id)
        known = self._list(source)
        if device_id == DEFAULT_DEVICE:
            return _default(known)
        for device in known:
            if device.id == device_id:
                return device
        raise DeviceNotFoundError(device_id.split(":")[-1], [device.name for device in known])

    def open(self, source: SourceName, device: DeviceInfo) -> NativeStream:
        """See `DeviceBackend.open`."""
        kind, _, name = device.id.partition(":")
        if kind + ":" == SOUNDCARD:
            return _open_soundcard(device, name, self._latency_s)
        if kind + ":" == PORT:
            return Microphone(device, _port_index(device.id), self._latency_s)
        if source is SourceName.MIC:
            index = _pulse_index()
            if index is not None:
                return Microphone(device, index, self._latency_s, pulse_source=name)
        with self._lock:
            monitor = _by_id(self._pulse_state(), source, device.id).name
            return PulseStream(self._server(), device, monitor, self._latency_s)

    def close(self) -> None:
        """See `DeviceBackend.close`."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _list(self, source: SourceName) -> tuple[DeviceInfo, ...]:
        if sys.platform.startswith("linux"):
            try:
                return _pulse_devices(source, self._pulse_state())
            except SoundServerError:
                if source is SourceName.SYSTEM:
                    raise
        if source is SourceName.MIC:
            found = _port_devices(virtual=False)
            if not found and _locked_nodes():
                raise PermissionDeniedError(str(SOUND_NODES))
            return found
        if sys.platform == "win32":
            return _soundcard_devices()
        return _port_devices(virtual=True)

    def _pulse_by_name(self, source: SourceName, device_id: str) -> DeviceInfo:
        state = self._pulse_state()
        return _info(source, _by_id(state, source, device_id), state)

    def _pulse_state(self) -> PulseState:
        with self._lock:
            return self._server().state()

    def _server(self) -> PulseClient:
        with self._lock:
            if self._client is not None and not self._client.alive():
                self._client.close()
                self._client = None
            if self._client is None:
                self._client = PulseClient()
            return self._client


def _locked_nodes() -> bool:
    """There are recording devices on Linux, and this account may read none of them."""
    nodes = list(SOUND_NODES.glob("pcm*c"))
    return bool(nodes) and not any(os.access(node, os.R_OK) for node in nodes)


def _default(known: Sequence[DeviceInfo]) -> DeviceInfo:
    for device in known:
        if device.is_default:
            return device
    if known:
        return known[0]
    raise DeviceNotFoundError(DEFAULT_DEVICE, [])


def _by_id(state: PulseState, source: SourceName, device_id: str) -> PulseSource:
    name = device_id.removeprefix(PULSE)
    for one in state.sources:
        if name == (one.monitor_of if source is SourceName.SYSTEM else one.name):
            return one
    known = [device.name for device in _pulse_devices(source, state)]
    raise DeviceNotFoundError(name, known)


def _pulse_devices(source: SourceName, state: PulseState) -> tuple[DeviceInfo, ...]:
    system = source is SourceName.SYSTEM
    return tuple(
        _info(source, one, state) for one in state.sources if bool(one.monitor_of) == system
    )


def _info(source: SourceName, one: PulseSource, state: PulseState) -> DeviceInfo:
    if source is SourceName.SYSTEM:
        name, default = one.monitor_of, one.monitor_of == state.default_sink
    else:
        name, default = one.name, one.name == state.default_source
    return DeviceInfo(
        id=PULSE + name,
        name=one.description.removeprefix("Monitor of ") or name,
        rate_hz=one.rate_hz,
        channels=min(one.channels, MAX_CHANNELS),
        is_default=default,
    )


def _pulse_index() -> int | None:
    """PortAudio's index of ALSA's pulse device; None where the plugin is not installed."""
    for fresh in (False, True):
        for device in port_audio.devices(fresh=fresh):
            if device["name"] == "pulse" and device["max_input_channels"] > 0:
                return int(device["index"])
    return None


def _port_devices(*, virtual: bool) -> tuple[DeviceInfo, ...]:
    """PortAudio's inputs: the virtual drivers that carry the computer's sound, or the others."""
    found = []
    for device in port_audio.devices(fresh=True):
        name = str(device["name"])
        if device["max_input_channels"] < 1 or name in PSEUDO_DEVICES:
            continue
        is_virtual = sys.platform == "darwin" and name.casefold().startswith(VIRTUAL_DEVICES)
        if is_virtual != virtual:
            continue
        found.append(
            DeviceInfo(
                id=f"{PORT}{device['hostapi_name']}:{name}",
                name=name,
                rate_hz=round(device["default_samplerate"]),
                channels=min(int(device["max_input_channels"]), MAX_CHANNELS),
                is_default=bool(device["is_default_input"]) and not virtual,
                hint=ROUTE_HINT if is_virtual else "",
            )
        )
    return tuple(found)


def _port_index(device_id: str) -> int:
    for device in port_audio.devices(fresh=False):
        if device_id == f"{PORT}{device['hostapi_name']}:{device['name']}":
            return int(device["index"])
    raise DeviceNotFoundError(device_id.split(":")[-1], [])


def _soundcard_devices() -> tuple[DeviceInfo, ...]:
    import soundcard

    default = str(soundcard.default_speaker().id)
    return tuple(
        DeviceInfo(
            id=SOUNDCARD + str(one.id),
            name=str(one.name),
            rate_hz=48_000,
            channels=min(int(one.channels), 2),
            is_default=str(one.id) == default,
        )
        for one in soundcard.all_microphones(include_loopback=True)
        if one.isloopback
    )


def _open_soundcard(device: DeviceInfo, name: str, latency_s: float) -> NativeStream:
    import soundcard

    from everlisten.audio_io.loopback import Loopback

    microphone = soundcard.get_microphone(name, include_loopback=True)
    return Loopback(device, microphone, latency_s)
