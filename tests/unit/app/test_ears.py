"""What captions hear of what is captured: their sources alone, and not Everlisten itself."""

import numpy as np
import pytest

from everlisten.app.ears import TAIL_S, Ear, OwnVoice
from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM


def chunk(*sources, captured_s=100.0):
    rows = [np.full(CHUNK_SAMPLES, 0.1 * (1 + index), np.float32) for index in range(len(sources))]
    return AudioChunk(index=0, sources=sources, samples=np.stack(rows), captured_s=captured_s)


def test_everything_is_heard_unless_something_is_chosen():
    heard = Ear()(chunk(MIC, SYSTEM))
    assert heard.sources == (MIC, SYSTEM)
    assert heard.samples.all()


def test_a_microphone_that_is_open_for_alerts_alone_is_not_captioned():
    ear = Ear((SYSTEM,))
    heard = ear(chunk(MIC, SYSTEM))
    assert heard.sources == (SYSTEM,)
    assert heard.samples == pytest.approx(0.2)
    ear.sources = (MIC, SYSTEM)
    assert ear(chunk(MIC, SYSTEM)).sources == (MIC, SYSTEM)


def test_while_nothing_chosen_is_captured_there_is_silence():
    heard = Ear((SYSTEM,))(chunk(MIC))
    assert heard.sources == (SYSTEM,)
    assert not heard.samples.any()


@pytest.mark.parametrize(
    ("captured_s", "silent"),
    [(99.9, False), (100.3, True), (101.0, True), (102.0 + TAIL_S + 0.3, True), (103.0, False)],
)
def test_what_everlisten_says_is_not_captioned(captured_s, silent):
    voice = OwnVoice()
    voice.add(100.0, 102.0)
    heard = Ear(None, voice)(chunk(MIC, SYSTEM, captured_s=captured_s))
    assert heard.samples.any() != silent


def test_a_ring_gives_its_consumer_what_the_ear_lets_through():
    ring = ChunkRing((MIC, SYSTEM))
    ring.ear = Ear((MIC,))
    ring.push(chunk(MIC, SYSTEM))
    assert ring.pop().sources == (MIC,)


def test_a_ring_that_nobody_listens_to_holds_nobody_up():
    ring = ChunkRing((MIC,), 1)
    ring.listening = False
    assert ring.push(chunk(MIC))
    assert ring.push(chunk(MIC))
    assert not ring.full
    assert (len(ring), ring.dropped) == (0, 0)
    ring.listening = True
    ring.push(chunk(MIC))
    assert ring.full
