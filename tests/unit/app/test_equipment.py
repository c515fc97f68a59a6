"""Small decisions of the composition root."""

from dataclasses import replace

import psutil
import pytest

from everlisten.app.config import ConfigError
from everlisten.app.equipment import capture_selection, saves_power, source_selection
from everlisten.audio_io.chunk import SourceName


def test_the_settings_choose_the_sources():
    chosen = capture_selection(source_selection("both", "desk", ""))
    assert chosen.sources == (SourceName.MIC, SourceName.SYSTEM)
    assert chosen.device_id(SourceName.MIC) == "desk"


def test_an_unknown_source_is_named():
    with pytest.raises(ConfigError, match=r"'radio'.*mic, system, both"):
        source_selection("radio", "", "")


@pytest.mark.parametrize(
    ("setting", "plugged", "saves"),
    [("on", True, True), ("off", False, False), ("auto", False, True), ("auto", True, False)],
)
def test_power_is_saved_on_battery(monkeypatch, setting, plugged, saves):
    battery = type("Battery", (), {"power_plugged": plugged})()
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert saves_power(setting) is saves


def test_a_computer_without_a_battery_saves_nothing(monkeypatch):
    def missing():
        raise FileNotFoundError("/sys/class/power_supply")

    monkeypatch.setattr(psutil, "sensors_battery", missing, raising=False)
    assert saves_power("auto") is False


def test_urgent_replies_follow_the_users_choices(equipment):
    policy = equipment.alerts.policy_of_replies()
    assert policy.settings.enabled
    changed = replace(equipment.config.alerts, enabled=False, quiet_from="22:00", quiet_to="07:00")
    equipment.reconfigure(replace(equipment.config, alerts=changed))
    assert equipment.alerts.policy_of_replies() is policy
    assert not policy.settings.enabled
    assert policy.settings.quiet_from == "22:00"
