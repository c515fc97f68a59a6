"""Which process writes to a session, and whether that process still lives.

A process id alone says little: ids are used again, and after a restart of the computer they all
are. So each writing process holds a lock on a file of its own; the system frees it however the
process ends. A session that is open while nobody holds its owner's lock was cut off.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import BinaryIO


class Owner:
    """The claim of one process, held until `release`.

    Args:
        folder: Where the lock files lie.
    """

    def __init__(self, folder: Path) -> None:
        self.id = f"{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / self.id
        self._stream = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        locked = _lock(self._stream)
        assert locked, self._path

    def release(self) -> None:
        """Give up the claim."""
        self._stream.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def is_alive(folder: Path, owner: str) -> bool:
    """Whether the process that claimed `owner` still runs; the file of a dead one is removed."""
    path = folder / owner
    try:
        stream = path.open("r+b")
    except FileNotFoundError:
        return False
    except OSError:
        # Windows refuses to open what another process has locked.
        return True
    with stream:
        if not _lock(stream):
            return True
    with contextlib.suppress(OSError):
        path.unlink()
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(stream: BinaryIO) -> bool:
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(stream: BinaryIO) -> bool:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
