"""The composition root: what sessions, the window and the verbs are built from."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import psutil

from everlisten.app.alert_kit import AlertKit
from everlisten.app.config import AppConfig, ConfigError
from everlisten.app.ears import OwnVoice
from everlisten.app.engine_config import EMBEDDED
from everlisten.app.model_choice import ModelChoice, Progress, load_big_model
from everlisten.app.paths import AppPaths
from everlisten.app.sequences import sequence_files
from everlisten.app.session import Session
from everlisten.app.session_plan import SessionPlan, WatchPost
from everlisten.app.sound_watch import SoundWatch
from everlisten.audio_io.capture import CAPTURE_SOURCES, AudioCapture, CaptureSelection
from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.devices import SystemBackend, find_device
from everlisten.audio_io.file_source import FileSource
from everlisten.audio_io.native import DeviceInfo
from everlisten.audio_io.ring_buffer import DEFAULT_CAPACITY_CHUNKS, ChunkRing
from everlisten.engine.events import EngineEvent, EngineFailed
from everlisten.engine.interaction import Instruction, InteractionModel
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.recording import AudioRecorder
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.timeline.writer import TimelineWriter
from everlisten.ui.protocols import DeviceChoice, DeviceChoices, SourceMode, SourceSelection

CAPTIONS_MODEL = "whisper-base"
"""Its entry in the catalogue."""
FAST_RING_CHUNKS = 8
"""A file that is read fast waits for the engine; a long queue would only look like lag."""


class Equipment:
    """The open history, the devices and the models of one process."""

    def __init__(self, config: AppConfig, paths: AppPaths) -> None:
        self.config = config
        self.paths = paths
        self.catalogue = ModelCatalogue(paths.models)
        self.store = TimelineStore(paths.timeline)
        self.history = TimelineHistory(self.store)
        self.writer = TimelineWriter(self.store, retention_days=config.timeline.retention_days)
        self.alerts = AlertKit(config.alerts, paths)
        self.own_voice = OwnVoice()
        self.on_event: Callable[[EngineEvent], None] = lambda event: None
        """Takes what a session tells, before it is kept: an alert waits for no disk."""
        self.on_reconfigure: Callable[[], None] = lambda: None
        """Called when a setting that alerts depend on was changed."""
        self._backend = SystemBackend()
        self._feed = self.writer.subscribe()

    @classmethod
    @contextmanager
    def open(cls, config: AppConfig, paths: AppPaths) -> Iterator[Equipment]:
        """Claim the history for writing; close everything at the end."""
        equipment = cls(config, paths)
        try:
            equipment.writer.start()
            yield equipment
        finally:
            equipment.writer.stop()
            equipment.store.close()
            equipment._backend.close()

    def reconfigure(self, config: AppConfig) -> None:
        """The user changed a setting: it holds from now on, or from the next session or start."""
        if config.timeline.retention_days != self.config.timeline.retention_days:
            self.writer.set_retention(config.timeline.retention_days)
        changed, self.config = config.alerts != self.config.alerts, config
        if changed:
            self.alerts.reconfigure(config.alerts)
            self.on_reconfigure()

    # Models and sessions

    def session(self, plan: SessionPlan, model: InteractionModel[Any]) -> Session:
        """A session that was not started.

        Raises:
            AudioFileError: The plan's file cannot be played.
        """
        return Session(
            plan, model=model, writer=self.writer, tell=self.tell, own_voice=self.own_voice
        )

    def tell(self, event: EngineEvent) -> None:
        """Take what a session says; never blocks."""
        self.on_event(event)
        self.writer.put(event)

    def watch(self, post: WatchPost) -> SoundWatch:
        """What judges the sounds of a session."""
        return SoundWatch(
            post,
            lambda post: self.alerts.employ(post, self.tell),
            self.tell,
            wanted=lambda: self.alerts.wanted,
            settings=self.alerts.settings,
        )

    def load_model(self) -> InteractionModel[Any]:
        """Load the captions' model (about a second; at the very first start its files are joined).

        Raises:
            ModelLoadError: A file is missing or damaged.
        """
        folder = self.catalogue.ensure(CAPTIONS_MODEL)
        # Only now: the decoder's libraries take half a second to import.
        from everlisten.engine.embedded.config import CaptionConfig
        from everlisten.engine.embedded.model import EmbeddedModel

        listen, captions = self.config.listen, CaptionConfig()
        if saves_power(listen.low_power):
            captions = captions.low_power()
        return EmbeddedModel(folder, threads=listen.threads, config=captions)

    def load_big_model(
        self,
        choice: ModelChoice,
        tell: Progress = lambda note: None,
        stop: threading.Event | None = None,
    ) -> InteractionModel[Any]:
        """Load the model that also answers and warns (seconds to minutes).

        Args:
            choice: Which one, and how it runs.
            tell: Takes sentences about how far it is.
            stop: Set it to give up.

        Raises:
            ModelLoadError: PyTorch or a file is missing, a file is damaged, the memory too small.
        """
        policy = self.alerts.policy_of_replies()
        return load_big_model(choice, self.catalogue, tell, stop or threading.Event(), policy)

    def live_plan(self, selection: SourceSelection, instruction: Instruction) -> SessionPlan:
        """A session that listens to devices."""
        chosen = self.captured(selection)
        return SessionPlan(
            sources=CAPTURE_SOURCES,
            heard=capture_selection(selection).sources,
            feed=lambda rings: AudioCapture(chosen, rings, self.config.capture),
            instruction=instruction,
            model_name=EMBEDDED,
            recorder=self._recorder if self.config.timeline.record_audio else None,
            watch=self.watch,
        )

    def captured(self, selection: SourceSelection) -> CaptureSelection:
        """What is opened: the sources that are captioned, and those that alerts listen to."""
        chosen = capture_selection(selection)
        wanted = {*chosen.sources, *self.alerts.sources}
        return replace(chosen, mode="both") if len(wanted) > 1 else chosen

    def reselect(self, session: Session, selection: SourceSelection) -> None:
        """Change the devices of a running session; a file goes on."""
        if isinstance(session.feed, AudioCapture):
            session.hear(capture_selection(selection).sources)
            session.feed.select(self.captured(selection))

    def file_plan(
        self,
        path: Path,
        instruction: Instruction,
        *,
        title: str = "",
        fast: bool = False,
        seconds: float = math.inf,
    ) -> SessionPlan:
        """A session that plays a file, or the files that a sequence.json lists, or a part.

        Raises:
            EngineError: The list cannot be read.
        """
        name = title or path.name
        files, pause_s = sequence_files(path)
        return SessionPlan(
            sources=(SourceName.FILE,),
            feed=lambda rings: FileSource(
                files, rings, name=name, fast=fast, seconds=seconds, pause_s=pause_s
            ),
            instruction=instruction,
            model_name=EMBEDDED,
            title=name,
            ring_chunks=FAST_RING_CHUNKS if fast else DEFAULT_CAPACITY_CHUNKS,
            watch=self.watch,
        )

    def _recorder(self, session: str, ring: ChunkRing) -> AudioRecorder:
        def tell(sentence: str) -> None:
            self.writer.put(EngineFailed(id="recording", session=session, text=sentence))

        return AudioRecorder(self.store.recordings, session, ring, self.writer.put, tell)

    # Devices

    def devices(self) -> DeviceChoices:
        """What can be listened to now."""
        found = self._backend.devices()
        return DeviceChoices(
            microphones=tuple(_choice(device) for device in found.microphones),
            systems=tuple(_choice(device) for device in found.systems),
            system_hint=found.system_hint,
        )

    def resolve(self, selection: SourceSelection) -> SourceSelection:
        """The same with ids for names or parts of names.

        Raises:
            DeviceNotFoundError: A device that is needed is not there.
        """
        found = self._backend.devices()
        for source in capture_selection(selection).sources:
            if source is SourceName.MIC:
                known = find_device(found, source, selection.microphone)
                selection = replace(selection, microphone=selection.microphone and known.id)
            else:
                known = find_device(found, source, selection.system)
                selection = replace(selection, system=selection.system and known.id)
        return selection

    # Events

    def drain(self) -> Sequence[EngineEvent]:
        """Events that are ready to be shown; finals among them are on disk."""
        return self._feed.drain()

    def saved_s_ago(self) -> float | None:
        """Seconds since the last commit."""
        last = self.writer.last_saved
        return None if last is None else time.monotonic() - last


def source_selection(mode: str, microphone: str, system: str) -> SourceSelection:
    """The choice that the settings or the command line make.

    Raises:
        ConfigError: The mode is unknown.
    """
    for known in get_args(SourceMode):
        if mode == known:
            return SourceSelection(mode=known, microphone=microphone, system=system)
    raise ConfigError(f"Unknown source {mode!r}; give one of {', '.join(get_args(SourceMode))}.")


def capture_selection(selection: SourceSelection) -> CaptureSelection:
    """The window's choice as capture takes it."""
    return CaptureSelection(
        mode=selection.mode, microphone=selection.microphone, system=selection.system
    )


def set_gain(session: Session, source: SourceName, gain_db: float) -> None:
    """Amplify one source of a running session; a file has no gain."""
    if isinstance(session.feed, AudioCapture):
        session.feed.set_gain(source, gain_db)


def saves_power(setting: str) -> bool:
    """Whether to save power now: "on", or "auto" on battery."""
    if setting != "auto":
        return setting == "on"
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError):
        # Not on this system, or (seen in containers) without the folder it is read from.
        return False
    return battery is not None and not battery.power_plugged


def _choice(device: DeviceInfo) -> DeviceChoice:
    return DeviceChoice(
        id=device.id, name=device.name, is_default=device.is_default, hint=device.hint
    )
