"""Where files go, and that nobody else may look at them."""

from pathlib import Path

import pytest

from everlisten.app.paths import AppPaths, make_private_folder


def test_environment_chooses_the_folders(data_dir: Path, config_dir: Path) -> None:
    paths = AppPaths.default()
    assert paths.timeline == data_dir / "timeline.db"
    assert paths.models == data_dir / "models"
    assert paths.log.is_relative_to(data_dir)
    assert paths.settings == config_dir / "config.yaml"


def test_system_folders_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERLISTEN_DATA_DIR", "")
    monkeypatch.delenv("EVERLISTEN_CONFIG_DIR")
    paths = AppPaths.default()
    assert paths.data.name == paths.config.name == "everlisten"
    assert paths.data != paths.config


def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert [p.stat().st_mode & 0o777 for p in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2
