"""What alerts are made of in this process: the sound model, the catalogue, the user's switches.

Loaded when the first session begins, and again after a failure; knows no window.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from everlisten.app.alert_config import AlertConfig, read_ids, read_sensitivities
from everlisten.app.paths import AppPaths
from everlisten.app.session_plan import WatchPost
from everlisten.audio_io.chunk import SourceName
from everlisten.engine.errors import EngineError
from everlisten.engine.runner import EventSink

if TYPE_CHECKING:
    from everlisten.engine.alerts.catalogue import AlertEntry
    from everlisten.engine.alerts.settings import AlertSettings
    from everlisten.engine.sounds.model import SoundModel
    from everlisten.engine.sounds.thread import SoundThread

logger = logging.getLogger(__name__)

_SOURCES = {
    "mic": (SourceName.MIC,),
    "system": (SourceName.SYSTEM,),
    "both": (SourceName.MIC, SourceName.SYSTEM),
}
_CHINESE = 0x04
"""Windows' number of a primary language."""


class AlertKit:
    """Makes sound threads.

    Args:
        config: The section `alerts` of the configuration.
        paths: Where the user's catalogue, taught sounds and counter-examples lie.
    """

    def __init__(self, config: AlertConfig, paths: AppPaths) -> None:
        self.config = config
        self._paths = paths
        self._lock = threading.Lock()
        self._model: SoundModel | None = None
        self._entries: Mapping[str, AlertEntry] | None = None
        self.catalogue_problem = ""
        """What is wrong with the user's catalogue; the shipped one is used then."""

    def reconfigure(self, config: AlertConfig) -> None:
        """The user changed a setting."""
        self.config = config

    @property
    def wanted(self) -> bool:
        """Whether sounds are judged at all."""
        return self.config.enabled or self.config.narrate

    @property
    def sources(self) -> tuple[SourceName, ...]:
        """What has to be captured for alerts; nothing while they are switched off."""
        return _SOURCES[self.config.source] if self.config.enabled else ()

    @property
    def language(self) -> str:
        """Of the alerts' words: en or zh."""
        chosen = self.config.language
        return chosen if chosen != "auto" else system_language()

    def entries(self) -> Mapping[str, AlertEntry]:
        """The catalogue: the shipped one, and the user's file merged over it."""
        with self._lock:
            if self._entries is None:
                self._entries = self._load_entries()
            return self._entries

    def model(self) -> SoundModel:
        """The sound model, loaded on first use.

        Raises:
            ModelLoadError: Its file is missing or damaged.
        """
        from everlisten.engine.sounds.model import SoundModel

        with self._lock:
            if self._model is None:
                self._model = SoundModel()
            return self._model

    def settings(self) -> AlertSettings:
        """The user's switches as the policy takes them."""
        from everlisten.engine.alerts.settings import AlertSettings

        config = self.config
        return AlertSettings(
            enabled=config.enabled,
            narrate=config.narrate,
            quiet_from=config.quiet_from,
            quiet_to=config.quiet_to,
            switched_off=read_ids(config.switched_off),
            sensitivity=read_sensitivities(config.sensitivities),
            language=self.language,
        )

    def command(self) -> object:
        """Tells a running sound thread the settings as they are now."""
        from everlisten.engine.sounds.thread import SetAlertSettings

        return SetAlertSettings(self.settings())

    def employ(self, post: WatchPost, tell: EventSink) -> SoundThread:
        """A sound thread that was not started.

        Raises:
            EngineError: The model is missing or damaged.
        """
        raise EngineError("no sound model is here.")

    def _load_entries(self) -> Mapping[str, AlertEntry]:
        from everlisten.engine.alerts.catalogue import CatalogueError, load_alerts, shipped_alerts

        self.catalogue_problem = ""
        try:
            return load_alerts(self._paths.alerts)
        except CatalogueError as error:
            logger.warning("%s", error)
            self.catalogue_problem = f"{error} The shipped alerts are used."
            return shipped_alerts()


def system_language() -> str:
    """zh where the system speaks Chinese, else en."""
    if sys.platform == "win32":
        import ctypes

        number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return "zh" if number & 0x3FF == _CHINESE else "en"
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((value for name in names if (value := os.environ.get(name))), "")
    return "zh" if chosen.lower().startswith("zh") else "en"
