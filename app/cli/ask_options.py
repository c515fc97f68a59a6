"""Options of `everlisten ask`."""

from __future__ import annotations

import argparse
from pathlib import Path

from everlisten.app.engine_config import BIG, DEVICES, PRECISIONS
from everlisten.engine.laim.task import TASK_KINDS


def add_ask(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE",
        help="audio files; a sequence.json is heard in one running context",
    )  # fmt: skip
    parser.add_argument(
        "--task", choices=TASK_KINDS, default="question",
        help="transcribe, translate, or answer (default: question)",
    )  # fmt: skip
    parser.add_argument(
        "--text", default="", metavar="QUESTION",
        help="what to ask; without it the question spoken in the file is answered",
    )  # fmt: skip
    parser.add_argument("--to", metavar="LANGUAGE", help="language to translate into, such as zh")
    parser.add_argument(
        "--out", type=Path, metavar="RESULTS.jsonl",
        help="append results to this file; run again, it goes on where it was",
    )  # fmt: skip
    parser.add_argument(
        "--model", default=BIG, metavar="MODEL",
        help=f"{BIG}, or the folder of a checkpoint (default: {BIG})",
    )  # fmt: skip
    parser.add_argument("--device", choices=tuple(DEVICES), help="where the model runs")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), help="of the model's weights")
    parser.add_argument("--eager", action="store_true", help="do not compile the model")
