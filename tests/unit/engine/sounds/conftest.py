"""The tiny sound model, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest
import sound_fixture

from everlisten.engine.sounds.model import SoundModel


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's file."""
    return sound_fixture.write_sound_model(tmp_path_factory.mktemp("sounds") / "sound.onnx")


@pytest.fixture(scope="session")
def model(model_file: Path) -> SoundModel:
    """The tiny model."""
    return SoundModel(model_file)
