"""The engine thread steps every chunk in order, obeys between steps, and fails with a sentence."""

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine import runner
from everlisten.engine.errors import EngineError
from everlisten.engine.events import CaptionFinal, EngineFailed, EngineHealth
from everlisten.engine.interaction import Instruction
from everlisten.engine.runner import (
    AskText,
    EngineThread,
    Flush,
    Interrupt,
    SetInstruction,
    Shutdown,
)


@dataclass
class CountingState:
    instruction: Instruction
    session: str
    backlog_chunks: int = 0
    backlogs: list = field(default_factory=list)
    waiting: list = field(default_factory=list)


class CountingModel:
    """Says the index of every chunk, answers a question with its words, one at a time, and says
    "end" when it is flushed."""

    def __init__(self, fail_at=None, error=None, advance_s=0.0):
        self.fail_at, self.error, self.advance_s = fail_at, error, advance_s
        self.states = []

    def new_state(self, instruction, session):
        state = CountingState(instruction, session)
        self.states.append(state)
        return state

    def step(self, chunk, state):
        if chunk.index == self.fail_at:
            raise self.error
        state.backlogs.append(state.backlog_chunks)
        return [self._say(state, f"{chunk.index}{state.instruction.language or ''}")]

    def busy(self, state):
        return bool(state.waiting)

    def advance(self, state):
        time.sleep(self.advance_s)
        return [self._say(state, state.waiting.pop(0))]

    def ask(self, text, state):
        state.waiting += text.split()
        return []

    def interrupt(self, state):
        cut, state.waiting = state.waiting, []
        return [self._say(state, f"{len(cut)} cut")] if cut else []

    def flush(self, state):
        rest, state.waiting = state.waiting, []
        return [self._say(state, text) for text in [*rest, "end"]]

    def reset(self, state):
        pass

    def close(self):
        pass

    def _say(self, state, text):
        return CaptionFinal(id=text, session=state.session, text=text)


def chunk(index):
    return AudioChunk(
        index=index,
        sources=(SourceName.MIC,),
        samples=np.zeros((1, CHUNK_SAMPLES), np.float32),
        captured_s=time.monotonic(),
    )


@pytest.fixture
def ring():
    return ChunkRing([SourceName.MIC])


@pytest.fixture
def said():
    return []


def engine_for(model, ring, said):
    return EngineThread(
        model=model,
        ring=ring,
        sink=said.append,
        instruction=Instruction(),
        session="s",
    )


def texts(said):
    return [event.text for event in said if isinstance(event, CaptionFinal)]


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_every_chunk_in_order_then_the_last_words(ring, said):
    for index in range(20):
        ring.push(chunk(index))
    ring.close()
    model = CountingModel()
    engine = engine_for(model, ring, said)
    engine.start()
    assert engine.join(10)
    assert texts(said) == [str(index) for index in range(20)] + ["end"]
    assert model.states[0].backlogs == list(reversed(range(20)))
    assert engine.load.chunks == 20
    assert engine.load.consumed_s == pytest.approx(8.0)
    assert not engine.failed


def test_commands_take_effect_between_steps(ring, said):
    engine = engine_for(CountingModel(), ring, said)
    engine.start()
    ring.push(chunk(0))
    wait_for(lambda: texts(said) == ["0"])
    engine.send(SetInstruction(Instruction(language="de")))
    engine.send(Flush())
    wait_for(lambda: texts(said) == ["0", "end"])
    ring.push(chunk(1))
    wait_for(lambda: texts(said)[-1] == "1de")
    engine.stop()
    assert texts(said)[-1] == "end"
    assert not engine.alive


def test_waiting_work_goes_on_without_sound_and_makes_room_for_it(ring, said):
    engine = engine_for(CountingModel(advance_s=0.05), ring, said)
    engine.start()
    engine.send(AskText("one two three four five six"))
    wait_for(lambda: "two" in texts(said))
    ring.push(chunk(0))
    wait_for(lambda: "six" in texts(said))
    engine.stop()
    assert [
        text for text in texts(said) if text != "0"
    ] == "one two three four five six end".split()
    assert texts(said).index("0") <= texts(said).index("four")


def test_the_time_of_waiting_work_counts_as_load(ring, said):
    engine = engine_for(CountingModel(advance_s=0.1), ring, said)
    engine.start()
    engine.send(AskText("one two"))
    wait_for(lambda: "two" in texts(said))
    ring.push(chunk(0))
    wait_for(lambda: "0" in texts(said))
    engine.stop()
    assert 0.2 <= engine.load.busy_s < 1.0
    assert engine.load.load == pytest.approx(0.1 * engine.load.busy_s / 0.4)


def test_a_running_reply_is_interrupted(ring, said):
    engine = engine_for(CountingModel(advance_s=0.05), ring, said)
    engine.start()
    engine.send(Interrupt())
    engine.send(AskText("one " * 1000))
    wait_for(lambda: texts(said)[:1] == ["one"])
    engine.send(Interrupt())
    wait_for(lambda: "cut" in texts(said)[-1])
    engine.stop()
    assert texts(said).count("one") + int(texts(said)[-2].split()[0]) == 1000
    assert texts(said)[-1] == "end"


def test_shutdown_leaves_what_waits(ring, said):
    engine = engine_for(CountingModel(), ring, said)
    engine.send(Shutdown())
    ring.push(chunk(0))
    engine.start()
    assert engine.join(10)
    assert texts(said) == ["end"]
    assert len(ring) == 1


class Tireless(CountingModel):
    """Has always more to do."""

    def busy(self, state):
        return True

    def advance(self, state):
        return []


def test_shutdown_ends_a_model_that_is_never_done(ring, said, monkeypatch):
    monkeypatch.setattr(runner, "FINISH_S", 0.1)
    engine = engine_for(Tireless(), ring, said)
    engine.start()
    engine.send(Shutdown())
    assert engine.join(10)
    assert not engine.failed


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (EngineError("The model file is gone; fetch it again."), "The model file is gone"),
        (RuntimeError("boom"), "Captions stopped"),
    ],
)
def test_a_failure_is_told_and_another_thread_can_go_on(ring, said, error, sentence):
    for index in range(3):
        ring.push(chunk(index))
    engine = engine_for(CountingModel(fail_at=1, error=error), ring, said)
    engine.start()
    assert engine.join(10)
    assert engine.failed
    assert isinstance(said[-1], EngineFailed)
    assert sentence in said[-1].text
    ring.close()
    second = engine_for(CountingModel(), ring, said)
    second.start()
    assert second.join(10)
    assert texts(said) == ["0", "2", "end"]


def test_health_tells_lag_and_what_was_dropped(said):
    small = ChunkRing([SourceName.MIC], capacity_chunks=1)
    late = AudioChunk(
        index=0,
        sources=(SourceName.MIC,),
        samples=np.zeros((1, CHUNK_SAMPLES), np.float32),
        captured_s=time.monotonic() - 7.0,
    )
    small.push(late)
    assert not small.push(chunk(1))
    small.close()
    engine = engine_for(CountingModel(), small, said)
    engine.start()
    engine.join(10)
    health = next(event for event in said if isinstance(event, EngineHealth))
    assert health.dropped == 1
    assert 7.0 <= health.lag_s < 8.0
    assert "7 s behind" in health.problem
    assert health.memory_mb > 10
