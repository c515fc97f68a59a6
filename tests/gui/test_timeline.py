"""Captions in the live timeline: text, dimmed tail, following, selection, many rows."""

from __future__ import annotations

import time
from datetime import datetime

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import ReplyDelta
from everlisten.ui.timeline_model import TimelineModel
from everlisten.ui.timeline_view import TimelineView

SYSTEM = SourceName.SYSTEM


def texts(model: TimelineModel) -> list[str]:
    return [model.row(at).plain_text() for at in range(model.rowCount())]


def colors(image: QImage) -> set[str]:
    return {
        image.pixelColor(x, y).name().upper()
        for x in range(image.width())
        for y in range(image.height())
    }


def row_image(view: TimelineView, row: int) -> QImage:
    return view.viewport().grab(view.visualRect(view.timeline.index(row))).toImage()


def drag(view: TimelineView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 9):
        QTest.mouseMove(view.viewport(), start + (end - start) * step / 8)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)


def test_a_partial_grows_into_its_final_in_one_row(stage: Stage) -> None:
    stage.listen(doubles.partial("c", "Good", " morn"))
    assert texts(stage.window.live.model) == ["Good morn"]
    stage.say(doubles.partial("c", "Good morning", " ever"))
    stage.say(doubles.final("c", "Good morning everyone."))
    assert texts(stage.window.live.model) == ["Good morning everyone."]
    stage.say(doubles.partial("c", "late", ""))
    assert texts(stage.window.live.model) == ["Good morning everyone."]


def test_only_the_unstable_tail_is_dimmed(stage: Stage) -> None:
    view = stage.window.live.view
    dim = stage.window.theme.tokens.dim
    stage.listen(doubles.partial("c", "", "llllllll"))
    assert dim in colors(row_image(view, 0))
    stage.say(doubles.partial("c", "llllllll", ""))
    shown = colors(row_image(view, 0))
    assert dim not in shown
    assert stage.window.theme.tokens.text in shown


def test_a_caption_that_the_engine_takes_back_disappears(stage: Stage) -> None:
    stage.listen(
        doubles.final("a", "One."), doubles.partial("b", "", "uh"), doubles.final("c", "Three.")
    )
    stage.say(doubles.final("b", ""))
    assert texts(stage.window.live.model) == ["One.", "Three."]
    stage.say(doubles.translation("c", "Drei."))
    assert texts(stage.window.live.model) == ["One.", "Three.\nDrei."]
    stage.say(
        doubles.partial("d", "", "eh", source=SYSTEM), doubles.final("e", "So.", source=SYSTEM)
    )
    stage.say(doubles.final("d", " "))
    assert stage.window.live.model.row(2).plain_text() == "So."
    assert stage.window.live.model.row(2).turn_begins


def test_a_partial_without_text_takes_its_caption_back(stage: Stage) -> None:
    stage.listen(doubles.final("a", "One."), doubles.partial("b", "", "uh"))
    stage.say(doubles.partial("b", "", ""))
    assert texts(stage.window.live.model) == ["One."]


def test_translation_joins_its_caption_even_if_it_comes_first(stage: Stage) -> None:
    stage.listen(doubles.translating("c", "Good", " day"))
    stage.say(doubles.partial("c", "Dober", " dan"))
    assert texts(stage.window.live.model) == ["Dober dan\nGood day"]
    stage.say(doubles.translation("c", "Good day."), doubles.final("c", "Dober dan."))
    assert texts(stage.window.live.model) == ["Dober dan.\nGood day."]


def test_a_translation_into_the_language_that_was_spoken_goes_away(stage: Stage) -> None:
    stage.listen(doubles.partial("c", "", "The inv"), doubles.translating("c", "", "The inv"))
    stage.say(doubles.final("c", "The invention.", language="en"))
    assert texts(stage.window.live.model) == ["The invention."]


@pytest.mark.parametrize(("placement", "beside"), [("under", False), ("beside", True)])
def test_translation_stands_under_or_beside(make_stage, placement: str, beside: bool) -> None:
    stage = make_stage(translation_placement=placement)
    stage.listen(doubles.final("c", "Dober dan."), doubles.translation("c", "Good day."))
    view = stage.window.live.view
    height = view.visualRect(view.timeline.index(0)).height()
    stage.say(doubles.final("d", "Dober dan."))
    alone = view.visualRect(view.timeline.index(1)).height()
    assert (height < 1.6 * alone) is beside


