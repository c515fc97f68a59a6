"""Size and place of the window, kept between two starts."""

from __future__ import annotations

import base64
import logging

from PySide6.QtCore import QByteArray, QSize
from PySide6.QtWidgets import QMainWindow

logger = logging.getLogger(__name__)

SMALLEST_PX = (360, 420)
USUAL_PX = (920, 680)
"""At the first start; smaller on a small screen."""


def place(window: QMainWindow, kept: str) -> None:
    """Give the window the place that was kept, or the usual size."""
    screen = window.screen().availableGeometry().size()
    window.resize(QSize(*USUAL_PX).boundedTo(screen * 0.9).expandedTo(window.minimumSize()))
    if not kept:
        return
    try:
        geometry = base64.b64decode(kept, validate=True)
    except ValueError:
        logger.warning("The kept window size cannot be read; the usual size is used")
        return
    window.restoreGeometry(QByteArray(geometry))


def place_of(window: QMainWindow) -> str:
    """The place as text that `place` reads."""
    return base64.b64encode(window.saveGeometry().data()).decode("ascii")
