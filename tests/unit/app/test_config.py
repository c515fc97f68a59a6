"""Defaults, the user's file on top, and one clear sentence for everything that is wrong with it."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everlisten.app.config import (
    SECTIONS,
    AppConfig,
    ConfigError,
    build,
    load_config,
    read_file,
    shipped_values,
    write_value,
)
from everlisten.app.paths import AppPaths


@pytest.fixture
def path(config_dir: Path) -> Path:
    config_dir.mkdir()
    return config_dir / "config.yaml"


def load(path: Path, text: str) -> AppConfig:
    path.write_text(text, encoding="utf-8")
    return load_config(AppPaths.default())


def test_no_file_gives_the_defaults() -> None:
    assert load_config(AppPaths.default()) == AppConfig()


def test_shipped_file_says_what_the_code_says() -> None:
    assert build(shipped_values(), "default.yaml") == AppConfig()
    assert list(shipped_values()) == list(SECTIONS)


def test_shipped_file_names_every_setting_of_the_settings_window() -> None:
    shipped = shipped_values()
    for section, cls in SECTIONS.items():
        for field in dataclasses.fields(cls):
            if field.metadata.get("page"):
                assert field.name in shipped[section], f"{section}.{field.name}"


def test_user_file_is_merged_on_top(path: Path) -> None:
    config = load(path, "listen:\n  source: both\ntimeline:\n  retention_days: 30\n")
    assert config.listen.source == "both"
    assert config.listen.threads == AppConfig().listen.threads
    assert config.timeline.retention_days == 30


@pytest.mark.parametrize("text", ["", "# only a comment\n", "listen:\n", "\ufefflisten: {}\n"])
def test_a_file_that_says_nothing(path: Path, text: str) -> None:
    assert load(path, text) == AppConfig()


def test_words_that_yaml_takes_for_booleans_are_words(path: Path) -> None:
    config = load(
        path,
        "listen:\n  low_power: off\n  language: no\n  microphone: true north\n"
        "  start_listening: false\n",
    )
    assert (config.listen.low_power, config.listen.language) == ("off", "no")
    assert config.listen.start_listening is False
    assert config.listen.microphone == "true north"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lissen: {}\n", ["unknown section 'lissen'", "did you mean 'listen'?", "timeline, ui"]),
        ("ui: {thme: dark}\n", ["unknown key 'ui.thme'", "did you mean 'theme'?", "close_to_tray"]),
        ("1: {}\n", ["unknown section '1'"]),
        ("ui: {1: 2}\n", ["unknown key 'ui.1'"]),
        ("ui: {theme: pink}\n", ["theme", "'pink'", "system, light, dark"]),
        ("listen: {source: tape}\n", ["source = 'tape'", "mic, system, both"]),
        ("listen: {threads: 0}\n", ["threads = 0", "from 1 to 16"]),
        ("listen: {threads: two}\n", ["listen.threads = 'two'", "whole number"]),
        ("listen: {threads: true}\n", ["listen.threads = True", "whole number"]),
        ("listen: {threads: 1.5}\n", ["listen.threads = 1.5", "whole number"]),
        ("listen: {start_listening: yes}\n", ["start_listening = 'yes'", "true or false"]),
        ("listen: {microphone: [a]}\n", ["listen.microphone = ['a']", "a text"]),
        ("listen: {microphone: null}\n", ["listen.microphone = None", "a text"]),
        ("timeline: {retention_days: -1}\n", ["retention_days = -1", "from 0 to 3650"]),
        ("timeline: {record_audio: 1}\n", ["record_audio = 1", "true or false"]),
        ("capture: {mic_gain_db: 99}\n", ["mic_gain_db = 99", "from -20 to 30"]),
        ("capture: {mic_gain_db: .nan}\n", ["mic_gain_db = nan", "from -20 to 30"]),
        ("- a\n- b\n", ["not sections of keys"]),
        ("listen: mic\n", ["not sections of keys"]),
        ("just text", ["not sections of keys"]),
        ("ui: {theme: 'dark\n", ["cannot be read"]),
        ("ui: !!python/object:os.system {}\n", ["cannot be read"]),
        ("\x00\x01", ["cannot be read"]),
    ],
)
def test_every_mistake_is_one_sentence_that_names_it(
    path: Path, text: str, parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, text)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(path), *parts):
        assert part in message


def test_bytes_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\xfa" * 5)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(AppPaths.default())


def test_folder_in_place_of_the_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(AppPaths.default())


COMMENTED = """# My settings.

listen:
  # the good microphone
  microphone: usb-1   # with the foam
  source: mic

ui:   # looks
    theme: "dark"
"""


def test_saving_keeps_other_keys_and_comments(path: Path) -> None:
    path.write_text(COMMENTED)
    write_value(path, "listen", "microphone", "usb: 2")
    write_value(path, "listen", "threads", 4)
    write_value(path, "ui", "caption_font_pt", 20)
    write_value(path, "timeline", "record_audio", True)
    assert path.read_text() == (
        COMMENTED.replace("usb-1 ", "'usb: 2' ")
        .replace("listen:\n", "listen:\n  threads: 4\n")
        .replace("# looks\n", "# looks\n    caption_font_pt: 20\n")
        + "timeline:\n  record_audio: true\n"
    )


def test_saving_in_a_style_of_its_own_keeps_the_values(path: Path) -> None:
    path.write_text("{listen: {source: both}, ui: {theme: dark}}\n")
    write_value(path, "listen", "source", "system")
    assert read_file(path) == {"listen": {"source": "system"}, "ui": {"theme": "dark"}}


def test_saved_file_is_private_and_alone(path: Path) -> None:
    path.write_text("ui:\n  theme: dark\n")
    path.chmod(0o644)
    write_value(path, "ui", "theme", "light")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_saving_makes_the_folder(config_dir: Path) -> None:
    write_value(config_dir / "config.yaml", "ui", "theme", "light")
    assert config_dir.stat().st_mode & 0o777 == 0o700


def test_saving_where_nothing_can_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"cannot be saved in .*; make its folder writable"):
        write_value(tmp_path / "file" / "config.yaml", "ui", "theme", "light")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["listen", "ui", "capture"]),
            st.sampled_from(["source", "theme", "key"]),
            st.one_of(
                st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30)
            ),
        ),
        max_size=8,
    ),
    st.sampled_from(["", COMMENTED, "listen: {source: 'it''s'}\n", "ui:\n  theme: >\n   folded\n"]),
)
def test_what_is_saved_is_read_again(
    path: Path, changes: list[tuple[str, str, bool | int | float | str]], before: str
) -> None:
    path.write_text(before)
    wanted = read_file(path)
    for section, key, value in changes:
        write_value(path, section, key, value)
        wanted.setdefault(section, {})[key] = value
    assert read_file(path) == wanted
