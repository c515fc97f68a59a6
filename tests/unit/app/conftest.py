"""Sessions without devices and weights: a model that counts, tiny files, a real history."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_fixture import RATE_HZ, hush, tone, write_sound_model

from everlisten.app.alert_service import alert_service
from everlisten.app.config import load_config
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings
from everlisten.app.wishes import Wishes
from everlisten.audio_io.chunk import SAMPLE_RATE_HZ
from everlisten.engine.events import CaptionFinal, ReplyFinal
from everlisten.engine.interaction import Instruction
from everlisten.ui.protocols import DeviceChoices, SourceSelection

TIMEOUT_S = 20.0


@dataclass
class CountingState:
    instruction: Instruction
    session: str
    backlog_chunks: int = 0


class CountingModel:
    """Says the index of every chunk, and "end" when it is flushed; `name` comes before each."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.fail_at: set[int] = set()
        """Chunks that fail it, each once."""
        self.gate = threading.Event()
        """Cleared: a step waits."""
        self.gate.set()
        self.closed = False

    def new_state(self, instruction, session):
        return CountingState(instruction, session)

    def step(self, chunk, state):
        assert not self.closed
        self.gate.wait(TIMEOUT_S)
        if chunk.index in self.fail_at:
            self.fail_at.remove(chunk.index)
            raise RuntimeError(f"chunk {chunk.index}")
        text = f"{self.name}{chunk.index}{state.instruction.language or ''}"
        return [_say(state, text, chunk.start_s, chunk.end_s)]

    def busy(self, state):
        return False

    def advance(self, state):
        return []

    def ask(self, text, state):
        return [ReplyFinal(id=f"{self.name}{text}", session=state.session, text=f"{text}!")]

    def interrupt(self, state):
        return [ReplyFinal(id="cut", session=state.session, text="cut")]

    def flush(self, state):
        assert not self.closed
        return [_say(state, "end", 0.0, 0.0)]

    def reset(self, state):
        pass

    def close(self):
        self.closed = True


def _say(state, text, start_s, end_s):
    return CaptionFinal(id=text, session=state.session, text=text, start_s=start_s, end_s=end_s)


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def big() -> CountingModel:
    """In place of the big model."""
    return CountingModel("big ")


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Path]:
    """Makes a WAV file of so many chunks."""

    def make(chunks: int, name: str = "sound.wav") -> Path:
        path = tmp_path / name
        soundfile.write(path, np.zeros(6_400 * chunks, np.float32), SAMPLE_RATE_HZ)
        return path

    return make


@pytest.fixture(scope="session")
def sound_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound model that knows a tone for each sound."""
    return write_sound_model(tmp_path_factory.mktemp("sounds") / "sound.onnx")


@pytest.fixture
def equipment(
    data_dir: Path, config_dir: Path, model: CountingModel, sound_model: Path
) -> Iterator[Equipment]:
    """A real history and writer; the models are small, and there are no devices."""
    paths = AppPaths(data=data_dir, config=config_dir)
    with Equipment.open(load_config(paths), paths) as equipment:
        equipment.load_model = lambda: model
        equipment.alerts.model_file = sound_model
        equipment.devices = DeviceChoices
        yield equipment


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return wait


class AlertingRig:
    """A controller and its alerts; files are played at real-time pace."""

    def __init__(self, equipment, tmp_path):
        self.equipment = equipment
        self.folder = tmp_path
        self.settings = AppSettings(equipment.config, equipment.paths, equipment.reconfigure)
        self.controller = Controller(
            equipment,
            selection=SourceSelection(),
            wishes=Wishes(Instruction()),
            remember=self.settings.change,
        )
        self.told = []

    def open(self):
        self.service = alert_service(self.equipment, self.settings, self.controller, audible=False)
        self.alerting = self.service.__enter__()
        take = self.equipment.on_event

        def noting(event):
            self.told.append(event)
            take(event)

        self.equipment.on_event = noting
        self.controller.launch()

    def close(self):
        self.controller.shut_down()
        self.service.__exit__(None, None, None)

    def play(self, *pieces):
        path = self.folder / f"{len(list(self.folder.iterdir()))}.wav"
        soundfile.write(path, np.concatenate(pieces), RATE_HZ)
        self.controller.open_file(path)

    def of(self, kind):
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def rig(equipment, tmp_path):
    """A controller and its alerts that run; overridden where something else is driven."""
    rig = AlertingRig(equipment, tmp_path)
    rig.open()
    yield rig
    rig.close()


@pytest.fixture
def siren(rig, wait_for):
    """An open alert; a quiet room follows."""
    rig.play(hush(0.8), tone("siren", 1.6), hush(20.0))
    wait_for(lambda: rig.alerting.alerts.reading().open)
    return rig.alerting.alerts.reading().open[0]
