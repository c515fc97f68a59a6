"""The history: list, search, reading, export, renaming, deletion; off the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from everlisten.ui.history_page import HistoryPage

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(stage: Stage, qtbot: QtBot) -> HistoryPage:
    words = [doubles.final(f"c{at}", f"Sentence {at}.", start_s=3.0 * at) for at in range(200)]
    words[150] = doubles.final("c150", "The kettle whistles loudly.", start_s=450.0)
    stage.history.add("h1", "Stand-up", words)
    stage.history.add(
        "h2",
        "Grandma",
        [doubles.final("x", "Kako si?"), doubles.translation("x", "How are you?")],
        recovered=True,
    )
    stage.window.show_history()
    page = stage.window.history_page
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    return page


def choose(page: HistoryPage, row: int, qtbot: QtBot) -> None:
    place = page.list.visualRect(page.model.index(row, 0)).center()
    qtbot.mouseClick(page.list.viewport(), LEFT, pos=place)
    qtbot.waitUntil(lambda: page.pane.model.rowCount() > 0)


def answer(button_text: str) -> Callable[[], None]:
    boxes = (w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox))
    box = next(box for box in boxes if box.isVisible())
    button = next(b for b in box.findChildren(QPushButton) if b.text() == button_text)
    return button.click


def test_sessions_are_listed_with_title_time_length_and_badge(page: HistoryPage) -> None:
    spoken = page.model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("Grandma, ")
    assert "21 min 05 s" in spoken
    assert "1 caption" in spoken
    assert spoken.endswith("recovered")


def test_a_session_is_read_from_its_beginning(page: HistoryPage, qtbot: QtBot) -> None:
    choose(page, 0, qtbot)
    assert page.pane.model.rowCount() == 200
    assert page.pane.view.verticalScrollBar().value() == 0
    first = page.pane.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "Sentence 0." in first


def test_search_finds_words_and_jumps_to_the_row(
    stage: Stage, page: HistoryPage, qtbot: QtBot
) -> None:
    qtbot.keyClicks(page.search, "kettle")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    assert ("search", "kettle") in stage.history.calls
    choose(page, 0, qtbot)
    view = page.pane.view
    qtbot.waitUntil(lambda: view.currentIndex().row() == 150)
    assert view.viewport().rect().contains(view.visualRect(view.currentIndex()).center())


def test_search_finds_translations_too(page: HistoryPage, qtbot: QtBot) -> None:
    page.search.setText("how are")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    choose(page, 0, qtbot)
    qtbot.waitUntil(lambda: page.pane.view.currentIndex().row() == 0)
    page.search.clear()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)


def test_a_search_without_hits_says_so(page: HistoryPage, qtbot: QtBot) -> None:
    page.search.setText("zebra")
    qtbot.waitUntil(lambda: page.empty_text == "Nothing was found for “zebra”.")


@pytest.mark.parametrize(
    ("typed", "kind", "written"),
    [
        ("talk.vtt", "WebVTT subtitles (*.vtt)", "talk.vtt"),
        ("talk", "JSON (*.json)", "talk.json"),
        ("talk", "SubRip subtitles (*.srt)", "talk.srt"),
        ("my.talk", "Plain text (*.txt)", "my.talk.txt"),
    ],
)
def test_export_writes_the_chosen_format(
    stage: Stage,
    page: HistoryPage,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    typed: str,
    kind: str,
    written: str,
) -> None:
    asked: list[str] = []

    def ask(_parent: object, _title: str, proposed: str, kinds: str) -> tuple[str, str]:
        asked.extend((proposed, kinds))
        return str(tmp_path / typed), kind

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    choose(page, 0, qtbot)
    qtbot.mouseClick(page.pane.export_button, LEFT)
    qtbot.waitUntil(lambda: stage.window.banner.text == f"Saved {written}.")
    assert (tmp_path / written).read_text(encoding="utf-8") == "Stand-up"
    assert asked[0] == "Stand-up.srt"
    assert all(suffix in asked[1] for suffix in ("*.srt", "*.vtt", "*.txt", "*.json"))


def test_rename(stage: Stage, page: HistoryPage, qtbot: QtBot) -> None:
    choose(page, 0, qtbot)
    qtbot.mouseClick(page.pane.rename_button, LEFT)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QInputDialog))
    dialog.setTextValue("Monday stand-up")
    dialog.accept()
    qtbot.waitUntil(lambda: stage.history.kept["h1"][0].title == "Monday stand-up")
    qtbot.waitUntil(lambda: "Monday stand-up" in page.pane.title)


def test_delete_asks_first(stage: Stage, page: HistoryPage, qtbot: QtBot) -> None:
    choose(page, 0, qtbot)
    qtbot.mouseClick(page.pane.delete_button, LEFT)
    answer("Keep")()
    assert set(stage.history.kept) == {"h1", "h2"}
    qtbot.mouseClick(page.pane.delete_button, LEFT)
    answer("Delete")()
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    assert set(stage.history.kept) == {"h2"}
    assert page.pane.session is None


def test_delete_all_asks_first(stage: Stage, page: HistoryPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(page.delete_all_button, LEFT)
    answer("Delete everything")()
    qtbot.waitUntil(lambda: page.empty_text == "No sessions yet.")
    assert stage.history.kept == {}


def test_a_refusal_is_one_sentence_and_nothing_is_lost(
    stage: Stage, page: HistoryPage, qtbot: QtBot
) -> None:
    choose(page, 0, qtbot)
    stage.history.refusal = "The data folder is read-only: history.db cannot be changed."
    page.rename(page.pane.session, "Other")
    qtbot.waitUntil(lambda: stage.window.banner.text == stage.history.refusal)
    assert page.pane.model.rowCount() == 200


def test_the_window_never_waits_for_the_disk(
    stage: Stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, names = threading.Event(), []

    def slow() -> list[doubles.SessionInfo]:
        names.append(threading.current_thread().name)
        go.wait(10)
        return []

    monkeypatch.setattr(stage.history, "sessions", slow)
    stage.window.show_history()
    stage.listen(doubles.final("a", "Meanwhile."))
    assert stage.window.live.model.rowCount() == 1
    qtbot.waitUntil(lambda: names == ["history"])
    go.set()
    qtbot.waitUntil(lambda: stage.window.history_page.empty_text == "No sessions yet.")


def test_an_unforeseen_failure_is_shown(
    stage: Stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.history, "sessions", lambda: 1 / 0)
    stage.window.show_history()
    qtbot.waitUntil(lambda: "division by zero" in stage.window.banner.text)


def test_escape_leads_back_to_the_captions(stage: Stage, page: HistoryPage, qtbot: QtBot) -> None:
    qtbot.keyClick(page.search, Qt.Key.Key_Escape)
    assert stage.window.live.isVisible()
    assert not stage.window.header.history.isChecked()
    qtbot.keyClick(stage.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.isVisible()
    assert page.search.hasFocus()


def test_a_narrow_window_shows_list_or_session(
    stage: Stage, page: HistoryPage, qtbot: QtBot
) -> None:
    stage.window.resize(360, 640)
    assert page.list.isVisible()
    assert not page.pane.isVisible()
    choose(page, 0, qtbot)
    assert page.pane.isVisible()
    assert not page.list.isVisible()
    qtbot.mouseClick(page.pane.back_button, LEFT)
    assert page.list.isVisible()
