"""Compiling ahead never stands in the way of loading. That it compiles is shown on a GPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import laim_rig
import pytest
import torch

from everlisten.engine.laim import warm_up as warm_up_module
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.warm_up import WarmUpPlan, warm_up

PLAN = WarmUpPlan(
    size=laim_rig.SIZE,
    tower_size=TowerSize(
        width=32, layers=1, heads=2, feed_forward=64, mel_bins=128, n_window=100, positions=1500,
        output_width=8,
    ),
    precision="float32", device="nowhere", lanes=1, slots=3, positions=32,
)  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    yield tmp_path / "cache"
    resource_tracker._resource_tracker._stop()  # multiprocessing's own, else left until the exit


def test_a_child_that_fails_is_logged_and_tried_again(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    with caplog.at_level(logging.WARNING):
        warm_up(PLAN, told.append, threading.Event())
    assert "exit code 1" in caplog.text
    assert not told
    assert not cache.exists()


def test_a_child_is_ended_when_nobody_waits_for_it(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    stop.set()
    warm_up(PLAN, print, stop)
    assert not caplog.text
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_no_failure(
    cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("not a folder")
    monkeypatch.setattr(warm_up_module, "_run_child", lambda plan, tell, stop: 0)
    warm_up(PLAN, print, threading.Event())
    assert "compiling ahead failed" in caplog.text
