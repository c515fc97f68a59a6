"""The window as a whole: start and pause, banner, tray, shortcuts, closing, themes."""

from __future__ import annotations

from pathlib import Path

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineFailed, EngineState, EngineStateChanged
from everlisten.ui.theme import DARK, LIGHT

CONTROL = Qt.KeyboardModifier.ControlModifier


def test_first_start_says_what_to_do(stage: Stage) -> None:
    empty = stage.window.live.empty
    assert empty.isVisible()
    assert "Press Start listening" in empty.text
    assert empty.accessibleName() == empty.text
    assert not empty.meter.isVisible()


def test_while_nothing_was_said_the_meter_proves_that_it_hears(stage: Stage) -> None:
    stage.listen()
    empty = stage.window.live.empty
    assert empty.meter.isVisible()
    assert empty.meter.level_db == pytest.approx(-23.4)
    assert "Sound arrives" in empty.text
    stage.listen(doubles.final("a", "Hello."))
    assert not empty.isVisible()
    assert stage.window.live.view.isVisible()


def test_the_large_button_starts_pauses_and_resumes(stage: Stage, qtbot: QtBot) -> None:
    button = stage.window.header.listen
    assert button.text() == "Start listening"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Pause"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Resume"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert [call[0] for call in stage.listening.calls] == ["start", "pause", "start"]


def test_control_space_works_wherever_the_focus_is(stage: Stage, qtbot: QtBot) -> None:
    for widget in (stage.window.live.empty, stage.window.header.target, stage.window.health):
        widget.setFocus()
        qtbot.keyClick(widget, Qt.Key.Key_Space, CONTROL)
    assert [call[0] for call in stage.listening.calls] == ["start", "pause", "start"]


def test_while_loading_the_button_waits(stage: Stage) -> None:
    stage.listening.now = EngineState.LOADING
    stage.window.bridge.refresh()
    assert not stage.window.header.listen.isEnabled()
    stage.listening.now = EngineState.FAILED
    stage.window.bridge.refresh()
    assert stage.window.header.listen.text() == "Try again"
    assert stage.window.header.listen.isEnabled()


def test_a_failure_is_one_sentence_that_can_be_closed(stage: Stage, qtbot: QtBot) -> None:
    banner = stage.window.banner
    stage.listen(EngineFailed(id="e", session="s1", text="The disk is full: free some room."))
    assert banner.text == "The disk is full: free some room."
    assert "The disk is full" in banner.accessibleName()
    close = next(b for b in banner.children() if getattr(b, "accessibleName", str)() == CLOSE)
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert banner.text == ""
    stage.say(
        EngineStateChanged(id="e", session="s1", state=EngineState.FAILED, reason="Out of memory.")
    )
    assert banner.text == "Out of memory."


CLOSE = "Close this message"


def test_new_session_and_files_go_to_the_application(
    stage: Stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = tmp_path / "talk.flac"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(chosen), ""))
    qtbot.keyClick(stage.window, Qt.Key.Key_N, CONTROL)
    qtbot.keyClick(stage.window, Qt.Key.Key_O, CONTROL)
    assert stage.listening.calls == [("new_session",), ("open_file", chosen)]


def test_a_file_can_be_dropped_on_the_window(stage: Stage, tmp_path: Path) -> None:
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.wav"))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        dropped,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    stage.window.dropEvent(event)
    assert stage.listening.calls == [("open_file", tmp_path / "a.wav")]


def test_a_recovered_session_is_announced_and_shown(make_stage, qtbot: QtBot) -> None:
    stage = make_stage(open=False)
    stage.history.add("h1", "Call with Grandma", [doubles.final("a", "Hello.")], recovered=True)
    stage.history.found_open = (stage.history.kept["h1"][0],)
    window = stage.open()
    qtbot.waitUntil(lambda: "Call with Grandma" in window.banner.text)
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    page = window.history_page
    qtbot.waitUntil(lambda: page.pane.model.rowCount() == 1)
    assert page.isVisible()


def test_meters_rest_while_the_window_is_hidden(stage: Stage, qtbot: QtBot) -> None:
    stage.listen()
    stage.window.hide()
    assert not stage.window.bridge.watched
    stage.listening.queue.append(doubles.final("a", "Said while hidden."))
    qtbot.waitUntil(lambda: stage.window.live.model.rowCount() == 1)
    stage.window.come_to_front()
    assert stage.window.bridge.watched


def test_without_a_tray_closing_ends_everything(stage: Stage, qtbot: QtBot) -> None:
    assert not QSystemTrayIcon.isSystemTrayAvailable()
    assert not stage.window.tray.available
    with qtbot.waitSignal(stage.window.closing):
        stage.window.close()
    assert not stage.window.isVisible()
    assert stage.settings.calls[-1][0] == "ui.geometry"


