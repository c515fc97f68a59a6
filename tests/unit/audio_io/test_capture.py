"""The capture goes on whatever the devices do, and says what they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from everlisten.audio_io.capture import CAPTURE_SOURCES, AudioCapture, CaptureSelection
from everlisten.audio_io.chunk import AudioChunk, SourceName
from everlisten.audio_io.config import CaptureConfig
from everlisten.audio_io.errors import AudioError, PermissionDeniedError
from everlisten.audio_io.health import Condition, SourceHealth
from everlisten.audio_io.ring_buffer import ChunkRing

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM
WAIT_S = 10.0
QUICK = CaptureConfig(
    retry_first_s=0.05, retry_max_s=0.1, watch_s=0.1, silent_after_s=0.5, echo_control=False
)


class Run:
    """A capture on devices in memory, and its chunks."""

    def __init__(self, backend: Any, config: CaptureConfig, **selection: Any) -> None:
        self.ring = ChunkRing(CAPTURE_SOURCES)
        self.capture = AudioCapture(
            CaptureSelection(**selection), [self.ring], config, backend=backend
        )
        self.chunks: list[AudioChunk] = []

    def until(self, what: Callable[[], bool]) -> None:
        until_s = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < until_s, self.capture.health()
            while (chunk := self.ring.pop()) is not None:
                self.chunks.append(chunk)
            time.sleep(0.005)

    def source(self, source: SourceName = MIC) -> SourceHealth:
        for health in self.capture.health().sources:
            if health.source is source:
                return health
        return SourceHealth(source=source)

    def until_is(self, condition: Condition, source: SourceName = MIC) -> None:
        self.until(lambda: self.source(source).condition is condition)

    def until_more(self, count: int) -> None:
        wanted = len(self.chunks) + count
        self.until(lambda: len(self.chunks) >= wanted)

    def until_level(self, level: float, source: SourceName = MIC) -> None:
        def there() -> bool:
            if not self.chunks or source not in self.chunks[-1].sources:
                return False
            middle = self.chunks[-1].of(source)[1_000:5_000]
            return bool(np.allclose(middle, level, atol=0.01))

        self.until(there)


@contextmanager
def capturing(backend: Any, config: CaptureConfig = QUICK, **selection: Any) -> Iterator[Run]:
    run = Run(backend, config, **selection)
    run.capture.start()
    try:
        yield run
    finally:
        run.capture.stop()
    assert backend.closed
    assert all(stream.closed == 1 for stream in backend.streams)
    assert run.ring.closed
    assert [chunk.index for chunk in run.chunks] == list(range(len(run.chunks)))


def test_nothing_happens_before_start(backend: Any) -> None:
    run = Run(backend, QUICK, mode="both")
    assert backend.tries == 0
    assert run.capture.health().sources == ()
    run.capture.stop()
    assert run.ring.finished


def test_the_clock_runs_while_the_microphone_is_waited_for(backend: Any) -> None:
    with capturing(backend, mode="mic", microphone="usb mic") as run:
        run.until_is(Condition.WAITING)
        assert run.source().sentence == "Waiting for usb mic."
        run.until_more(2)
        assert not run.chunks[-1].samples.any()
        backend.plug(MIC, "usb mic")
        run.until_is(Condition.OK)
        run.until_level(0.1)
        health = run.source()
        assert (health.device, health.rate_hz, health.channels) == ("Usb Mic", 48_000, 2)
        assert health.level_db == pytest.approx(-20.0, abs=0.5)
        assert run.capture.health().running


def test_a_lost_device_is_taken_back_at_its_new_rate(backend: Any) -> None:
    backend.plug(MIC, "usb", value=0.2)
    backend.plug(MIC, "other", value=0.3)
    with capturing(backend, mode="mic", microphone="usb") as run:
        run.until_level(0.2)
        backend.unplug(MIC, "usb")
        run.until_is(Condition.WAITING)
        assert run.source().sentence == "Waiting for Usb."
        run.until_level(0.0)  # and never the other device
        backend.plug(MIC, "usb", value=0.2, rate_hz=16_000)
        run.until_is(Condition.OK)
        run.until_level(0.2)
        assert run.source().rate_hz == 16_000
        assert run.capture.selection.microphone == "usb"
    assert {stream.device.id for stream in backend.streams} == {"usb"}


def test_the_default_is_followed(backend: Any) -> None:
    backend.plug(SYSTEM, "speakers", value=0.1)
    backend.plug(SYSTEM, "headset", value=0.4)
    with capturing(backend, mode="system") as run:
        run.until_level(0.1, SYSTEM)
        backend.default[SYSTEM] = "headset"
        run.until_level(0.4, SYSTEM)
        assert run.source(SYSTEM).device == "Headset"
        assert run.capture.selection.system == ""


def test_a_denied_permission_is_told_apart(backend: Any) -> None:
    backend.plug(MIC, "usb")
    backend.error = PermissionDeniedError("Usb", "darwin")
    with capturing(backend, mode="mic") as run:
        run.until_is(Condition.DENIED)
        assert "System Settings" in run.source().sentence
        backend.error = None
        run.until_is(Condition.OK)


def test_another_failure_is_shown_and_tried_again(backend: Any) -> None:
    backend.error = AudioError("PortAudio is not installed; install it.")
    with capturing(backend, mode="mic") as run:
        run.until_is(Condition.FAILED)
        assert "PortAudio" in run.source().sentence
        tries = backend.tries
        run.until(lambda: backend.tries > tries + 1)


def test_tries_become_rarer(backend: Any) -> None:
    config = CaptureConfig(retry_first_s=0.1, retry_max_s=0.8)
    with capturing(backend, config, mode="mic") as run:
        run.until_more(3)
        assert 3 <= backend.tries <= 6  # at 0, 0.1, 0.3, 0.7, 1.5 s


def test_exact_zeros_are_a_muted_microphone_but_normal_for_the_system(backend: Any) -> None:
    backend.plug(MIC, "usb", value=0.0)
    backend.plug(SYSTEM, "speakers", value=0.0)
    with capturing(backend, mode="both") as run:
        run.until_is(Condition.SILENT)
        assert run.source().sentence.startswith("Microphone gives only silence: muted?")
        assert run.source(SYSTEM).condition is Condition.OK
        assert run.source().seconds_since_nonzero is None
        backend.streams[0].value = backend.streams[1].value = 1e-5
        run.until_is(Condition.OK)


def test_a_microphone_that_delivers_nothing_is_named(backend: Any) -> None:
    backend.plug(MIC, "usb")
    with capturing(backend, mode="mic") as run:
        run.until_is(Condition.OK)
        backend.streams[0].mute = True
        run.until_is(Condition.SILENT)
        assert run.source().sentence.startswith("Usb delivers nothing")


def test_gain_and_meters(backend: Any) -> None:
    backend.plug(MIC, "usb", value=0.1)
    with capturing(backend, mode="mic") as run:
        run.until_level(0.1)
        run.capture.set_gain(MIC, 6.0206)
        run.until_level(0.2)
        assert run.source().level_db == pytest.approx(-14.0, abs=0.5)
        assert run.source().gain_db == pytest.approx(6.0206)
        with pytest.raises(ValueError, match="gain_db = 40"):
            run.capture.set_gain(MIC, 40.0)


def test_pause_gives_the_devices_back_and_resume_goes_on(backend: Any) -> None:
    backend.plug(MIC, "usb")
    with capturing(backend, mode="mic") as run:
        run.until_level(0.1)
        run.capture.pause()
        run.until(lambda: bool(backend.streams[0].closed))
        assert not run.capture.health().running
        count = len(run.chunks) + len(run.ring)
        time.sleep(0.6)
        assert len(run.chunks) + len(run.ring) == count
        run.capture.resume()
        run.until(lambda: len(backend.streams) == 2)
        run.until_more(2)
        run.until_level(0.1)


def test_select_keeps_what_stays(backend: Any) -> None:
    backend.plug(MIC, "usb", value=0.1)
    backend.plug(SYSTEM, "speakers", value=0.3)
    with capturing(backend, mode="mic") as run:
        run.until_level(0.1)
        run.capture.select(CaptureSelection(mode="both"))
        run.until_level(0.3, SYSTEM)
        assert run.chunks[-1].sources == (MIC, SYSTEM)
        run.capture.select(CaptureSelection(mode="system"))
        run.until(lambda: run.chunks[-1].sources == (SYSTEM,))
        run.until(lambda: bool(backend.streams[0].closed))
    assert len(backend.streams) == 2


def test_a_device_that_hangs_does_not_hold_the_clock(backend: Any) -> None:
    backend.plug(MIC, "usb")
    backend.hold.clear()
    try:
        with capturing(backend, mode="mic") as run:
            run.until_more(2)
            assert run.source().condition is Condition.OPENING
            backend.hold.set()
            run.until_level(0.1)
    finally:
        backend.hold.set()


def test_every_ring_gets_every_chunk_and_a_full_one_is_counted(backend: Any) -> None:
    backend.plug(MIC, "usb")
    small, large = ChunkRing(CAPTURE_SOURCES, 1), ChunkRing(CAPTURE_SOURCES)
    capture = AudioCapture(CaptureSelection(), [small, large], QUICK, backend=backend)
    capture.start()
    until_s = time.monotonic() + WAIT_S
    while len(large) < 3:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    capture.stop()
    assert len(small) == 1
    assert small.dropped == len(large) - 1
    assert capture.health().dropped == small.dropped


def test_overflows_add_up_over_reconnects(backend: Any) -> None:
    backend.plug(MIC, "usb")
    with capturing(backend, mode="mic") as run:
        run.until_is(Condition.OK)
        backend.streams[0].lost = 2
        run.until(lambda: run.capture.health().overflows == 2)
        backend.unplug(MIC, "usb")
        run.until_is(Condition.WAITING)
        backend.plug(MIC, "usb")
        run.until(lambda: len(backend.streams) == 2)
        backend.streams[1].lost = 1
        run.until(lambda: run.capture.health().overflows == 3)


def test_a_failing_audio_thread_is_told(
    backend: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backend.plug(MIC, "usb")
    with capturing(backend, mode="mic") as run:
        run.until_more(1)

        def fail(_now_s: float) -> None:
            raise RuntimeError("no more")

        monkeypatch.setattr(run.capture._mixer, "due", fail)
        # The thread says what is wrong first, then it tidies up.
        run.until(lambda: run.ring.closed)
        assert "no more" in run.capture.health().problem
    assert "the audio thread failed" in caplog.text


def test_refuses_a_ring_that_knows_too_few_sources(backend: Any) -> None:
    with pytest.raises(ValueError, match="CAPTURE_SOURCES"):
        AudioCapture(CaptureSelection(), [ChunkRing((MIC,))], QUICK, backend=backend)


def test_threads_have_names(backend: Any) -> None:
    backend.plug(MIC, "usb")
    with capturing(backend, mode="mic") as run:
        run.until_is(Condition.OK)
        names = {thread.name for thread in threading.enumerate()}
        assert {"audio", "audio-keeper-mic"} <= names
