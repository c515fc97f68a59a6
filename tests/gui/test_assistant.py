"""The assistant in the window: choices, questions, the stop button, and work on whole files."""

from pathlib import Path

import gui_doubles as doubles
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from everlisten.ui.popover import Popover
from everlisten.ui.timeline_row import RowKind

SONG = Path("/music/song.flac")


@pytest.fixture
def big(stage):
    """A window with the big model in use, listening."""
    stage.listen(doubles.began())
    stage.load_big_model()
    return stage


@pytest.fixture
def popover(big):
    bar = big.window.assistant
    bar.open_popover()
    yield bar.popover
    bar.popover.close()


def titles(popover):
    return [popover.tasks.item(row).text() for row in range(popover.tasks.count())]


def choose(popover, title):
    [item] = popover.tasks.findItems(title, Qt.MatchFlag.MatchExactly)
    popover.tasks.scrollToItem(item)
    place = popover.tasks.visualItemRect(item).center()
    QTest.mouseClick(popover.tasks.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))


def test_with_the_embedded_model_the_bar_says_what_is_needed(stage):
    bar = stage.window.assistant
    assert not bar.question.isEnabled()
    assert not bar.stop.isEnabled()
    assert "needs the big model: choose it in the settings" in bar.question.toolTip()
    assert bar.question.accessibleDescription() == bar.question.toolTip()
    bar.open_popover()
    assert not bar.popover.tasks.isEnabled()
    assert "needs the big model" in bar.popover.sentence.text()
    assert bar.popover.captions.isEnabled()
    bar.popover.close()


def test_every_target_can_be_chosen_once_the_big_model_is_there(stage):
    stage.listen()
    target = stage.window.header.target
    assert [one.label for one in target._options if one.value and not one.reason] == ["English"]
    stage.load_big_model()
    assert all(not one.reason for one in target._options)
    assert stage.window.assistant.question.isEnabled()


def test_enter_sends_the_question_and_the_answer_streams(big):
    bar = big.window.assistant
    QTest.keyClicks(bar.question, "  What was that?  ")
    QTest.keyClick(bar.question, Qt.Key.Key_Return)
    assert big.assistance.calls == [("ask", "What was that?")]
    assert bar.question.text() == ""
    assert bar.question.placeholderText() == "Asked: What was that?"
    QTest.keyClick(bar.question, Qt.Key.Key_Return)
    assert len(big.assistance.calls) == 1, "an empty question is none"

    big.say(doubles.replying("r1", "A door"), doubles.replying("r1", " fell shut."))
    model = big.window.live.model
    row = model.row(model.position_of("r1"))
    assert (row.kind, row.text, row.final) == (RowKind.REPLY, "A door fell shut.", False)
    assert bar.stop.isEnabled()
    QTest.mouseClick(bar.stop, Qt.MouseButton.LeftButton)
    assert big.assistance.calls[-1] == ("interrupt",)
    big.say(doubles.reply("r1", "A door fell"))
    assert (row.text, row.final) == ("A door fell", True)
    assert not bar.stop.isEnabled()
    assert bar.question.placeholderText() == "Ask Everlisten"


