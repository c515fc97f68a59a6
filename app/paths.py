"""Where Everlisten keeps its files; private to the user."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_NAME = "everlisten"
PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPaths:
    """The two folders of a user; everything else lies below them."""

    data: Path
    """History, recordings, models and log."""
    config: Path
    """The user's `config.yaml`."""

    @classmethod
    def default(cls) -> AppPaths:
        """The system's usual folders, or EVERLISTEN_DATA_DIR and EVERLISTEN_CONFIG_DIR."""
        data = os.environ.get("EVERLISTEN_DATA_DIR") or platformdirs.user_data_dir(_NAME, False)
        config = os.environ.get("EVERLISTEN_CONFIG_DIR") or platformdirs.user_config_dir(
            _NAME, False
        )
        return cls(data=Path(data), config=Path(config))

    @property
    def timeline(self) -> Path:
        """The history's file."""
        return self.data / "timeline.db"

    @property
    def models(self) -> Path:
        """Folder of the models."""
        return self.data / "models"

    @property
    def log(self) -> Path:
        """The log file."""
        return self.data / "log" / "everlisten.log"

    @property
    def settings(self) -> Path:
        """The user's configuration."""
        return self.config / "config.yaml"

    @property
    def alerts(self) -> Path:
        """The user's changes to the catalogue of alerts."""
        return self.config / "alerts.yaml"

    @property
    def sounds(self) -> Path:
        """Folder of the sounds that the user taught, and of what a sound was mistaken for."""
        return self.data / "sounds"


def make_private_folder(path: Path) -> None:
    """Make a folder, and the parents that are missing, which only the user may enter.

    Raises:
        OSError: It cannot be made.
    """
    if not path.parent.exists():
        make_private_folder(path.parent)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
