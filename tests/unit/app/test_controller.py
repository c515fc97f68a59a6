"""Commands of the window, in every state: none is lost, none leaves a state that cannot be left."""

import threading

import pytest
import soundfile

from everlisten.app.controller import Controller
from everlisten.app.settings import AppSettings
from everlisten.app.wishes import Wishes
from everlisten.audio_io.errors import AudioError
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.events import (
    CaptionFinal,
    EngineFailed,
    EngineState,
    EngineStateChanged,
    SessionEnded,
    SessionStarted,
)
from everlisten.engine.interaction import Instruction
from everlisten.ui.protocols import DeviceChoice, DeviceChoices, SourceSelection

S = EngineState


@pytest.fixture
def controller(equipment, sound, model):
    """Not launched yet; a live session plays ten seconds of a file."""
    live = sound(25, "live.wav")
    equipment.live_plan = lambda selection, instruction: equipment.file_plan(
        live, instruction, title="live"
    )
    settings = AppSettings(equipment.config, equipment.paths, equipment.reconfigure)
    controller = Controller(
        equipment,
        selection=SourceSelection(mode="mic", microphone="", system=""),
        wishes=Wishes(Instruction()),
        remember=settings.change,
    )
    launch, launched = controller.launch, []

    def launch_once():
        launched.append(True)
        launch()

    controller.launch = launch_once
    yield controller
    model.gate.set()
    if launched:
        controller.shut_down()


class Seen:
    """Every event so far."""

    def __init__(self, controller):
        self._controller = controller
        self._events = []

    def of(self, kind):
        self._events += self._controller.drain_events()
        return [event for event in self._events if isinstance(event, kind)]

    def sentences(self):
        failed = [event.text for event in self.of(EngineFailed)]
        return failed + [event.reason for event in self.of(EngineStateChanged) if event.reason]


@pytest.fixture
def seen(controller):
    return Seen(controller)


def test_start_pause_resume_new_session(controller, seen, wait_for, equipment):
    controller.launch()
    controller.start()
    wait_for(lambda: controller.state() is S.LISTENING)
    wait_for(lambda: seen.of(CaptionFinal))
    controller.pause()
    wait_for(lambda: any(event.text == "end" for event in seen.of(CaptionFinal)))
    assert controller.state() is S.PAUSED
    controller.start()
    wait_for(lambda: controller.state() is S.LISTENING)
    controller.new_session()
    wait_for(lambda: len(seen.of(SessionStarted)) == 2)
    first, _ = (event.session for event in seen.of(SessionStarted))
    assert [event.session for event in seen.of(SessionEnded)] == [first]
    states = [
        S.LOADING, S.READY, S.LISTENING, S.PAUSED, S.LISTENING, S.READY, S.LISTENING,
    ]  # fmt: skip
    wait_for(lambda: [event.state for event in seen.of(EngineStateChanged)] == states)


def test_commands_wait_for_the_model(controller, seen, wait_for, equipment, model):
    loads = threading.Event()
    equipment.load_model = lambda: loads.wait(20) and model
    controller.launch()
    controller.set_language("de")
    controller.start()
    wait_for(lambda: controller.state() is S.LOADING)
    loads.set()
    wait_for(lambda: any(event.text == "0de" for event in seen.of(CaptionFinal)))


def test_quitting_while_loading_begins_nothing(controller, seen, wait_for, equipment, model):
    loads = threading.Event()
    equipment.load_model = lambda: loads.wait(20) and model
    controller.launch()
    controller.start()
    wait_for(lambda: controller.state() is S.LOADING)
    opener = threading.Timer(0.2, loads.set)
    opener.start()
    controller.shut_down()
    opener.join()
    assert controller.state() is S.STOPPED
    assert model.closed
    assert not seen.of(SessionStarted)


def test_shut_down_ends_the_session_before_the_model(controller, seen, wait_for, equipment, model):
    controller.launch()
    controller.start()
    wait_for(lambda: seen.of(CaptionFinal))
    controller.shut_down()
    equipment.writer.stop()
    assert controller.state() is S.STOPPED
    assert model.closed
    assert seen.of(CaptionFinal)[-1].text == "end"
    assert seen.of(SessionEnded)
    assert not seen.sentences()


