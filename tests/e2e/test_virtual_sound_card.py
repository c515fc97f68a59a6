"""Capture against a real sound server: devices come and go, the time line goes on."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.app.bench.virtual_sound import VirtualSoundServer
from everlisten.audio_io.capture import CAPTURE_SOURCES, AudioCapture, CaptureSelection
from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, SourceName
from everlisten.audio_io.config import CaptureConfig
from everlisten.audio_io.devices import find_device, list_devices
from everlisten.audio_io.errors import DeviceNotFoundError
from everlisten.audio_io.health import Condition, SourceHealth
from everlisten.audio_io.ring_buffer import ChunkRing

pytestmark = pytest.mark.e2e

WAIT_S = 20.0
"""Long enough for a machine that does other things too; nothing is timed here."""


class Listener:
    """A capture and the chunks that it has made."""

    def __init__(self, selection: CaptureSelection, config: CaptureConfig) -> None:
        self.ring = ChunkRing(CAPTURE_SOURCES)
        self.capture = AudioCapture(selection, [self.ring], config)
        self.chunks: list[AudioChunk] = []

    def drain(self) -> None:
        while (chunk := self.ring.pop()) is not None:
            self.chunks.append(chunk)

    def until(self, what: Callable[[], bool]) -> None:
        until_s = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < until_s, self.capture.health()
            self.drain()
            time.sleep(0.02)
        self.drain()

    def source(self, source: SourceName) -> SourceHealth:
        """Health of one source; as good as opening while the audio thread begins."""
        for health in self.capture.health().sources:
            if health.source is source:
                return health
        return SourceHealth(source=source)

    def until_condition(self, source: SourceName, condition: Condition) -> None:
        self.until(lambda: self.source(source).condition is condition)

    def until_delivers(self, source: SourceName) -> None:
        self.until_condition(source, Condition.OK)
        self.until(lambda: self.source(source).seconds_since_callback is not None)

    def until_chunks(self, count: int) -> None:
        wanted = len(self.chunks) + count
        self.until(lambda: len(self.chunks) >= wanted)

    def heard(self, source: SourceName, since: int = 0) -> np.ndarray:
        return np.concatenate([chunk.of(source) for chunk in self.chunks[since:]])

    def until_heard(self, source: SourceName, since: int) -> None:
        def heard() -> bool:
            return any(np.abs(chunk.of(source)).max() > 0.01 for chunk in self.chunks[since:])

        self.until(heard)


@contextmanager
def listening(
    mode: str, *, mic: str = "", system: str = "", echo: bool = False
) -> Iterator[Listener]:
    """Capture; afterwards the time line must have no hole."""
    selection = CaptureSelection(mode=mode, microphone=mic, system=system)  # type: ignore[arg-type]
    listener = Listener(selection, CaptureConfig(echo_control=echo, watch_s=0.2))
    listener.capture.start()
    try:
        yield listener
    finally:
        listener.capture.stop()
    listener.drain()
    assert [chunk.index for chunk in listener.chunks] == list(range(len(listener.chunks)))
    assert listener.ring.dropped == 0
    assert listener.ring.finished


@pytest.fixture
def noise(tmp_path: Path, rng: np.random.Generator) -> Path:
    """4 s of noise that never repeats."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, rng.uniform(-0.3, 0.3, 4 * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    return path


