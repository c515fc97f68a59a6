"""Options about the model: what they become, and what they refuse."""

import pytest

from everlisten.app.cli.listen_model import choice_of, instruction_of
from everlisten.app.cli.parser import build_parser
from everlisten.app.config import AppConfig, ConfigError
from everlisten.app.engine_config import EngineConfig
from everlisten.app.listen_config import ListenConfig
from everlisten.engine.interaction import Instruction


def parsed(*options, config=None):
    config = config or AppConfig()
    args = build_parser().parse_args(["listen", "sound.wav", *map(str, options)])
    choice = choice_of(args, config)
    return choice, instruction_of(args, config, choice)


def big(tmp_path, *options, config=None):
    return parsed("--model", tmp_path, *options, config=config)


def test_without_options_the_embedded_model_captions():
    choice, instruction = parsed()
    assert not choice.is_big
    assert instruction == Instruction(translate_to="en")


def test_what_is_set_for_the_big_model_does_not_reach_the_embedded_one():
    config = AppConfig(
        listen=ListenConfig(translate_to="zh"),
        engine=EngineConfig(model="audio-interaction", captions=False, talkativeness=2.0),
    )
    choice, instruction = parsed(config=config)
    assert not choice.is_big
    assert instruction == Instruction()


def test_the_big_model_takes_all_three_lanes_as_set(tmp_path):
    config = AppConfig(
        listen=ListenConfig(translate_to="de"), engine=EngineConfig(assistant="narrate")
    )
    choice, instruction = big(tmp_path, config=config)
    assert choice.model == str(tmp_path)
    assert instruction == Instruction(translate_to="de", assistant="narrate")


def test_options_say_how_it_runs(tmp_path):
    choice, _ = big(
        tmp_path, "--device", "cpu", "--precision", "float32", "--eager", "--policy", "interleave"
    )
    assert (choice.device, choice.precision) == ("cpu", "float32")
    assert (choice.eager, choice.policy) == (True, "interleave")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--lanes", "captions"], Instruction()),
        (["--lanes", "assistant"], Instruction(captions=False, assistant="warn")),
        (
            ["--lanes", "assistant, captions", "--preset", "count"],
            Instruction(assistant="count"),
        ),
        (
            ["--lanes=translation", "--translate", "Japanese"],
            Instruction(captions=False, translate_to="ja"),
        ),
        (
            ["--instruction", "Tell me when it rings.", "--talkativeness", "-1.5"],
            Instruction(translate_to="en", assistant="Tell me when it rings.", talkativeness=-1.5),
        ),
    ],
)
def test_lanes_and_assistant(tmp_path, options, wanted):
    assert big(tmp_path, *options)[1] == wanted


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "giant"], "Unknown model 'giant'; give embedded, audio-interaction or"),
        (["--preset", "warn"], "--preset is for the big model"),
        (["--eager"], "--eager is for the big model"),
        (["--talkativeness", "0"], "--talkativeness is for the big model"),
        (["--lanes", "assistant"], "assistant lane needs the big model"),
        (["--translate", "de"], "German needs the big model"),
    ],
)
def test_what_needs_the_big_model_is_refused_without_it(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parsed(*options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lanes", "captions,music"], "--lanes is 'captions,music'; give some of captions"),
        (["--lanes", ","], "--lanes is ','"),
        (["--lanes=translation", "--translate=off"], "names translation, but no language"),
        (["--lanes=captions", "--translate=de"], "--lanes leaves it out"),
        (["--lanes=captions", "--preset=warn"], "--preset is for the assistant, but --lanes"),
        (["--lanes=captions", "--instruction=Hi"], "--instruction is for the assistant"),
        (["--lanes=captions", "--talkativeness=0"], "--talkativeness is for the assistant"),
        (["--instruction", " "], "--instruction is empty; say what the assistant is to do"),
        (["--instruction", "Hum. " * 80], "--instruction has 399 letters; shorten it to 300"),
        (["--talkativeness", "9"], "--talkativeness is 9; give a number from -4 to 4"),
    ],
)
def test_contradictions_are_refused(tmp_path, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        big(tmp_path, *options)
