"""Arguments of every verb."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from everlisten.app.cli import listen_model
from everlisten.app.cli.ask_options import add_ask
from everlisten.app.cli.eval_options import add_eval
from everlisten.app.engine_config import DEVICES

EPILOG = """exit codes: 0 good, 2 bad usage or input, 3 model missing or damaged, 4 device trouble

Without a verb the window opens."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `everlisten`."""
    parser = argparse.ArgumentParser(
        prog="everlisten",
        description="Live captions and translations of what you hear and say, on your computer.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"everlisten {version('everlisten')}"
    )
    parser.add_argument("--demo", action="store_true", help="play the bundled demo scene")
    parser.add_argument("--open", type=Path, metavar="FILE", help="caption a file in the window")
    parser.add_argument("--minimized", action="store_true", help="start in the tray")
    parser.add_argument("--verbose", action="store_true", help="log more to the log file")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, text, add in (
        ("listen", "caption a file or a device in the terminal", _add_listen),
        ("ask", "transcribe, translate or answer about whole files", add_ask),
        ("devices", "list what can be listened to", _add_devices),
        ("models", "list, fetch, verify, remove and convert models", _add_models),
        ("history", "list, search and export sessions", _add_history),
        ("bench", "measure speed and quality on this computer", _add_bench),
        ("eval", "measure how well alerts are told, on recordings with known sounds", add_eval),
    ):
        add(verbs.add_parser(name, help=text, description=_sentence(text)))
    return parser


def check_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what the verb would silently leave out; ends the program with code 2."""
    for name in ("demo", "open", "minimized"):
        if args.verb and getattr(args, name):
            parser.error(f"--{name} is for the window; it cannot go with '{args.verb}'")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _add_listen(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "file", nargs="?", type=Path, help="audio file, or a sequence.json that lists several"
    )
    what.add_argument(
        "--source",
        choices=("mic", "system", "both"),
        help="what to listen to, if no file is given (default: as in the settings)",
    )
    parser.add_argument(
        "--microphone", metavar="NAME", help="microphone, by id or part of its name"
    )
    parser.add_argument("--output", metavar="NAME", help="output device, by id or part of its name")
    parser.add_argument("--fast", action="store_true", help="caption a file as fast as possible")
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    parser.add_argument(
        "--translate",
        metavar="LANGUAGE",
        help="en, with the big model any language, or off (default: as set)",
    )
    parser.add_argument(
        "--language",
        metavar="LANGUAGE",
        help="the spoken one, such as de, or auto (default: as set)",
    )
    parser.add_argument(
        "--no-alerts", action="store_true", help="do not warn about sounds, nor name them"
    )
    parser.add_argument("--srt", type=Path, metavar="OUT", help="then write subtitles to this file")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop after N seconds of sound")
    listen_model.add_options(parser)


def _add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def _add_models(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every model, its size, licence and state")
    for name, text in (
        ("fetch", "download a model"),
        ("verify", "compare every file with its SHA-256"),
        ("remove", "delete a model from the data folder"),
    ):
        action = actions.add_parser(name, help=text, description=_sentence(text))
        action.add_argument("model", help="id, as in models list")
    _add_convert(actions.add_parser("convert", help="write a checkpoint in one compact file"))


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write an Audio-Interaction checkpoint in a layout that loads faster."
    parser.add_argument("source", type=Path, help="folder of the checkpoint")
    parser.add_argument("target", type=Path, help="new folder")
    precisions = ("float32", "bf16", "int8", "int4")
    parser.add_argument("--precision", choices=precisions, default="bf16", help="default: bf16")
    parser.add_argument(
        "--device", choices=tuple(DEVICES), default="auto", help="where to quantize (default: auto)"
    )


def _add_history(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every session, newest first")
    search = actions.add_parser(
        "search", help="find words", description="Find captions and translations with these words."
    )
    search.add_argument("text", help="words to find")
    text = "write a session as SRT, VTT, TXT or JSON"
    export = actions.add_parser("export", help=text, description=_sentence(text))
    export.add_argument("session", help="id as in history list; 'last' for the newest")
    export.add_argument("path", type=Path, help="file to write; its suffix chooses the format")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", choices=("captions", "peers", "latency", "start", "engine"))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="options of the suite; try --help")
