"""From the settings to a model: names, folders, and what is missing."""

import json
import subprocess
import sys

import pytest

from everlisten.app.config import ConfigError
from everlisten.app.engine_config import EngineConfig, read_texts, write_texts
from everlisten.app.model_choice import ModelChoice
from everlisten.app.sequences import sequence_files
from everlisten.engine.errors import EngineError
from everlisten.engine.interaction import Instruction

WITHOUT_TORCH = """
import sys
from pathlib import Path
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import importlib.util
importlib.util.find_spec = lambda name, package=None: None if name == "torch" else 1
from everlisten.app.main import main
sys.exit(main(["listen", sys.argv[1], "--model", sys.argv[2], "--json"]))
"""


def test_the_settings_choose_a_model(tmp_path):
    assert not ModelChoice.of(EngineConfig()).is_big
    assert ModelChoice.of(EngineConfig(model="audio-interaction")).model == "audio-interaction"
    config = EngineConfig(model="folder", folder=str(tmp_path), device="cpu", eager=True)
    choice = ModelChoice.of(config)
    choice.check()
    assert (choice.model, choice.device, choice.eager) == (str(tmp_path), "cpu", True)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (ModelChoice.of(EngineConfig(model="folder")), "none is named"),
        (ModelChoice(model="/nowhere/at/all"), "'/nowhere/at/all'; give embedded"),
        (ModelChoice(device="gpu"), "Unknown device 'gpu'; give one of auto, cuda"),
        (ModelChoice(precision="int3"), "Unknown precision 'int3'"),
    ],
)
def test_a_wrong_choice_is_told_before_anything_is_loaded(choice, sentence):
    with pytest.raises(ConfigError, match=sentence):
        choice.check()


def test_missing_torch_is_one_sentence_with_the_way_out(demo_scene, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, demo_scene, tmp_path], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    assert "PyTorch, which is not installed: run pip install 'everlisten[model]'" in line


def test_own_texts_are_a_list_on_one_line():
    texts = ("Sag, wenn es klingelt: „bald“?", 'Count "barks".')
    assert read_texts(write_texts(texts)) == texts
    assert "\n" not in write_texts(("two\nlines",))
    for wrong in ("", "{}", "[1]", "['a']"):
        with pytest.raises(ValueError, match="give a JSON list of texts"):
            read_texts(wrong)


def test_a_sequence_plays_its_files_as_one_session(equipment, sound, tmp_path):
    sound(2, "a.wav")
    sound(3, "b.wav")
    path = tmp_path / "sequence.json"
    path.write_text(json.dumps(["a.wav", "b.wav"]))
    files, pause_s = sequence_files(path)
    assert [file.name for file in files] == ["a.wav", "b.wav"]
    assert pause_s == pytest.approx(1.2)
    plan = equipment.file_plan(path, Instruction(), fast=True)
    assert plan.title == "sequence.json"
    path.write_text("{}")
    with pytest.raises(EngineError, match="holds no list"):
        equipment.file_plan(path, Instruction())
