"""What the command line takes, and what it refuses with one sentence."""

import pytest

from everlisten.app.cli import history, models
from everlisten.app.cli.parser import build_parser, check_arguments
from everlisten.app.config import ConfigError
from everlisten.app.paths import AppPaths


@pytest.mark.parametrize("verb", ["listen", "devices", "models", "history", "bench"])
def test_every_verb_says_what_it_does(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args([verb, "--help"])
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.split("\n\n")
    assert lines[1].endswith(".")


@pytest.mark.parametrize("option", ["--demo", "--minimized", "--open=a.wav"])
def test_options_of_the_window_are_refused_beside_a_verb(option, capsys):
    parser = build_parser()
    check_arguments(parser, parser.parse_args([option]))
    with pytest.raises(SystemExit) as stopped:
        check_arguments(parser, parser.parse_args([option, "devices"]))
    assert stopped.value.code == 2
    assert "is for the window" in capsys.readouterr().err


def test_an_unknown_model_is_bad_usage(tmp_path):
    paths = AppPaths(data=tmp_path, config=tmp_path)
    with pytest.raises(ConfigError, match="Unknown model 'nothing'; give one of whisper-base"):
        models.run(build_parser().parse_args(["models", "verify", "nothing"]), paths)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["history", "list"], "There is no session yet."),
        (["history", "search", "budget"], "Nothing was found for 'budget'."),
    ],
)
def test_an_empty_history_says_so(arguments, sentence, tmp_path, capsys):
    paths = AppPaths(data=tmp_path, config=tmp_path)
    assert history.run(build_parser().parse_args(arguments), paths) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err.strip()) == ("", sentence)
