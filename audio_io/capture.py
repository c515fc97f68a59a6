"""The audio thread: empties the devices' rings, aligns, meters, and pushes chunks to the engine."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from everlisten.audio_io.chunk import AudioChunk, SourceName
from everlisten.audio_io.config import GAIN_LIMITS_DB, CaptureConfig
from everlisten.audio_io.devices import SystemBackend
from everlisten.audio_io.health import CaptureHealth
from everlisten.audio_io.keeper import DeviceKeeper
from everlisten.audio_io.mixer import Mixer
from everlisten.audio_io.native import DEFAULT_DEVICE, DeviceBackend
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.audio_io.source_capture import SourceCapture

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 1.5
CAPTURE_SOURCES = (SourceName.MIC, SourceName.SYSTEM)
"""What a ring for `AudioCapture` must know, whatever is selected: the selection may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSelection:
    """What to listen to; a device id of "" follows the system's default."""

    mode: Literal["mic", "system", "both"] = "mic"
    microphone: str = DEFAULT_DEVICE
    system: str = DEFAULT_DEVICE

    def __post_init__(self) -> None:
        if self.mode not in ("mic", "system", "both"):
            raise ValueError(f"mode = {self.mode!r}: choose mic, system or both")

    @property
    def sources(self) -> tuple[SourceName, ...]:
        """The rows of every chunk."""
        if self.mode == "both":
            return CAPTURE_SOURCES
        return (SourceName(self.mode),)

    def device_id(self, source: SourceName) -> str:
        """The chosen device of one source."""
        return self.system if source is SourceName.SYSTEM else self.microphone


class AudioCapture:
    """Captures the selected sources into rings, one chunk per 0.4 s of monotonic time.

    The clock never stops: a device that is missing, lost, or silent leaves silence on the time
    line, and is taken back when it returns. Commands may come from any thread but not from two at
    once; they take effect within a poll (47 ms). Devices are opened by threads of their own.
    """

    def __init__(
        self,
        selection: CaptureSelection,
        rings: Sequence[ChunkRing],
        config: CaptureConfig | None = None,
        *,
        backend: DeviceBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; no device is touched before `start`.

        Args:
            selection: What to listen to.
            rings: One per consumer; each gets every chunk. Closed at `stop`.
            config: Defaults if None.
            backend: Finds and opens devices; the real ones if None.
            clock: Monotonic seconds.
        """
        for ring in rings:
            if not set(CAPTURE_SOURCES) <= set(ring.sources):
                raise ValueError(f"ring for {list(ring.sources)}: make it for CAPTURE_SOURCES")
        self._config = config if config is not None else CaptureConfig()
        self._backend = backend if backend is not None else SystemBackend(self._config.latency_s)
        self._selection = selection
        self._rings = tuple(rings)
        self._clock = clock
        self._gains_db = {
            SourceName.MIC: self._config.mic_gain_db,
            SourceName.SYSTEM: self._config.system_gain_db,
        }
        self._retired: list[DeviceKeeper] = []
        self._commands: deque[Callable[[], None]] = deque()
        self._sources: dict[SourceName, SourceCapture] = {}
        self._mixer: Mixer | None = None
        self._paused = False
        self._problem = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def selection(self) -> CaptureSelection:
        """The user's choice, also while a device is waited for."""
        return self._selection

    @property
    def paused(self) -> bool:
        """No chunks are made now."""
        return self._paused

    def start(self) -> None:
        """Begin to capture; returns at once."""
        assert self._thread is None, "started twice: make a new AudioCapture"
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End capture, give back the devices and close the rings; at most about 2 s."""
        self._stop.set()
        if self._thread is None:
            self._finish()
            return
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            logger.warning("the audio thread does not end")

    def pause(self) -> None:
        """Give back the devices and stop the stream time; `resume` goes on with the next chunk."""
        self._paused = True
        self._commands.append(self._close_sources)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._paused = False
        self._commands.append(self._resume)

    def select(self, selection: CaptureSelection) -> None:
        """Listen to other sources; stream time goes on, sources that stay are not reopened."""
        self._selection = selection
        self._commands.append(self._apply_selection)

    def set_gain(self, source: SourceName, gain_db: float) -> None:
        """Amplify one source, -20 to 30 dB."""
        low, high = GAIN_LIMITS_DB
        if not low <= gain_db <= high:
            raise ValueError(f"gain_db = {gain_db:g}: give {low:g} to {high:g}")
        self._gains_db[source] = gain_db
        captured = self._sources.get(source)
        if captured is not None:
            captured.line.gain_db = gain_db

    def health(self) -> CaptureHealth:
        """A snapshot; cheap, from any thread."""
        now_s = self._clock()
        sources = tuple(self._sources.values())
        alive = self._thread is not None and self._thread.is_alive()
        return CaptureHealth(
            sources=tuple(source.health(now_s) for source in sources),
            chunks=self._mixer.index if self._mixer is not None else 0,
            dropped=sum(ring.dropped for ring in self._rings),
            running=alive and not self._paused and not self._stop.is_set(),
            problem=self._problem,
        )

    def _run(self) -> None:
        try:
            self._apply_selection()
            while not self._stop.wait(self._config.poll_s):
                self._poll()
        except Exception as error:
            logger.exception("the audio thread failed")
            self._problem = f"Listening has stopped: {error}; start it again, the log says more."
        finally:
            self._finish()

    def _poll(self) -> None:
        while self._commands:
            self._commands.popleft()()
        if self._paused or self._mixer is None:
            return
        for captured in self._sources.values():
            block = captured.read(self._clock)
            if block is not None:
                self._mixer.write(captured.source, *block)
        while (chunk := self._mixer.due(self._clock())) is not None:
            self._push(chunk)

    def _push(self, chunk: AudioChunk) -> None:
        for ring in self._rings:
            ring.push(chunk)

    def _apply_selection(self) -> None:
        if self._paused:
            return
        wanted = self._selection
        kept: dict[SourceName, SourceCapture] = {}
        for source in wanted.sources:
            old = self._sources.get(source)
            if old is not None and old.keeper.device_id == wanted.device_id(source):
                kept[source] = old
            else:
                kept[source] = SourceCapture(
                    source,
                    wanted.device_id(source),
                    self._backend,
                    self._config,
                    self._gains_db[source],
                )
        self._retire([old for old in self._sources.values() if old not in kept.values()])
        started = [new for new in kept.values() if new not in self._sources.values()]
        self._sources = kept
        lines = [captured.line for captured in kept.values()]
        if self._mixer is None:
            self._mixer = Mixer(
                lines,
                self._clock(),
                self._config.late_after_s,
                echo=self._config.echo_control,
            )
        else:
            self._mixer.set_lines(lines)
        for new in started:
            new.keeper.start()

    def _resume(self) -> None:
        if self._paused:
            return
        self._apply_selection()
        assert self._mixer is not None
        self._mixer.resume(self._clock())

    def _close_sources(self) -> None:
        self._retire(list(self._sources.values()))
        self._sources = {}

    def _retire(self, sources: Sequence[SourceCapture]) -> None:
        """Have devices given back without waiting for them: the clock must not stop."""
        self._retired = [keeper for keeper in self._retired if keeper.running]
        for source in sources:
            source.keeper.request_stop()
            self._retired.append(source.keeper)

    def _finish(self) -> None:
        self._close_sources()
        until_s = time.monotonic() + CLOSE_TIMEOUT_S
        for keeper in self._retired:
            keeper.stop(max(0.0, until_s - time.monotonic()))
        self._backend.close()
        for ring in self._rings:
            ring.close()
