"""Which sounds the user is warned about, over a real sound thread and a tiny model."""

from sound_fixture import hush, tone

from everlisten.app.listener import NOT_LISTENING
from everlisten.engine.alerts.catalogue import URGENT_REPLY
from everlisten.engine.events import SoundAlert, is_test


def test_a_row_for_every_sound_and_none_for_the_big_models_replies(rig):
    rows = {row.id: row for row in rig.alerting.sounds.rows()}
    assert len(rows) >= 20
    assert URGENT_REPLY not in rows
    assert rows["smoke_alarm"].severity == "emergency"
    assert all(row.label and row.enabled and not row.taught for row in rows.values())
    assert rows["siren"].last_heard_s_ago is None


def test_switches_are_kept(rig):
    assert rig.alerting.sounds.set_enabled("siren", False) == ""
    assert rig.alerting.sounds.set_enabled("thunder", False) == ""
    assert rig.alerting.sounds.set_enabled("siren", True) == ""
    assert rig.settings.config.alerts.switched_off == "thunder"
    assert rig.alerting.sounds.set_sensitivity("siren", 0.7) == ""
    assert rig.alerting.sounds.set_sensitivity("thunder", 7.0) == ""
    assert rig.settings.config.alerts.sensitivities == "siren=0.7,thunder=1"
    rows = {row.id: row for row in rig.alerting.sounds.rows()}
    assert (rows["siren"].sensitivity, rows["siren"].enabled) == (0.7, True)
    assert (rows["thunder"].sensitivity, rows["thunder"].enabled) == (1.0, False)


def test_a_test_goes_the_real_way(rig, wait_for, monkeypatch):
    assert rig.alerting.sounds.test("doorbell") == NOT_LISTENING
    rig.play(hush(20.0))
    wait_for(lambda: rig.alerting.examples.last_seconds(1.0) is not None)
    monkeypatch.setattr(rig.alerting.sounds, "_example", lambda id: tone("doorbell", 2.0))
    assert rig.alerting.sounds.set_enabled("doorbell", False) == ""
    assert rig.alerting.sounds.test("doorbell") == ""
    wait_for(lambda: rig.of(SoundAlert))
    assert {event.sound for event in rig.of(SoundAlert)} == {"doorbell"}
    assert all(is_test(event) for event in rig.of(SoundAlert))
    monkeypatch.undo()
    assert rig.alerting.sounds.test("unheard-of") == "There is no example of this sound."
