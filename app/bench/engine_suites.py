"""The suites of `everlisten bench engine`: each returns its tables within its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from everlisten.app.bench.engine_released import ReleasedSession, compared_rows
from everlisten.app.bench.engine_report import Row, Table
from everlisten.app.bench.engine_soak import soak
from everlisten.app.bench.engine_steps import step_tables
from everlisten.app.bench.engine_stream import (
    LANES,
    SPEAKS_EVERY,
    TEXT_TOKENS,
    latency_rows,
)
from everlisten.app.bench.engine_subject import Listening, Subject
from everlisten.app.bench.engine_timing import Timing
from everlisten.app.bench.engine_tower import tower_table
from everlisten.audio_io.chunk import CHUNK_S
from everlisten.engine.runner import POLL_S

_SCRIPTED = (
    f"Weights are random, so what is spoken is scripted: one chunk in {SPEAKS_EVERY} speaks,"
    f" {TEXT_TOKENS} text tokens, forced after the real decision and sampling were computed."
)
_CLOCK = (
    "Clock: from the call that hands over a whole chunk to the event that is handed back; every"
    " lane decides and speaks on the same chunks, and the last one counts."
)
_EMPTY_CHUNKS = 20
_COMPARED_MINUTES = (1.0, 3.0, 10.0)
_SOAK_SPEED = 20.0
_MINUTE_CHUNKS = 60 / CHUNK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured.

    Attributes:
        count: Passes for a row of the steps' table; about three times as many chunks of a stream.
        hours: Stream time of the endless suite.
        soak_minutes: Stream time of the soak.
        steady_chunks: Chunks before a stream counts as long-running: by 170 the window of 2,048
            positions has been full once.
        paced_s: Wall time of the part of the stream suite that runs at real-time pace.
        minutes: Stream times at which the released way is compared.
    """

    count: int = 300
    hours: float = 10.0
    soak_minutes: float = 10.0
    steady_chunks: int = 170
    paced_s: float = 40.0
    minutes: tuple[float, ...] = _COMPARED_MINUTES


Mode = Literal["eager", "captured"]

Suite = Callable[[Subject, Extent, float], list[Table]]
"""Called with the seconds that it may take; what does not fit is left out and said."""


