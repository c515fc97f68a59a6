"""Runs the window offscreen, and fails a test that leaves a thread, timer or window behind."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

if os.environ.get("EVERLISTEN_GUI_DISPLAY") != "1":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.insert(0, str(Path(__file__).parent))

import gui_doubles as doubles
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from everlisten.ui.application import dress
from everlisten.ui.config import UiConfig
from everlisten.ui.main_window import MainWindow

NO_BIG_MODEL = "The assistant needs the big model: choose it in the settings under Model."
OFFSCREEN_ONLY = "This plugin does not support"
"""What Qt's offscreen platform says about popups and dialogs; no other platform does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gui)
            item.add_marker(pytest.mark.qt_log_ignore(OFFSCREEN_ONLY))


@pytest.fixture(autouse=True)
def _nothing_left_behind(qapp: QApplication) -> Iterator[None]:
    dress(qapp)
    threads = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in threads]
    alive = QApplication.topLevelWidgets()
    timers = [one for window in alive for one in window.findChildren(QTimer) if one.isActive()]
    windows = [one for one in alive if one.isVisible()]
    assert not left, f"threads left behind: {left}"
    assert not timers, f"timers left running: {[one.parent() for one in timers]}"
    assert not windows, f"windows left open: {windows}"
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


class Stage:
    """A shown window with the scripted application behind it."""

    def __init__(self, qtbot: QtBot, config: UiConfig) -> None:
        self.qtbot = qtbot
        self.listening = doubles.ScriptedListening()
        self.history = doubles.ScriptedHistory()
        self.settings = doubles.ScriptedSettings(config)
        self.assistance = doubles.ScriptedAssistance(why_not=NO_BIG_MODEL)
        self.file_tasks = doubles.ScriptedFileTasks()
        self.alerting = doubles.ScriptedAlerting()
        self.config = config
        self.window: MainWindow

    def open(self) -> MainWindow:
        """Make and show the window."""
        self.window = MainWindow(
            self.listening,
            self.history,
            self.settings,
            self.config,
            self.assistance,
            self.file_tasks,
            self.alerting and self.alerting.parts,
        )
        self.qtbot.addWidget(self.window, before_close_func=lambda w: w.shut_down())
        self.window.resize(920, 680)
        with self.qtbot.waitActive(self.window):
            self.window.show()
        return self.window

    def load_big_model(self) -> None:
        """The big model is in use from now on."""
        self.assistance.now = replace(self.assistance.now, why_not="")
        self.listening.every_target = True
        self.listening.reading = replace(self.listening.reading, model="Audio-Interaction")
        self.window.bridge.refresh()

    def say(self, *events: object) -> None:
        """The engine says something, and the window has taken it in."""
        self.listening.queue += events  # type: ignore[arg-type]
        self.window.bridge.refresh()

    def warn(self, *alerts: doubles.SoundAlert) -> None:
        """These alerts are told; they stay open until they are acknowledged."""
        self.alerting.show(*alerts)
        self.say(*alerts)

    def listen(self, *events: object, reading: doubles.HealthReading | None = None) -> None:
        """Listening, with these events."""
        self.listening.now = doubles.EngineState.LISTENING
        self.listening.reading = reading or doubles.healthy()
        self.say(*events)


@pytest.fixture
def make_stage(qtbot: QtBot) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(open: bool = True, **config: object) -> Stage:
        stage = Stage(qtbot, UiConfig(**config))  # type: ignore[arg-type]
        stages.append(stage)
        if open:
            stage.open()
        return stage

    yield make
    for stage in stages:
        if hasattr(stage, "window"):
            stage.window.shut_down()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()
