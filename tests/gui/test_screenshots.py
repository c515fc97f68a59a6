"""Every scene can be rendered and shows something; under Xvfb too, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import screenshots
from PySide6.QtGui import QImage

SCRIPT = Path(__file__).with_name("screenshots.py")


def variety(image: QImage) -> int:
    """How many colours a picture has."""
    colors = {
        image.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)
    }
    return len(colors)


@pytest.mark.parametrize("name", screenshots.SCENES)
def test_no_scene_is_blank(name: str) -> None:
    assert variety(screenshots.SCENES[name]()) > 30


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="needs xvfb-run")
@pytest.mark.parametrize("scale", ["1", "2"])
def test_the_window_is_drawn_on_a_real_display(tmp_path: Path, scale: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    screen = ["xvfb-run", "-a", "-s", "-screen 0 2600x1800x24"]
    scenes = ["captions-light", "narrow", "alerts", "sounds"]
    subprocess.run(
        [*screen, sys.executable, str(SCRIPT), str(tmp_path), "--scale", scale, *scenes],
        env=environment,
        check=True,
        timeout=60,
    )
    picture = QImage(str(tmp_path / "captions-light.png"))
    assert variety(picture) > 30
    assert picture.width() == 920 * int(scale)
    assert QImage(str(tmp_path / "alerts.png")).height() == 720 * int(scale)
    assert QImage(str(tmp_path / "sounds.png")).width() == 760 * int(scale)
    assert QImage(str(tmp_path / "narrow.png")).width() == 360 * int(scale)
