"""What the window reads of alerts and commands, over a real sound thread and a tiny model."""

from array import array

import numpy as np
import pytest
import soundfile
from sound_fixture import RATE_HZ, hush, tone

from everlisten.app.alert_kit import system_language
from everlisten.app.alert_service import alert_service
from everlisten.app.alerting import DEAF, NOT_LISTENING
from everlisten.app.controller import Controller
from everlisten.app.settings import AppSettings
from everlisten.app.wishes import Wishes
from everlisten.engine.alerts.catalogue import URGENT_REPLY
from everlisten.engine.errors import EngineError, ModelLoadError
from everlisten.engine.events import (
    AlertAcknowledged,
    AlertHealth,
    ClipKept,
    EngineFailed,
    EngineState,
    SoundAlert,
    is_test,
)
from everlisten.engine.interaction import Instruction
from everlisten.ui.protocols import SourceSelection

S = EngineState


class Rig:
    """A controller and its alerts; files are played at real-time pace."""

    def __init__(self, equipment, tmp_path):
        self.equipment = equipment
        self.folder = tmp_path
        self.settings = AppSettings(equipment.config, equipment.paths, equipment.reconfigure)
        self.controller = Controller(
            equipment,
            selection=SourceSelection(),
            wishes=Wishes(Instruction()),
            remember=self.settings.change,
        )
        self.told = []

    def open(self):
        self.service = alert_service(self.equipment, self.settings, self.controller, audible=False)
        self.alerting = self.service.__enter__()
        take = self.equipment.on_event

        def noting(event):
            self.told.append(event)
            take(event)

        self.equipment.on_event = noting
        self.controller.launch()

    def close(self):
        self.controller.shut_down()
        self.service.__exit__(None, None, None)

    def play(self, *pieces):
        path = self.folder / f"{len(list(self.folder.iterdir()))}.wav"
        soundfile.write(path, np.concatenate(pieces), RATE_HZ)
        self.controller.open_file(path)

    def of(self, kind):
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def rig(equipment, tmp_path):
    rig = Rig(equipment, tmp_path)
    rig.open()
    yield rig
    rig.close()


@pytest.fixture
def siren(rig, wait_for):
    """An open alert; a quiet room follows."""
    rig.play(hush(0.8), tone("siren", 1.6), hush(20.0))
    wait_for(lambda: rig.alerting.reading().open)
    return rig.alerting.reading().open[0]


def test_a_row_for_every_sound_and_none_for_the_big_models_replies(rig):
    rows = {row.id: row for row in rig.alerting.sounds()}
    assert len(rows) >= 20
    assert URGENT_REPLY not in rows
    assert rows["smoke_alarm"].severity == "emergency"
    assert all(row.label and row.enabled and not row.taught for row in rows.values())
    assert rows["siren"].last_heard_s_ago is None


def test_switches_are_kept(rig):
    assert rig.alerting.set_enabled("siren", False) == ""
    assert rig.alerting.set_enabled("thunder", False) == ""
    assert rig.alerting.set_enabled("siren", True) == ""
    assert rig.settings.config.alerts.switched_off == "thunder"
    assert rig.alerting.set_sensitivity("siren", 0.7) == ""
    assert rig.alerting.set_sensitivity("thunder", 7.0) == ""
    assert rig.settings.config.alerts.sensitivities == "siren=0.7,thunder=1"
    rows = {row.id: row for row in rig.alerting.sounds()}
    assert (rows["siren"].sensitivity, rows["siren"].enabled) == (0.7, True)
    assert (rows["thunder"].sensitivity, rows["thunder"].enabled) == (1.0, False)


def test_an_alert_is_open_until_it_is_acknowledged(rig, siren, wait_for):
    assert (siren.sound, siren.label) == ("siren", "Siren")
    reading = rig.alerting.reading()
    assert (reading.enabled, reading.working, reading.problem) == (True, True, "")
    assert {row.id: row for row in rig.alerting.sounds()}["siren"].last_heard_s_ago < 30
    rig.alerting.acknowledge(siren.id)
    assert rig.alerting.reading().open == ()
    wait_for(lambda: [event.id for event in rig.of(AlertAcknowledged)] == [siren.id])


