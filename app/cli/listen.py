"""`everlisten listen`: captions in the terminal, with the same session as the window's."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from tqdm import tqdm

from everlisten.app.cli.listen_model import choice_of, instruction_of
from everlisten.app.config import AppConfig, ConfigError
from everlisten.app.console import ConsolePrinter, JsonPrinter
from everlisten.app.equipment import Equipment, source_selection
from everlisten.app.exit_codes import GOOD
from everlisten.app.model_choice import ModelChoice
from everlisten.app.paths import AppPaths
from everlisten.app.sequences import check_files
from everlisten.app.session import Session
from everlisten.app.session_plan import SessionPlan
from everlisten.app.sound_watch import SoundWatch
from everlisten.app.supervisor import EngineSupervisor, ProblemReporter
from everlisten.app.taught_renewal import TaughtRenewal
from everlisten.audio_io.errors import AudioError
from everlisten.audio_io.file_source import FileSource
from everlisten.engine.events import EngineEvent
from everlisten.engine.interaction import InteractionModel
from everlisten.engine.timeline.export import check_suffix

TICK_S = 0.05
_HEARD = {
    "mic": "the microphone",
    "system": "the computer's sound",
    "both": "the microphone and the computer's sound",
}


class Printer(Protocol):
    """Shows events."""

    def show(self, event: EngineEvent) -> None:
        """Print one event at once."""

    def close(self) -> None:
        """End what is still open on the screen."""


def run(args: argparse.Namespace, config: AppConfig, paths: AppPaths) -> int:
    """Listen until the file ends, the asked-for time is over, or Ctrl+C."""
    _check(args)
    if args.no_alerts:
        # The microphone is not opened for them either.
        config = replace(config, alerts=replace(config.alerts, enabled=False, narrate=False))
    with Equipment.open(config, paths) as equipment:
        choice = choice_of(args, config)
        plan = _plan(args, config, equipment, choice)
        printer = _printer(args, plan)
        model = _load(equipment, choice, quiet=args.json)
        try:
            session = equipment.session(plan, model)
            if not args.json and args.file is None:
                heard = _HEARD[args.source or config.listen.source]
                print(f"Listening to {heard}; Ctrl+C ends.", file=sys.stderr)
                if extra := set(equipment.alerts.sources) - set(plan.heard or ()):
                    named = " and ".join(_HEARD[one] for one in sorted(extra))
                    print(f"Alerts listen to {named} (--no-alerts does not).", file=sys.stderr)
            _follow(session, equipment, printer, args)
        finally:
            model.close()
        if args.srt is not None:
            equipment.history.export(session.id, args.srt)
    return GOOD


def _check(args: argparse.Namespace) -> None:
    if args.fast and args.file is None:
        raise ConfigError("--fast needs a file; a device gives its sound in real time only.")
    if args.seconds is not None and not args.seconds > 0:
        raise ConfigError(f"--seconds is {args.seconds:g}; give more than 0.")
    if args.srt is not None:
        check_suffix(args.srt)
        if not args.srt.parent.is_dir():
            raise ConfigError(f"There is no folder {args.srt.parent} for {args.srt.name}; make it.")


def _load(equipment: Equipment, choice: ModelChoice, *, quiet: bool) -> InteractionModel[Any]:
    if not choice.is_big:
        return equipment.load_model()

    def tell(note: str) -> None:
        if not quiet:
            print(note, file=sys.stderr)

    return equipment.load_big_model(choice, tell)


def _plan(
    args: argparse.Namespace, config: AppConfig, equipment: Equipment, choice: ModelChoice
) -> SessionPlan:
    instruction = instruction_of(args, config, choice)
    if args.file is not None:
        # A big model takes minutes to load; a bad file is told before.
        check_files(args.file)
        seconds = math.inf if args.seconds is None else args.seconds
        plan = equipment.file_plan(args.file, instruction, fast=args.fast, seconds=seconds)
        return _watched(args, replace(plan, model_name=choice.model))
    listen = config.listen
    selection = source_selection(
        args.source or listen.source,
        listen.microphone if args.microphone is None else args.microphone,
        listen.system if args.output is None else args.output,
    )
    plan = equipment.live_plan(equipment.resolve(selection), instruction)
    return _watched(args, replace(plan, model_name=choice.model))


def _watched(args: argparse.Namespace, plan: SessionPlan) -> SessionPlan:
    return replace(plan, watch=None) if args.no_alerts else plan


def _printer(args: argparse.Namespace, plan: SessionPlan) -> Printer:
    if args.json:
        return JsonPrinter(sys.stdout)
    in_place = sys.stdout.isatty() and not args.fast
    return ConsolePrinter(
        sys.stdout,
        sys.stderr,
        partials="in place" if in_place else "none",
        label_speakers=len(plan.sources) > 1,
    )


def _follow(
    session: Session, equipment: Equipment, printer: Printer, args: argparse.Namespace
) -> None:
    supervisor, reporter = EngineSupervisor(), ProblemReporter(equipment.writer.put)
    with _interruptible() as interrupted, _progress(session, args) as advance:
        session.start()
        try:
            with _renewal(session, equipment) as tell_taught:
                while not (session.finished or interrupted() or _time_is_over(session, args)):
                    _show_all(equipment, printer)
                    supervisor.look_after(session)
                    if session.watch is not None:
                        session.watch.look_after()
                    tell_taught()
                    reporter.report(session)
                    advance()
                    time.sleep(TICK_S)
        finally:
            # Also when the reader of the output has gone: the model is closed after this.
            session.stop()
        advance()
    equipment.writer.stop()
    _show_all(equipment, printer)
    printer.close()
    if isinstance(session.feed, FileSource) and session.feed.error is not None:
        raise session.feed.error
    if problem := session.feed.health().problem:
        raise AudioError(problem)


def _show_all(equipment: Equipment, printer: Printer) -> None:
    for event in equipment.drain():
        printer.show(event)


def _time_is_over(session: Session, args: argparse.Namespace) -> bool:
    # A file ends by itself: cut off here, a slow model would lose what it still works through.
    if args.file is not None or args.seconds is None:
        return False
    return bool(session.engine.load.consumed_s >= args.seconds)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl+C and SIGTERM end the session in order; a second one ends the program at once."""
    asked = threading.Event()

    def ask(signum: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _renewal(session: Session, equipment: Equipment) -> Iterator[Callable[[], None]]:
    """What another sound model was taught is learned again; call what is yielded to hear it."""
    watch, kit = session.watch, equipment.alerts
    if not isinstance(watch, SoundWatch):
        yield lambda: None
        return
    changed = threading.Event()

    def tell() -> None:
        if changed.is_set():
            changed.clear()
            watch.send(kit.taught_command())

    renewal = TaughtRenewal(kit, changed.set)
    renewal.start()
    try:
        yield tell
    finally:
        renewal.stop()


@contextmanager
def _progress(session: Session, args: argparse.Namespace) -> Iterator[Callable[[], None]]:
    """A bar on standard error for a file that is read fast, if that is a terminal."""
    feed = session.feed
    if not (args.fast and isinstance(feed, FileSource)):
        yield lambda: None
        return
    total_s = round(feed.duration_s, 1)
    with tqdm(total=total_s, unit="s", disable=None, file=sys.stderr, leave=False) as bar:

        def advance() -> None:
            bar.update(min(session.engine.load.consumed_s, total_s) - bar.n)

        yield advance
