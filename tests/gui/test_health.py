"""The health line tells the truth, in plain words."""

from __future__ import annotations

from dataclasses import replace

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from everlisten.engine.events import EngineState
from everlisten.ui.health_facts import health_facts, problem
from everlisten.ui.protocols import HealthReading

LISTENING = EngineState.LISTENING


def test_facts_are_device_level_lag_dropped_saved_rate_and_model() -> None:
    facts = health_facts(LISTENING, doubles.healthy())
    assert facts.sentence == "Listening"
    assert facts.facts == (
        "Built-in Microphone \N{MINUS SIGN}23 dB",
        "lag 0.4 s",
        "dropped 0",
        "saved 3 s ago",
        "48 kHz",
        "Whisper base",
    )


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("waiting", "Waiting for Built-in Microphone."),
        ("silent", "Built-in Microphone gives only silence: muted?"),
        (
            "denied",
            "Everlisten may not use Built-in Microphone: "
            "allow it in the system's privacy settings.",
        ),
        ("failed", "Built-in Microphone failed: choose another device."),
    ],
)
def test_every_condition_has_a_sentence(condition: str, sentence: str) -> None:
    facts = health_facts(LISTENING, doubles.healthy(doubles.reading(condition=condition)))
    assert facts.problem
    assert facts.sentence == sentence
    assert facts.icon in ("warning", "error")
    own = doubles.healthy(doubles.reading(condition=condition, sentence="It says so itself."))
    assert health_facts(LISTENING, own).sentence == "It says so itself."


def test_nothing_is_wrong_while_paused_or_opening() -> None:
    silent = doubles.healthy(doubles.reading(condition="silent"))
    assert problem(EngineState.PAUSED, silent) == ""
    assert problem(LISTENING, doubles.healthy(doubles.reading(condition="opening"))) == ""


def test_being_behind_and_dropping_are_said() -> None:
    assert "8 s behind" in problem(LISTENING, doubles.healthy(lag_s=8.0))
    assert "dropped 12" in health_facts(LISTENING, doubles.healthy(dropped=12)).facts
    assert problem(LISTENING, doubles.healthy(problem="The disk is full.")) == "The disk is full."
    assert problem(EngineState.FAILED, HealthReading())


def test_nothing_is_claimed_before_anything_is_known() -> None:
    assert health_facts(EngineState.STOPPED, HealthReading()).facts == ()


def test_the_line_shows_a_problem_at_once_and_says_it(stage: Stage) -> None:
    stage.listen()
    line = stage.window.health
    assert line.accessibleName() == "Health: Listening"
    assert "lag 0.4 s" in line.accessibleDescription()
    stage.listening.reading = doubles.healthy(doubles.reading(condition="waiting"))
    stage.window.bridge.refresh()
    assert line.accessibleName() == "Health: Waiting for Built-in Microphone."


def test_numbers_follow_even_if_nothing_else_changes(stage: Stage, qtbot: QtBot) -> None:
    stage.listen()
    for lag_s in (0.5, 0.6, 0.7):
        stage.listening.reading = doubles.healthy(lag_s=lag_s)
        stage.window.bridge.refresh()
    qtbot.waitUntil(lambda: "lag 0.7 s" in stage.window.health.facts.facts, timeout=2_000)


def test_details_open_on_click_and_can_be_copied(stage: Stage, qtbot: QtBot) -> None:
    stage.listen()
    line = stage.window.health
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton)
    text = line.popover.text()
    assert "Microphone: Built-in Microphone: working" in text
    assert "Rate: 48 kHz, mono" in text
    assert "Dropped: nothing" in text
    assert "Memory: 412 MB" in text
    qtbot.keyClick(line.popover, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == text)
    stage.listening.reading = replace(doubles.healthy(), dropped=3)
    stage.window.bridge.refresh()
    qtbot.waitUntil(lambda: "3 pieces of 0.4 s" in line.popover.text(), timeout=2_000)
    qtbot.keyClick(line.popover, Qt.Key.Key_Escape)
    assert not line.popover.isVisible()


def test_a_narrow_line_keeps_the_sentence(stage: Stage) -> None:
    stage.window.resize(360, 600)
    long = "Waiting for The Very Long Name of a Bluetooth Headset of the Third Generation."
    stage.listen(reading=doubles.healthy(doubles.reading(condition="waiting", sentence=long)))
    assert stage.window.health.width() <= 360
    assert stage.window.health.facts.sentence == long
    assert long in stage.window.health.toolTip()
