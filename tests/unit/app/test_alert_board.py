"""What is open, what was dealt with, and what is kept of it."""

import dataclasses
import stat

import numpy as np
import pytest
import soundfile

from everlisten.app import alert_board
from everlisten.app.alert_board import AlertBoard
from everlisten.app.alert_clips import AlertClips, ClipKeeper, read_sound
from everlisten.engine.errors import EngineError, TimelineError
from everlisten.engine.events import AlertAcknowledged, AlertHealth, CaptionFinal, SoundAlert


def alert(id="a", **fields):
    return SoundAlert(id=id, session="s", sound="siren", label="Siren", ongoing=True, **fields)


@pytest.fixture
def board():
    return AlertBoard()


def test_an_alert_is_open_until_it_is_acknowledged(board):
    board.take(alert(end_s=1.0))
    board.take(alert("b"))
    board.take(alert(end_s=5.0))
    board.take(CaptionFinal(id="c", session="s"))
    assert [(one.id, one.end_s) for one in board.open()] == [("a", 5.0), ("b", 0.0)]
    board.take(AlertAcknowledged(id="a", session="s"))
    board.take(alert(end_s=9.0))
    assert [one.id for one in board.open()] == ["b"], "what goes on does not open again"
    assert board.alert("a").end_s == 9.0
    board.close("b")
    assert board.open() == ()


def test_the_oldest_give_way(board):
    for number in range(alert_board.MOST_OPEN + 5):
        board.take(alert(str(number)))
    assert board.open()[0].id == "5"


def test_health(board):
    assert board.problem == ""
    board.take(AlertHealth(id="h", session="s", working=False, problem="No microphone."))
    assert board.problem == "No microphone."
    board.take(AlertHealth(id="h", session="s"))
    assert board.problem == ""


SAMPLES = np.linspace(-1.2, 1.2, 8_000, dtype=np.float32)


def test_a_kept_clip_is_found_again_and_goes_with_its_session(tmp_path):
    told = []
    clips = AlertClips(tmp_path / "recordings", told.append)
    assert clips.path("s-siren-12") is None
    path = clips.keep(alert("s-siren-12"), SAMPLES)
    assert path.parent == tmp_path / "recordings" / "s"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(one.id, one.session, one.path) for one in told] == [("s-siren-12", "s", str(path))]
    assert len(soundfile.read(path)[0]) == 8_000
    assert AlertClips(tmp_path / "recordings", told.append).path("s-siren-12") == path
    path.unlink()
    assert clips.path("s-siren-12") is None


def test_an_id_leads_nowhere_else(tmp_path):
    path = AlertClips(tmp_path / "r", lambda event: None).keep(alert("../../x"), SAMPLES)
    assert path.parent == tmp_path / "r" / "s"


def test_a_disk_that_refuses_is_one_sentence(tmp_path):
    (tmp_path / "r").write_text("no folder")
    with pytest.raises(TimelineError, match="cannot be kept"):
        AlertClips(tmp_path / "r", lambda event: None).keep(alert(), SAMPLES)


def test_clips_are_kept_while_recording_is_on_once_the_sound_is_over():
    kept, told, recording = [], [], [True]

    def keep(alert_id):
        kept.append(alert_id)
        return "The disk is full."

    keeper = ClipKeeper(keep, lambda: recording[0], lambda task: task(), told.append)
    keeper.take(alert())
    assert kept == []
    keeper.take(dataclasses.replace(alert(), ongoing=False))
    keeper.take(dataclasses.replace(alert("test-a"), ongoing=False))
    assert (kept, told) == (["a"], ["The disk is full."])
    recording[0] = False
    keeper.take(dataclasses.replace(alert("b"), ongoing=False))
    assert kept == ["a"]


def test_a_sound_file_is_read_whole_at_16_khz_and_at_most_30_s(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.zeros((44_100 * 2, 2)), 44_100)
    samples = read_sound(path)
    assert samples.dtype == np.float32
    assert samples.shape == (32_000,)
    soundfile.write(path, np.zeros(16_000 * 40), 16_000)
    assert len(read_sound(path)) == 30 * 16_000
    path.write_bytes(b"no sound")
    with pytest.raises(EngineError, match="stereo"):
        read_sound(path)