def test_speakers_are_named_once_both_sources_speak(stage: Stage) -> None:
    stage.listen(doubles.final("a", "Hello."))
    model, role = stage.window.live.model, Qt.ItemDataRole.AccessibleTextRole
    assert "You" not in model.index(0).data(role)
    stage.say(doubles.final("b", "Hi.", source=SYSTEM))
    assert "You: Hello." in model.index(0).data(role)
    assert "Others: Hi." in model.index(1).data(role)


def test_time_is_in_the_accessible_text_and_the_tip(stage: Stage) -> None:
    stage.listen(doubles.began(), doubles.final("a", "Hello.", start_s=65.0))
    index = stage.window.live.model.index(1)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "10:03:05, Hello."
    assert "14 March 2026, 10:03:05" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_time_shows_when_the_mouse_is_over_a_row(stage: Stage) -> None:
    stage.listen(doubles.began(), doubles.final("a", "Hello.", start_s=65.0))
    view = stage.window.live.view
    before = row_image(view, 1)
    QTest.mouseMove(view.viewport(), view.visualRect(view.timeline.index(1)).center())
    stage.qtbot.waitUntil(lambda: row_image(view, 1) != before)


def test_days_are_separated(stage: Stage) -> None:
    late = datetime(2026, 3, 14, 23, 59, 0, tzinfo=doubles.START.tzinfo)
    stage.listen(doubles.began(at=late), doubles.final("a", "Before.", start_s=5.0))
    stage.say(doubles.final("b", "After.", start_s=120.0))
    assert texts(stage.window.live.model)[2:] == ["Sunday 15 March 2026", "After."]


def test_wall_clock_counts_pauses(stage: Stage) -> None:
    stage.listen(doubles.began())
    stage.say(doubles.final("a", "Later.", start_s=10.0, emitted_s=12.0, wall_s=602.0))
    spoken = stage.window.live.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("10:12:00,")


def test_alerts_and_replies_have_rows(stage: Stage) -> None:
    stage.listen(doubles.alert(), ReplyDelta(id="r", session="s1", text="It is "))
    stage.say(ReplyDelta(id="r", session="s1", text="ten."), doubles.alert(advice="Get out."))
    model = stage.window.live.model
    assert texts(model) == ["Smoke alarm: Get out.", "It is ten."]
    said = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "Emergency: Smoke alarm. Get out." in said
    stage.say(doubles.reply("r", "It is ten o'clock."))
    assert texts(model)[1] == "It is ten o'clock."
    assert stage.window.theme.tokens.danger_soft in colors(row_image(stage.window.live.view, 0))


def test_a_typed_question_stands_above_its_answer(stage: Stage) -> None:
    stage.listen(doubles.question("q", "What rang?"), doubles.reply("r", "A bell."))
    model = stage.window.live.model
    assert texts(model) == ["You asked: What rang?", "A bell."]
    assert "You asked. What rang?" in model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)


def test_following_stops_when_the_user_scrolls_up_and_resumes(stage: Stage) -> None:
    stage.listen(*(doubles.final(f"c{at}", f"Sentence {at}.") for at in range(100)))
    live, view = stage.window.live, stage.window.live.view
    bar = view.verticalScrollBar()
    assert view.following
    assert bar.value() == bar.maximum()
    assert not live.jump.isVisible()

    bar.setValue(bar.value() - 300)
    place, first = bar.value(), view.indexAt(QPoint(40, 5)).row()
    stage.say(doubles.final("new1", "News."), doubles.final("new2", "More news."))
    stage.say(doubles.partial("new3", "", "And"))
    assert not view.following
    assert (bar.value(), view.indexAt(QPoint(40, 5)).row()) == (place, first)
    assert live.jump.isVisible()
    assert live.jump.text() == "Jump to live · 3 new"

    stage.qtbot.mouseClick(live.jump, Qt.MouseButton.LeftButton)
    assert view.following
    assert bar.value() == bar.maximum()
    assert not live.jump.isVisible()
    bar.setValue(bar.value() - 300)
    assert not view.following
    bar.setValue(bar.maximum())
    assert view.following


