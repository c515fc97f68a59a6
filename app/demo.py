"""The demo scene: what plays where there is no microphone, and where there is no display."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from everlisten.app.console import ConsolePrinter
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment
from everlisten.app.exit_codes import BAD_INPUT, GOOD, MODEL_TROUBLE
from everlisten.engine.errors import TimelineError
from everlisten.engine.events import EngineState
from everlisten.ui.main_window import MainWindow

DEMO_TITLE = "Demo scene"
DEMO_PICTURE = Path("everlisten-demo.png")
DEMO_SUBTITLES = Path("everlisten-demo.srt")
_PICTURE_PX = (1000, 680)
_PRINT_EVERY_MS = 100
_SETTLE_MS = 500
"""From the end of the scene to the picture: the last caption has been drawn by then."""
_NO_DISPLAY = (
    "There is no display, so Everlisten plays {what} without one. Then"
    f" the window's picture is in {DEMO_PICTURE} and the subtitles are in {DEMO_SUBTITLES}."
)


def demo_scene() -> Path:
    """The bundled recording."""
    return Path(str(resources.files("everlisten.assets").joinpath("demo", "scene.flac")))


class HeadlessDemo(QObject):
    """Plays the demo scene through the window nobody sees, prints it, keeps picture and subtitles.

    Args:
        window: Rendered by Qt's offscreen platform.
        controller: Plays the scene.
        equipment: Where the events and the finished session come from.

    Attributes:
        exit_code: For the process, once the window has quit.
    """

    _finished = Signal()

    def __init__(self, window: MainWindow, controller: Controller, equipment: Equipment) -> None:
        super().__init__()
        self._window = window
        self._controller = controller
        self._equipment = equipment
        self.exit_code = GOOD
        self._feed = equipment.writer.subscribe()
        self._printer = ConsolePrinter(sys.stdout, sys.stdout, partials="lines")
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._print)
        self._finished.connect(self._settle)
        controller.on_finished(self._finished.emit)

    def start(self, file: Path | None = None) -> None:
        """Begin to play and print; `file` instead of the scene."""
        print(_NO_DISPLAY.format(what=file or "its demo scene, about a minute,"), flush=True)
        # The offscreen platform's screen is small, and the window would have fitted itself to it.
        self._window.resize(*_PICTURE_PX)
        self._timer.start(_PRINT_EVERY_MS)
        if file is None:
            self._controller.open_file(demo_scene(), DEMO_TITLE)
        else:
            self._controller.open_file(file)

    def _print(self) -> None:
        for event in self._feed.drain():
            self._printer.show(event)
        if self._controller.state() is EngineState.FAILED and self.exit_code == GOOD:
            # Nobody is there to press Try again. The reason is on its way here.
            self.exit_code = MODEL_TROUBLE
            QTimer.singleShot(_SETTLE_MS, self._give_up)

    def _give_up(self) -> None:
        self._print()
        self._window.quit()

    def _settle(self) -> None:
        QTimer.singleShot(_SETTLE_MS, self._keep)

    def _keep(self) -> None:
        self._print()
        try:
            self._write()
        except (TimelineError, OSError) as error:
            print(f"everlisten: {error}", file=sys.stderr)
            self.exit_code = BAD_INPUT
        else:
            print(f"That was all: see {DEMO_PICTURE} and {DEMO_SUBTITLES}.", flush=True)
        self._window.quit()

    def _write(self) -> None:
        sessions = self._equipment.history.sessions()
        if not sessions:
            raise TimelineError("The scene was not saved; make room in the data folder.")
        self._equipment.history.export(sessions[0].id, DEMO_SUBTITLES)
        if not self._window.grab().save(str(DEMO_PICTURE)):
            raise OSError(f"{DEMO_PICTURE} cannot be written; start in a folder with room.")
