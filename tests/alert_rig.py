"""The real window with alerts, listening to a virtual microphone; captions by a model that can be
told to be busy or to fail, so that tests see what alerts do meanwhile.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from everlisten.app.alert_service import alert_service
from everlisten.app.assistance import AssistanceControl
from everlisten.app.config import load_config
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings
from everlisten.app.whole_files import WholeFiles
from everlisten.app.wishes import Wishes
from everlisten.engine.events import EngineEvent, EngineState, SoundAlert
from everlisten.engine.interaction import Instruction
from everlisten.ui.alerting import Alerting
from everlisten.ui.main_window import MainWindow
from everlisten.ui.protocols import SourceSelection
from everlisten.ui.timeline_row import RowKind

READY_MS = 30_000


@dataclass
class SilentState:
    instruction: Instruction
    backlog_chunks: int = 0


class SilentModel:
    """Hears and says nothing.

    Attributes:
        gate: Cleared: a step waits, as in a model that is compiled or too slow.
        failing: Every step fails.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.failing = False
        self.heard: list[tuple[float, float]] = []
        """When each chunk was captured, and its loudest sample."""

    def new_state(self, instruction: Instruction, session: str) -> SilentState:
        return SilentState(instruction)

    def step(self, chunk: Any, state: SilentState) -> list[EngineEvent]:
        self.gate.wait(60)
        if self.failing:
            raise RuntimeError("out of memory")
        self.heard.append((chunk.captured_s, float(abs(chunk.samples).max())))
        return []

    def busy(self, state: SilentState) -> bool:
        return False

    def advance(self, state: SilentState) -> list[EngineEvent]:
        return []

    def ask(self, text: str, state: SilentState) -> list[EngineEvent]:
        return []

    def interrupt(self, state: SilentState) -> list[EngineEvent]:
        return []

    def flush(self, state: SilentState) -> list[EngineEvent]:
        return []

    def reset(self, state: SilentState) -> None:
        pass

    def close(self) -> None:
        pass


class Desktop:
    """The parts that tests look at."""

    def __init__(
        self,
        equipment: Equipment,
        settings: AppSettings,
        controller: Controller,
        alerting: Alerting,
        window: MainWindow,
        model: SilentModel,
    ) -> None:
        self.equipment = equipment
        self.settings = settings
        self.controller = controller
        self.alerting = alerting
        self.window = window
        self.model = model
        self.told: list[tuple[float, EngineEvent]] = []
        """Everything that was told, and when (`time.monotonic()`)."""
        self.notified: list[str] = []
        self._feed = equipment.writer.subscribe()
        self._published: list[EngineEvent] = []

    def alerts(self) -> list[tuple[float, SoundAlert]]:
        """The first telling of every alert; before the timeline, which stamps its `wall_s`."""
        first: dict[str, tuple[float, SoundAlert]] = {}
        for at_s, event in self.told:
            if isinstance(event, SoundAlert):
                first.setdefault(event.id, (at_s, event))
        return list(first.values())

    def published_alerts(self) -> list[SoundAlert]:
        """The same as the timeline gives it to its readers."""
        self._published += self._feed.drain()
        first: dict[str, SoundAlert] = {}
        for event in self._published:
            if isinstance(event, SoundAlert):
                first.setdefault(event.id, event)
        return list(first.values())

    def banner(self) -> list[str]:
        """Sounds of the alerts that stand in the banner."""
        assert self.window.alerts is not None
        return [alert.sound for alert in self.alerting.alerts.reading().open
                if self.window.alerts.banner.card(alert.id) is not None]  # fmt: skip

    def timeline(self) -> list[str]:
        """Texts of the alerts in the window's timeline."""
        model = self.window.live.view.model()
        rows = [model.row(position) for position in range(model.rowCount())]
        return [row.text for row in rows if row.kind is RowKind.ALERT]

    def saved(self) -> list[str]:
        """Ids of the alerts on disk."""
        session = self.equipment.history.sessions()[0].id
        events = self.equipment.history.events(session)
        return [event.id for event in events if isinstance(event, SoundAlert)]


