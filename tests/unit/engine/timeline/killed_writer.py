"""A process for test_kill: captions as fast as it goes, telling what it saw as final.

Not a test. Arguments: path of the history.
"""

import sys
import threading
import time
from pathlib import Path

import numpy as np

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.events import CaptionFinal, CaptionPartial
from everlisten.engine.timeline.recording import AudioRecorder
from everlisten.engine.timeline.store import TimelineStore
from everlisten.engine.timeline.writer import TimelineWriter


def main() -> None:
    store = TimelineStore(Path(sys.argv[1]))
    writer = TimelineWriter(store)
    feed = writer.subscribe()
    writer.start()
    session = writer.begin_session(title="Killed").session
    ring = ChunkRing((SourceName.MIC,))
    AudioRecorder(store.recordings, session, ring, writer.put, print).start()
    threading.Thread(target=feed_engine, args=(writer, ring, session), daemon=True).start()
    for event in feed:
        if isinstance(event, CaptionFinal):
            # One write per line: what was written before the kill is read by the test.
            sys.stdout.write(f"{session} {event.id}\n")
            sys.stdout.flush()


def feed_engine(writer: TimelineWriter, ring: ChunkRing, session: str) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, (1, CHUNK_SAMPLES)).astype(np.float32)
    for index in range(1_000_000):
        while ring.full:
            time.sleep(0.005)
        ring.push(AudioChunk(index=index, sources=(SourceName.MIC,), samples=noise, captured_s=0.0))
        for part in range(3):
            writer.put(CaptionPartial(id=f"u{index}", session=session, unstable="x" * part))
        writer.put(
            CaptionFinal(
                id=f"u{index}",
                session=session,
                start_s=index * 0.4,
                end_s=index * 0.4 + 0.4,
                emitted_s=index * 0.4 + 0.8,
                text=f"utterance number {index}",
            )
        )
        time.sleep(0.002)


if __name__ == "__main__":
    main()