def test_rows_keep_their_place_while_scrolling_up_through_unseen_ones(stage: Stage) -> None:
    long = "A rather long sentence that needs several lines in a narrow window. " * 4
    rows = [doubles.final(f"c{at}", long if at % 3 else "Short.") for at in range(300)]
    stage.window.resize(420, 600)
    stage.listen(*rows)
    view = stage.window.live.view
    bar = view.verticalScrollBar()
    seen = {}
    for _ in range(120):
        for y in range(0, view.viewport().height(), 7):
            row = view.indexAt(QPoint(40, y)).row()
            seen[row] = view.visualRect(view.timeline.index(row)).top()
        bar.setValue(bar.value() - 60)
        kept = [row for row in seen if view.visualRect(view.timeline.index(row)).top() >= 0]
        anchor = max(kept, key=lambda row: row)
        moved = view.visualRect(view.timeline.index(anchor)).top() - seen[anchor]
        assert 50 <= moved <= 70
        seen.clear()


def test_100_000_rows_append_and_scroll(stage: Stage, qtbot) -> None:
    rows = [doubles.final(f"c{at}", f"Sentence number {at} of many.") for at in range(100_000)]
    stage.listen(*rows[:99_900])
    live, view = stage.window.live, stage.window.live.view
    view.grab()
    started = time.perf_counter()
    for row in rows[99_900:]:
        live.apply([row])
        live.apply([doubles.partial("live", row.text, " and")])
    taken = time.perf_counter() - started
    # Laying every row out again for each of these would take minutes.
    assert taken < 10
    assert live.model.rowCount() == 100_001
    assert view.following
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()
    shown = view.indexAt(QPoint(40, view.viewport().height() - 30)).row()
    assert shown >= 99_990
    started = time.perf_counter()
    for step in range(20):
        bar.setValue(bar.maximum() * step // 20)
        view.grab()
        row = view.indexAt(QPoint(40, 10)).row()
        assert abs(row - 100_000 * step // 20) < 3_000
    assert time.perf_counter() - started < 10


def test_a_partial_repaints_its_own_row_alone(stage: Stage) -> None:
    stage.listen(*(doubles.final(f"c{at}", f"Sentence {at}.") for at in range(10)))
    stage.say(doubles.partial("p", "Hello", ""))
    changed: list[tuple[int, int]] = []
    stage.window.live.model.dataChanged.connect(lambda a, b: changed.append((a.row(), b.row())))
    stage.say(doubles.partial("p", "Hello there", ""))
    assert changed == [(10, 10)]


def test_letters_are_selected_by_dragging_in_a_row_and_copied(stage: Stage) -> None:
    stage.listen(doubles.final("a", "The quick brown fox."), doubles.final("b", "Jumps."))
    view = stage.window.live.view
    rect = view.visualRect(view.timeline.index(0))
    middle = rect.top() + rect.height() // 2 + 3
    drag(view, QPoint(22, middle), QPoint(600, middle))
    assert view.selector.text() == "The quick brown fox."
    drag(view, QPoint(21, middle), QPoint(55, middle))
    part = view.selector.text()
    assert part
    assert "The quick".startswith(part)
    view.setFocus()
    stage.qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == part


def test_double_click_selects_a_word(stage: Stage) -> None:
    stage.listen(doubles.final("a", "Incomprehensibilities, really."))
    view = stage.window.live.view
    rect = view.visualRect(view.timeline.index(0))
    place = QPoint(60, rect.top() + rect.height() // 2 + 3)
    stage.qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view.selector.text() == "Incomprehensibilities,"


def test_dragging_over_several_rows_selects_rows(stage: Stage) -> None:
    stage.listen(*(doubles.final(f"c{at}", f"Sentence {at}.") for at in range(6)))
    view = stage.window.live.view
    top = view.visualRect(view.timeline.index(1)).center()
    bottom = view.visualRect(view.timeline.index(3)).center()
    drag(view, QPoint(40, top.y()), QPoint(60, bottom.y()))
    assert view.selector.text() == "Sentence 1.\nSentence 2.\nSentence 3."


def test_keyboard_selects_and_copies_with_times(stage: Stage) -> None:
    stage.listen(
        doubles.began(),
        doubles.final("a", "Hello.", start_s=1.0),
        doubles.final("b", "Hi.", start_s=3.0, source=SYSTEM),
    )
    view = stage.window.live.view
    view.setFocus()
    view.setCurrentIndex(view.timeline.index(1))
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    stage.qtbot.keyClick(view, Qt.Key.Key_Down, shift)
    stage.qtbot.keyClick(view, Qt.Key.Key_C, shift | control)
    assert QGuiApplication.clipboard().text() == "[10:02:01] You: Hello.\n[10:02:03] Others: Hi."
    stage.qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.selector.text() == ""
    stage.qtbot.keyClick(view, Qt.Key.Key_A, control)
    stage.qtbot.keyClick(view, Qt.Key.Key_C, control)
    assert QGuiApplication.clipboard().text().endswith("Hello.\nHi.")


def test_the_menu_offers_copying(stage: Stage) -> None:
    stage.listen(doubles.final("a", "Hello."))
    view = stage.window.live.view
    menu = view.selector.menu(-1)
    names = [action.text() for action in menu.actions() if action.text()]
    assert names == ["Copy", "Copy with times", "Select all"]
    assert not menu.actions()[0].isEnabled()
    menu.close()


def test_a_selection_survives_new_words(stage: Stage) -> None:
    stage.listen(doubles.partial("a", "The quick brown", " fox"))
    view = stage.window.live.view
    rect = view.visualRect(view.timeline.index(0))
    place = QPoint(26, rect.top() + rect.height() // 2 + 3)
    stage.qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    stage.say(doubles.partial("a", "The quick brown fox", " jumps"))
    assert view.selector.text() == "The"


def test_right_to_left_text_stands_at_the_right(stage: Stage) -> None:
    stage.listen(doubles.final("a", "مرحبا"), doubles.final("b", "Hello"))
    view, ground = stage.window.live.view, QColor(stage.window.theme.tokens.base)
    arabic, english = row_image(view, 0), row_image(view, 1)

    def inked(image: QImage) -> float:
        columns = [
            x
            for x in range(image.width())
            for y in range(0, image.height(), 2)
            if image.pixelColor(x, y) != ground
        ]
        return sum(columns) / len(columns) / image.width()

    assert inked(arabic) > 0.7
    assert inked(english) < 0.3


def test_very_long_words_stay_inside_the_window(stage: Stage) -> None:
    stage.window.resize(360, 600)
    stage.listen(doubles.final("a", "w" * 300))
    view = stage.window.live.view
    rect = view.visualRect(view.timeline.index(0))
    assert rect.width() <= 360
    assert rect.height() > 100


def test_times_can_always_show(make_stage) -> None:
    stage = make_stage(always_show_times=True)
    stage.listen(doubles.began(), doubles.final("a", "Hello.", start_s=65.0))
    shown = colors(row_image(stage.window.live.view, 1))
    assert stage.window.theme.tokens.dim in shown


def test_old_rows_stay_above_new_ones_when_resized(stage: Stage) -> None:
    stage.listen(*(doubles.final(f"c{at}", "word " * (at % 40 + 1)) for at in range(200)))
    view = stage.window.live.view
    stage.window.resize(400, 600)
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()
    last = view.visualRect(view.timeline.index(199))
    assert 0 <= view.viewport().height() - last.bottom() <= 16
    bar.setValue(bar.maximum() // 2)
    first = view.indexAt(QPoint(40, 2)).row()
    stage.window.resize(900, 600)
    assert abs(view.indexAt(QPoint(40, 2)).row() - first) <= 1


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Saturday 14 March, 10:02", "Saturday 14 March, 10:02"),
        ("scene.flac", "scene.flac · Saturday 14 March, 10:02"),
        ("", "Saturday 14 March, 10:02"),
    ],
)
def test_a_session_names_its_start_once(stage: Stage, title: str, shown: str) -> None:
    stage.listen(doubles.began(title))
    assert texts(stage.window.live.model) == [shown]


def test_speakers_are_named_from_the_first_word_where_both_are_heard(stage: Stage) -> None:
    both = doubles.healthy(doubles.reading(), doubles.reading(SourceName.SYSTEM))
    stage.listen(doubles.began(), doubles.final("a", "Hello."), reading=both)
    assert stage.window.live.model.speakers
    assert "You: Hello." in stage.window.live.model.row(1).spoken_text(True)


def test_a_translation_in_the_words_of_the_caption_is_not_shown(stage: Stage) -> None:
    model = stage.window.live.model
    stage.listen(doubles.partial("a", "The invention", "of letters"))
    stage.say(doubles.translating("a", "", "The invention of"))
    assert model.row(0).translated == ""
    stage.say(doubles.translating("a", "", "Something else"))
    assert model.row(0).translated == "Something else"
