"""Logging: one rotating file, and everything that nobody caught.

What is said never goes into the log at INFO or above.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TextIO

from everlisten.app.config import ConfigError
from everlisten.app.paths import AppPaths, make_private_folder

logger = logging.getLogger(__name__)

_FILE_BYTES = 1_000_000
_KEPT_FILES = 3
_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s [%(threadName)s] %(message)s"
_crash_file: TextIO | None = None


class _PrivateFileHandler(logging.handlers.RotatingFileHandler):
    """Rotates; every file is readable by the user alone."""

    def _open(self) -> TextIO:  # type: ignore[override]
        return open(
            os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
            "a",
            encoding="utf-8",
        )


def set_up_logging(paths: AppPaths, *, verbose: bool = False) -> None:
    """Route log records, warnings, and uncaught errors of all threads into the log file.

    Raises:
        ConfigError: The data folder cannot be written.
    """
    try:
        make_private_folder(paths.log.parent)
        handler = _PrivateFileHandler(
            paths.log, maxBytes=_FILE_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
        )
        _watch_for_crashes(paths.log.with_suffix(".crash"))
    except OSError as error:
        raise ConfigError(
            f"The data folder {paths.data} cannot be written: {error.strerror or error};"
            " make it writable, or set EVERLISTEN_DATA_DIR to another folder."
        ) from error
    handler.setFormatter(logging.Formatter(_FORMAT, datefmt="%Y-%m-%d %H:%M:%S"))
    logging.getLogger("everlisten").setLevel(logging.DEBUG if verbose else logging.INFO)
    # On the root, so that libraries' warnings, too, go to the file instead of the terminal.
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _PrivateFileHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    # A full disk must not fill the terminal with tracebacks of logging itself.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread


def _watch_for_crashes(path: Path) -> None:
    """Let a crash in C code leave the Python stacks behind."""
    global _crash_file
    if _crash_file is not None:
        _crash_file.close()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    _crash_file = open(descriptor, "a", encoding="utf-8")
    faulthandler.enable(_crash_file)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logger.critical("uncaught error", exc_info=(kind, error, trace))
    print(f"everlisten: something went wrong: {error!r}; the log file says more", file=sys.stderr)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread is not None else "?"
        logger.critical(
            "thread %s died", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
        )


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """An error where Python cannot raise one, as in a finaliser or a C callback."""
    logger.error(
        "%s in %r",
        args.err_msg or "error ignored",
        args.object,
        exc_info=(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback),
    )
