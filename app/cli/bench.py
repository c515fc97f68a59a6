"""`everlisten bench SUITE`: measurements with their own report."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec

from everlisten.app.config import ConfigError
from everlisten.app.model_choice import need_torch

SUITES = {
    "captions": "everlisten.app.bench.captions",
    "peers": "everlisten.app.bench.peers",
    "latency": "everlisten.app.bench.capture_latency",
    "start": "everlisten.app.bench.start",
    "engine": "everlisten.app.bench.engine",
}

MEASURES = ("jiwer", "sacrebleu", "whisper_normalizer")
"""Packages of the extra `test` that measure captions; nobody needs them for listening."""


def run(args: argparse.Namespace) -> int:
    """Run one suite with its own options."""
    suite = import_module(SUITES[args.suite])
    parser = argparse.ArgumentParser(
        prog=f"everlisten bench {args.suite}", description=suite.__doc__
    )
    suite.add_arguments(parser)
    options = parser.parse_args(args.rest)
    missing = [name for name in MEASURES if find_spec(name) is None]
    if args.suite in ("captions", "peers") and missing:
        raise ConfigError(
            f"This benchmark needs {', '.join(missing)}; run it with 'make bench', or install"
            " the extra: pip install 'everlisten[test]'."
        )
    if args.suite == "engine":
        need_torch()
    return int(suite.main(options))
