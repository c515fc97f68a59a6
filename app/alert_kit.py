"""What alerts are made of in this process: the sound model, the catalogue, the user's switches.

Loaded when the first session begins, and again after a failure; knows no window.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from everlisten.app.alert_config import AlertConfig, read_ids, read_sensitivities
from everlisten.app.memory import give_back_memory
from everlisten.app.paths import AppPaths
from everlisten.app.session_plan import WatchPost
from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import (
    AlertEntry,
    CatalogueError,
    load_alerts,
    shipped_alerts,
)
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes, local_now
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy
from everlisten.engine.errors import EngineError
from everlisten.engine.events import EngineEvent, EngineFailed, SoundAlert, SoundHeard, is_test
from everlisten.engine.runner import EventSink

if TYPE_CHECKING:
    from everlisten.engine.sounds.counter_examples import CounterExamples
    from everlisten.engine.sounds.model import SoundModel
    from everlisten.engine.sounds.taught import TaughtHeads
    from everlisten.engine.sounds.taught_store import TaughtStore
    from everlisten.engine.sounds.thread import SetTaught, SoundThread
    from everlisten.trainer.teaching.background import Background

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
        self.model_file: Path | None = None
        """Another sound model than the shipped one."""
        self._paths = paths
        self._lock = threading.Lock()
        self._counter_lock = threading.Lock()
        self._model: SoundModel | None = None
        self._counter: CounterExamples | None = None
        self._entries: Mapping[str, AlertEntry] | None = None
        self._taught: TaughtStore | None = None
        self._snoozes = Snoozes()
        self._last_heard: dict[str, float] = {}
        self._told: set[str] = set()
        self._replies: UrgentReplyPolicy | None = None
        self.catalogue_problem = ""
        """What is wrong with the user's catalogue; the shipped one is used then."""

    def reconfigure(self, config: AlertConfig) -> None:
        """The user changed a setting."""
        self.config = config
        if self._replies is not None:
            self._replies.settings = self.settings()

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
                self._model = SoundModel(self.model_file)
                give_back_memory()
            return self._model

    @property
    def model_version(self) -> str:
        """Of the model in use; "" before it was loaded."""
        return self._model.version if self._model is not None else ""

    def fresh_model(self) -> SoundModel:
        """Another one, for a thread of its own.

        Raises:
            ModelLoadError: Its file is missing or damaged.
        """
        from everlisten.engine.sounds.model import SoundModel

        return SoundModel(self.model_file)

    def background(self) -> Background:
        """What sounds when nothing in particular does; teaching needs it.

        Raises:
            ModelLoadError: Its file is missing or damaged.
        """
        from everlisten.engine.sounds.model import shipped_model
        from everlisten.trainer.teaching.background import load_background

        path = self.model_file or shipped_model()
        return load_background(path.with_name("background.npz"), self.model())

    def taught_store(self) -> TaughtStore:
        """The sounds that the user taught."""
        from everlisten.engine.sounds.taught_store import TaughtStore

        with self._lock:
            if self._taught is None:
                self._taught = TaughtStore(self._paths.sounds / "taught")
            return self._taught

    @property
    def anything_taught(self) -> bool:
        """Whether there is a taught sound or a counter-example."""
        return bool(self.taught_store().sounds()) or self._not_this.is_dir()

    @property
    def _not_this(self) -> Path:
        return self._paths.sounds / "not-this"

    def snooze(self, sound: str | None, minutes: float) -> None:
        """Hold back one sound, or all but emergencies (None); 0 minutes ends that, or every one."""
        if sound is None and minutes <= 0:
            for named in self.snoozed():
                self._snoozes.set(named, 0.0, local_now())
            return
        entry = self.entries().get(sound) if sound is not None else None
        emergency = entry is not None and entry.emergency
        self._snoozes.set(sound, minutes, local_now(), emergency=emergency)

    def snoozed(self) -> Mapping[str | None, datetime]:
        """What is held back until when; None stands for everything."""
        return self._snoozes.active(local_now())

    def heard(self, event: EngineEvent) -> None:
        """Note when a sound was heard last."""
        if isinstance(event, SoundAlert | SoundHeard) and not is_test(event):
            self._last_heard[event.sound] = time.time()

    def last_heard(self) -> Mapping[str, float]:
        """Wall-clock time by sound."""
        return dict(self._last_heard)

    def settings(self) -> AlertSettings:
        """The user's switches as the policy takes them."""
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

    def policy_of_replies(self) -> UrgentReplyPolicy:
        """Decides by the same choices which urgent replies of the big model are told."""
        if self._replies is None:
            self._replies = UrgentReplyPolicy(
                self.entries(), self.settings(), snoozes=self._snoozes
            )
        return self._replies

    def taught_command(self) -> SetTaught:
        """Tells a running sound thread which taught sounds to listen for."""
        from everlisten.engine.sounds.thread import SetTaught

        return SetTaught(self._heads())

    def employ(self, post: WatchPost, tell: EventSink) -> SoundThread:
        """A sound thread that was not started.

        Raises:
            EngineError: The model is missing or damaged.
        """
        from everlisten.engine.sounds.detector import SoundDetector
        from everlisten.engine.sounds.narration import Narration
        from everlisten.engine.sounds.thread import SoundThread

        self._tell_problems(post, tell)
        policy = AlertPolicy(self.entries(), self.settings(), snoozes=self._snoozes)
        detector = SoundDetector(
            self.model(), policy, Narration(), self._heads(), self.counter_examples()
        )
        return SoundThread(
            detector=detector,
            ring=post.ring,
            sources=lambda: self._sources_of(post),
            sink=tell,
            session=post.session,
            feed_problem=lambda: post.problem(self._sources_of(post)),
        )

    def _tell_problems(self, post: WatchPost, tell: EventSink) -> None:
        """What is wrong with the user's own files, once."""
        problems = [self.catalogue_problem] if self.entries() and self.catalogue_problem else []
        for number, text in enumerate([*problems, *self.taught_store().problems]):
            if text not in self._told:
                self._told.add(text)
                id = f"{post.session}-alerts-{number}"
                tell(EngineFailed(id=id, session=post.session, text=text))

    def _sources_of(self, post: WatchPost) -> tuple[SourceName, ...]:
        """What is judged: a file, or the devices that the user chose for alerts."""
        if SourceName.FILE in post.ring.sources:
            return (SourceName.FILE,)
        return _SOURCES[self.config.source]

    def _heads(self) -> TaughtHeads:
        from everlisten.engine.sounds.taught import TaughtHeads

        model = self.model()
        return TaughtHeads(
            self.taught_store().sounds(), version=model.version, width=model.embedding_width
        )

    def forget_counter_examples(self, sound: str) -> None:
        """Delete what the user said was not this sound.

        Raises:
            EngineError: The disk refuses.
        """
        counter = self.counter_examples()
        if counter is not None:
            counter.forget(sound)

    def counter_examples(self) -> CounterExamples | None:
        """What the user said was something else; None where the background is missing."""
        from everlisten.engine.sounds.counter_examples import CounterExamples

        with self._counter_lock:
            if self._counter is None:
                try:
                    mean, deviation = self.background().statistics()
                except EngineError as error:
                    logger.warning("no counter-examples: %s", error)
                    return None
                version = self.model().version
                self._counter = CounterExamples(self._not_this, mean, deviation, version)
            return self._counter

    def _load_entries(self) -> Mapping[str, AlertEntry]:
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
