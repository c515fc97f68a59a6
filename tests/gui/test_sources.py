"""Sources, meters, gains and the language pickers tell the application what the user chose."""

from __future__ import annotations

from dataclasses import replace

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from everlisten.audio_io.chunk import SourceName
from everlisten.ui.level_meter import LevelMeter, gain, level_and_peak
from everlisten.ui.pickers import Picker
from everlisten.ui.protocols import DeviceChoice, SourceSelection


def test_the_mode_is_one_click(stage: Stage, qtbot: QtBot) -> None:
    sources = stage.window.header.sources
    qtbot.mouseClick(sources.button("both"), Qt.MouseButton.LeftButton)
    assert stage.listening.calls == [("select", SourceSelection(mode="both"))]
    assert sources.button("both").isChecked()
    assert not sources.button("mic").isChecked()


def test_devices_can_be_chosen_for_each_source(stage: Stage) -> None:
    sources = stage.window.header.sources
    sources.open_popover()
    panel = sources.popover.panels[SourceName.MIC]
    names = [panel.device.itemText(at) for at in range(panel.device.count())]
    assert names == ["Default: Built-in Microphone", "Built-in Microphone", "Headset WH-1000"]
    panel.device.setCurrentIndex(2)
    panel.device.activated.emit(2)
    assert stage.listening.calls == [("select", SourceSelection(microphone="bt:1"))]
    sources.popover.close()


def test_a_chosen_device_that_is_away_stays_chosen(stage: Stage) -> None:
    stage.listening.chosen = SourceSelection(microphone="usb:7")
    sources = stage.window.header.sources
    sources.open_popover()
    assert sources.popover.panels[SourceName.MIC].device.currentText() == "usb:7 (not connected)"
    assert stage.listening.calls == []
    sources.popover.close()


def test_the_way_out_is_shown_where_loopback_needs_a_driver(stage: Stage) -> None:
    hint = "Install BlackHole to caption what this Mac plays."
    stage.listening.choices = replace(stage.listening.choices, system_hint=hint)
    sources = stage.window.header.sources
    sources.open_popover()
    assert sources.popover.panels[SourceName.SYSTEM].sentence == hint
    sources.popover.close()


def test_gain_is_set_for_one_source(stage: Stage, qtbot: QtBot) -> None:
    stage.listen()
    sources = stage.window.header.sources
    sources.open_popover()
    panel = sources.popover.panels[SourceName.MIC]
    panel.gain.setFocus()
    qtbot.keyClick(panel.gain, Qt.Key.Key_Right)
    assert stage.listening.calls == [("set_gain", SourceName.MIC, 1.0)]
    stage.listening.reading = doubles.healthy(doubles.reading(gain_db=6.0))
    panel.gain.clearFocus()
    stage.window.bridge.refresh()
    assert panel.gain.value() == 6
    sources.popover.close()


def test_new_devices_appear_while_the_popover_is_open(stage: Stage, qtbot: QtBot) -> None:
    stage.listen()
    sources = stage.window.header.sources
    sources.open_popover()
    panel = sources.popover.panels[SourceName.MIC]
    stage.listening.choices = replace(
        stage.listening.choices,
        microphones=(*stage.listening.choices.microphones, DeviceChoice(id="u", name="USB")),
    )
    stage.listening.reading = doubles.healthy(lag_s=0.5)
    qtbot.waitUntil(lambda: panel.device.findData("u") > 0)
    sources.popover.close()


def test_meter_holds_the_peak_and_then_lets_it_fall(stage: Stage, qtbot: QtBot) -> None:
    meter = LevelMeter(stage.window.theme, "Level", scale=True)
    qtbot.addWidget(meter)
    meter.show_level(-30.0, -6.0)
    meter.show_level(-40.0, -38.0)
    assert meter.held_db == -6.0
    assert meter.level_db == -40.0
    meter.rest()
    assert meter.held_db == -60.0


def test_meters_show_what_each_source_hears(stage: Stage) -> None:
    stage.listening.chosen = SourceSelection(mode="both")
    mic = doubles.reading()
    system = doubles.reading(SourceName.SYSTEM, level_db=-31.0)
    stage.listen(reading=doubles.healthy(mic, system))
    described = stage.window.header.sources.meters.accessibleDescription()
    assert described == "Microphone \N{MINUS SIGN}23 dB, Computer sound \N{MINUS SIGN}31 dB"


