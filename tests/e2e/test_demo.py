"""The first start: without a display the whole application plays, captions and translates."""

import os
import subprocess
import sys
import time

import pytest
import yaml
from PySide6.QtGui import QImage

from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.engine.sounds.model import shipped_model

pytestmark = pytest.mark.e2e


def test_without_a_display_the_demo_scene_runs_to_its_end(demo_run, demo_scene):
    process, folder = demo_run
    code = process.wait(240)

    printed, errors = ((folder / name).read_text("utf-8") for name in ("out.txt", "err.txt"))
    assert code == 0, errors
    assert "There is no display" in printed
    assert "Traceback" not in errors
    subtitles = (folder / "everlisten-demo.srt").read_text("utf-8").lower()
    for word in ("printing", "rainbow", "proyecto", "project", "tool", "orchard"):
        assert word in subtitles, word
    picture = QImage(str(folder / "everlisten-demo.png"))
    assert picture.width() >= 800
    colours = {picture.pixel(x, y) for x in range(0, 800, 7) for y in range(100, 600, 5)}
    assert len(colours) > 20, "the picture shows no text"
    lines = [line for line in printed.splitlines() if line.startswith("[")]
    scene = yaml.safe_load((demo_scene.parent / "scene.yaml").read_text("utf-8"))
    assert len(lines) >= sum(segment["kind"] == "speech" for segment in scene["segments"])
    if shipped_model().is_file():
        check_alerts(lines, scene["segments"])


def check_alerts(lines, segments):
    """What calls is told, by itself, where it is heard; nothing else is."""
    wanted = [segment for segment in segments if "sound" in segment]
    told = [line for line in lines if "] ! " in line]
    assert len(told) == len(wanted), told
    for line, segment in zip(told, wanted, strict=True):
        entry = shipped_alerts()[segment["sound"]]
        minutes, seconds = line[1:8].split(":")
        assert segment["start_s"] - 0.8 <= 60 * int(minutes) + float(seconds) <= segment["end_s"]
        assert line[10:] == f"! {entry.label['en']}. {entry.advice['en']}"


def test_a_second_start_brings_the_first_to_the_front(tmp_path, demo_scene, data_dir):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "everlisten.app", "--open", str(demo_scene)]
    log = data_dir / "log" / "everlisten.log"
    with subprocess.Popen(command, env=environment) as first:
        try:
            deadline = time.monotonic() + 60
            while not (log.exists() and "-> listening" in log.read_text()):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            second = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert second.returncode == 0
            assert "brought to the front" in second.stdout
            assert first.poll() is None
        finally:
            first.terminate()
        assert first.wait(20) == 0