def test_the_keyboard_stops_a_reply(big):
    big.say(doubles.replying("r1", "It goes on"))
    QTest.keyClick(big.window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    assert big.assistance.calls == [("interrupt",)]


def test_a_preset_is_chosen_with_mouse_and_keyboard(big, popover):
    choose(popover, "Say what is heard")
    assert big.assistance.calls == [("task", "narrate")]
    assert big.window.assistant.task.text() == "Say what is heard"
    assert popover.help.text() == "Event by event."
    popover.tasks.setFocus()
    QTest.keyClick(popover.tasks, Qt.Key.Key_Down)
    QTest.keyClick(popover.tasks, Qt.Key.Key_Return)
    assert big.assistance.calls[-1] == ("task", "count")
    choose(popover, "Off")
    assert big.assistance.calls[-1] == ("task", None)
    assert big.window.assistant.task.text() == "Off"


def test_own_texts_are_added_and_deleted(big, popover):
    assert not popover.delete.isEnabled(), "a preset stays"
    QTest.keyClicks(popover.own, "Tell me when  the washing machine has finished.")
    QTest.keyClick(popover.own, Qt.Key.Key_Return)
    text = "Tell me when the washing machine has finished."
    assert titles(popover)[-1] == text
    assert big.assistance.calls[-1] == ("task", text)
    assert big.window.assistant.task.text() == "Tell me when the washin…"
    assert big.window.assistant.task.toolTip().endswith(text)
    assert popover.delete.isEnabled()
    QTest.mouseClick(popover.delete, Qt.MouseButton.LeftButton)
    assert text not in titles(popover)
    assert big.assistance.now.task == "warn"
    QTest.mouseClick(popover.add, Qt.MouseButton.LeftButton)
    assert popover.help.text() == "Write what the assistant is to do."


def test_talkativeness_is_told_where_the_slider_rests(big, popover, qtbot):
    popover.slider.setFocus()
    for _ in range(4):
        QTest.keyClick(popover.slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: bool(big.assistance.calls))
    assert big.assistance.calls == [("talkativeness", 0.5)]


def test_captions_are_a_lane_like_others(big, popover):
    popover.captions.click()
    assert big.assistance.calls == [("captions", False)]


def test_a_translation_without_captions_has_a_row_of_its_own(big):
    big.say(doubles.translating("", "Guten", " Tag"))
    big.say(doubles.translation("", "Guten Tag."))
    model = big.window.live.model
    row = model.row(model.rowCount() - 1)
    assert (row.text, row.final) == ("Guten Tag.", True)
    assert model.captions == 1


def test_the_meter_says_why(big):
    meter = big.window.assistant.meter
    big.say(doubles.decided(0.02, "captions"), doubles.decided(0.3))
    assert meter.probability == pytest.approx(0.3)
    assert meter.accessibleName() == "Probability of speaking: Captions: 2%, Assistant: 30%"
    assert "above 50%" in meter.toolTip()


def test_the_bar_leaves_with_the_captions(big):
    big.window.show_history()
    assert not big.window.assistant.isVisible()
    big.window.show_live()
    assert big.window.assistant.isVisible()


def test_a_narrow_window_keeps_the_field(big, qtbot):
    bar = big.window.assistant
    big.window.resize(360, 500)
    qtbot.waitUntil(lambda: not bar.meter.isVisible())
    assert bar.task.text() == ""
    assert bar.task.accessibleName() == "Assistant: Warn and help"
    qtbot.waitUntil(lambda: bar.question.width() > 120)
    assert big.window.width() == 360


def test_the_note_of_the_loading_is_in_the_health_line(stage):
    stage.listen(reading=doubles.healthy(note="The big model is being compiled: 40 %"))
    assert stage.window.health.facts.facts[0] == "The big model is being compiled: 40 %"


# Whole files


def test_without_the_big_model_a_file_is_captioned_at_once(stage):
    stage.window.offer_file(SONG)
    assert stage.listening.calls[-1] == ("open_file", SONG)


def test_a_file_can_still_be_captioned(big):
    big.window.offer_file(SONG)
    dialog = big.window.task_dialog
    assert dialog.caption.isChecked()
    dialog.start.click()
    assert big.listening.calls[-1] == ("open_file", SONG)
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("choice", "result"),
    [
        ("transcribe", "song.flac: asr "),
        ("translate", "song.flac: translate de"),
        ("ask", "song.flac: question Who sings?"),
    ],
)
def test_work_on_a_whole_file_is_shown_and_copied(big, qtbot, choice, result):
    big.listening.into = "de"
    big.file_tasks.gate.clear()
    big.window.offer_file(SONG)
    dialog = big.window.task_dialog
    getattr(dialog, choice).setChecked(True)
    if choice == "ask":
        assert not dialog.start.isEnabled()
        QTest.keyClicks(dialog.question, "Who sings?")
    dialog.start.click()
    assert dialog.progress.isVisible()
    assert not dialog.copy.isEnabled()
    big.file_tasks.gate.set()
    qtbot.waitUntil(lambda: dialog.answer.toPlainText() == result)
    assert not dialog.progress.isVisible()
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == result
    dialog.close()


def test_a_refusal_is_shown_in_the_dialog(big, qtbot):
    big.file_tasks.refusal = "'/music/song.flac' does not exist; check the path."
    big.window.offer_file(SONG)
    dialog = big.window.task_dialog
    dialog.transcribe.setChecked(True)
    dialog.start.click()
    qtbot.waitUntil(lambda: "does not exist" in dialog.sentence.text())
    assert not dialog.answer.isVisible()
    dialog.close()


def test_a_dialog_closed_meanwhile_does_no_harm(big, qtbot):
    big.file_tasks.gate.clear()
    big.window.offer_file(SONG)
    dialog = big.window.task_dialog
    dialog.transcribe.setChecked(True)
    dialog.start.click()
    dialog.close()
    qtbot.waitUntil(lambda: big.window.task_dialog is None)
    big.file_tasks.gate.set()
    big.say(doubles.final("c9", "It goes on."))
    assert big.window.live.model.captions == 1


def test_a_late_result_stays_out_of_another_files_dialog(big, qtbot):
    big.file_tasks.gate.clear()
    big.window.offer_file(SONG)
    first = big.window.task_dialog
    first.transcribe.setChecked(True)
    first.start.click()
    first.close()
    qtbot.waitUntil(lambda: big.window.task_dialog is None)
    big.window.offer_file(SONG.with_name("talk.flac"))
    second = big.window.task_dialog
    second.transcribe.setChecked(True)
    second.start.click()
    shown = []
    second.answer.textChanged.connect(lambda: shown.append(second.answer.toPlainText()))
    big.file_tasks.gate.set()
    qtbot.waitUntil(lambda: not second.progress.isVisible())
    assert shown == ["talk.flac: asr "]
    second.close()


def test_a_sequence_is_captioned_at_once(big):
    sequence = SONG.with_name("sequence.json")
    big.window.offer_file(sequence)
    assert big.window.task_dialog is None
    assert big.listening.calls[-1] == ("open_file", sequence)


def test_a_popover_gets_the_height_that_its_text_needs(stage):
    popover = Popover(stage.window, "Long")
    popover.setFixedWidth(240)
    label = QLabel("A line of words that goes on. " * 40)
    label.setWordWrap(True)
    popover.content.addWidget(label)
    screen = stage.window.screen().availableGeometry()
    popover.open_at(stage.window.assistant.task, above=True)
    assert screen.height() * 2 / 3 < popover.height() <= screen.height(), "more than adjustSize's"
    assert label.height() >= label.heightForWidth(label.width())
    assert screen.contains(popover.geometry())
    popover.close()


def test_a_longer_explanation_finds_room_in_the_open_popover(big):
    text = "Tell me when the washing machine has finished."
    big.assistance.own.append(text)
    big.window.assistant.open_popover()
    popover = big.window.assistant.popover
    choose(popover, text)
    assert popover.help.height() >= popover.help.heightForWidth(popover.help.width())
    popover.close()
