"""The settings window's view: described fields, changes saved, refusals in words."""

import threading
from pathlib import Path

import pytest

from everlisten.app.config import AppConfig, load_config
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings


@pytest.fixture
def changes() -> list[AppConfig]:
    return []


@pytest.fixture
def settings(changes: list[AppConfig]) -> AppSettings:
    return AppSettings(AppConfig(), AppPaths.default(), changes.append)


def test_every_field_is_described(settings: AppSettings) -> None:
    fields = {field.key: field for field in settings.fields()}
    assert fields["timeline.retention_days"].kind == "integer"
    assert fields["timeline.record_audio"].kind == "switch"
    assert fields["ui.theme"].kind == "choice"
    assert dict(fields["ui.theme"].choices).keys() == {"system", "light", "dark"}
    assert fields["listen.threads"].needs_restart
    for field in fields.values():
        assert field.title
        assert field.help.endswith(".")
        if field.kind in ("integer", "number"):
            assert field.minimum < field.maximum


def test_every_shown_value_can_be_set_again(settings: AppSettings) -> None:
    for field in settings.fields():
        assert settings.change(field.key, field.value) == ""
        for choice, _ in field.choices:
            assert settings.change(field.key, choice) == ""


def test_change_is_saved_and_told(settings: AppSettings, changes: list[AppConfig]) -> None:
    assert settings.change("timeline.retention_days", 30) == ""
    assert settings.config.timeline.retention_days == 30
    assert load_config(AppPaths.default()).timeline.retention_days == 30
    assert changes == [settings.config]
    assert settings.change("timeline.retention_days", 30) == ""
    assert len(changes) == 1


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("timeline.retention_days", -1, "from 0 to 3650"),
        ("timeline.retention_days", "ten", "whole number"),
        ("ui.theme", "pink", "system, light, dark"),
        ("ui.nothing", 1, "unknown key 'ui.nothing'"),
        ("nothing.here", 1, "unknown section 'nothing'"),
    ],
)
def test_refusal_is_a_sentence_and_changes_nothing(
    settings: AppSettings, changes: list[AppConfig], key: str, value: int | str, part: str
) -> None:
    assert part in settings.change(key, value)
    assert settings.config == AppConfig()
    assert not changes
    assert not AppPaths.default().settings.exists()


def test_unwritable_folder_is_a_sentence(settings: AppSettings, config_dir: Path) -> None:
    config_dir.write_text("in the way")
    assert "cannot be" in settings.change("ui.theme", "dark")
    assert settings.config == AppConfig()


def test_two_threads_lose_no_change(settings: AppSettings) -> None:
    def change(key: str, values: range) -> None:
        for value in values:
            assert settings.change(key, value) == ""

    threads = [
        threading.Thread(target=change, args=("timeline.retention_days", range(1, 40))),
        threading.Thread(target=change, args=("ui.caption_font_pt", range(9, 40))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    config = load_config(AppPaths.default())
    assert (config.timeline.retention_days, config.ui.caption_font_pt) == (39, 39)
    assert config == settings.config
