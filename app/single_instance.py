"""One window per data folder: a second start brings the first to the front, with its file."""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

logger = logging.getLogger(__name__)

_TIMEOUT_MS = 1_000
_RAISE = b"raise"
_OPEN = b"open "
"""Before the path of a file; what a second start sends ends with its connection."""


class SingleInstance(QObject):
    """Holds the name of this data folder, or finds that another process does."""

    def __init__(self, data_dir: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        key = f"{getpass.getuser()}:{data_dir.resolve()}"
        self._name = "everlisten-" + hashlib.sha256(key.encode()).hexdigest()[:16]
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._on_raise: Callable[[], None] | None = None
        self._on_open: Callable[[Path], None] | None = None
        self._server.newConnection.connect(self._accept)

    def acquire(self, file: Path | None = None) -> bool:
        """True if this is the only instance; otherwise the other one was asked to come to front.

        Args:
            file: What the other one is asked to open.
        """
        if self._ask_other(_RAISE if file is None else _OPEN + os.fsencode(file.absolute())):
            return False
        # Nobody answers, so a socket file that is still there was left by a killed process.
        QLocalServer.removeServer(self._name)
        if not self._server.listen(self._name):
            # Rather two windows than none.
            logger.warning("a second start will not be noticed: %s", self._server.errorString())
        return True

    def on_raise(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the GUI thread whenever another start asks for the window."""
        self._on_raise = callback

    def on_open(self, callback: Callable[[Path], None]) -> None:
        """Call `callback` in the GUI thread with the file that another start was given."""
        self._on_open = callback

    def release(self) -> None:
        """Give the name back."""
        self._server.close()

    def _ask_other(self, request: bytes) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(_TIMEOUT_MS):
            return False
        socket.write(request)
        socket.waitForBytesWritten(_TIMEOUT_MS)
        socket.disconnectFromServer()
        return True

    def _accept(self) -> None:
        connection = self._server.nextPendingConnection()
        connection.disconnected.connect(lambda: self._heard(connection))
        if self._on_raise is not None:
            self._on_raise()

    def _heard(self, connection: QLocalSocket) -> None:
        request = bytes(connection.readAll().data())
        connection.deleteLater()
        if request.startswith(_OPEN) and self._on_open is not None:
            self._on_open(Path(os.fsdecode(request.removeprefix(_OPEN))))
