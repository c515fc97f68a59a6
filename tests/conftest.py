"""What every test gets: folders of its own, Qt without a screen, and a check for leftovers."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("EVERLISTEN_SHARED", REPOSITORY.parent / "shared"))
# For what several folders of tests share; pytest's importlib mode adds nothing to the path.
sys.path.insert(0, str(REPOSITORY / "tests"))
# The same examples in every run: a failure can be repeated, and a green run stays green.
hypothesis.settings.register_profile("everlisten", derandomize=True, deadline=None)
hypothesis.settings.load_profile("everlisten")

LEFTOVER_WAIT_S = 3.0
"""How long threads and processes may take to end after a test."""

# As `everlisten` itself does, before torch is imported: its spinning threads slow a busy machine.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
# Before anything imports Qt: no screen is needed, and Qt's missing-folder warning would fail tests.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if not Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")).is_dir():
    _runtime_dir = tempfile.TemporaryDirectory(prefix="everlisten-runtime-")  # until the exit
    os.environ["XDG_RUNTIME_DIR"] = _runtime_dir.name


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings beside the checkout; a user's clone has none."""
    if not SHARED.is_dir():
        pytest.skip(f"the recordings are not here: {SHARED} is missing")
    return SHARED


@pytest.fixture(scope="session")
def demo_scene() -> Path:
    """The bundled scene: English, Spanish, music, silence, French, English."""
    return REPOSITORY / "assets" / "demo" / "scene.flac"


@pytest.fixture
def rng() -> np.random.Generator:
    """A random generator that gives the same numbers in every run."""
    return np.random.default_rng(20260606)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The application's data folder of this test; not made yet."""
    return tmp_path / "everlisten-data"


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """The application's configuration folder of this test; not made yet."""
    return tmp_path / "everlisten-config"


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, data_dir: Path, config_dir: Path) -> None:
    """No test, and no program that a test starts, sees the user's own data."""
    monkeypatch.setenv("EVERLISTEN_DATA_DIR", str(data_dir))
    monkeypatch.setenv("EVERLISTEN_CONFIG_DIR", str(config_dir))


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or a running Qt timer behind.

    What fixtures of a wider scope started before the test is not counted.
    """
    threads_before = set(threading.enumerate())
    children_before = set(psutil.Process().children(recursive=True))
    uses_qt = "qtbot" in request.fixturenames
    qt_before = _running_qt_objects() if uses_qt else {}
    yield
    deadline = time.monotonic() + LEFTOVER_WAIT_S
    while True:
        threads = [t for t in threading.enumerate() if t not in threads_before and t.is_alive()]
        children = [
            child
            for child in psutil.Process().children(recursive=True)
            if child not in children_before
        ]
        if not (threads or children) or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    left = [_describe_thread(thread) for thread in threads]
    left += [_describe_process(child) for child in children]
    if uses_qt:
        left += [text for key, text in _running_qt_objects().items() if key not in qt_before]
    if left:
        pytest.fail("left behind by this test:\n" + "\n".join(left), pytrace=False)


def _describe_thread(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    where = "".join(traceback.format_stack(frame)) if frame else ""
    return f"thread {thread.name!r}\n{where}"


def _describe_process(process: psutil.Process) -> str:
    try:
        return f"process {process.pid}: {process.status()}: {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"process {process.pid}"


def _running_qt_objects() -> dict[int, str]:
    """Qt timers and threads that run, by identity; what is due for deletion is deleted first."""
    from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
    from shiboken6 import isValid

    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    main_thread = QThread.currentThread()
    running: dict[int, str] = {}
    for each in gc.get_objects():
        # By type alone: isinstance asks the object, and some of torch's answer with a warning.
        kind = type(each)
        if issubclass(kind, QTimer) and isValid(each) and each.isActive():
            running[id(each)] = f"timer of {each.parent()!r}, every {each.interval()} ms"
        elif issubclass(kind, QThread) and each is not main_thread and isValid(each):
            if each.isRunning():
                running[id(each)] = f"Qt thread {each.objectName()!r}"
    return running
