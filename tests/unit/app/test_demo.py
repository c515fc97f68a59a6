"""The demo without a display always ends, with the right code."""

import pytest
from PySide6.QtGui import QPixmap

from everlisten.app import demo
from everlisten.app.exit_codes import BAD_INPUT, GOOD, MODEL_TROUBLE
from everlisten.engine.events import CaptionFinal, EngineState, EngineStateChanged


class Window:
    def __init__(self):
        self.has_quit = False

    def grab(self):
        picture = QPixmap(20, 20)
        picture.fill()
        return picture

    def resize(self, width, height):
        pass

    def quit(self):
        self.has_quit = True


class Playing:
    """A controller that plays nothing."""

    def __init__(self):
        self.current = EngineState.LISTENING
        self.finish = lambda: None

    def state(self):
        return self.current

    def open_file(self, path, title):
        assert path.is_file()

    def on_finished(self, callback):
        self.finish = callback


@pytest.fixture
def window(qtbot):
    return Window()


@pytest.fixture
def controller():
    return Playing()


@pytest.fixture
def play(window, controller, equipment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_SETTLE_MS", 300)
    begun = []

    def start():
        begun.append(demo.HeadlessDemo(window, controller, equipment))
        begun[0].start()
        return begun[0]

    yield start
    begun[0]._timer.stop()


def speak(equipment, wait_for):
    session = equipment.writer.begin_session(title=demo.DEMO_TITLE).session
    equipment.writer.put(CaptionFinal(id="a", session=session, text="A rainbow.", end_s=1.0))
    wait_for(equipment.history.sessions)


def test_it_leaves_subtitles_and_picture(
    play, qtbot, window, controller, equipment, wait_for, tmp_path
):
    running = play()
    speak(equipment, wait_for)
    controller.finish()
    qtbot.waitUntil(lambda: window.has_quit)
    assert running.exit_code == GOOD
    assert "A rainbow." in (tmp_path / demo.DEMO_SUBTITLES).read_text("utf-8")
    assert (tmp_path / demo.DEMO_PICTURE).is_file()


@pytest.mark.parametrize("blocked", [demo.DEMO_SUBTITLES, demo.DEMO_PICTURE])
def test_a_file_that_cannot_be_written_ends_it_with_a_sentence(
    play, qtbot, window, controller, equipment, wait_for, tmp_path, capsys, blocked
):
    running = play()
    (tmp_path / blocked).mkdir()
    speak(equipment, wait_for)
    controller.finish()
    qtbot.waitUntil(lambda: window.has_quit)
    assert running.exit_code == BAD_INPUT
    assert str(blocked) in capsys.readouterr().err


def test_a_scene_that_was_not_saved_ends_it_with_a_sentence(
    play, qtbot, window, controller, capsys
):
    running = play()
    controller.finish()
    qtbot.waitUntil(lambda: window.has_quit)
    assert running.exit_code == BAD_INPUT
    assert "not saved" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(
    play, qtbot, window, controller, equipment, capsys
):
    running = play()
    controller.current = EngineState.FAILED
    qtbot.wait(110)  # the reason comes later than the state
    equipment.writer.put(
        EngineStateChanged(
            id="state", session="", state=EngineState.FAILED, reason="model.bin is missing"
        )
    )
    qtbot.waitUntil(lambda: window.has_quit)
    assert running.exit_code == MODEL_TROUBLE
    assert "model.bin is missing" in capsys.readouterr().out