@contextmanager
def desktop(
    qtbot: Any,
    *,
    sound_model: Path | None = None,
    selection: SourceSelection | None = None,
    audible: bool = False,
    settings: dict[str, str | float | bool] | None = None,
    listen: bool = True,
) -> Iterator[Desktop]:
    """A window that listens to the virtual microphone.

    Args:
        qtbot: Of pytest-qt.
        sound_model: Instead of the shipped one.
        selection: What is captioned; the microphone if None.
        audible: Alerts sound a tone.
        settings: To begin with.
        listen: Begin to listen and wait for it.
    """
    paths = AppPaths.default()
    with Equipment.open(load_config(paths), paths) as equipment:
        keeper = AppSettings(equipment.config, paths, equipment.reconfigure)
        for key, value in (settings or {}).items():
            assert keeper.change(key, value) == ""
        if sound_model is not None:
            equipment.alerts.model_file = sound_model
        model = SilentModel()
        equipment.load_model = lambda: model  # type: ignore[method-assign]
        wishes = Wishes(Instruction())
        controller = Controller(
            equipment,
            selection=selection or SourceSelection(mode="mic"),
            wishes=wishes,
            remember=keeper.change,
        )
        with alert_service(equipment, keeper, controller, audible=audible) as alerting:
            window = MainWindow(
                controller,
                equipment.history,
                keeper,
                equipment.config.ui,
                AssistanceControl(wishes, keeper, controller),
                WholeFiles(controller.big_model),
                alerting,
            )
            qtbot.addWidget(window)
            desk = Desktop(equipment, keeper, controller, alerting, window, model)
            _listen_in(desk)
            window.show()
            controller.launch()
            try:
                if listen:
                    controller.start()
                    qtbot.waitUntil(
                        lambda: controller.state() is EngineState.LISTENING, timeout=READY_MS
                    )
                yield desk
            finally:
                model.gate.set()
                window.shut_down()
                controller.shut_down()


class Recording:
    """What a sink of the sound server plays, from the time that this is made.

    Args:
        sink: Its name.
        path: Where it is kept.
        qtbot: Waits until something is recorded.
    """

    _RATE_HZ = 16_000

    def __init__(self, sink: str, path: Path, qtbot: Any) -> None:
        self._path = path
        # What it still holds when it is ended is lost; by default that may be two seconds.
        form = [f"--rate={self._RATE_HZ}", "--channels=1", "--format=s16le", "--latency-msec=50"]
        self._process = subprocess.Popen(["parec", f"--device={sink}.monitor", *form, str(path)])
        self._qtbot = qtbot

    def __enter__(self) -> Recording:
        self._qtbot.waitUntil(self._begun, timeout=READY_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _begun(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > 0

    def strengths(self, *frequencies_hz: float) -> list[float]:
        """How strong each frequency was so far."""
        samples = np.fromfile(self._path, np.int16) / 32768.0
        size = max(len(samples), self._RATE_HZ)  # bins of 1 Hz at least
        spectrum = np.abs(np.fft.rfft(samples, size))
        bins_hz = np.fft.rfftfreq(size, 1 / self._RATE_HZ)
        return [float(spectrum[np.abs(bins_hz - hz) < 2].max()) for hz in frequencies_hz]


def _listen_in(desk: Desktop) -> None:
    take, notify = desk.equipment.on_event, desk.window.tray.notify

    def noting(event: EngineEvent) -> None:
        desk.told.append((time.monotonic(), event))
        take(event)

    def noting_notice(sentence: str, title: str = "Everlisten", grave: bool = False) -> None:
        desk.notified.append(f"{title}: {sentence}")
        notify(sentence, title, grave)

    desk.equipment.on_event = noting
    desk.window.tray.notify = noting_notice  # type: ignore[method-assign]