def load(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """Time to ready and memory then."""
    before = subject.memory("before")
    rows: list[Row] = []
    for what in ("first time in this process", "again, kernels compiled"):
        subject.close()
        subject.model()
        rows.append({"checkpoint on disk to ready": what, "s": round(subject.load_s, 2)})
    memory = (before, subject.memory("loaded, every shape prepared"))
    return [
        Table("Load time", tuple(rows), ("The files may be in the disk cache.",)),
        Table("Memory", memory),
    ]


def stream(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """Decisions and first text, with an empty window and a long-running one."""
    chunks = 3 * extent.count
    rows: list[Row] = []
    for lanes in LANES:
        listening = Listening(subject, lanes)
        played = []
        for _ in range(max(1, chunks // _EMPTY_CHUNKS)):
            listening.restart()
            played += listening.play(_EMPTY_CHUNKS, limit_s=limit_s / 5)
        rows += latency_rows("first 8 s, back to back", lanes, played)
        listening.skip(extent.steady_chunks, limit_s=limit_s / 10)
        played = listening.play(chunks, limit_s=limit_s / 5)
        rows += latency_rows("full window, re-prefills included, back to back", lanes, played)
    if extent.paced_s > 0:
        paced = listening.play(round(extent.paced_s / CHUNK_S), pace_s=CHUNK_S)
        rows += latency_rows("full window, at real-time pace", lanes, paced)
    return [
        Table(f"Chunks through the model, {subject.precision}", tuple(rows), (_CLOCK, _SCRIPTED)),
        Table("Memory", (subject.memory("after the streams"),)),
    ]


def soaked(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """Faster than real time through ring and engine thread."""
    chunks = round(extent.soak_minutes * _MINUTE_CHUNKS)
    rows = tuple(
        soak(subject.model(), LANES[lanes], chunks=chunks, speed=_SOAK_SPEED).row(
            lanes, _SOAK_SPEED
        )
        for lanes in LANES
    )
    rest = f"Lag includes the engine thread's rest of {POLL_S * 1e3:.0f} ms when the ring is empty."
    return [Table(f"Soak, {subject.precision}", rows, (rest, _SCRIPTED))]


def endless(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """The same latencies after hours of stream, run through as fast as it goes."""
    lanes = max(LANES)
    listening = Listening(subject, lanes)
    memory = [subject.memory("at the start")]
    wanted = round(extent.hours * 3600 / CHUNK_S)
    until_s = time.perf_counter() + 0.85 * limit_s
    first = listening.play(min(wanted, 3 * extent.count), limit_s=limit_s / 10)
    ran = len(first)
    while ran < wanted and (left_s := until_s - time.perf_counter()) > 0:
        ran += len(listening.play(min(1000, wanted - ran), limit_s=left_s))
    hours = listening.sound.index * CHUNK_S / 3600
    notes = [_CLOCK, _SCRIPTED, f"{ran:,} chunks ({hours:.2f} h of stream) were run through."]
    if ran < wanted:
        listening.sound.index = wanted
        notes.append(f"The stream's clock was then put forward to {extent.hours:g} h.")
    last = listening.play(3 * extent.count, limit_s=limit_s / 10)
    memory.append(subject.memory(f"after {hours:.2f} h"))
    rows = latency_rows("at the start", lanes, first)
    rows += latency_rows(f"after {extent.hours:g} h", lanes, last)
    return [
        Table(f"Hours of stream, {subject.precision}", tuple(rows), tuple(notes)),
        Table("Memory", tuple(memory)),
    ]


def released(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """The released way beside ours, silent chunks with one lane."""
    title = f"Beside the released way, {subject.precision}"
    if subject.precision in ("int8", "int4"):
        return [Table(title, (), ("The released code knows no quantization.",))]
    listening = Listening(subject, 1)
    ours: dict[float, Timing] = {}
    for minutes in extent.minutes:
        left = round(minutes * _MINUTE_CHUNKS) - listening.sound.index
        listening.skip(max(0, left))
        subject.script.silent = True
        played = listening.play(min(100, extent.count))
        subject.script.silent = False
        ours[minutes] = Timing.of([each.done_ms for each in played])
    checkpoint = subject.checkpoint()
    session = ReleasedSession(checkpoint.weights, checkpoint.tower_state, checkpoint.tower_size)
    theirs = {
        minutes: session.measure(
            round(minutes * _MINUTE_CHUNKS), count=10, limit_s=limit_s / 2 / len(extent.minutes)
        )
        for minutes in extent.minutes
    }
    note = (
        "Released way: all sound so far is encoded again for every chunk, eager language model with"
        " a growing cache; its session, which ends after 44 s, goes on here. Silent chunks."
    )
    rows = tuple(compared_rows(extent.minutes, theirs, ours))
    return [Table(title, rows, (note,))]


def steps(subject: Subject, extent: Extent, limit_s: float) -> list[Table]:
    """Single passes of the two networks."""
    from everlisten.engine.laim.tower import tower_weights

    subject.close()
    checkpoint = subject.checkpoint()
    on_gpu = subject.device.startswith("cuda")
    # Quantized weights are unpacked for every eager pass: that says nothing.
    slow = subject.precision in ("float32", "bf16") or not on_gpu
    modes: list[Mode] = ["eager"] if slow else []
    if on_gpu:
        modes.append("captured")
    row_s = limit_s / 40
    tables = step_tables(
        checkpoint.weights,
        modes=modes,
        bandwidth=subject.bandwidth,
        count=extent.count,
        limit_s=row_s,
        precision=subject.precision,
    )
    weights = tower_weights(
        checkpoint.tower_state, checkpoint.tower_size,
        device=subject.device, dtype=checkpoint.weights.embedding.dtype,
    )  # fmt: skip
    tower = tower_table(
        weights,
        modes=["eager", "captured"] if on_gpu else ["eager"],
        bandwidth=subject.bandwidth,
        count=extent.count,
        limit_s=row_s,
    )
    return [*tables, tower]


SUITES: dict[str, tuple[Suite, float]] = {
    "load": (load, 90.0),
    "steps": (steps, 120.0),
    "stream": (stream, 150.0),
    "soak": (soaked, 90.0),
    "released": (released, 90.0),
    "endless": (endless, 150.0),
}
"""In the order in which they are run, with the most seconds of each."""
