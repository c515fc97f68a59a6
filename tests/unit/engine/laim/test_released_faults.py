"""Faults of the released code that no other test shows absent; the table is in docs/engine.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import laim_fixture
import laim_rig
import numpy as np
import pytest
import torch
from laim_reference import LogitStep, compiler
from torch.overrides import TorchFunctionMode

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.engine.events import Decision
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.config import LaimConfig, Scripted
from everlisten.engine.laim.language_model import layer_step
from everlisten.engine.laim.model import AudioInteractionModel
from everlisten.engine.laim.parts import SYSTEM_FILE
from everlisten.engine.laim.perception import Perception
from everlisten.engine.laim.step import RowBlock, StepMode
from everlisten.engine.laim.text import StreamingDecoder, TextTokenizer
from everlisten.engine.laim.tokens import CHUNK_TOKENS, KEEP_SILENCE, Emotion

QUIET_RMS = 0.002
"""The released page passes nothing on below 0.012."""
QUIET_CHUNKS = 40
"""16 s; it stops listening after 6 s of quiet."""


@pytest.fixture(scope="module")
def model(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AudioInteractionModel]:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("model"))
    (folder / SYSTEM_FILE).write_text("You listen.", encoding="utf-8")
    made = AudioInteractionModel(folder, device="cpu", config=LaimConfig(script=silent))
    yield made
    made.close()


def silent(lane: str, chunk: int) -> Scripted:
    return Scripted(0)


def quiet_chunks(count: int) -> list[AudioChunk]:
    numbers = np.random.default_rng(4)
    sound = (numbers.standard_normal((count, CHUNK_SAMPLES)) * QUIET_RMS).astype(np.float32)
    return [
        AudioChunk(index=index, sources=(SourceName.MIC,), samples=row[None], captured_s=0.0)
        for index, row in enumerate(sound)
    ]


def test_quiet_sound_is_listened_to_from_the_first_chunk_on(model: AudioInteractionModel) -> None:
    """No gate, no chunks left out before something loud, no end after seconds of quiet."""
    state = model.new_state(Instruction(assistant="warn"), "s")
    decided: list[Decision] = []
    for chunk in quiet_chunks(QUIET_CHUNKS):
        events = list(model.step(chunk, state))
        while model.busy(state):
            events += model.advance(state)
        decided += [event for event in events if isinstance(event, Decision)]
    for lane in ("captions", "assistant"):
        times = [event.end_s for event in decided if event.lane == lane]
        assert times == pytest.approx([0.4 * (index + 1) for index in range(QUIET_CHUNKS)])


def test_quiet_sound_is_not_replaced_by_zeros(model: AudioInteractionModel) -> None:
    perception = model.parts.perception
    chunks = quiet_chunks(5)
    zeros = [
        AudioChunk(
            index=chunk.index, sources=chunk.sources, samples=0 * chunk.samples, captured_s=0.0
        )
        for chunk in chunks
    ]
    quiet, nothing = (features(perception, each) for each in (chunks, zeros))
    # Every one of them: nothing is faded out after the first frames either.
    assert ((quiet - nothing).abs().amax(dim=(1, 2)) > 0.05).all()


def features(perception: Perception, chunks: list[AudioChunk]) -> torch.Tensor:
    state = perception.new_state()
    heard = [perception.heard(chunk, perception.frames(chunk, state)) for chunk in chunks]
    return torch.stack([each.features for each in heard])


def test_a_reset_takes_no_new_memory(model: AudioInteractionModel) -> None:
    state = model.new_state(Instruction(assistant="warn"), "s")

    def cache() -> int:
        assert model._schedule is not None
        return model._schedule.step.cache.keys.data_ptr()

    chunks = quiet_chunks(3)
    model.step(chunks[0], state)
    before = cache()
    for _ in range(3):
        model.reset(state)
        model.step(chunks[1], state)
    assert cache() == before


REPLIES = (2, 5, 8, 11, 14)
"""Chunks after which the lane speaks; the released server forgets after each."""


def speaking(lane: str, chunk: int) -> Scripted:
    return Scripted(4 if chunk in REPLIES else 0, Emotion.NORMAL)


def listened(first_chunk_seed: int) -> laim_rig.Rig:
    rig = laim_rig.Rig(LaimConfig(script=speaking))
    rig.seat()
    first = laim_rig.chunks(1, seed=first_chunk_seed)
    rig.listen([*first, *laim_rig.chunks(19, first=1)])
    return rig


def test_what_was_heard_before_replies_counts_after_them() -> None:
    """Nothing is reset: the first chunk still moves the decisions after five replies."""
    one, same, other = (listened(seed) for seed in (1, 1, 2))
    (seat,) = one.seats
    assert len(seat.lane.context.turns) == 1 + 20
    spoken = [turn.number for turn in seat.lane.context.turns if len(turn.tail) > 1]
    assert tuple(spoken) == REPLIES
    last = slice(REPLIES[-1] + 1, None)
    assert torch.equal(*(laim_rig.scores(rig.decisions())[last] for rig in (one, same)))
    changed = laim_rig.scores(one.decisions())[last] - laim_rig.scores(other.decisions())[last]
    assert changed.abs().max() > 1e-2


def test_every_chunk_is_decided_once_also_while_forgetting() -> None:
    config = LaimConfig(script=speaking).halved()
    assert config is not None
    rig = laim_rig.Rig(config)
    rig.seat()
    count = 300
    rig.listen(laim_rig.chunks(count))
    assert rig.schedule.done.evictions > 3
    assert [each.heard.index for each in rig.decisions()] == list(range(count))


class ReadBacks(TorchFunctionMode):
    """Calls whose result Python needs before it can go on."""

    WAITING = ("item", "tolist", "numpy", "cpu", "equal", "nonzero", "masked_select", "unique")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in (*self.WAITING, "__int__", "__float__", "__bool__", "__index__"):
            self.seen.append(name)
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize("mode", ["compiled", "eager"])
def test_a_pass_reads_nothing_back_but_its_result(mode: StepMode) -> None:
    """So a pass of a fixed shape can be captured; an eager one asks for its length once."""
    with compiler():
        step = LogitStep(laim_rig.weights(), slots=2, positions=64, lanes=1, mode=mode)
    step._layer = layer_step  # the same operations, seen one by one
    ids = (KEEP_SILENCE, *CHUNK_TOKENS)
    (heard,) = laim_rig.chunks(1)
    block = RowBlock(slot=0, position=0, tokens=ids, features=heard.features, read=(12,))
    with ReadBacks() as calls:
        step.forward([block])
    result = ["cpu", "tolist"]
    assert calls.seen == (result if mode == "compiled" else ["__int__", *result])


class CountingTokenizer(TextTokenizer):
    """Counts the pieces that are looked up."""

    lookups = 0

    def piece(self, number: int) -> bytes:
        self.lookups += 1
        return super().piece(number)


def test_a_token_of_text_costs_the_same_however_long_the_reply_is(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    laim_fixture.write_tiny_tokenizer(path)
    tokenizer = CountingTokenizer.load(path)
    assert isinstance(tokenizer, CountingTokenizer)
    decoder = StreamingDecoder(tokenizer)
    ids = tokenizer.encode("hello wörld, " * 40)
    tokenizer.lookups = 0
    text = "".join(decoder.push(number) for number in ids)
    assert text == "hello wörld, " * 40
    assert tokenizer.lookups == len(ids)
