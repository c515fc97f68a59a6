"""Arguments of every verb."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

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
    _add_listen(verbs.add_parser("listen", help="caption a file or a device in the terminal"))
    _add_devices(verbs.add_parser("devices", help="list what can be listened to"))
    _add_models(verbs.add_parser("models", help="list, fetch, verify and remove models"))
    _add_history(verbs.add_parser("history", help="list, search and export sessions"))
    _add_bench(verbs.add_parser("bench", help="measure speed and quality on this computer"))
    return parser


def _add_listen(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("file", nargs="?", type=Path, help="audio file to caption")
    what.add_argument("--source", choices=("mic", "system", "both"), help="default: as in settings")
    parser.add_argument(
        "--microphone", metavar="NAME", help="microphone, by id or part of its name"
    )
    parser.add_argument("--output", metavar="NAME", help="output device whose sound is captioned")
    parser.add_argument("--fast", action="store_true", help="a file as fast as the engine goes")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--translate", metavar="LANGUAGE", help="translate, for instance into en")
    parser.add_argument("--language", metavar="LANGUAGE", default=None, help="auto, or spoken one")
    parser.add_argument("--srt", type=Path, metavar="OUT", help="write the session as subtitles")
    parser.add_argument("--model", default="embedded", help="embedded (default)")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds of sound")


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
        actions.add_parser(name, help=text).add_argument("model", help="id, as in models list")


def _add_history(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every session, newest first")
    actions.add_parser("search", help="find words").add_argument("text", help="words to find")
    export = actions.add_parser("export", help="write a session as SRT, VTT, TXT or JSON")
    export.add_argument("session", help="id as in history list; 'last' for the newest")
    export.add_argument("path", type=Path, help="file to write; its suffix chooses the format")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", choices=("captions", "peers", "latency", "start"))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="options of the suite; try --help")
