"""Meters and the watch for exact zeros."""

from __future__ import annotations

import numpy as np
import pytest

from everlisten.audio_io.level import METER_SAMPLES, LevelMeter, ZeroRunWatch, to_amplitude, to_db


def test_a_full_scale_sine_reads_minus_three() -> None:
    meter = LevelMeter()
    sine = np.sin(2 * np.pi * 1000 * np.arange(METER_SAMPLES) / 16_000).astype(np.float32)
    for block in np.array_split(sine, 7):
        meter.step(block)
    rms_db, peak_db = meter.read()
    assert rms_db == pytest.approx(-3.01, abs=0.05)
    assert peak_db == pytest.approx(0.0, abs=0.05)
    assert meter.read(0.5)[0] == pytest.approx(-9.03, abs=0.05)


def test_silence_reads_minus_120() -> None:
    meter = LevelMeter()
    assert meter.read() == (-120.0, -120.0)
    meter.step(np.ones(5_000, np.float32))
    meter.reset()
    assert meter.read() == (-120.0, -120.0)


def test_decibels_and_back() -> None:
    assert to_db(to_amplitude(-17.5)) == pytest.approx(-17.5)
    assert to_db(1e-12) == -120.0


def test_zeros_are_timed_and_a_quiet_room_is_not() -> None:
    watch = ZeroRunWatch()
    zeros, quiet = np.zeros((10, 2), np.float32), np.full((10, 2), 1e-6, np.float32)
    assert watch.zero_for_s(5.0) == 0.0
    watch.step(zeros, 5.0)
    watch.step(zeros[:0], 6.0)
    assert watch.callback_s == 5.0
    assert watch.zero_for_s(9.0) == 4.0
    watch.step(quiet, 9.0)
    assert watch.zero_for_s(9.5) == 0.5
    assert watch.nonzero_s == 9.0
    watch.reset()
    assert watch.zero_for_s(99.0) == 0.0
