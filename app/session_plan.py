"""What a session is made of: its feed, its recorder, its watch, and the plan that names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from everlisten.audio_io.chunk import SourceName
from everlisten.audio_io.health import CaptureHealth
from everlisten.audio_io.ring_buffer import DEFAULT_CAPACITY_CHUNKS, ChunkRing
from everlisten.engine.interaction import Instruction


class SoundFeed(Protocol):
    """Brings sound into rings: live capture, or a file."""

    def start(self) -> None:
        """Begin; a device that is missing is waited for."""

    def pause(self) -> None:
        """Let go of the devices; no chunk comes until `resume`."""

    def resume(self) -> None:
        """Go on; stream time continues where it paused."""

    def stop(self) -> None:
        """End for good and close the rings."""

    def health(self) -> CaptureHealth:
        """A snapshot of every source."""


class Recorder(Protocol):
    """Keeps the sound of a session."""

    def start(self) -> None:
        """Begin to empty the ring."""

    def stop(self) -> None:
        """Keep the rest; the feed has ended."""


class Watch(Protocol):
    """Judges the sounds of a session, whatever becomes of its engine."""

    def start(self) -> None:
        """Begin to empty the ring."""

    def look_after(self) -> None:
        """Begin again what has failed; call several times a second."""

    def reconfigure(self) -> None:
        """The settings of alerts were changed."""

    def stop(self) -> None:
        """End; what waits in the ring is judged if the feed has ended."""

    @property
    def finished(self) -> bool:
        """The feed has ended and everything in the ring was judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPost:
    """What a watch needs to know of its session."""

    ring: ChunkRing
    session: str
    problem: Callable[[Sequence[SourceName]], str]
    """What is wrong with the sound of these sources, in sentences."""


FeedFactory = Callable[[Sequence[ChunkRing]], SoundFeed]
RecorderFactory = Callable[[str, ChunkRing], Recorder]
"""From the session's id and the ring that it empties."""
WatchFactory = Callable[[WatchPost], Watch]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """What a session listens to and how."""

    sources: tuple[SourceName, ...]
    """Every source that may take part, so that the rings have room for it."""
    feed: FeedFactory
    instruction: Instruction
    model_name: str
    title: str = ""
    """Empty: named after its start."""
    recorder: RecorderFactory | None = None
    """None: the sound is not kept."""
    watch: WatchFactory | None = None
    """None: nobody is warned about sounds."""
    heard: tuple[SourceName, ...] | None = None
    """What captions and recording hear of the sources; None: everything."""
    ring_chunks: int = DEFAULT_CAPACITY_CHUNKS
    """How much may wait for the engine."""
