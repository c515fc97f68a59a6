"""The settings window is made from the fields, applies at once and says why it refuses."""

from __future__ import annotations

import pytest
from conftest import Stage
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from everlisten.ui.config import UiConfig
from everlisten.ui.protocols import SettingField
from everlisten.ui.settings_dialog import SettingRow, SettingsDialog
from everlisten.ui.theme import DARK


@pytest.fixture
def dialog(stage: Stage, qtbot: QtBot) -> SettingsDialog:
    qtbot.keyClick(stage.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialog = stage.window.settings_dialog
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


def test_pages_and_controls_follow_the_fields(dialog: SettingsDialog) -> None:
    pages = [dialog.pages.item(at).text() for at in range(dialog.pages.count())]
    assert pages == ["Appearance", "Window", "Captions", "History", "Sounds"]
    assert "ui.geometry" not in dialog.rows
    threads = dialog.rows["captions.threads"].control
    assert isinstance(threads, QSpinBox)
    assert (threads.minimum(), threads.maximum(), threads.value()) == (1, 64, 2)
    assert threads.accessibleName() == "Processor threads"


def test_a_narrow_window_has_a_box_instead_of_the_list(
    dialog: SettingsDialog, qtbot: QtBot
) -> None:
    assert not dialog.page_box.isVisible()
    dialog.resize(345, 500)
    qtbot.waitUntil(dialog.page_box.isVisible)
    assert not dialog.pages.isVisible()
    dialog.page_box.setCurrentIndex(2)
    dialog.page_box.activated.emit(2)
    assert dialog.rows["captions.threads"].isVisible()


def test_a_choice_applies_at_once(stage: Stage, dialog: SettingsDialog) -> None:
    box = dialog.rows["ui.theme"].control
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData("dark"))
    box.activated.emit(box.currentIndex())
    assert stage.settings.config.theme == "dark"
    assert stage.window.theme.tokens is DARK


def test_the_wheel_scrolls_and_changes_nothing(
    stage: Stage, dialog: SettingsDialog, qtbot: QtBot
) -> None:
    control = dialog.rows["ui.caption_font_pt"].control
    dialog.pages.setFocus()
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(control.mapToGlobal(QPoint(5, 5))),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(control, event)
    assert dialog.rows["ui.caption_font_pt"].value() == 13


def test_a_switch_applies_at_once(stage: Stage, dialog: SettingsDialog, qtbot: QtBot) -> None:
    box = dialog.rows["ui.close_to_tray"].control
    assert isinstance(box, QCheckBox)
    dialog.pages.setCurrentRow(1)
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert stage.settings.config.close_to_tray is False


def test_a_refused_value_says_why_beside_the_control(
    stage: Stage, dialog: SettingsDialog, qtbot: QtBot
) -> None:
    row = dialog.rows["history.keep_days"]
    dialog.pages.setCurrentRow(3)
    control = row.control
    assert isinstance(control, QSpinBox)
    control.setValue(900)
    qtbot.keyClick(control, Qt.Key.Key_Return)
    assert "more than 365 days" in row.refusal.text()
    assert row.refusal.isVisible()
    assert stage.settings.others["history.keep_days"] == 30
    control.setValue(90)
    qtbot.waitUntil(lambda: stage.settings.others["history.keep_days"] == 90)
    assert not row.refusal.isVisible()


def test_typing_applies_when_it_rests_and_when_the_window_closes(
    stage: Stage, dialog: SettingsDialog, qtbot: QtBot
) -> None:
    line = dialog.rows["history.folder"].control
    assert isinstance(line, QLineEdit)
    dialog.pages.setCurrentRow(3)
    qtbot.keyClicks(line, "/srv/audio")
    assert stage.settings.others["history.folder"] == ""
    dialog.close()
    assert stage.settings.others["history.folder"] == "/srv/audio"
    assert [key for key, _ in stage.settings.calls] == ["history.folder"]


def test_the_window_can_be_opened_again(stage: Stage, dialog: SettingsDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: stage.window.settings_dialog is None)
    stage.window.show_settings()
    again = stage.window.settings_dialog
    assert again is not None
    stage.window.show_settings()
    assert stage.window.settings_dialog is again


def test_a_wrong_value_names_field_value_and_limits() -> None:
    with pytest.raises(ValueError, match=r"ui\.theme: 'pink' is not one of system, light, dark"):
        UiConfig(theme="pink")
    with pytest.raises(ValueError, match=r"ui\.caption_font_pt: 99 is not between 9 and 40"):
        UiConfig(caption_font_pt=99)


def test_a_number_has_its_unit_and_a_word_for_the_lowest(qtbot: QtBot) -> None:
    field = SettingField(
        key="timeline.retention_days",
        title="Delete sessions after",
        help="",
        page="History",
        value=0,
        kind="integer",
        maximum=3650,
        unit="days",
        lowest="Never",
    )
    row = SettingRow(field, lambda key, value: "")
    qtbot.addWidget(row)
    assert isinstance(row.control, QSpinBox)
    assert row.control.text() == "Never"
    row.control.setValue(30)
    assert row.control.text() == "30 days"
    row.apply_pending()