def test_with_a_tray_closing_hides_and_quit_ends(
    make_stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda self: None)
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda self, *a: shown.append(a[1]))
    stage = make_stage()
    window = stage.window
    stage.listen(doubles.final("a", "Heard this."))
    assert window.tray.state == "listening"
    window.close()
    assert not window.isVisible()
    stage.listening.reading = doubles.healthy(doubles.reading(condition="silent"))
    window.bridge.refresh()
    assert window.tray.state == "problem"
    assert shown == ["Built-in Microphone gives only silence: muted?"]
    entries = {action.text(): action for action in window.tray.menu.actions()}
    assert "“Heard this.”" in entries
    entries["Pause"].trigger()
    assert window.tray.state == "paused"
    entries["Show window"].trigger()
    assert window.isVisible()
    with qtbot.waitSignal(window.closing):
        entries["Quit Everlisten"].trigger()


def test_caption_size_changes_with_the_keyboard(stage: Stage, qtbot: QtBot) -> None:
    stage.listen(doubles.final("a", "Hello."))
    view = stage.window.live.view
    before = view.visualRect(view.timeline.index(0)).height()
    qtbot.keyClick(stage.window, Qt.Key.Key_Plus, CONTROL)
    qtbot.keyClick(stage.window, Qt.Key.Key_Plus, CONTROL)
    assert stage.settings.config.caption_font_pt == 15
    assert view.visualRect(view.timeline.index(0)).height() > before
    qtbot.keyClick(stage.window, Qt.Key.Key_Minus, CONTROL)
    assert stage.settings.config.caption_font_pt == 14


def test_light_and_dark_switch_live(make_stage) -> None:
    stage = make_stage(theme="light")
    stage.listen(doubles.final("a", "Hello."))
    for name, tokens in (("dark", DARK), ("light", LIGHT)):
        stage.settings.change("ui.theme", name)
        stage.window.apply_config(stage.settings.window())
        image = stage.window.live.view.viewport().grab().toImage()
        assert image.pixelColor(5, image.height() - 5).name().upper() == tokens.base
        text = QApplication.palette().windowText().color().name().upper()
        assert text == tokens.text


def test_the_system_s_colours_are_followed(make_stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage(theme="system")
    hints = QApplication.styleHints()
    scheme = Qt.ColorScheme.Dark
    monkeypatch.setattr(type(hints), "colorScheme", lambda self: scheme)
    hints.colorSchemeChanged.emit(scheme)
    assert stage.window.theme.tokens is DARK
    scheme = Qt.ColorScheme.Light
    hints.colorSchemeChanged.emit(scheme)
    assert stage.window.theme.tokens is LIGHT


def test_size_and_place_are_remembered(make_stage) -> None:
    first = make_stage()
    first.window.resize(777, 555)
    first.window.shut_down()
    kept = first.settings.config.geometry
    assert kept
    second = make_stage(geometry=kept)
    assert second.window is not first.window
    third = make_stage(open=False, geometry=kept)
    third.open()
    assert kept == third.config.geometry


def test_a_damaged_size_is_ignored(make_stage) -> None:
    assert make_stage(geometry="not base64!").window.isVisible()


@pytest.mark.parametrize("width", [360, 480, 640, 920, 1400])
def test_every_width_from_360_has_room_for_every_control(make_stage, width: int) -> None:
    stage = make_stage()
    stage.window.resize(width, 640)
    stage.listen(doubles.final("a", "Hello."))
    stage.qtbot.wait(50)
    header = stage.window.header
    for control in (header.listen, header.language, header.target, header.settings):
        place = control.mapTo(stage.window, control.rect().bottomRight())
        assert place.x() < width
        assert control.width() >= control.minimumSizeHint().width()
    assert stage.window.width() == width


@pytest.mark.parametrize("width", [380, 700, 1200])
def test_the_empty_state_shows_its_whole_text(stage: Stage, width: int) -> None:
    stage.window.resize(width, 700)
    empty = stage.window.live.empty
    stage.listen(reading=doubles.healthy())
    label = next(one for one in empty.findChildren(QLabel) if "someone speaks" in one.text())
    QApplication.processEvents()
    assert label.height() >= label.heightForWidth(label.width())


def test_one_silent_source_is_not_called_no_sound_at_all(stage: Stage) -> None:
    muted = doubles.reading(condition="silent", level_db=-120.0)
    heard = doubles.reading(SourceName.SYSTEM, level_db=-20.0)
    stage.listen(reading=doubles.healthy(muted, heard))
    assert stage.window.live.empty.text.startswith("Part of the sound is missing")
