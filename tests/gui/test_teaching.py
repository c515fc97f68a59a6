"""Teaching a sound: examples from three places, learning beside the window, an honest result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alert_doubles import tone
from conftest import Stage
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from everlisten.ui import recorder
from everlisten.ui.sounds_page import SoundsPage
from everlisten.ui.teach_dialog import (
    COLLECTING,
    GOOD,
    LEARNING,
    MORE_HELPS,
    RESULT,
    WEAK,
    TeachDialog,
)
from everlisten.ui.teach_examples import NOT_LISTENING
from everlisten.ui.waveform import Waveform, loudest_part, peaks

LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def page(stage: Stage) -> SoundsPage:
    stage.window.show_settings()
    dialog = stage.window.settings_dialog
    assert dialog is not None
    dialog.show_page("Sounds")
    page = dialog.findChild(SoundsPage)
    assert page is not None
    page.show_part(1)
    return page


@pytest.fixture
def teaching(page: SoundsPage, qtbot: QtBot) -> TeachDialog:
    qtbot.mouseClick(page.own.teach, LEFT)
    dialog = page.own.dialog
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


@pytest.fixture
def ready(teaching: TeachDialog) -> TeachDialog:
    teaching.name.setText("Kettle")
    for _ in range(4):
        teaching.examples.add(tone(1.0), "recorded")
    return teaching


def test_name_and_three_examples_are_needed(teaching: TeachDialog) -> None:
    examples = teaching.examples
    assert examples.hint.text() == "At least 3 more examples are needed."
    teaching.name.setText("Kettle")
    for _ in range(2):
        examples.add(tone(0.8), "recorded")
    assert examples.hint.text() == "At least one more example is needed."
    assert not teaching.teach.isEnabled()
    examples.add(tone(0.8), "recorded")
    assert teaching.teach.isEnabled()
    teaching.name.setText("  ")
    assert not teaching.teach.isEnabled()


def test_an_example_is_recorded(
    stage: Stage, teaching: TeachDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = teaching.examples.recorder
    stage.alerting.recorded = tone(2.0)
    qtbot.mouseClick(box.button, LEFT)
    assert box.recording
    assert box.button.text() == "Stop"
    assert box.left.text() == "10 s left"
    assert box.meter.level_db == -24.0
    qtbot.mouseClick(box.button, LEFT)
    assert [row.label.text() for row in teaching.examples.rows] == ["2.0 s \u00b7 recorded"]
    monkeypatch.setattr(recorder, "LONGEST_S", 0.05)
    qtbot.mouseClick(box.button, LEFT)
    qtbot.waitUntil(lambda: len(teaching.examples.rows) == 2)
    assert not box.recording


def test_a_recording_that_failed_says_why(
    stage: Stage, teaching: TeachDialog, qtbot: QtBot
) -> None:
    box = teaching.examples.recorder
    stage.alerting.refusal = "Nothing is listened to: press Start listening first."
    qtbot.mouseClick(box.button, LEFT)
    assert not box.recording
    assert "press Start listening" in teaching.examples.sentence.text()
    stage.alerting.refusal = ""
    for recorded, said in ((None, "Nothing was heard"), (tone(0.1), "too short")):
        stage.alerting.recorded = recorded
        box.toggle()
        box.toggle()
        assert said in teaching.examples.sentence.text()
    assert teaching.examples.rows == []


def test_files_are_picked_and_a_bad_one_is_named(
    teaching: TeachDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ["/sounds/a.wav", "/sounds/notes.txt", "/sounds/b.flac"]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (paths, ""))
    qtbot.mouseClick(teaching.examples.pick, LEFT)
    rows = teaching.examples.rows
    qtbot.waitUntil(lambda: len(rows) == 2)
    assert [row.example.origin for row in rows] == ["a.wav", "b.flac"]


def test_what_cannot_be_read_is_said(teaching: TeachDialog, qtbot: QtBot) -> None:
    teaching.examples.add_files([Path("/sounds/notes.txt")])
    said = teaching.examples.sentence
    qtbot.waitUntil(lambda: said.text() == "notes.txt is not a sound file.")


def test_the_loudest_part_of_the_last_half_minute_is_marked(
    stage: Stage, teaching: TeachDialog, qtbot: QtBot
) -> None:
    qtbot.mouseClick(teaching.examples.that, LEFT)
    assert teaching.examples.sentence.text() == NOT_LISTENING
    stage.alerting.heard = tone(12.0, at_s=5.0, for_s=1.9)
    qtbot.mouseClick(teaching.examples.that, LEFT)
    recent = teaching.examples.recent
    assert recent is not None
    begin, end = recent.wave.part_s
    assert begin == pytest.approx(5.0, abs=0.2)
    assert end == pytest.approx(7.0, abs=0.2)
    qtbot.mouseClick(recent.play, LEFT)
    assert stage.alerting.calls[-1] == ("play_samples", 32_000)
    qtbot.mouseClick(recent.use, LEFT)
    assert [row.example.length_s for row in teaching.examples.rows] == [2.0]
    assert teaching.examples.rows[0].example.origin == "just heard"


def test_examples_are_played_and_deleted(stage: Stage, ready: TeachDialog, qtbot: QtBot) -> None:
    rows = ready.examples.rows
    qtbot.mouseClick(rows[1].play, LEFT)
    assert stage.alerting.calls[-1] == ("play_samples", 16_000)
    assert rows[3].delete.accessibleName() == "Delete example 4, 1.0 seconds, recorded"
    last = rows[3]
    qtbot.mouseClick(rows[1].delete, LEFT)
    assert len(rows) == 3
    assert last.delete.accessibleName() == "Delete example 3, 1.0 seconds, recorded"


def test_learning_goes_on_beside_the_window(
    stage: Stage, ready: TeachDialog, page: SoundsPage, qtbot: QtBot
) -> None:
    stage.alerting.gate.clear()
    qtbot.mouseClick(ready.teach, LEFT)
    assert ready.pages.currentIndex() == LEARNING
    qtbot.waitUntil(lambda: ready.progress.value() == 40)
    stage.alerting.gate.set()
    qtbot.waitUntil(lambda: ready.pages.currentIndex() == RESULT)
    assert ready.estimate.text() == (
        "Found 3 of your 4 examples when each was left out; "
        "about 0.3 false alarms per hour on 10 minutes of household noise."
    )
    assert ready.verdict.text() == GOOD
    assert ready.switch.isChecked()
    qtbot.mouseClick(ready.save, LEFT)
    qtbot.waitUntil(lambda: "taught-9" in page.own.rows)
    assert stage.alerting.calls[-2:] == [("save", "Kettle", True), ("stop_playing",)]


def test_a_weak_result_with_doubts_of_its_own_gets_no_other_advice(
    stage: Stage, ready: TeachDialog, qtbot: QtBot
) -> None:
    doubt = "Similar sounds will set it off too: hen, cow."
    stage.alerting.estimate = replace(
        stage.alerting.estimate, false_alarms_per_hour=4.0, warnings=(doubt,)
    )
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.pages.currentIndex() == RESULT)
    assert doubt in ready.estimate.text()
    assert ready.verdict.text() == WEAK


def test_a_weak_result_is_not_switched_on_by_itself(
    stage: Stage, ready: TeachDialog, qtbot: QtBot
) -> None:
    stage.alerting.estimate = replace(stage.alerting.estimate, false_alarms_per_hour=4.0)
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.pages.currentIndex() == RESULT)
    assert ready.verdict.text() == f"{WEAK} {MORE_HELPS}"
    assert not ready.switch.isChecked()
    qtbot.mouseClick(ready.again, LEFT)
    assert ready.pages.currentIndex() == COLLECTING
    assert stage.alerting.calls[-1] == ("discard", "Kettle")
    assert len(ready.examples.rows) == 4


def test_what_cannot_be_learned_says_why(stage: Stage, ready: TeachDialog, qtbot: QtBot) -> None:
    stage.alerting.refusal = "Example 2 is silent: record it again."
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.refusal.text() == "Example 2 is silent: record it again.")
    assert ready.pages.currentIndex() == COLLECTING


def test_learning_can_be_stopped(stage: Stage, ready: TeachDialog, qtbot: QtBot) -> None:
    stage.alerting.gate.clear()
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.progress.value() == 40)
    qtbot.mouseClick(ready.stop, LEFT)
    assert ready.pages.currentIndex() == COLLECTING
    stage.alerting.gate.set()
    qtbot.wait(50)
    assert ready.pages.currentIndex() == COLLECTING
    assert ready.refusal.text() == ""


def test_closing_everything_while_learning_ends_it(
    stage: Stage, ready: TeachDialog, qtbot: QtBot
) -> None:
    stage.alerting.gate.clear()
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.progress.value() == 40)
    ready.reject()
    qtbot.wait(20)
    stage.alerting.gate.set()
    stage.window.shut_down()


def test_discarding_forgets_what_was_learned(
    stage: Stage, ready: TeachDialog, page: SoundsPage, qtbot: QtBot
) -> None:
    qtbot.mouseClick(ready.teach, LEFT)
    qtbot.waitUntil(lambda: ready.pages.currentIndex() == RESULT)
    qtbot.mouseClick(ready.discard, LEFT)
    qtbot.waitUntil(lambda: page.own.dialog is None)
    assert ("discard", "Kettle") in stage.alerting.calls
    assert len(page.own.rows) == 1


# The waveform


@pytest.fixture
def wave(stage: Stage, qtbot: QtBot) -> Waveform:
    wave = Waveform(stage.window.theme, "Sound", markable=True)
    qtbot.addWidget(wave)
    wave.resize(400, 112)
    wave.show_samples(tone(10.0))
    wave.show()
    return wave


def test_peaks_and_the_loudest_part() -> None:
    sound = tone(4.0, at_s=2.0, for_s=0.5)
    heights = peaks(sound, 8)
    assert len(heights) == 8
    assert max(heights) == heights[4] == pytest.approx(0.6, abs=0.02)
    assert heights[0] == 0.0
    assert loudest_part(sound, 1.0) == pytest.approx((1.5, 2.5), abs=0.51)
    assert loudest_part(sound, 9.0) == (0.0, 4.0)


def test_a_part_is_marked_with_the_mouse(wave: Waveform, qtbot: QtBot) -> None:
    qtbot.mousePress(wave, LEFT, pos=QPoint(100, 40))
    qtbot.mouseMove(wave, QPoint(180, 40))
    qtbot.mouseRelease(wave, LEFT, pos=QPoint(180, 40))
    assert wave.part_s == pytest.approx((2.5, 4.5), abs=0.05)
    qtbot.mousePress(wave, LEFT, pos=QPoint(181, 40))
    qtbot.mouseMove(wave, QPoint(240, 40))
    qtbot.mouseRelease(wave, LEFT, pos=QPoint(240, 40))
    assert wave.part_s == pytest.approx((2.5, 6.0), abs=0.05)
    part = wave.part()
    assert part is not None
    assert len(part) == pytest.approx(3.5 * 16_000, rel=0.02)


def test_a_part_is_marked_with_the_keyboard(wave: Waveform, qtbot: QtBot) -> None:
    wave.mark(2.0, 3.0)
    qtbot.keyClick(wave, Qt.Key.Key_Right)
    assert wave.part_s == pytest.approx((2.1, 3.1))
    qtbot.keyClick(wave, Qt.Key.Key_Left, SHIFT)
    assert wave.part_s == pytest.approx((2.1, 3.0))
    assert "From 2.1 to 3.0 of 10.0 seconds" in wave.accessibleDescription()
    wave.mark(-3.0, 20.0)
    assert wave.part_s == (0.0, 10.0)
    wave.mark(9.99, 9.99)
    assert wave.part_s == pytest.approx((9.7, 10.0))
