"""A new release has another sound model: what the user taught keeps working by itself."""

import logging
import shutil
import threading
from io import StringIO

import numpy as np
import pytest
import soundfile
from sound_fixture import RATE_HZ, hush, tone, write_sound_model
from teaching_fixture import chime, hiss, murmur

from everlisten.app.alert_kit import AlertKit
from everlisten.app.cli import listen
from everlisten.app.cli.parser import build_parser
from everlisten.app.config import AppConfig
from everlisten.app.console import ConsolePrinter
from everlisten.app.paths import AppPaths
from everlisten.app.taught_renewal import JOIN_TIMEOUT_S, RENEWING, STALE, TaughtRenewal
from everlisten.engine.events import EngineState, SoundAlert
from everlisten.engine.interaction import Instruction
from everlisten.engine.sounds.model import SoundModel
from everlisten.engine.sounds.taught_store import TaughtStore
from everlisten.trainer.teaching import lesson
from everlisten.trainer.teaching.background import build_background, save_background
from everlisten.trainer.teaching.embedder import embed

from .conftest import AlertingRig

PITCHES_HZ = {"Front door": 1200.0, "Oven": 3600.0}


def bell(name="Front door"):
    """Another recording of what was taught."""
    return chime(np.random.default_rng(91), PITCHES_HZ[name])


def write_model(folder, version):
    """The tiny model with its background beside it."""
    path = write_sound_model(folder / version / "sound.onnx", metadata={"version": version})
    rng = np.random.default_rng(5)
    recordings = [make(rng, 20.0) for _ in range(6) for make in (murmur, hiss)]
    save_background(
        build_background(SoundModel(path), recordings), path.with_name("background.npz")
    )
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Of the release before, and of this one."""
    folder = tmp_path_factory.mktemp("models")
    return write_model(folder, "tiny-1"), write_model(folder, "tiny-2")


@pytest.fixture(autouse=True)
def few_copies(monkeypatch):
    monkeypatch.setattr(lesson, "_MOST_COPIES", 4)


@pytest.fixture(scope="module")
def learned(models, tmp_path_factory):
    """What the release before left on disk: two taught sounds and a counter-example of each."""
    folder = tmp_path_factory.mktemp("learned")
    kit = AlertKit(AppConfig().alerts, AppPaths(data=folder, config=folder / "config"))
    kit.model_file = models[0]
    rng = np.random.default_rng(6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson, "_MOST_COPIES", 4)
        for name, pitch_hz in PITCHES_HZ.items():
            examples = [chime(rng, pitch_hz) for _ in range(4)]
            sound = lesson.teach(
                examples, name, kit.fresh_model(), kit.background(), severity="warning"
            )
            kit.taught_store().save(sound, examples)
            kit.taught_store().enable(sound.id, name == "Front door")
            clip = tone("siren", 1.0)
            kit.counter_examples().add(sound.id, clip, embed(kit.model(), clip))
    return folder


class App(AlertingRig):
    """The application's own path without its window, with one of the sound models."""

    def __init__(self, equipment, tmp_path, model_file):
        equipment.alerts.model_file = model_file
        super().__init__(equipment, tmp_path)

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *exception):
        self.close()

    def listed(self):
        return {row.name: row.estimate for row in self.alerting.taught.rows()}

    def alerts(self):
        return {event.label for event in self.told if isinstance(event, SoundAlert)}


@pytest.fixture
def start(equipment, tmp_path, models, learned):
    """Starts this release on what the one before left."""
    shutil.copytree(learned / "sounds", equipment.paths.sounds)
    return lambda: App(equipment, tmp_path, models[1])


def kept(equipment):
    return {sound.name: sound for sound in TaughtStore(equipment.paths.sounds / "taught").sounds()}


def halted(monkeypatch, at):
    """Learning stands still before the `at`-th recording; gives when it does, and what frees it."""
    reached, go, heard, calls = threading.Event(), threading.Event(), lesson._heard, []

    def waiting(*args):
        calls.append(args)
        if len(calls) == at:
            reached.set()
            assert go.wait(20)
        return heard(*args)

    monkeypatch.setattr(lesson, "_heard", waiting)
    return reached, go


