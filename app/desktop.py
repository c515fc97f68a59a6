"""The desktop application: window, tray, controller, and the demo scene where nothing is heard."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from everlisten.app.config import AppConfig
from everlisten.app.console import ConsolePrinter
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment, source_selection
from everlisten.app.exit_codes import GOOD
from everlisten.app.languages import parse_language, parse_target
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings
from everlisten.app.single_instance import SingleInstance
from everlisten.engine.interaction import Instruction
from everlisten.ui.application import create_application
from everlisten.ui.main_window import MainWindow

logger = logging.getLogger(__name__)

DEMO_PICTURE = Path("everlisten-demo.png")
DEMO_SUBTITLES = Path("everlisten-demo.srt")
_DEMO_TITLE = "Demo scene"
_PRINT_EVERY_MS = 100
_SETTLE_MS = 500
"""From the end of the scene to the picture: the last caption has been drawn by then."""
_NO_DEVICE = (
    "No microphone and no sound output was found, so Everlisten plays its demo scene."
    " Plug one in and press Start."
)
_NO_DISPLAY = (
    "There is no display, so Everlisten runs its demo scene (71 s) without one; afterwards the"
    f" window's picture is in {DEMO_PICTURE} and the subtitles are in {DEMO_SUBTITLES}."
)


def has_display() -> bool:
    """Whether a window can be seen, or the user chose Qt's platform."""
    if not sys.platform.startswith("linux"):
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in names)


def run(args: argparse.Namespace, config: AppConfig, paths: AppPaths) -> int:
    """Run the application until the user quits."""
    headless = not has_display()
    if headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = create_application(sys.argv[:1], config.ui)
    instance = SingleInstance(paths.data)
    if not instance.acquire():
        print("Everlisten is already running; its window was brought to the front.")
        return GOOD
    try:
        with Equipment.open(config, paths) as equipment:
            return _run_window(application, instance, equipment, args, headless=headless)
    finally:
        instance.release()


def _run_window(
    application: QApplication,
    instance: SingleInstance,
    equipment: Equipment,
    args: argparse.Namespace,
    *,
    headless: bool,
) -> int:
    settings = AppSettings(equipment.config, equipment.paths, equipment.reconfigure)
    controller = _controller(equipment, settings)
    window = MainWindow(controller, equipment.history, settings, equipment.config.ui)
    instance.on_raise(window.come_to_front)
    if headless or not args.minimized:
        window.show()
    with _signals_quit(window):
        controller.launch()
        if headless:
            demo = HeadlessDemo(window, controller, equipment)
            demo.start()
        elif args.open is not None:
            controller.open_file(args.open)
        elif args.demo or not _can_listen(equipment):
            controller.say("" if args.demo else _NO_DEVICE)
            controller.open_file(demo_scene(), _DEMO_TITLE)
        elif equipment.config.listen.start_listening:
            controller.start()
        try:
            return application.exec()
        finally:
            window.shut_down()
            controller.shut_down()


def demo_scene() -> Path:
    """The bundled recording."""
    return Path(str(resources.files("everlisten.assets").joinpath("demo", "scene.flac")))


def _can_listen(equipment: Equipment) -> bool:
    devices = equipment.devices()
    return bool(devices.microphones or devices.systems)


def _controller(equipment: Equipment, settings: AppSettings) -> Controller:
    listen = equipment.config.listen
    return Controller(
        equipment,
        selection=source_selection(listen.source, listen.microphone, listen.system),
        instruction=Instruction(
            language=parse_language(listen.language), translate_to=parse_target(listen.translate_to)
        ),
        remember=settings.change,
    )


@contextmanager
def _signals_quit(window: MainWindow) -> Iterator[None]:
    """Ctrl+C and SIGTERM quit in order; the window's timer lets Python see them."""

    def quit_window(signum: int, frame: FrameType | None) -> None:
        window.quit()

    old = {number: signal.signal(number, quit_window) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class HeadlessDemo(QObject):
    """Plays the demo scene through the window nobody sees, prints it, keeps picture and subtitles.

    Args:
        window: Rendered by Qt's offscreen platform.
        controller: Plays the scene.
        equipment: Where the events and the finished session come from.
    """

    _finished = Signal()

    def __init__(self, window: MainWindow, controller: Controller, equipment: Equipment) -> None:
        super().__init__()
        self._window = window
        self._controller = controller
        self._equipment = equipment
        self._feed = equipment.writer.subscribe()
        self._printer = ConsolePrinter(sys.stdout, sys.stdout, partials="lines")
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._print)
        self._finished.connect(self._settle)
        controller.on_finished(self._finished.emit)

    def start(self) -> None:
        """Begin to play and print."""
        print(_NO_DISPLAY, flush=True)
        self._timer.start(_PRINT_EVERY_MS)
        self._controller.open_file(demo_scene(), _DEMO_TITLE)

    def _print(self) -> None:
        for event in self._feed.drain():
            self._printer.show(event)

    def _settle(self) -> None:
        QTimer.singleShot(_SETTLE_MS, self._keep)

    def _keep(self) -> None:
        self._print()
        session = self._equipment.history.sessions()[0].id
        self._equipment.history.export(session, DEMO_SUBTITLES)
        self._window.grab().save(str(DEMO_PICTURE))
        print(f"The scene is over: see {DEMO_PICTURE} and {DEMO_SUBTITLES}.", flush=True)
        self._window.quit()
