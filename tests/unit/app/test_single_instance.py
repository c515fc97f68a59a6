"""One window per data folder, and never none."""

import logging
from pathlib import Path

from everlisten.app.single_instance import SingleInstance


def test_the_second_asks_the_first_to_come_to_front(qtbot, tmp_path):
    raised = []
    first, second = SingleInstance(tmp_path), SingleInstance(tmp_path)
    assert first.acquire()
    first.on_raise(lambda: raised.append(True))
    assert not second.acquire()
    qtbot.waitUntil(lambda: bool(raised))
    first.release()
    assert second.acquire()
    second.release()


def test_the_second_hands_its_file_over(qtbot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = []
    first, second = SingleInstance(tmp_path), SingleInstance(tmp_path)
    assert first.acquire()
    first.on_open(opened.append)
    assert not second.acquire(Path("talk ä.wav"))
    qtbot.waitUntil(lambda: bool(opened))
    assert opened == [tmp_path / "talk ä.wav"]
    first.release()


def test_another_data_folder_is_another_instance(qtbot, tmp_path):
    first, other = SingleInstance(tmp_path / "a"), SingleInstance(tmp_path / "b")
    assert first.acquire()
    assert other.acquire()
    first.release()
    other.release()


def test_where_no_name_can_be_held_the_window_opens_all_the_same(qtbot, tmp_path, caplog):
    instance = SingleInstance(tmp_path)
    instance._name = str(tmp_path / "missing" / "name")
    with caplog.at_level(logging.WARNING):
        assert instance.acquire()
    assert "second start" in caplog.text
