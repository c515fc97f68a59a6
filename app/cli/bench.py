"""`everlisten bench SUITE`: measurements with their own report."""

from __future__ import annotations

import argparse
from importlib import import_module

SUITES = {
    "captions": "everlisten.app.bench.captions",
    "peers": "everlisten.app.bench.peers",
    "latency": "everlisten.app.bench.capture_latency",
    "start": "everlisten.app.bench.start",
}


def run(args: argparse.Namespace) -> int:
    """Run one suite with its own options."""
    suite = import_module(SUITES[args.suite])
    parser = argparse.ArgumentParser(
        prog=f"everlisten bench {args.suite}", description=suite.__doc__
    )
    suite.add_arguments(parser)
    return int(suite.main(parser.parse_args(args.rest)))
