"""What the command line takes, and what it refuses with one sentence."""

import pytest

from everlisten.app.cli import ask, history, models
from everlisten.app.cli.parser import build_parser, check_arguments
from everlisten.app.config import ConfigError
from everlisten.app.paths import AppPaths
from everlisten.audio_io.errors import AudioFileError


@pytest.mark.parametrize("verb", ["listen", "ask", "devices", "models", "history", "bench", "eval"])
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


@pytest.mark.parametrize("model", ["whisper-base", "audio-interaction"])
def test_removing_what_is_not_there_claims_nothing(tmp_path, capsys, model):
    paths = AppPaths(data=tmp_path, config=tmp_path)
    assert models.run(build_parser().parse_args(["models", "remove", model]), paths) == 0
    assert capsys.readouterr().out == f"The data folder holds no copy of {model} now.\n"


def test_a_checkpoint_is_not_converted_over_files(tmp_path):
    paths = AppPaths(data=tmp_path, config=tmp_path)
    (tmp_path / "notes.txt").touch()
    for target, sentence in ((tmp_path, "holds files already"), (tmp_path / "notes.txt", "file;")):
        args = build_parser().parse_args(["models", "convert", str(tmp_path), str(target)])
        with pytest.raises(ConfigError, match=f"{sentence}.* new folder"):
            models.run(args, paths)


def test_a_checkpoint_is_converted_on_a_known_device_only(capsys):
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args(["models", "convert", "a", "b", "--device", "tpu"])
    assert stopped.value.code == 2
    assert "invalid choice: 'tpu'" in capsys.readouterr().err


def test_a_folder_is_asked_nothing(tmp_path):
    with pytest.raises(AudioFileError, match="is a folder; name the sound files in it"):
        ask._check_files([tmp_path])
