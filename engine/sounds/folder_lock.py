"""One process at a time changes a folder: the window and a terminal may both be open."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Whoever else does this waits meanwhile; the system ends it with the process.

    Args:
        folder: What is changed. The lock is a file beside it, so that the folder can be replaced.

    Raises:
        OSError: The file cannot be made.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder.with_name(f"{folder.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Tries for ten seconds, then raises OSError.
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