def test_an_alert_of_an_earlier_session_can_be_acknowledged(rig, siren, wait_for, sound):
    rig.controller.open_file(sound(30))
    wait_for(lambda: rig.controller.session() and rig.controller.session().id != siren.session)
    assert [one.id for one in rig.alerting.reading().open] == [siren.id]
    rig.alerting.acknowledge_all()
    [event] = rig.of(AlertAcknowledged)
    assert (event.id, event.session, event.how) == (siren.id, siren.session, "user")


def test_a_clip_is_played_from_memory_and_kept(rig, siren, wait_for):
    assert rig.alerting.has_clip(siren.id)
    assert rig.alerting.clip(siren.id) is None
    assert rig.alerting.keep_clip(siren.id) == ""
    path = rig.alerting.clip(siren.id)
    samples, rate_hz = soundfile.read(path)
    assert rate_hz == RATE_HZ
    assert 0.2 < np.abs(samples).max() < 0.4
    assert [event.path for event in rig.of(ClipKept)] == [str(path)]
    assert rig.alerting.keep_clip(siren.id) == ""
    assert not rig.alerting.has_clip("unheard-of")
    assert "not in memory" in rig.alerting.keep_clip("unheard-of")
    assert "not in memory" in rig.alerting.play("unheard-of")


def test_while_recording_clips_are_kept_by_themselves(rig, wait_for):
    assert rig.settings.change("timeline.record_audio", True) == ""
    rig.play(hush(0.8), tone("siren", 1.6), hush(1.0))
    wait_for(lambda: rig.of(ClipKept))
    assert rig.alerting.clip(rig.of(ClipKept)[0].id) is not None


def test_snoozing_a_sound_closes_it_and_is_said(rig, siren, wait_for):
    rig.alerting.snooze("siren", 30)
    wait_for(lambda: rig.alerting.reading().open == ())
    assert rig.alerting.reading().snoozed.startswith("Snoozed: Siren until ")
    wait_for(lambda: [event.how for event in rig.of(AlertAcknowledged)] == ["snooze"])
    rig.alerting.snooze(None, 0)
    assert rig.alerting.reading().snoozed == ""
    rig.alerting.snooze(None, 10)
    assert "All alerts but emergencies" in rig.alerting.reading().snoozed


def test_not_this_sound_closes_it(rig, siren, wait_for):
    rig.alerting.not_this(siren.id)
    assert rig.alerting.reading().open == ()
    wait_for(lambda: [event.how for event in rig.of(AlertAcknowledged)] == ["not_this"])


def test_a_test_goes_the_real_way(rig, wait_for, monkeypatch):
    assert rig.alerting.test("doorbell") == NOT_LISTENING
    rig.play(hush(20.0))
    wait_for(lambda: rig.alerting.last_seconds(1.0) is not None)
    monkeypatch.setattr(rig.alerting, "_example", lambda id: tone("doorbell", 2.0))
    assert rig.alerting.set_enabled("doorbell", False) == ""
    assert rig.alerting.test("doorbell") == ""
    wait_for(lambda: rig.of(SoundAlert))
    assert {event.sound for event in rig.of(SoundAlert)} == {"doorbell"}
    assert all(is_test(event) for event in rig.of(SoundAlert))
    monkeypatch.undo()
    assert rig.alerting.test("unheard-of") == "There is no example of this sound."


def test_what_was_heard_last_can_be_taken(rig, wait_for):
    assert rig.alerting.last_seconds(5.0) is None
    assert rig.alerting.record_begin() == NOT_LISTENING
    assert rig.alerting.record_stop() is None
    rig.play(hush(0.4), tone("siren", 1.2), hush(20.0))
    wait_for(lambda: rig.alerting.last_seconds(1.0) is not None)
    assert rig.alerting.record_begin() == ""
    wait_for(lambda: rig.of(SoundAlert))
    taken = rig.alerting.record_stop()
    assert isinstance(taken, array)
    assert 0.2 < max(taken) < 0.4
    assert len(rig.alerting.last_seconds(0.5)) == 8_000
    assert rig.alerting.record_level_db() > -120


