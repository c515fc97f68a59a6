"""How fast the Audio-Interaction engine is on this computer: passes, streams, memory, hours.

Every suite writes its tables when it is done, so a run that was broken off goes on where it was.
Several precisions run one after the other, each in a process of its own: memory is then its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from everlisten.app.bench.engine_report import Table, machine, read_tables, write_tables
from everlisten.app.bench.engine_subject import Subject
from everlisten.app.bench.engine_suites import SUITES, Extent

_SHORTEST_SUITE_S = 5.0
_NO_TIME = "Not run: no time left."
_FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `everlisten bench engine`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", type=Path, metavar="PATH", help="folder of a checkpoint")
    what.add_argument(
        "--random", choices=("tiny", "released"),
        help="write a checkpoint of these sizes with random weights, and measure that",
    )  # fmt: skip
    parser.add_argument(
        "--precision", default="auto", metavar="NAME[,NAME]",
        help="bf16, int8, int4 or float32 (default: what fits)",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="cuda, mps or cpu (default: the best)")
    parser.add_argument(
        "--suite", default=",".join(SUITES), metavar="NAME[,NAME]",
        help="what to measure (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--budget-s", type=float, default=480.0, metavar="S",
        help="seconds for one precision; suites that no longer fit are left out (default 480)",
    )  # fmt: skip
    extent = Extent()
    parser.add_argument("--count", type=int, default=extent.count, help="passes for a row")
    parser.add_argument("--hours", type=float, default=extent.hours, help="of the endless suite")
    parser.add_argument("--soak-minutes", type=float, default=extent.soak_minutes)
    parser.add_argument("--steady-chunks", type=int, default=extent.steady_chunks)
    parser.add_argument("--paced-s", type=float, default=extent.paced_s)
    parser.add_argument(
        "--minutes", default=",".join(f"{each:g}" for each in extent.minutes),
        help="of stream, at which the released way is compared (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    parser.add_argument(
        "--scratch", type=Path, default=Path(tempfile.gettempdir()) / "everlisten-random",
        help="where random checkpoints are kept (default: %(default)s)",
    )  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Measure what is not there yet, print all tables."""
    unknown = set(args.suite.split(",")) - SUITES.keys()
    if unknown:
        print(f"unknown suite {min(unknown)!r}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    if args.random is not None:
        args.model = _random_checkpoint(args)
        args.random = None
    precisions = args.precision.split(",")
    if len(precisions) > 1:
        return max(_in_process_of_its_own(args, each) for each in precisions)
    return _measure(args)


def _measure(args: argparse.Namespace) -> int:
    subject = _subject(args)
    extent = Extent(
        count=args.count,
        hours=args.hours,
        soak_minutes=args.soak_minutes,
        steady_chunks=args.steady_chunks,
        paced_s=args.paced_s,
        minutes=tuple(float(each) for each in args.minutes.split(",")),
    )
    until_s = time.monotonic() + args.budget_s
    tables: list[Table] = []
    failed = 0
    for name in (name for name in SUITES if name in args.suite.split(",")):
        path = args.out / f"{subject.precision}-{name}.json"
        problem = "" if path.exists() else _run_suite(name, subject, extent, until_s, path)
        if problem:
            tables.append(Table(f"{name}, {subject.precision}", (), (problem,)))
            failed += problem != _NO_TIME
        else:
            tables += read_tables(path)
    subject.close()
    report = "\n".join([machine(subject.device), "", *(table.markdown() for table in tables)])
    (args.out / f"{subject.precision}.md").write_text(report, encoding="utf-8")
    print(report, flush=True)
    return _FAILED if failed else 0


def _run_suite(name: str, subject: Subject, extent: Extent, until_s: float, path: Path) -> str:
    """Write a suite's tables; returns why there are none, "" if there are."""
    run, most_s = SUITES[name]
    began_s = time.monotonic()
    if until_s - began_s < _SHORTEST_SUITE_S:
        return _NO_TIME
    print(f"{subject.precision}: {name} ...", file=sys.stderr, flush=True)
    try:
        write_tables(path, run(subject, extent, min(most_s, until_s - began_s)))
    except Exception as error:  # the other suites' numbers are worth having all the same
        traceback.print_exc()
        return f"Failed: {error!r}"
    took_s = time.monotonic() - began_s
    print(f"{subject.precision}: {name} took {took_s:.0f} s", file=sys.stderr, flush=True)
    return ""


def _subject(args: argparse.Namespace) -> Subject:
    from everlisten.engine.laim.checkpoint import read_summary
    from everlisten.engine.laim.precision import ParameterCounts, choose_precision, find_device

    summary = read_summary(args.model)
    device = find_device(args.device)
    counts = ParameterCounts.of(summary.size, summary.tower_size)
    choice = choose_precision(counts, device, asked=args.precision, stored=summary.stored)
    return Subject(folder=args.model, precision=choice.precision, device=device.name)


def _random_checkpoint(args: argparse.Namespace) -> Path:
    """The folder of a random checkpoint; one that is already there is used again."""
    from everlisten.app.bench.random_checkpoint import write_random_checkpoint
    from everlisten.app.bench.random_tokenizer import write_random_tokenizer
    from everlisten.engine.laim.text import TOKENIZER_FILE

    folder: Path = args.scratch / args.random
    whole = folder.with_name(f"{folder.name}.whole")
    if not whole.exists():
        began_s = time.monotonic()
        write_random_checkpoint(folder, **({} if args.random == "released" else _tiny_sizes()))
        write_random_tokenizer(folder / TOKENIZER_FILE)
        whole.touch()
        took_s = time.monotonic() - began_s
        print(f"random checkpoint written in {took_s:.0f} s", file=sys.stderr, flush=True)
    return folder


def _tiny_sizes() -> dict[str, Any]:
    """Sizes that a CPU runs at once and that every precision fits."""
    from everlisten.engine.laim.sizes import RELEASED_LANGUAGE_MODEL, RELEASED_TOWER

    size = replace(
        RELEASED_LANGUAGE_MODEL,
        layers=2, width=128, query_heads=4, head_width=32, feed_forward=256,
    )  # fmt: skip
    tower = replace(
        RELEASED_TOWER, width=64, layers=2, heads=2, feed_forward=128, output_width=size.width
    )
    return {"size": size, "tower_size": tower}


def _in_process_of_its_own(args: argparse.Namespace, precision: str) -> int:
    options = ["--model", str(args.model), "--precision", precision, "--device", args.device]
    options += ["--suite", args.suite, "--budget-s", str(args.budget_s), "--out", str(args.out)]
    options += ["--count", str(args.count), "--hours", str(args.hours), "--minutes", args.minutes]
    options += ["--soak-minutes", str(args.soak_minutes), "--paced-s", str(args.paced_s)]
    options += ["--steady-chunks", str(args.steady_chunks)]
    command = [sys.executable, "-m", "everlisten.app.bench.engine", *options]
    return _FAILED if subprocess.run(command).returncode else 0


def run(arguments: Sequence[str] | None = None) -> int:
    """As a program of its own, where the command line of the application is not installed."""
    parser = argparse.ArgumentParser(prog="everlisten bench engine", description=__doc__)
    add_arguments(parser)
    return main(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(run())