def _where(needle: np.ndarray, heard: np.ndarray) -> int:
    """Index of `needle` in `heard`."""
    size = 1 << (len(needle) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.fft.rfft(needle, size).conj()
    return int(np.fft.irfft(spectrum)[: len(heard)].argmax())


def test_devices_are_listed_with_their_defaults(sound_server: VirtualSoundServer) -> None:
    devices = list_devices()
    assert [(each.id, each.name, each.is_default) for each in devices.microphones] == [
        ("pulse:desk", "Desk", True)
    ]
    assert {(each.id, each.is_default) for each in devices.systems} == {
        ("pulse:speakers", True),
        ("pulse:room", False),
    }
    assert devices.microphones[0].rate_hz == 44_100
    assert find_device(devices, SourceName.SYSTEM, "spea").id == "pulse:speakers"
    with pytest.raises(DeviceNotFoundError, match="did you mean 'Desk'"):
        find_device(devices, SourceName.MIC, "Dest")


def test_both_sources_are_heard_apart(sound_server: VirtualSoundServer, noise: Path) -> None:
    with listening("both") as listener:
        listener.until_delivers(SourceName.MIC)
        listener.until_delivers(SourceName.SYSTEM)
        sound_server.play(noise, "room")
        listener.until_heard(SourceName.MIC, 0)
        assert not listener.heard(SourceName.SYSTEM).any()
        sound_server.play(noise, "speakers")
        listener.until_heard(SourceName.SYSTEM, 0)
        mic = listener.source(SourceName.MIC)
        assert (mic.device, mic.rate_hz, mic.channels) == ("Desk", 44_100, 2)


def test_sources_are_aligned(sound_server: VirtualSoundServer, noise: Path) -> None:
    sound_server.add_microphone("near", "speakers", "Near")
    with listening("both", mic="pulse:near") as listener:
        listener.until_delivers(SourceName.MIC)
        listener.until_delivers(SourceName.SYSTEM)
        listener.until_chunks(5)
        sound_server.play(noise, "speakers")
        listener.until_heard(SourceName.MIC, 0)
        listener.until_chunks(8)
    played, _ = soundfile.read(noise, dtype="float32")
    piece = played[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ]
    apart = _where(piece, listener.heard(SourceName.MIC)) - _where(
        piece, listener.heard(SourceName.SYSTEM)
    )
    assert abs(apart) <= 0.02 * SAMPLE_RATE_HZ


def test_a_held_interpreter_loses_no_sample(sound_server: VirtualSoundServer, noise: Path) -> None:
    with listening("mic") as listener:
        listener.until_delivers(SourceName.MIC)
        listener.until_chunks(5)
        sound_server.play(noise, "room")
        listener.until_heard(SourceName.MIC, 0)
        ctypes.PyDLL(None).usleep(1_000_000)  # PyDLL calls with the interpreter lock held
        listener.until_chunks(10)
        health = listener.capture.health()
    assert health.overflows == 0
    assert health.gap_samples == 0
    played, _ = soundfile.read(noise, dtype="float32")
    heard = listener.heard(SourceName.MIC)
    starts = [
        _where(played[at : at + CHUNK_SAMPLES], heard) - at
        for at in range(0, len(played) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES)
    ]
    # The track may bend single samples while it takes out drift; a lost block would be 20 ms.
    assert max(starts) - min(starts) < 0.015 * SAMPLE_RATE_HZ, starts


def test_unplugged_microphone_is_waited_for_and_taken_back(
    sound_server: VirtualSoundServer, noise: Path
) -> None:
    extra = sound_server.add_microphone("usb", "room", "Yeti")
    with listening("mic", mic="pulse:usb") as listener:
        listener.until_delivers(SourceName.MIC)
        sound_server.unload(extra)
        listener.until_condition(SourceName.MIC, Condition.WAITING)
        assert listener.source(SourceName.MIC).sentence == "Waiting for Yeti."
        listener.until_chunks(3)  # the clock goes on
        assert listener.source(SourceName.MIC).device == "Yeti"
        sound_server.add_microphone("usb", "room", "Yeti")
        listener.until_delivers(SourceName.MIC)
        since = len(listener.chunks)
        sound_server.play(noise, "room")
        listener.until_heard(SourceName.MIC, since)
        assert listener.capture.selection.microphone == "pulse:usb"


def test_unplugged_output_is_not_replaced_by_another(
    sound_server: VirtualSoundServer, noise: Path
) -> None:
    extra = sound_server.add_sink("usb", "Headset")
    with listening("system", system="pulse:usb") as listener:
        listener.until_delivers(SourceName.SYSTEM)
        sound_server.unload(extra)
        listener.until_condition(SourceName.SYSTEM, Condition.WAITING)
        sound_server.play(noise, "speakers")
        listener.until_chunks(4)
        assert not listener.heard(SourceName.SYSTEM).any()
        sound_server.add_sink("usb", "Headset", rate_hz=96_000)
        listener.until_delivers(SourceName.SYSTEM)
        assert listener.source(SourceName.SYSTEM).rate_hz == 96_000  # read anew
        since = len(listener.chunks)
        sound_server.play(noise, "usb")
        listener.until_heard(SourceName.SYSTEM, since)


def test_default_output_is_followed(sound_server: VirtualSoundServer, noise: Path) -> None:
    with listening("system") as listener:
        listener.until_delivers(SourceName.SYSTEM)
        assert listener.source(SourceName.SYSTEM).device == "Speakers"
        sound_server.add_sink("headset", "Headset")
        sound_server.control("set-default-sink", "headset")
        listener.until(lambda: listener.source(SourceName.SYSTEM).device == "Headset")
        listener.until_delivers(SourceName.SYSTEM)
        since = len(listener.chunks)
        sound_server.play(noise, "headset")
        listener.until_heard(SourceName.SYSTEM, since)
        assert listener.capture.selection.system == ""


def test_silence_fills_the_time_line(sound_server: VirtualSoundServer) -> None:
    with listening("both") as listener:
        listener.until_delivers(SourceName.SYSTEM)
        listener.until_chunks(5)
        assert not listener.heard(SourceName.SYSTEM).any()
        assert listener.source(SourceName.SYSTEM).condition is Condition.OK
        assert listener.capture.health().gap_samples == 0


def test_a_crashed_sound_server_is_waited_for(
    sound_server: VirtualSoundServer, noise: Path
) -> None:
    with listening("both") as listener:
        listener.until_delivers(SourceName.MIC)
        listener.until_delivers(SourceName.SYSTEM)
        sound_server.kill()
        listener.until_condition(SourceName.MIC, Condition.WAITING)
        listener.until_condition(SourceName.SYSTEM, Condition.WAITING)
        listener.until_chunks(3)
        sound_server.start()
        sound_server.add_sink("speakers", "Speakers")
        sound_server.add_sink("room", "Room")
        sound_server.add_microphone("desk", "room", "Desk")
        listener.until_delivers(SourceName.MIC)
        listener.until_delivers(SourceName.SYSTEM)
        since = len(listener.chunks)
        sound_server.play(noise, "room")
        listener.until_heard(SourceName.MIC, since)


def test_loudspeakers_make_no_second_copy(sound_server: VirtualSoundServer, shared: Path) -> None:
    sound_server.add_microphone("near", "speakers", "Near")
    sound_server.control("set-source-volume", "near", "-10dB")
    speech = shared / "data/speech/librispeech-test-clean/237-134500-0000.ogg"
    with listening("both", mic="pulse:near", echo=True) as listener:
        listener.until_delivers(SourceName.MIC)
        listener.until_delivers(SourceName.SYSTEM)
        listener.until_chunks(5)
        sound_server.play(speech, "speakers")
        listener.until_heard(SourceName.SYSTEM, 0)
        listener.until_chunks(15)
    system = np.square(listener.heard(SourceName.SYSTEM)).sum()
    mic = np.square(listener.heard(SourceName.MIC)).sum()
    assert 10.0 * np.log10(mic / system + 1e-12) < -25.0


def test_without_a_sound_server_nothing_is_listed(
    sound_server: VirtualSoundServer, capfd: pytest.CaptureFixture[str]
) -> None:
    sound_server.kill()
    devices = list_devices()
    assert not devices.systems
    assert "No sound server" in devices.system_hint
    assert capfd.readouterr() == ("", "")
    with listening("both") as listener:
        listener.until_condition(SourceName.SYSTEM, Condition.WAITING)
        listener.until_chunks(2)