def test_a_pause_is_no_failure(rig, wait_for):
    assert rig.alerting.reading().working
    rig.play(hush(20.0))
    wait_for(lambda: rig.of(AlertHealth))
    rig.controller.pause()
    wait_for(lambda: rig.controller.state() is S.PAUSED)
    assert not rig.alerting.reading().enabled, "the user's own wish is no failure"


def test_switched_off_nothing_is_said_to_fail(rig, wait_for):
    assert rig.settings.change("alerts.enabled", False) == ""
    assert not rig.alerting.reading().enabled
    assert rig.alerting.delivery().tone
    assert rig.settings.change("alerts.tone", False) == ""
    assert not rig.alerting.delivery().tone


def test_a_damaged_model_is_said(equipment, tmp_path, wait_for):
    path = tmp_path / "sound.onnx"
    path.write_bytes(b"damaged")
    equipment.alerts.model_file = path
    rig = Rig(equipment, tmp_path)
    rig.open()
    try:
        rig.play(hush(10.0))
        wait_for(lambda: not rig.alerting.reading().working)
        problem = rig.alerting.reading().problem
        assert problem.startswith("Alerts are not working: ")
        assert "damaged" in problem
        assert rig.alerting.test("siren") == problem
    finally:
        rig.close()


def fail_to_load():
    raise ModelLoadError("model.bin is missing; fetch it")


def test_alerts_go_on_while_captions_cannot_be_loaded(equipment, tmp_path, wait_for):
    load, equipment.load_model = equipment.load_model, fail_to_load
    path = tmp_path / "live.wav"
    soundfile.write(path, np.concatenate((hush(0.8), tone("siren", 1.6), hush(20.0))), RATE_HZ)
    equipment.live_plan = lambda selection, instruction: equipment.file_plan(path, instruction)
    rig = Rig(equipment, tmp_path)
    rig.open()
    try:
        rig.controller.start()
        wait_for(lambda: rig.alerting.reading().open)
        assert rig.controller.state() is S.FAILED
        assert rig.alerting.reading().working
        equipment.load_model = load
        rig.controller.start()
        wait_for(lambda: rig.controller.state() is S.LISTENING)
    finally:
        rig.close()


def test_where_nothing_is_listened_to_alerts_are_said_to_fail(equipment, tmp_path, wait_for):
    equipment.load_model = fail_to_load
    rig = Rig(equipment, tmp_path)
    rig.open()
    try:
        wait_for(lambda: rig.controller.state() is S.FAILED)
        assert rig.alerting.reading().problem == DEAF
    finally:
        rig.close()


def test_a_user_file_is_merged(equipment, config_dir):
    config_dir.mkdir(exist_ok=True)
    equipment.paths.alerts.write_text("alerts:\n  - {id: siren, severity: emergency}\n", "utf-8")
    assert equipment.alerts.entries()["siren"].severity == "emergency"


def test_a_wrong_user_file_is_told_once_and_alerts_go_on(rig, config_dir, wait_for, sound):
    config_dir.mkdir(exist_ok=True)
    rig.equipment.paths.alerts.write_text("alerts:\n  - {id: syren}\n", "utf-8")
    for _ in range(2):
        told = len(rig.of(AlertHealth))
        rig.controller.open_file(sound(30))
        wait_for(lambda told=told: len(rig.of(AlertHealth)) > told)
    [failure] = rig.of(EngineFailed)
    assert "syren" in failure.text
    assert rig.alerting.reading().working


@pytest.mark.parametrize(
    ("value", "language"), [("zh_CN.UTF-8", "zh"), ("de_DE.UTF-8", "en"), ("C", "en"), ("", "en")]
)
def test_the_advice_is_in_the_systems_language(monkeypatch, value, language):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", value)
    assert system_language() == language


def test_a_bad_example_is_one_sentence(rig, tmp_path):
    path = tmp_path / "bad.wav"
    path.write_bytes(b"bad")
    with pytest.raises(EngineError, match=r"bad\.wav"):
        rig.alerting.read_clip(path)
