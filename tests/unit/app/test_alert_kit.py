"""What alerts are made of: the user's catalogue over the shipped one, and the language."""

import pytest

from everlisten.app.alert_kit import system_language
from everlisten.engine.events import AlertHealth, EngineFailed


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
    assert rig.alerting.alerts.reading().working


@pytest.mark.parametrize(
    ("value", "language"), [("zh_CN.UTF-8", "zh"), ("de_DE.UTF-8", "en"), ("C", "en"), ("", "en")]
)
def test_the_advice_is_in_the_systems_language(monkeypatch, value, language):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", value)
    assert system_language() == language
