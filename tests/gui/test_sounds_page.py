"""The settings page of alerts: every sound, the user's own ones, when and how they are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Stage
from PySide6.QtCore import Qt, QTime
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from everlisten.ui.alert_protocols import SAFETY_SENTENCE
from everlisten.ui.settings_dialog import SettingsDialog
from everlisten.ui.sound_list import TESTED, SoundItem
from everlisten.ui.sounds_page import SoundsPage

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def dialog(stage: Stage) -> SettingsDialog:
    stage.window.show_settings()
    dialog = stage.window.settings_dialog
    assert dialog is not None
    dialog.show_page("Sounds")
    return dialog


@pytest.fixture
def page(dialog: SettingsDialog) -> SoundsPage:
    page = dialog.findChild(SoundsPage)
    assert page is not None
    assert page.isVisible()
    return page


def shown(page: SoundsPage) -> list[str]:
    return [item.switch.text() for item in page.sounds.items.values() if item.isVisible()]


def of(page: SoundsPage, id: str) -> SoundItem:
    return page.sounds.items[id]


def test_every_sound_stands_there_the_gravest_first(page: SoundsPage) -> None:
    assert len(shown(page)) == 10
    assert shown(page)[:3] == ["Smoke alarm", "Carbon-monoxide alarm", "Glass breaking"]
    assert shown(page)[-1] == "Our washing machine (yours)"
    assert of(page, "smoke_alarm").heard.text() == "heard 3 min ago"
    assert of(page, "co_alarm").heard.text() == "never heard"
    assert of(page, "siren").heard.text() == "heard 3 days ago"
    assert of(page, "doorbell").heard.text() == "heard 5 h ago"
    assert of(page, "smoke_alarm").mark.toolTip() == "Emergency"
    assert not of(page, "snoring").switch.isChecked()
    assert of(page, "baby_crying").degree.text() == "High"


def test_the_page_says_what_alerts_are_not(page: SoundsPage) -> None:
    assert SAFETY_SENTENCE in [label.text() for label in page.findChildren(QLabel)]


def test_a_search_leaves_what_fits(page: SoundsPage, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.sounds.search, "alarm")
    assert shown(page) == ["Smoke alarm", "Carbon-monoxide alarm"]
    page.sounds.search.setText("notice ring")
    assert shown(page) == ["Snoring"]
    page.sounds.search.setText("zither")
    assert shown(page) == []
    assert page.sounds.nothing.text() == "No sound is called “zither”."
    page.sounds.search.clear()
    assert len(shown(page)) == 10


def test_a_switch_applies_at_once(stage: Stage, page: SoundsPage) -> None:
    of(page, "dog_barking").switch.click()
    assert stage.alerting.calls == [("enabled", "dog_barking", False)]
    assert not of(page, "dog_barking").slider.isEnabled()


def test_a_slider_tells_where_it_rests_and_says_it_in_words(
    stage: Stage, page: SoundsPage, qtbot: QtBot
) -> None:
    item = of(page, "dog_barking")
    for value in (12, 15, 18):
        item.slider.setValue(value)
    assert item.degree.text() == "High"
    qtbot.waitUntil(lambda: bool(stage.alerting.calls))
    assert stage.alerting.calls == [("sensitivity", "dog_barking", 0.9)]
    item.slider.setValue(0)
    assert item.degree.text() == "Low"
    stage.window.settings_dialog.close()
    assert stage.alerting.calls[-1] == ("sensitivity", "dog_barking", 0.0)


def test_a_test_says_that_it_is_on_its_way_or_why_not(stage: Stage, page: SoundsPage) -> None:
    item = of(page, "doorbell")
    item.test.click()
    assert stage.alerting.calls == [("test", "doorbell")]
    assert item.told.text() == TESTED
    stage.alerting.refusal = "Alerts are switched off."
    item.test.click()
    assert item.told.text() == "Alerts are switched off."
    assert item.told.property("role") == "refusal"


def test_last_heard_is_followed_and_new_sounds_come(stage: Stage, page: SoundsPage) -> None:
    stage.alerting.rows = [replace(row, last_heard_s_ago=7_300.0) for row in stage.alerting.rows]
    before = of(page, "siren")
    page.sounds.refresh()
    assert of(page, "siren") is before
    assert before.heard.text() == "heard 2 h ago"
    stage.alerting.rows.pop()
    page.sounds.refresh()
    assert len(shown(page)) == 9


def test_quiet_hours(stage: Stage, page: SoundsPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(page.parts[2], LEFT)
    quiet = page.quiet
    assert quiet is not None
    assert not quiet.begin.isEnabled()
    assert "Emergencies break through" in quiet.help.text()
    quiet.switch.click()
    others = stage.settings.others
    assert (others["alerts.quiet_from"], others["alerts.quiet_to"]) == ("22:00", "07:00")
    quiet.begin.setTime(QTime(23, 30))
    quiet.begin.editingFinished.emit()
    assert others["alerts.quiet_from"] == "23:30"
    quiet.end.setTime(QTime(23, 30))
    quiet.end.editingFinished.emit()
    assert quiet.refusal.text() == "Choose two different times."
    assert others["alerts.quiet_to"] == "07:00"
    quiet.switch.click()
    assert (others["alerts.quiet_from"], others["alerts.quiet_to"]) == ("", "")


def test_how_alerts_are_told(stage: Stage, page: SoundsPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(page.parts[2], LEFT)
    for key in ("alerts.tray", "alerts.flash", "alerts.tone", "alerts.spoken", "alerts.narrate"):
        row = page.rows[key]
        assert row.isVisible()
        row.control.click()  # type: ignore[attr-defined]
        assert stage.settings.calls[-1][0] == key
    page.rows["alerts.source"].control.setCurrentIndex(2)  # type: ignore[attr-defined]
    page.rows["alerts.source"].control.activated.emit(2)  # type: ignore[attr-defined]
    assert stage.settings.calls[-1] == ("alerts.source", "both")
    assert page.volume is not None
    page.volume.slider.setValue(35)
    stage.window.settings_dialog.close()
    assert stage.settings.calls[-1] == ("alerts.tone_volume", 0.35)


def test_how_alerting_goes_and_the_end_of_a_snooze(stage: Stage, page: SoundsPage) -> None:
    assert not page.state.isVisible()
    stage.alerting.parts.alerts.snooze(None, 30)
    page.refresh()
    assert page.state.text() == "All alerts are snoozed until 14:35."
    page.wake.click()
    assert stage.alerting.calls[-1] == ("snooze", None, 0)
    assert not page.wake.isVisible()
    stage.alerting.now = replace(stage.alerting.now, working=False, problem="Not working.")
    page.refresh()
    assert page.state.text() == "Not working."
    assert page.state.property("role") == "refusal"


@pytest.mark.parametrize("width", [345, 500, 800])
def test_no_control_stands_beside_the_page(
    dialog: SettingsDialog, page: SoundsPage, qtbot: QtBot, width: int
) -> None:
    dialog.resize(width, 640)
    qtbot.wait(30)
    item = of(page, "co_alarm")
    for control in (item.switch, item.slider, item.test):
        right = control.mapTo(page, control.rect().bottomRight()).x()
        assert right < page.width()
    assert page.width() <= width


# The user's own sounds


@pytest.fixture
def own(page: SoundsPage, qtbot: QtBot) -> SoundsPage:
    qtbot.mouseClick(page.parts[1], LEFT)
    assert page.own.isVisible()
    return page


def test_taught_sounds_are_listed_with_what_was_measured(own: SoundsPage) -> None:
    row = own.own.rows["taught-1"]
    assert row.switch.text() == "Our washing machine"
    assert row.words.text() == (
        "5 examples. Found 4 of your 5 examples when each was left out; "
        "about 0.3 false alarms per hour on 10 minutes of household noise."
    )
    assert row.delete.accessibleName() == "Delete Our washing machine"


def test_a_taught_sound_is_switched_and_renamed(
    stage: Stage, own: SoundsPage, qtbot: QtBot
) -> None:
    own.own.rows["taught-1"].switch.click()
    qtbot.mouseClick(own.own.rows["taught-1"].rename, LEFT)
    asked = own.findChild(QInputDialog)
    assert asked is not None
    asked.setTextValue("Dryer")
    asked.accept()
    assert stage.alerting.calls == [("enabled", "taught-1", False), ("name", "taught-1", "Dryer")]
    assert own.own.rows["taught-1"].switch.text() == "Dryer"
    stage.alerting.refusal = "Another sound has this name."
    own.own.rename("taught-1", "Siren")
    assert own.own.sentence.text() == "Another sound has this name."
    assert own.own.rows["taught-1"].switch.text() == "Dryer"


def test_deleting_asks_first(stage: Stage, own: SoundsPage, qtbot: QtBot) -> None:
    for answer, left in (("Keep", 1), ("Delete", 0)):
        qtbot.mouseClick(own.own.rows["taught-1"].delete, LEFT)
        box = own.findChild(QMessageBox)
        assert box is not None
        next(button for button in box.buttons() if button.text() == answer).click()
        QApplication.processEvents()
        assert len(own.own.rows) == left
    assert own.own.empty.isVisible()


def test_export_and_import_are_one_file(
    stage: Stage, own: SoundsPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "washer"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.mouseClick(own.own.rows["taught-1"].export, LEFT)
    qtbot.waitUntil(lambda: own.own.sentence.text() == "Saved washer.everlisten-sound.")
    assert stage.alerting.calls == [("export", "taught-1", target.with_suffix(".everlisten-sound"))]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(target), ""))
    qtbot.mouseClick(own.own.import_file, LEFT)
    qtbot.waitUntil(lambda: len(own.own.rows) == 2)
    assert own.own.rows["taught-7"].switch.text() == "Neighbour's gate"
    stage.alerting.refusal = "washer is no taught sound."
    qtbot.mouseClick(own.own.import_file, LEFT)
    qtbot.waitUntil(lambda: own.own.sentence.text() == "washer is no taught sound.")
    assert own.own.isEnabled()


def test_what_is_learned_again_meanwhile_shows_by_itself(
    stage: Stage, page: SoundsPage, qtbot: QtBot
) -> None:
    page.show_part(1)
    [item] = page.own.rows.values()
    words = "This sound is being learned again."
    stage.alerting.own = [replace(row, estimate=words) for row in stage.alerting.own]
    qtbot.waitUntil(lambda: item.words.text().endswith(words), timeout=5_000)
    assert list(page.own.rows.values()) == [item]
