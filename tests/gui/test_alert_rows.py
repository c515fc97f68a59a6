"""Alerts and other sounds in the timeline, live and in the history."""

from __future__ import annotations

from dataclasses import replace

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from everlisten.engine.events import ClipKept
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_row import RowKind
from everlisten.ui.timeline_view import TimelineView

LEFT = Qt.MouseButton.LeftButton
READER = Qt.ItemDataRole.AccessibleTextRole
WHY = "Heard three pulses, four times."


def texts(model: TimelineModel) -> list[str]:
    return [model.row(at).plain_text() for at in range(model.rowCount())]


def place_of(view: TimelineView, row: int, action: str) -> QPoint:
    """A point on an action; the test fails if it is not shown."""
    rect = view.visualRect(view.timeline.index(row))
    points = (
        QPoint(x, y) for y in range(rect.top(), rect.bottom(), 4) for x in range(0, rect.right(), 8)
    )
    return next(point for point in points if view.action_at(point) == (row, action))


@pytest.fixture
def alerted(stage: Stage) -> Stage:
    stage.listen(doubles.began())
    stage.warn(doubles.alert(why=WHY, start_s=5.0, end_s=7.4, ongoing=True))
    return stage


def test_sounds_are_quiet_captions_in_brackets(stage: Stage) -> None:
    stage.listen(
        doubles.final("c", "Hello."),
        doubles.sound("s1", "music", start_s=3.0, end_s=5.0),
        doubles.final("d", "Nice song.", start_s=6.0),
    )
    model = stage.window.live.model
    assert texts(model) == ["Hello.", "[music]", "Nice song."]
    assert model.row(1).kind is RowKind.SOUND
    view = stage.window.live.view
    heights = [view.visualRect(model.index(at)).height() for at in range(3)]
    assert heights[1] <= heights[0]


def test_sounds_that_follow_each_other_share_a_row(stage: Stage) -> None:
    stage.listen(doubles.sound("s1", "music", start_s=3.0, end_s=5.0))
    stage.say(
        doubles.sound("s1", "music", start_s=3.0, end_s=20.0),
        doubles.sound("s2", "laughter", start_s=22.0, end_s=23.0),
        doubles.sound("s3", "laughter", start_s=24.0, end_s=25.0),
    )
    model = stage.window.live.model
    assert texts(model) == ["[music] [laughter \u00d72]"]
    assert stage.window.live.model.captions == 1
    stage.say(doubles.sound("s4", "door", start_s=70.0, end_s=70.4))
    assert texts(model) == ["[music] [laughter \u00d72]", "[door]"]
    stage.say(doubles.final("c", "Hello."), doubles.sound("s5", "door", start_s=72.0))
    assert texts(model)[2:] == ["Hello.", "[door]"]
    assert model.position_of("s3") == 0


def test_an_alert_says_how_long_and_how_sure(alerted: Stage) -> None:
    model = alerted.window.live.model
    row = model.row(1)
    assert row.note == "for 2 s \u00b7 93 % sure"
    alerted.warn(doubles.alert(why=WHY, start_s=5.0, end_s=17.0))
    assert row.note == "12 s \u00b7 93 % sure"
    assert model.rowCount() == 2
    alerted.say(doubles.acknowledged(how="not_this"))
    assert row.note == "12 s \u00b7 93 % sure \u00b7 it was something else"
    assert "Emergency: Smoke alarm. Check the kitchen" in model.index(1).data(READER)
    assert "acknowledged" not in model.index(1).data(READER)
    assert WHY in model.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_acknowledged_is_marked(alerted: Stage) -> None:
    alerted.say(doubles.acknowledged())
    assert alerted.window.live.model.row(1).note.endswith("acknowledged")
    alerted.say(doubles.acknowledged("unknown"))


def test_the_reasons_show_by_click_and_by_enter(alerted: Stage, qtbot: QtBot) -> None:
    view = alerted.window.live.view
    before = view.visualRect(view.timeline.index(1)).height()
    qtbot.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, "why"))
    assert view.timeline.row(1).expanded
    assert view.visualRect(view.timeline.index(1)).height() > before
    view.setFocus()
    view.setCurrentIndex(view.timeline.index(1))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert not view.timeline.row(1).expanded


def test_its_sound_is_played_and_kept_from_its_row(alerted: Stage, qtbot: QtBot) -> None:
    view = alerted.window.live.view
    qtbot.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, "play"))
    qtbot.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, "keep"))
    assert alerted.alerting.calls == [("play", "a1"), ("keep_clip", "a1")]
    assert view.timeline.row(1).clip == "kept"
    assert dict(view.timeline.row(1).actions) == {"play": "Play", "why": "Why?"}
    alerted.alerting.refusal = "The sound of this alert is gone."
    qtbot.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, "play"))
    assert alerted.window.banner.text == "The sound of this alert is gone."


def test_it_is_offered_only_while_it_is_there(alerted: Stage) -> None:
    row = alerted.window.live.model.row(1)
    assert row.clip == "there"
    alerted.alerting.clips.clear()
    alerted.say(doubles.acknowledged())
    assert dict(row.actions) == {"why": "Why?"}
    alerted.alerting.kept["a1"] = doubles.Path("/clips/a1.flac")
    alerted.say(ClipKept(id="a1", session=doubles.SESSION, path="/clips/a1.flac"))
    assert "clip kept" in row.note


def test_the_menu_of_a_row_has_its_actions(alerted: Stage) -> None:
    view = alerted.window.live.view
    menu = view.selector.menu(1)
    view.alert_actions.add_to(menu, 1)
    entries = {action.text(): action for action in menu.actions()}
    assert {"Play", "Keep clip", "Why?"} <= set(entries)
    entries["Why?"].trigger()
    assert view.timeline.row(1).expanded
    menu.close()


def test_text_can_still_be_copied(alerted: Stage) -> None:
    view = alerted.window.live.view
    view.setCurrentIndex(view.timeline.index(1))
    view.selector.copy()
    assert QGuiApplication.clipboard().text().startswith("Smoke alarm: Check the kitchen")


@pytest.mark.parametrize("width", [360, 700])
def test_nothing_stands_beside_the_window(alerted: Stage, width: int) -> None:
    alerted.window.resize(width, 700)
    alerted.qtbot.wait(20)
    view = alerted.window.live.view
    for action in ("play", "keep", "why"):
        assert place_of(view, 1, action).x() < view.viewport().width()


def test_the_history_shows_them_too(stage: Stage, qtbot: QtBot) -> None:
    events = [
        doubles.final("c", "Hello.", start_s=1.0),
        doubles.sound("s1", "music", start_s=3.0, end_s=9.0),
        doubles.alert(why=WHY, start_s=10.0, end_s=22.0),
        doubles.acknowledged(),
    ]
    stage.history.add("h1", "Evening", [replace(event, session="h1") for event in events])
    stage.alerting.kept["a1"] = doubles.Path("/clips/a1.flac")
    stage.window.show_history(session="h1")
    model = stage.window.history_page.pane.model
    qtbot.waitUntil(lambda: model.rowCount() == 3)
    assert texts(model)[1] == "[music]"
    assert model.row(2).note == "12 s \u00b7 93 % sure \u00b7 clip kept \u00b7 acknowledged"
    view = stage.window.history_page.pane.view
    view.show_row(2)
    qtbot.mouseClick(view.viewport(), LEFT, pos=place_of(view, 2, "play"))
    assert stage.alerting.calls == [("play", "a1")]
