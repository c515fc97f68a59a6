"""Alerts that are open, and whether alerts work, over a real sound thread and a tiny model."""

import numpy as np
import soundfile
from sound_fixture import RATE_HZ, hush, tone

from everlisten.app.open_alerts import DEAF
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.events import AlertAcknowledged, AlertHealth, EngineState

from .conftest import AlertingRig

S = EngineState


def test_an_alert_is_open_until_it_is_acknowledged(rig, siren, wait_for):
    assert (siren.sound, siren.label) == ("siren", "Siren")
    reading = rig.alerting.alerts.reading()
    assert (reading.enabled, reading.working, reading.problem) == (True, True, "")
    assert {row.id: row for row in rig.alerting.sounds.rows()}["siren"].last_heard_s_ago < 30
    rig.alerting.alerts.acknowledge(siren.id)
    assert rig.alerting.alerts.reading().open == ()
    wait_for(lambda: [event.id for event in rig.of(AlertAcknowledged)] == [siren.id])


def test_an_alert_of_an_earlier_session_can_be_acknowledged(rig, siren, wait_for, sound):
    rig.controller.open_file(sound(30))
    wait_for(lambda: rig.controller.session() and rig.controller.session().id != siren.session)
    assert [one.id for one in rig.alerting.alerts.reading().open] == [siren.id]
    rig.alerting.alerts.acknowledge_all()
    [event] = rig.of(AlertAcknowledged)
    assert (event.id, event.session, event.how) == (siren.id, siren.session, "user")


def test_snoozing_a_sound_closes_it_and_is_said(rig, siren, wait_for):
    rig.alerting.alerts.snooze("siren", 30)
    wait_for(lambda: rig.alerting.alerts.reading().open == ())
    assert rig.alerting.alerts.reading().snoozed.startswith("Snoozed: Siren until ")
    wait_for(lambda: [event.how for event in rig.of(AlertAcknowledged)] == ["snooze"])
    rig.alerting.alerts.snooze(None, 0)
    assert rig.alerting.alerts.reading().snoozed == ""
    rig.alerting.alerts.snooze(None, 10)
    assert "All alerts but emergencies" in rig.alerting.alerts.reading().snoozed


def test_not_this_sound_closes_it(rig, siren, wait_for):
    rig.alerting.alerts.not_this(siren.id)
    assert rig.alerting.alerts.reading().open == ()
    wait_for(lambda: [event.how for event in rig.of(AlertAcknowledged)] == ["not_this"])


def test_a_pause_is_no_failure(rig, wait_for):
    assert rig.alerting.alerts.reading().working
    rig.play(hush(20.0))
    wait_for(lambda: rig.of(AlertHealth))
    rig.controller.pause()
    wait_for(lambda: rig.controller.state() is S.PAUSED)
    assert not rig.alerting.alerts.reading().enabled, "the user's own wish is no failure"


def test_switched_off_nothing_is_said_to_fail(rig, wait_for):
    assert rig.settings.change("alerts.enabled", False) == ""
    assert not rig.alerting.alerts.reading().enabled
    assert rig.alerting.alerts.delivery().tone
    assert rig.settings.change("alerts.tone", False) == ""
    assert not rig.alerting.alerts.delivery().tone


def test_a_damaged_model_is_said(equipment, tmp_path, wait_for):
    path = tmp_path / "sound.onnx"
    path.write_bytes(b"damaged")
    equipment.alerts.model_file = path
    rig = AlertingRig(equipment, tmp_path)
    rig.open()
    try:
        rig.play(hush(10.0))
        wait_for(lambda: not rig.alerting.alerts.reading().working)
        problem = rig.alerting.alerts.reading().problem
        assert problem.startswith("Alerts are not working: ")
        assert "damaged" in problem
        assert rig.alerting.sounds.test("siren") == problem
    finally:
        rig.close()


def fail_to_load():
    raise ModelLoadError("model.bin is missing; fetch it")


def test_alerts_go_on_while_captions_cannot_be_loaded(equipment, tmp_path, wait_for):
    load, equipment.load_model = equipment.load_model, fail_to_load
    path = tmp_path / "live.wav"
    soundfile.write(path, np.concatenate((hush(0.8), tone("siren", 1.6), hush(20.0))), RATE_HZ)
    equipment.live_plan = lambda selection, instruction: equipment.file_plan(path, instruction)
    rig = AlertingRig(equipment, tmp_path)
    rig.open()
    try:
        rig.controller.start()
        wait_for(lambda: rig.alerting.alerts.reading().open)
        assert rig.controller.state() is S.FAILED
        assert rig.alerting.alerts.reading().working
        equipment.load_model = load
        rig.controller.start()
        wait_for(lambda: rig.controller.state() is S.LISTENING)
    finally:
        rig.close()


def test_where_nothing_is_listened_to_alerts_are_said_to_fail(equipment, tmp_path, wait_for):
    equipment.load_model = fail_to_load
    rig = AlertingRig(equipment, tmp_path)
    rig.open()
    try:
        wait_for(lambda: rig.controller.state() is S.FAILED)
        assert rig.alerting.alerts.reading().problem == DEAF
    finally:
        rig.close()
