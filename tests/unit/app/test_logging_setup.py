"""Everything that goes wrong ends up in one private file, and never what was said."""

import faulthandler
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from everlisten.app import logging_setup
from everlisten.app.config import ConfigError
from everlisten.app.logging_setup import set_up_logging
from everlisten.app.paths import AppPaths
from everlisten.engine.events import CaptionFinal
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.timeline.writer import TimelineWriter


@pytest.fixture
def paths() -> Iterator[AppPaths]:
    """Logging set up, and everything as before afterwards."""
    root = logging.getLogger()
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    paths = AppPaths.default()
    set_up_logging(paths)
    yield paths
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    logging.captureWarnings(False)
    logging.raiseExceptions = True
    logging.getLogger("everlisten").setLevel(logging.NOTSET)
    for handler in [h for h in root.handlers if isinstance(h, logging_setup._PrivateFileHandler)]:
        root.removeHandler(handler)
        handler.close()
    faulthandler.disable()
    if logging_setup._crash_file is not None:
        logging_setup._crash_file.close()
        logging_setup._crash_file = None


def log_of(paths: AppPaths) -> str:
    return paths.log.read_text(encoding="utf-8")


def test_own_info_and_others_warnings_are_kept(paths: AppPaths) -> None:
    logging.getLogger("everlisten.some.module").info("own info")
    logging.getLogger("everlisten.some.module").debug("own debug")
    logging.getLogger("faster_whisper").info("their info, perhaps what was said")
    logging.getLogger("faster_whisper").warning("their warning")
    text = log_of(paths)
    assert "own info" in text
    assert "their warning" in text
    assert "own debug" not in text
    assert "perhaps" not in text


def test_verbose_keeps_own_debug(paths: AppPaths) -> None:
    set_up_logging(paths, verbose=True)
    logging.getLogger("everlisten.x").debug("own debug")
    assert log_of(paths).count("own debug") == 1


def test_files_are_private_also_after_rotation(
    paths: AppPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging_setup, "_FILE_BYTES", 2000)
    set_up_logging(paths)
    for number in range(200):
        logging.getLogger("everlisten").info("line %d", number)
    names = {path.name for path in paths.log.parent.iterdir()}
    assert {"everlisten.log", "everlisten.log.1", "everlisten.log.3"} <= names
    assert "everlisten.log.4" not in names
    assert {path.stat().st_mode & 0o777 for path in paths.log.parent.iterdir()} == {0o600}
    assert paths.data.stat().st_mode & 0o777 == 0o700


def test_warnings_are_kept(paths: AppPaths) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert "old way" in log_of(paths)


def test_uncaught_error_in_a_thread(paths: AppPaths) -> None:
    def fail() -> None:
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=fail, name="worker-7")
    thread.start()
    thread.join()
    text = log_of(paths)
    assert "thread worker-7 died" in text
    assert "ZeroDivisionError: in a thread" in text


def test_uncaught_errors_of_a_process() -> None:
    code = (
        "from everlisten.app.paths import AppPaths\n"
        "from everlisten.app.logging_setup import set_up_logging\n"
        "set_up_logging(AppPaths.default())\n"
        "class Bad:\n"
        "    def __del__(self): raise KeyError('in a finaliser')\n"
        "Bad()\n"
        "raise ZeroDivisionError('at the top')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("everlisten: something went wrong: ZeroDivisionError")
    text = log_of(AppPaths.default())
    assert "at the top" in text
    assert "in a finaliser" in text


def test_crash_in_c_code_leaves_the_stacks() -> None:
    code = (
        "import faulthandler\n"
        "from everlisten.app.paths import AppPaths\n"
        "from everlisten.app.logging_setup import set_up_logging\n"
        "set_up_logging(AppPaths.default())\n"
        "faulthandler._sigsegv()\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True)
    crash = AppPaths.default().log.with_suffix(".crash")
    assert "Segmentation fault" in crash.read_text()


def test_folder_that_cannot_be_written_is_one_sentence(data_dir: Path) -> None:
    data_dir.write_text("in the way")
    with pytest.raises(ConfigError, match=r"cannot be written: .*; make it writable, or set"):
        set_up_logging(AppPaths.default())


def test_disk_that_fills_up_says_nothing_on_the_terminal(
    paths: AppPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        return
    root = logging.getLogger()
    (handler,) = [h for h in root.handlers if isinstance(h, logging_setup._PrivateFileHandler)]
    handler.stream.close()
    handler.stream = open("/dev/full", "w", buffering=1)
    handler.maxBytes = 0
    logging.getLogger("everlisten").info("no room for this")
    assert capsys.readouterr().err == ""
    handler.stream = None  # type: ignore[assignment]


def test_what_was_said_is_not_in_the_log(paths: AppPaths) -> None:
    with TimelineStore(paths.timeline) as store:
        writer = TimelineWriter(store)
        writer.start()
        session = writer.begin_session().session
        said = CaptionFinal(id="u", session=session, text="verysecretwords")
        writer.put(said)
        store._connection.execute("PRAGMA query_only = ON")
        writer.put(said)
        writer.stop()
    assert "verysecretwords" not in log_of(paths)
