"""The embedded model captions while the big one loads; then that takes over, or a sentence says why
not."""

import threading

import pytest

from everlisten.app import model_pair
from everlisten.app.assistance import AssistanceControl
from everlisten.app.controller import Controller
from everlisten.app.engine_config import EngineConfig, read_texts
from everlisten.app.settings import AppSettings
from everlisten.app.wishes import Wishes, instruction_of, settings_of
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.events import (
    CaptionFinal,
    EngineFailed,
    EngineState,
    EngineStateChanged,
    Question,
    ReplyFinal,
    SessionEnded,
)
from everlisten.engine.interaction import Instruction
from everlisten.ui.protocols import SourceSelection

S = EngineState


class Rig:
    """A controller whose big model loads once the test opens the gate."""

    def __init__(self, equipment, sound, big):
        self.equipment = equipment
        self.big = big
        self.gate = threading.Event()
        self.refusal = ""
        self.stopped = False
        self.launched = False
        live = sound(100, "live.wav")
        equipment.live_plan = lambda selection, instruction: equipment.file_plan(
            live, instruction, title="live"
        )
        equipment.load_big_model = self._load
        equipment.config = type(equipment.config)(
            engine=EngineConfig(model="audio-interaction"), listen=equipment.config.listen
        )
        self.settings = AppSettings(equipment.config, equipment.paths, equipment.reconfigure)
        self.wishes = Wishes(Instruction(translate_to="de", assistant="warn"))
        self.controller = Controller(
            equipment,
            selection=SourceSelection(),
            wishes=self.wishes,
            remember=self.settings.change,
        )
        self.assistance = AssistanceControl(self.wishes, self.settings, self.controller)
        self.events = []

    def _load(self, choice, tell, stop):
        tell("The big model is being compiled: 40 %")
        while not self.gate.wait(0.02):
            if stop.is_set():
                self.stopped = True
                raise ModelLoadError("given up")
        if self.refusal:
            raise ModelLoadError(self.refusal)
        return self.big

    def of(self, kind):
        self.events += self.controller.drain_events()
        return [event for event in self.events if isinstance(event, kind)]

    def texts(self):
        return [event.text for event in self.of(CaptionFinal)]

    def launch(self):
        self.launched = True
        self.controller.launch()

    def begin(self, wait_for):
        self.launch()
        self.controller.start()
        wait_for(lambda: self.texts())


@pytest.fixture
def rig(equipment, sound, big):
    rig = Rig(equipment, sound, big)
    yield rig
    rig.gate.set()
    if rig.launched:
        rig.controller.shut_down()


def test_the_embedded_model_captions_until_the_big_one_is_there(rig, wait_for, model):
    rig.begin(wait_for)
    wait_for(lambda: rig.controller.health().note == "The big model is being compiled: 40 %")
    assert rig.controller.health().model == "Whisper base"
    assert "as soon as the big model is loaded" in rig.assistance.reading().why_not
    assert rig.controller.target() is None, "the embedded model does not know German"

    rig.gate.set()
    wait_for(lambda: any(text.startswith("big ") for text in rig.texts()))
    texts = rig.texts()
    before = [text for text in texts if not text.startswith("big ") and text != "end"]
    after = [text for text in texts if text.startswith("big ")]
    assert [int(text) for text in before] == list(range(len(before)))
    assert after[0] == f"big {len(before)}", "no chunk is lost and none is heard twice"
    assert "end" in texts, "what was open is finished by the model before"
    assert rig.controller.health().model == "Audio-Interaction"
    assert rig.controller.health().note == ""
    assert rig.assistance.reading().why_not == ""
    assert rig.controller.target() == "de"
    assert not rig.of(SessionEnded)

    def told():
        return [one.state for one in rig.of(EngineStateChanged) if "in use now" in one.reason]

    # Said once the session has it, which by then may have heard a chunk with it.
    wait_for(told)
    assert told() == [S.LISTENING]
    rig.controller.shut_down()
    assert rig.big.closed
    assert model.closed


def test_a_big_model_that_cannot_be_loaded_is_told_and_the_embedded_one_goes_on(rig, wait_for):
    rig.refusal = "model-00002-of-00004.safetensors is missing; fetch it again."
    rig.begin(wait_for)
    rig.gate.set()
    wait_for(lambda: rig.of(EngineFailed))
    sentence = f"{rig.refusal} The embedded model goes on."
    assert [event.text for event in rig.of(EngineFailed)] == [sentence]
    assert rig.assistance.reading().why_not == sentence
    count = len(rig.texts())
    wait_for(lambda: len(rig.texts()) > count)
    assert rig.controller.state() is S.LISTENING