def test_language_is_found_by_typing(stage: Stage, qtbot: QtBot) -> None:
    picker = stage.window.header.language
    assert picker.accessibleName() == "Spoken language: Detect automatically"
    qtbot.mouseClick(picker, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(picker.popover.search, "germ")
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Return)
    assert stage.listening.calls == [("set_language", "de")]
    assert picker.text() == "German"
    assert not picker.popover.isVisible()


def test_arrow_keys_walk_the_list(stage: Stage, qtbot: QtBot) -> None:
    picker = stage.window.header.target
    picker.open_list()
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Down)
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Return)
    assert stage.listening.calls == [("set_target", "en")]
    picker.open_list()
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Return)
    assert stage.listening.calls[-1] == ("set_target", "en"), "the present choice is preselected"
    picker.open_list()
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Up)
    qtbot.keyClick(picker.popover.search, Qt.Key.Key_Return)
    assert stage.listening.calls[-1] == ("set_target", None)


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_other_targets_refuse_with_the_reason(stage: Stage, qtbot: QtBot, how: str) -> None:
    picker: Picker = stage.window.header.target
    picker.open_list()
    popover = picker.popover
    qtbot.keyClicks(popover.search, "german")
    if how == "keyboard":
        qtbot.keyClick(popover.search, Qt.Key.Key_Return)
    else:
        place = popover.list.visualRect(popover.list.currentIndex()).center()
        qtbot.mouseClick(popover.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert stage.listening.calls == []
    assert popover.isVisible()
    assert popover.sentence.text() == "Translation into German needs the big model."
    popover.close()


def test_a_file_takes_the_place_of_the_sources(stage: Stage, qtbot: QtBot) -> None:
    window, sources = stage.window, stage.window.header.sources
    file = doubles.reading(SourceName.FILE, device="a talk with a very long name, part two.flac")
    stage.listen(reading=doubles.healthy(file))
    assert sources.file.isVisible()
    assert not sources.button("mic").isVisible()
    assert "…" in sources.file.text
    assert sources.file.accessibleName() == f"File: {file.device}"
    assert window.health.facts.sentence == "Captioning a file"
    assert sources.file.leave.text() == "Back to microphone"
    qtbot.mouseClick(sources.file.leave, Qt.MouseButton.LeftButton)
    assert stage.listening.calls == [("new_session",)]
    stage.listen()
    assert sources.button("mic").isVisible()
    assert not sources.file.isVisible()


def test_a_file_fits_a_narrow_window(stage: Stage) -> None:
    stage.window.resize(400, 640)
    file = doubles.reading(SourceName.FILE, device="a talk with a very long name, part two.flac")
    stage.listen(reading=doubles.healthy(file))
    assert stage.window.header.sources.file.leave.text() == "Back"
    assert stage.window.width() == 400


def test_a_source_that_is_away_has_no_level(stage: Stage) -> None:
    stage.listen(reading=doubles.healthy(doubles.reading(condition="waiting", level_db=-120.0)))
    sources = stage.window.header.sources
    sources.open_popover()
    assert sources.popover.panels[SourceName.MIC].level == "not open"
    assert not any("silence" in fact for fact in stage.window.health.facts.facts)
    sources.popover.close()


@pytest.mark.parametrize(
    ("level_db", "peak_db", "text"),
    [(-120.0, -120.0, "silence"), (-23.0, -9.0, "\N{MINUS SIGN}23 dB, peak \N{MINUS SIGN}9 dB")],
)
def test_silence_is_said_once(level_db: float, peak_db: float, text: str) -> None:
    assert level_and_peak(level_db, peak_db) == text


@pytest.mark.parametrize(
    ("gain_db", "text"),
    [(0.0, "0 dB"), (-0.2, "0 dB"), (6.0, "+6 dB"), (-6.0, "\N{MINUS SIGN}6 dB")],
)
def test_gain_has_a_sign_unless_it_is_none(gain_db: float, text: str) -> None:
    assert gain(gain_db) == text


def test_a_list_at_the_right_edge_opens_inside_the_window(stage: Stage) -> None:
    picker = stage.window.header.target
    picker.open_list()
    window = stage.window.geometry()
    assert window.left() <= picker.popover.geometry().left()
    assert picker.popover.geometry().right() <= window.right()
    picker.popover.close()
