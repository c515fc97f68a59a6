"""The command `everlisten`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the window or a verb; errors of the outside world become one sentence and a code."""
    # In a frozen program a child process, such as the one that compiles, starts here as well.
    multiprocessing.freeze_support()
    # Before NumPy is imported: its BLAS threads spin after every small product, which cost 15 % of
    # a core while nobody spoke (2026-11-22). The decoder has threads of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Before torch is imported, for the same reason: on a busy processor its threads' spinning made
    # a tiny model's pass 30 times slower.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    from everlisten.app import exit_codes
    from everlisten.app.cli.parser import build_parser, check_arguments

    parser = build_parser()
    args = parser.parse_args(argv)
    check_arguments(parser, args)
    try:
        code = _dispatch(args)
        if sys.stdout is not None:
            # Here, where a reader that has gone is no error, and not at the exit.
            sys.stdout.flush()
        return code
    except exit_codes.KNOWN_ERRORS as error:
        print(f"everlisten: {error}", file=sys.stderr)
        return exit_codes.exit_code_of(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (for instance `| head`). What is still buffered goes
        # nowhere, or the exit would fail on it again, with code 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.GOOD


def _dispatch(args: argparse.Namespace) -> int:
    """Import only what the verb needs: the window's libraries cost memory and time."""
    if args.verb == "devices":
        from everlisten.app.cli import devices

        return devices.run(args)
    if args.verb == "bench":
        from everlisten.app.cli import bench

        return bench.run(args)
    if args.verb == "eval":
        from everlisten.app.cli import eval as evaluation

        return evaluation.run(args)
    return _with_configuration(args)


def _with_configuration(args: argparse.Namespace) -> int:
    from everlisten.app.config import load_config
    from everlisten.app.logging_setup import set_up_logging
    from everlisten.app.paths import AppPaths

    paths = AppPaths.default()
    config = load_config(paths)
    set_up_logging(paths, verbose=args.verbose)
    if args.verb == "models":
        from everlisten.app.cli import models

        return models.run(args, paths)
    if args.verb == "history":
        from everlisten.app.cli import history

        return history.run(args, paths)
    if args.verb == "ask":
        from everlisten.app.cli import ask

        return ask.run(args, config, paths)
    if args.verb == "listen":
        from everlisten.app.cli import listen

        return listen.run(args, config, paths)
    from everlisten.app import desktop

    return desktop.run(args, config, paths)


if __name__ == "__main__":
    sys.exit(main())
