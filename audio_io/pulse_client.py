"""A small client of PulseAudio's library, which PipeWire serves too.

SoundCard's own client connects at import, never reconnects, and its process is aborted by the
library when the server goes away (seen with 0.4.6: an assertion in pa_operation_unref), so on
Linux an application that runs all day talks to libpulse itself. No callback of Python's runs for
sound: the library's thread queues the blocks in C, and `PulseStream.read` takes them out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from everlisten.audio_io.errors import AudioError, PermissionDeniedError
from everlisten.audio_io.pulse_library import (
    CONTEXT_FAILED,
    CONTEXT_NOAUTOSPAWN,
    CONTEXT_READY,
    ERROR_ACCESS,
    OPERATION_RUNNING,
    SoundServerError,
    library,
)

CALL_TIMEOUT_S = 1.0
CONNECT_TIMEOUT_S = 2.0
SOUND_SERVER = "the sound server"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseSource:
    """A source of the server; `monitor_of` is "" for a real one, else its sink's name."""

    name: str
    description: str
    rate_hz: int
    channels: int
    monitor_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseState:
    """What the server has now."""

    sources: tuple[PulseSource, ...]
    default_sink: str
    default_source: str


class PulseClient:
    """One connection to the server, never reconnected; streams on it keep it until they end."""

    def __init__(self, name: str = "Everlisten") -> None:
        """Connect.

        Raises:
            SoundServerError: Nobody answers.
            PermissionDeniedError: The server refuses this program.
        """
        self.ffi, self.lib = library()
        self._guard = threading.Lock()
        self._users = 1  # this object's maker, and every open stream
        self._mainloop = self.lib.pa_threaded_mainloop_new()
        api = self.lib.pa_threaded_mainloop_get_api(self._mainloop)
        self.context = self.lib.pa_context_new(api, name.encode())
        self.closed = False
        try:
            self._connect()
        except AudioError:
            self.close()
            raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the library's thread still; must not be nested."""
        self.lib.pa_threaded_mainloop_lock(self._mainloop)
        try:
            yield
        finally:
            self.lib.pa_threaded_mainloop_unlock(self._mainloop)

    def alive(self) -> bool:
        """The connection stands."""
        if self.closed:
            return False
        with self.locked():
            return bool(self.lib.pa_context_get_state(self.context) == CONTEXT_READY)

    def use(self) -> None:
        """A stream begins to use the connection; `release` follows."""
        with self._guard:
            assert self._users > 0, "use after the end"
            self._users += 1

    def release(self) -> None:
        """A stream has ended; the last user ends the connection."""
        with self._guard:
            self._users -= 1
            if self._users:
                return
        with self.locked():
            self.lib.pa_context_disconnect(self.context)
            self.lib.pa_context_unref(self.context)
        self.lib.pa_threaded_mainloop_stop(self._mainloop)
        self.lib.pa_threaded_mainloop_free(self._mainloop)

    def close(self) -> None:
        """No new use; the connection ends with the last stream on it. May be called twice."""
        if not self.closed:
            self.closed = True
            self.release()

    def state(self) -> PulseState:
        """Sources and defaults now.

        Raises:
            SoundServerError: The server has gone or does not answer within 1 s.
        """
        defaults = ["", ""]

        def on_server(_context: Any, info: Any, _data: Any) -> None:
            if info:
                defaults[:] = (
                    self._text(info.default_sink_name),
                    self._text(info.default_source_name),
                )

        sources: list[PulseSource] = []

        def on_source(_context: Any, info: Any, end: int, _data: Any) -> None:
            if end == 0:
                sources.append(self._source(info))

        server_callback = self.ffi.callback("pa_server_info_cb_t", on_server)
        source_callback = self.ffi.callback("pa_source_info_cb_t", on_source)
        self._call(self.lib.pa_context_get_server_info, server_callback)
        self._call(self.lib.pa_context_get_source_info_list, source_callback)
        sink, source = defaults
        return PulseState(sources=tuple(sources), default_sink=sink, default_source=source)

    def _connect(self) -> None:
        lib, ffi = self.lib, self.ffi
        # A root service has no session to spawn a server in, and a desktop always runs one.
        failed = lib.pa_context_connect(self.context, ffi.NULL, CONTEXT_NOAUTOSPAWN, ffi.NULL) < 0
        if lib.pa_threaded_mainloop_start(self._mainloop) < 0:
            raise SoundServerError("its thread cannot be started")
        until_s = time.monotonic() + CONNECT_TIMEOUT_S
        while not failed:
            with self.locked():
                state = lib.pa_context_get_state(self.context)
            if state == CONTEXT_READY:
                return
            failed = state >= CONTEXT_FAILED or time.monotonic() > until_s
            time.sleep(0.001)
        with self.locked():
            code = lib.pa_context_errno(self.context)
        if code == ERROR_ACCESS:
            raise PermissionDeniedError(SOUND_SERVER)
        raise SoundServerError(self._text(lib.pa_strerror(code)).lower() or "no answer")

    def _call(self, function: Callable[..., Any], callback: Any) -> None:
        """Run one query to its end; `callback` must stay referenced by the caller meanwhile."""
        with self.locked():
            operation = function(self.context, callback, self.ffi.NULL)
        if not operation:
            raise SoundServerError("the connection is lost")
        until_s = time.monotonic() + CALL_TIMEOUT_S
        try:
            while True:
                with self.locked():
                    running = self.lib.pa_operation_get_state(operation) == OPERATION_RUNNING
                    if running and time.monotonic() > until_s:
                        self.lib.pa_operation_cancel(operation)
                        raise SoundServerError("no answer within 1 s")
                if not running:
                    return
                time.sleep(0.001)
        finally:
            with self.locked():
                self.lib.pa_operation_unref(operation)

    def _source(self, info: Any) -> PulseSource:
        return PulseSource(
            name=self._text(info.name),
            description=self._text(info.description),
            rate_hz=int(info.sample_spec.rate),
            channels=int(info.sample_spec.channels),
            monitor_of=self._text(info.monitor_of_sink_name),
        )

    def _text(self, pointer: Any) -> str:
        if not pointer:
            return ""
        return bytes(self.ffi.string(pointer)).decode("utf-8", "replace")
