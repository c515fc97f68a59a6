"""Chunks come by the clock, with the sources aligned and apart."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.mixer import Mixer, SourceLine

LATE_S = 0.2
BLOCK = 320


class Bench:
    """A mixer, a clock and devices that deliver 20 ms blocks of a common signal."""

    def __init__(self, *sources: SourceName, echo: bool = False) -> None:
        self.lines = [SourceLine(source, 0.0) for source in sources]
        self.mixer = Mixer(self.lines, 0.0, LATE_S, echo=echo)
        self.now_s = 0.0
        self.chunks: list[AudioChunk] = []
        self.signal = np.random.default_rng(7).uniform(-0.4, 0.4, 20 * 16_000).astype(np.float32)

    def run(self, seconds: float, *delivering: SourceName) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now_s = round(self.now_s + 0.02, 6)
            end = round(self.now_s * 16_000)
            for source in delivering:
                self.mixer.write(source, self.signal[end - BLOCK : end], self.now_s)
            while (chunk := self.mixer.due(self.now_s)) is not None:
                self.chunks.append(chunk)


def test_the_clock_runs_without_any_device() -> None:
    bench = Bench(SourceName.MIC)
    bench.run(4.0)
    assert [chunk.index for chunk in bench.chunks] == list(range(10))
    assert [chunk.captured_s for chunk in bench.chunks] == pytest.approx(
        [0.4 * (k + 1) for k in range(10)]
    )
    assert not any(chunk.samples.any() for chunk in bench.chunks)
    assert bench.lines[0].track.gap_samples == 0


def test_sources_are_sample_aligned() -> None:
    bench = Bench(SourceName.MIC, SourceName.SYSTEM)
    bench.run(4.1, SourceName.MIC, SourceName.SYSTEM)
    assert len(bench.chunks) == 10
    for chunk in bench.chunks:
        wanted = bench.signal[chunk.index * CHUNK_SAMPLES : (chunk.index + 1) * CHUNK_SAMPLES]
        np.testing.assert_array_equal(chunk.of(SourceName.MIC), wanted)
        np.testing.assert_array_equal(chunk.of(SourceName.SYSTEM), wanted)


def test_loopback_that_delivers_nothing_holds_nobody_up() -> None:
    bench = Bench(SourceName.MIC, SourceName.SYSTEM)
    bench.run(4.1, SourceName.MIC)
    assert len(bench.chunks) == 10
    assert bench.chunks[5].of(SourceName.MIC).any()
    assert not bench.chunks[5].of(SourceName.SYSTEM).any()
    bench.run(2.0, SourceName.MIC, SourceName.SYSTEM)  # something plays at last
    bench.run(2.0, SourceName.MIC)
    np.testing.assert_array_equal(
        bench.chunks[12].of(SourceName.SYSTEM), bench.chunks[12].of(SourceName.MIC)
    )
    assert not bench.chunks[19].of(SourceName.SYSTEM).any()
    assert bench.lines[1].track.gap_samples == 0


def test_a_microphone_that_stops_leaves_silence() -> None:
    bench = Bench(SourceName.MIC)
    bench.run(2.0, SourceName.MIC)
    bench.run(2.0)
    bench.lines[0].restart()  # as the capture does when the device is taken back
    bench.run(2.2, SourceName.MIC)
    assert [chunk.index for chunk in bench.chunks] == list(range(len(bench.chunks)))
    assert len(bench.chunks) >= 15
    assert not bench.chunks[7].samples.any()
    wanted = bench.signal[12 * CHUNK_SAMPLES : 13 * CHUNK_SAMPLES]
    np.testing.assert_array_equal(bench.chunks[12].of(SourceName.MIC), wanted)


def test_gains_are_apart_and_clip() -> None:
    bench = Bench(SourceName.MIC, SourceName.SYSTEM)
    bench.lines[0].gain_db = 30.0
    bench.lines[1].gain_db = -20.0
    bench.run(0.9, SourceName.MIC, SourceName.SYSTEM)
    mic, system = bench.chunks[0].samples
    assert np.abs(mic).max() == 1.0
    np.testing.assert_allclose(system, 0.1 * bench.signal[:CHUNK_SAMPLES], rtol=1e-5)


def test_a_pause_takes_no_stream_time() -> None:
    bench = Bench(SourceName.MIC)
    bench.run(1.0, SourceName.MIC)
    count = len(bench.chunks)
    bench.now_s = 11.0
    bench.mixer.resume(bench.now_s)
    bench.run(1.0, SourceName.MIC)
    assert [chunk.index for chunk in bench.chunks] == list(range(count + 2))
    assert bench.chunks[count].captured_s == pytest.approx(11.4)


def test_sources_may_change_in_mid_stream() -> None:
    bench = Bench(SourceName.MIC)
    bench.run(1.0, SourceName.MIC)
    system = SourceLine(SourceName.SYSTEM, 0.0)
    bench.mixer.set_lines([bench.lines[0], system])
    bench.run(1.2, SourceName.MIC, SourceName.SYSTEM)
    assert bench.chunks[0].sources == (SourceName.MIC,)
    assert bench.chunks[-1].sources == (SourceName.MIC, SourceName.SYSTEM)
    assert [chunk.index for chunk in bench.chunks] == list(range(5))


def test_echo_of_the_system_is_removed_from_the_microphone() -> None:
    bench = Bench(SourceName.MIC, SourceName.SYSTEM, echo=True)
    bench.run(8.2, SourceName.MIC, SourceName.SYSTEM)  # the microphone hears nothing else
    mic = np.concatenate([chunk.of(SourceName.MIC) for chunk in bench.chunks[5:]])
    system = np.concatenate([chunk.of(SourceName.SYSTEM) for chunk in bench.chunks[5:]])
    assert np.square(mic).sum() < 0.003 * np.square(system).sum()
    wanted = bench.signal[10 * CHUNK_SAMPLES : 11 * CHUNK_SAMPLES]
    np.testing.assert_array_equal(bench.chunks[10].of(SourceName.SYSTEM), wanted)