def test_a_session_begun_later_uses_the_big_model(rig, wait_for):
    rig.gate.set()
    rig.launch()
    wait_for(lambda: rig.assistance.reading().why_not == "")
    rig.controller.start()
    wait_for(lambda: "big 0" in rig.texts())
    [info] = rig.equipment.history.sessions()
    assert info.model == "audio-interaction"


def test_quitting_gives_the_loading_up(rig, wait_for):
    rig.begin(wait_for)
    rig.controller.shut_down()
    assert rig.stopped
    assert rig.controller.state() is S.STOPPED


def test_questions_and_interruptions_reach_the_model(rig, wait_for):
    rig.gate.set()
    rig.begin(wait_for)
    wait_for(lambda: rig.assistance.reading().why_not == "")
    rig.assistance.ask("What was that?")
    wait_for(lambda: any(event.text == "What was that?!" for event in rig.of(ReplyFinal)))
    assert [event.text for event in rig.of(Question)] == ["What was that?"]
    rig.assistance.interrupt()
    wait_for(lambda: any(event.text == "cut" for event in rig.of(ReplyFinal)))


def test_a_question_without_the_big_model_or_a_session_is_told(rig, wait_for):
    rig.launch()
    wait_for(lambda: rig.controller.health().note)
    rig.assistance.ask("Hello?")
    wait_for(lambda: rig.of(EngineFailed))
    rig.gate.set()
    wait_for(lambda: rig.assistance.reading().why_not == "")
    rig.assistance.ask("Hello?")
    wait_for(lambda: len(rig.of(EngineFailed)) == 2)
    first, second = (event.text for event in rig.of(EngineFailed))
    assert "as soon as the big model is loaded" in first
    assert "Start listening first" in second


def test_a_big_model_that_keeps_failing_makes_room_for_the_embedded_one(rig, wait_for, monkeypatch):
    monkeypatch.setattr("everlisten.app.supervisor.RESTART_FIRST_S", 0.01)
    monkeypatch.setattr("everlisten.app.supervisor.RESTART_LAST_S", 0.01)
    rig.big.fail_at = set(range(1000))
    rig.gate.set()
    rig.begin(wait_for)
    wait_for(lambda: any("takes over" in event.text for event in rig.of(EngineFailed)))
    assert rig.assistance.reading().why_not == model_pair.GAVE_UP
    wait_for(lambda: rig.big.closed)
    count = len(rig.texts())
    wait_for(lambda: len(rig.texts()) > count)
    assert not rig.texts()[-1].startswith("big ")


# What the user wants


def test_wishes_are_kept_and_reach_the_running_session(rig, wait_for):
    rig.gate.set()
    rig.begin(wait_for)
    rig.assistance.set_task("narrate")
    rig.assistance.set_talkativeness(0.5)
    rig.assistance.set_captions(False)
    rig.controller.set_language("de")
    wait_for(lambda: any(text.endswith("de") for text in rig.texts()))
    kept = instruction_of(rig.settings.config)
    assert kept == Instruction(
        language="de", translate_to="de", captions=False, assistant="narrate", talkativeness=2.0
    )
    reading = rig.assistance.reading()
    assert (reading.captions, reading.task, reading.talkativeness) == (False, "narrate", 0.5)


@pytest.mark.parametrize(
    "instruction",
    [
        Instruction(),
        Instruction(language="ja", translate_to="de", captions=False),
        Instruction(assistant="Tell me when: „it“ rings.", talkativeness=-1.5),
    ],
)
def test_an_instruction_survives_the_settings(rig, instruction):
    for key, value in settings_of(instruction).items():
        assert rig.settings.change(key, value) == ""
    assert instruction_of(rig.settings.config) == instruction


def test_own_texts_are_kept_and_a_deleted_one_is_no_longer_done(rig):
    control = rig.assistance
    shipped = [task.id for task in control.tasks()]
    assert shipped == ["warn", "narrate", "count", "answer", "translate"]
    assert control.add_task("  Count \n the barks. ") == ""
    assert control.add_task("Count the barks.") == ""
    control.set_task("Count the barks.")
    assert [(task.id, task.own) for task in control.tasks()][5:] == [("Count the barks.", True)]
    assert read_texts(rig.settings.config.engine.own_instructions) == ("Count the barks.",)
    assert "shorten it to 300" in control.add_task("long " * 100)
    assert control.add_task("  ") == "Write what the assistant is to do."
    assert control.delete_task("Count the barks.") == ""
    assert control.reading().task == "warn"
    assert len(control.tasks()) == 5


def test_a_question_switches_the_assistant_on(rig):
    rig.assistance.set_task(None)
    rig.assistance.ask("Are you there?")
    assert rig.assistance.reading().task == "warn"
