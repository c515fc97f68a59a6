"""The desktop application: one window, its tray and its controller."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from everlisten.app.alert_service import alert_service
from everlisten.app.assistance import AssistanceControl
from everlisten.app.config import AppConfig
from everlisten.app.controller import Controller
from everlisten.app.demo import DEMO_TITLE, HeadlessDemo, demo_scene
from everlisten.app.equipment import Equipment, source_selection
from everlisten.app.exit_codes import GOOD
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings
from everlisten.app.single_instance import SingleInstance
from everlisten.app.whole_files import WholeFiles
from everlisten.app.wishes import Wishes, instruction_of
from everlisten.ui.application import create_application
from everlisten.ui.main_window import MainWindow

logger = logging.getLogger(__name__)

_NO_DEVICE = (
    "No microphone and no sound output was found, so Everlisten plays its demo scene."
    " Plug one in, then begin a new session (Ctrl+N)."
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
    if not instance.acquire(args.open):
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
    wishes = Wishes(instruction_of(equipment.config))
    controller = _controller(equipment, settings, wishes)
    with alert_service(equipment, settings, controller, audible=not headless) as alerting:
        window = MainWindow(
            controller,
            equipment.history,
            settings,
            equipment.config.ui,
            AssistanceControl(wishes, settings, controller),
            WholeFiles(controller.big_model),
            alerting,
        )
        return _show(application, instance, equipment, controller, window, args, headless=headless)


def _show(
    application: QApplication,
    instance: SingleInstance,
    equipment: Equipment,
    controller: Controller,
    window: MainWindow,
    args: argparse.Namespace,
    *,
    headless: bool,
) -> int:
    instance.on_raise(window.come_to_front)
    instance.on_open(controller.open_file)
    if headless or not args.minimized:
        window.show()
    demo = HeadlessDemo(window, controller, equipment) if headless else None
    with _signals_quit(window):
        controller.launch()
        try:
            if demo is not None:
                demo.start(args.open)
            else:
                _begin(controller, equipment, args)
            code = application.exec()
        finally:
            window.shut_down()
            controller.shut_down()
    return code if demo is None else demo.exit_code


def _begin(controller: Controller, equipment: Equipment, args: argparse.Namespace) -> None:
    """What is listened to first."""
    if args.open is not None:
        controller.open_file(args.open)
    elif args.demo:
        controller.open_file(demo_scene(), DEMO_TITLE)
    elif equipment.config.listen.start_listening:
        controller.start_or_play(demo_scene(), DEMO_TITLE, _NO_DEVICE)


def _controller(equipment: Equipment, settings: AppSettings, wishes: Wishes) -> Controller:
    listen = equipment.config.listen
    return Controller(
        equipment,
        selection=source_selection(listen.source, listen.microphone, listen.system),
        wishes=wishes,
        remember=settings.change,
    )


@contextmanager
def _signals_quit(window: MainWindow) -> Iterator[None]:
    """Ctrl+C and SIGTERM quit in order; the window's timer lets Python see them."""

    def quit_window(signum: int, frame: FrameType | None) -> None:
        # Through the event loop: a quit before it has begun would be forgotten.
        QTimer.singleShot(0, window.quit)

    old = {number: signal.signal(number, quit_window) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
