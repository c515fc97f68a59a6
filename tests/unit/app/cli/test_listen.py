"""Following a session on the command line: when it ends, and what is said until then."""

import time
from collections import deque
from io import StringIO

import pytest

from everlisten.app import session as session_module
from everlisten.app.cli import listen
from everlisten.app.cli.parser import build_parser
from everlisten.app.config import AppConfig
from everlisten.app.console import ConsolePrinter
from everlisten.app.session import Session
from everlisten.audio_io.errors import AudioFileError
from everlisten.engine.interaction import Instruction

SLOW_S = 0.02


@pytest.fixture
def slow(model):
    """Takes chunks in at once and works through them later; `flush` leaves what still waits."""
    waiting = deque()
    say = model.step
    model.step = lambda chunk, state: waiting.append(chunk) or []
    model.busy = lambda state: bool(waiting)

    def advance(state):
        time.sleep(SLOW_S)
        return say(waiting.popleft(), state)

    model.advance = advance
    return model


@pytest.mark.parametrize("options", [(), ("--seconds", "4")])
def test_a_file_is_worked_through_however_slow_the_model_is(
    slow, sound, equipment, monkeypatch, options
):
    monkeypatch.setattr(session_module, "DRAIN_TIMEOUT_S", SLOW_S)
    path = sound(12)
    args = build_parser().parse_args(["listen", str(path), *options])
    seconds = args.seconds or 60.0
    plan = equipment.file_plan(path, Instruction(), fast=True, seconds=seconds)
    session = Session(plan, model=slow, writer=equipment.writer)
    out = StringIO()
    listen._follow(session, equipment, ConsolePrinter(out, StringIO(), partials="none"), args)
    said = [line.split()[-1] for line in out.getvalue().splitlines()]
    assert said == [*map(str, range(10 if options else 12)), "end"]


@pytest.mark.parametrize("name", ["sound.wav", "sequence.json"])
def test_a_bad_file_is_refused_before_a_model_is_loaded(equipment, tmp_path, name):
    damaged = tmp_path / "sound.wav"
    damaged.write_text("no sound")
    (tmp_path / "sequence.json").write_text('["sound.wav"]')
    args = build_parser().parse_args(["listen", str(tmp_path / name)])
    choice = listen.choice_of(args, AppConfig())
    with pytest.raises(AudioFileError, match=r"sound\.wav"):
        listen._plan(args, AppConfig(), equipment, choice)