def test_a_model_that_cannot_be_loaded_is_told_once_and_tried_again_on_request(
    controller, seen, wait_for, equipment, model
):
    def fail():
        started.wait(10)
        loads.append(True)
        raise ModelLoadError("model.bin is missing; fetch it")

    loads, good, started = [], equipment.load_model, threading.Event()
    equipment.load_model = fail
    controller.launch()
    controller.start()
    started.set()
    wait_for(lambda: controller.state() is S.FAILED)
    controller.set_language("de")
    wait_for(lambda: equipment.config.listen.language == "de")
    assert len(loads) == 1, "the start that waited for the model is no second try"
    # The state is known at once, the sentence about it comes by way of the timeline.
    wait_for(lambda: seen.sentences().count("model.bin is missing; fetch it") == 1)

    controller.start()
    wait_for(lambda: len(loads) == 2)
    wait_for(lambda: seen.sentences().count("model.bin is missing; fetch it") == 2)
    equipment.load_model = good
    controller.start()
    wait_for(lambda: controller.state() is S.LISTENING)


def test_a_file_opened_after_a_failed_load_tries_again(
    controller, seen, wait_for, equipment, sound
):
    good = equipment.load_model
    equipment.load_model = lambda: (_ for _ in ()).throw(ModelLoadError("missing"))
    controller.launch()
    wait_for(lambda: controller.state() is S.FAILED)
    equipment.load_model = good
    controller.open_file(sound(3))
    wait_for(lambda: [event.text for event in seen.of(SessionStarted)] == ["sound.wav"])


def test_devices_that_cannot_be_listed_do_not_leave_it_loading(
    controller, seen, wait_for, equipment
):
    def fail():
        raise AudioError("The sound server hangs; start it again.")

    good, equipment.devices = equipment.devices, fail
    controller.launch()
    wait_for(lambda: controller.state() is S.FAILED)
    equipment.devices = good
    controller.start()
    wait_for(lambda: controller.state() is S.LISTENING)


def test_a_bad_file_leaves_the_session_running(controller, seen, wait_for, tmp_path):
    controller.launch()
    controller.start()
    wait_for(lambda: controller.state() is S.LISTENING)
    controller.open_file(tmp_path / "missing.wav")
    wait_for(lambda: any("missing.wav" in sentence for sentence in seen.sentences()))
    assert controller.state() is S.LISTENING
    assert not seen.of(SessionEnded)


def test_a_file_is_played_to_its_end(controller, seen, wait_for, sound):
    finished = threading.Event()
    controller.on_finished(finished.set)
    controller.launch()
    controller.open_file(sound(3), "A title")
    assert finished.wait(20)
    assert controller.state() is S.READY
    wait_for(lambda: seen.of(SessionEnded))
    assert [event.text for event in seen.of(SessionStarted)] == ["A title"]
    assert not seen.sentences()


def test_a_file_that_breaks_in_the_middle_is_told(controller, seen, wait_for, sound, monkeypatch):
    def fail(self, *args, **kwargs):
        raise soundfile.LibsndfileError(0, "broken")

    path = sound(3)
    monkeypatch.setattr(soundfile.SoundFile, "read", fail)
    controller.launch()
    controller.open_file(path)
    wait_for(lambda: any("sound.wav' is damaged" in text for text in seen.sentences()))
    wait_for(lambda: controller.state() is S.READY)


def test_a_failed_engine_is_restarted_and_the_session_goes_on(controller, seen, wait_for, model):
    model.fail_at = {1}
    controller.launch()
    controller.start()
    wait_for(lambda: any("Captions stopped" in text for text in seen.sentences()))
    wait_for(lambda: any(event.text == "3" for event in seen.of(CaptionFinal)))
    assert len(seen.of(SessionStarted)) == 1
    assert controller.state() is S.LISTENING


def test_choices_are_kept_for_the_next_start(controller, wait_for, equipment):
    controller.launch()
    controller.select(SourceSelection(mode="both", microphone="desk", system=""))
    controller.set_language("fr")
    controller.set_target(None)
    wait_for(lambda: equipment.config.listen.language == "fr")
    wait_for(lambda: equipment.config.listen.translate_to == "off")
    listen = equipment.config.listen
    assert (listen.source, listen.microphone, listen.language) == ("both", "desk", "fr")
    assert (controller.language(), controller.target()) == ("fr", None)


@pytest.mark.parametrize(
    ("devices", "title", "sentences"),
    [
        (DeviceChoices(), "Scene", ["Nothing to hear."]),
        (DeviceChoices(microphones=(DeviceChoice(id="m", name="Mic"),)), "live", []),
    ],
)
def test_where_nothing_can_be_heard_a_file_is_played(
    controller, equipment, seen, sound, wait_for, devices, title, sentences
):
    equipment.devices = lambda: devices
    controller.launch()
    controller.start_or_play(sound(3), "Scene", "Nothing to hear.")
    wait_for(lambda: seen.of(SessionStarted))
    assert [event.text for event in seen.of(SessionStarted)] == [title]
    assert seen.sentences() == sentences