def test_taught_sounds_keep_working_after_an_update(start, equipment, wait_for, caplog):
    caplog.set_level(logging.INFO)
    before = kept(equipment)
    with start() as app:
        app.settings.change("alerts.sensitivities", f"{before['Front door'].id}=0.6")
        wait_for(lambda: {s.version for s in kept(equipment).values()} == {"tiny-2"})
        app.play(hush(1.2), bell(), hush(20.0))
        wait_for(lambda: "Front door" in app.alerts())
        rows = {row.label: row for row in app.alerting.sounds.rows()}
    after = kept(equipment)
    for name, was in before.items():
        now = after[name]
        assert (now.id, now.enabled, now.severity) == (was.id, was.enabled, was.severity)
        assert (now.created_at, now.examples) == (was.created_at, was.examples)
    assert (rows["Front door"].sensitivity, rows["Front door"].enabled) == (0.6, True)
    counter = equipment.alerts.counter_examples()
    assert counter.outdated() == 0
    assert set(counter.sounds()) == {sound.id for sound in after.values()}
    assert all(counter.embeddings(sound.id) for sound in after.values())
    assert "2 taught sounds and 2 counter-examples are learned again" in caplog.text


def test_a_running_session_hears_a_sound_once_it_is_learned_again(start, wait_for, monkeypatch):
    """The list says meanwhile what goes on; captions and alerts do not wait for it."""
    reached, go = halted(monkeypatch, at=3)
    with start() as app:
        try:
            assert reached.wait(20)
            wait_for(lambda: app.controller.state() is EngineState.READY)
            app.play(tone("siren", 1.6), *[hush(1.6), bell()] * 8)
            wait_for(lambda: app.alerts() == {"Siren"})
            assert app.listed() == {"Front door": RENEWING, "Oven": RENEWING}
        finally:
            go.set()
        wait_for(lambda: "Front door" in app.alerts())
        assert app.listed()["Front door"].startswith("Each of the 4 examples")


def test_quit_in_the_middle_loses_nothing(start, equipment, monkeypatch, wait_for):
    before = kept(equipment)
    reached, go = halted(monkeypatch, at=7)
    stop = TaughtRenewal.stop

    def quitting(renewal):
        renewal._quitting.set()
        go.set()
        stop(renewal)

    monkeypatch.setattr(TaughtRenewal, "stop", quitting)
    with start():
        assert reached.wait(20)
    assert not any(thread.name == "taught-renewal" for thread in threading.enumerate())
    for name, sound in kept(equipment).items():
        assert (sound.version, sound.bias) == ("tiny-1", before[name].bias)
    with start() as app:
        wait_for(lambda: {s.version for s in kept(equipment).values()} == {"tiny-2"})
        wait_for(lambda: app.listed()["Oven"].startswith("Each of the 4 examples"))


def test_what_has_no_examples_any_more_stays_to_be_taught_again(start, equipment, wait_for, caplog):
    before = kept(equipment)
    for path in (equipment.paths.sounds / "taught" / before["Oven"].id).glob("*.flac"):
        path.unlink()
    with start() as app:
        wait_for(lambda: app.listed()["Front door"].startswith("Each of"))
        wait_for(lambda: app.listed()["Oven"].startswith(STALE))
        assert "0 examples given" in app.listed()["Oven"]
        heard = equipment.alerts.taught_command().taught.sounds
        assert [sound.name for sound in heard] == ["Front door"]
    assert kept(equipment)["Oven"].version == "tiny-1"
    assert "not learned again: 0 examples given" in caplog.text


def test_without_the_models_background_the_list_says_why(start, models, wait_for, tmp_path):
    app = start()
    app.equipment.alerts.model_file = shutil.copy(models[1], tmp_path / "sound.onnx")
    with app:
        wait_for(lambda: app.listed()["Oven"].startswith(STALE))
        assert "background.npz is missing" in app.listed()["Oven"]


def test_the_command_line_does_so_too(start, equipment, models, model, tmp_path, monkeypatch):
    equipment.alerts.model_file = models[1]
    path = tmp_path / "bell.wav"
    soundfile.write(path, np.concatenate([hush(1.2), bell()] * 6), RATE_HZ)
    args = build_parser().parse_args(["listen", str(path)])
    plan = equipment.file_plan(path, Instruction())
    told = []
    equipment.on_event = lambda event: told.append(getattr(event, "label", ""))

    def done(session, args):
        versions = {sound.version for sound in equipment.alerts.taught_store().sounds()}
        return "Front door" in told and versions == {"tiny-2"}

    monkeypatch.setattr(listen, "_time_is_over", done)
    session = equipment.session(plan, model)
    printer = ConsolePrinter(StringIO(), StringIO(), partials="none")
    listen._follow(session, equipment, printer, args)
    assert "Front door" in told
    assert {sound.version for sound in kept(equipment).values()} == {"tiny-2"}


def test_where_nothing_was_taught_no_model_is_loaded(equipment):
    renewal = TaughtRenewal(equipment.alerts, lambda: None)
    renewal.start()
    renewal._thread.join(JOIN_TIMEOUT_S)
    renewal.stop()
    assert equipment.alerts.model_version == ""
