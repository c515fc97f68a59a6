"""Options of `everlisten eval`."""

from __future__ import annotations

import argparse
from pathlib import Path

_DATA = Path("../shared/data")
_OUT = Path("everlisten-evaluation")


def add_eval(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("what", choices=("alerts",), help="the alerts about sounds")
    parser.add_argument("--data", type=Path, default=_DATA, help=f"recordings (default: {_DATA})")
    parser.add_argument(
        "--model", type=Path, metavar="SOUND.onnx", help="sound model (default: the shipped one)"
    )
    folds = parser.add_mutually_exclusive_group()
    folds.add_argument(
        "--fold", type=int, choices=range(5), help="test on this fold, which the model never heard"
    )
    folds.add_argument(
        "--folds", type=Path, metavar="FOLDER",
        help="five models, fold-0.onnx to fold-4.onnx, each tested on its own fold",
    )  # fmt: skip
    parser.add_argument(
        "--hours", type=float, default=4.0, metavar="H",
        help="hours of speech, music and home noise, over all folds together (default: 4)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all scenes")
    parser.add_argument(
        "--share", type=float, default=1.0, metavar="S",
        help="of the clips; below 1 for a quick look",
    )  # fmt: skip
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument(
        "--probabilities", type=Path, nargs="+", metavar="FILE",
        help="count again from kept readings (readings-fold-K.npz), without the model",
    )  # fmt: skip
    thresholds = parser.add_mutually_exclusive_group()
    thresholds.add_argument(
        "--thresholds", type=Path, metavar="FILE.json",
        help="other thresholds than the model's: probability by sound",
    )  # fmt: skip
    thresholds.add_argument(
        "--calibrate", type=float, nargs="?", const=0.5, metavar="ALARMS",
        help="choose each fold's thresholds on the other folds, for so many false alarms an hour"
        " (default: 0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=_OUT, metavar="FOLDER",
        help=f"report, picture, kept readings; run again, it goes on (default: {_OUT})",
    )  # fmt: skip
    parser.add_argument(
        "--psb", type=Path, metavar="MANIFEST", help="run Proactive-Sound-Bench instead"
    )
    parser.add_argument("--audio", type=Path, metavar="FOLDER", help="its clips")
