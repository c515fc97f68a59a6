"""Tasks on whole recordings, with the tiny checkpoint's random weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import laim_fixture
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from everlisten.engine.laim import tokens
from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint
from everlisten.engine.laim.log_mel import whole_log_mel
from everlisten.engine.laim.offline import OfflineTasks
from everlisten.engine.laim.pieces import cut, join
from everlisten.engine.laim.reading import RowReading
from everlisten.engine.laim.step import LmStep, RowBlock
from everlisten.engine.laim.task import TRANSCRIBE, Answer, OfflineTask, Recording, TaskError
from everlisten.engine.laim.text import TextTokenizer
from everlisten.engine.laim.tower import TowerStep, tower_weights

ASR = OfflineTask(kind="asr")
SYSTEM = (5, 6, 7)
ANSWER_TOKENS = 9


class NotingStep(LmStep):
    """Notes what goes in."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.blocks: list[RowBlock] = []
        self.largest_pass = 0

    def forward(self, blocks: Sequence[RowBlock]) -> list[tuple[RowReading, ...]]:
        self.blocks += blocks
        self.largest_pass = max(self.largest_pass, len(blocks))
        return super().forward(blocks)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Products of this size are done before a second thread is awake."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def checkpoint(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("checkpoint"))
    return load_checkpoint(folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Checkpoint) -> TextTokenizer:
    assert checkpoint.tokenizer_file is not None
    return TextTokenizer.load(checkpoint.tokenizer_file)


@pytest.fixture(scope="module")
def tower(checkpoint: Checkpoint) -> TowerStep:
    return TowerStep(tower_weights(checkpoint.tower_state, checkpoint.tower_size))


@pytest.fixture
def make(checkpoint: Checkpoint, tokenizer: TextTokenizer, tower: TowerStep):
    def make_tasks(*, rows: int = 1, positions: int = 700, weights=checkpoint.weights):
        step = NotingStep(weights, slots=rows, positions=positions, lanes=rows - 1)
        tasks = OfflineTasks(
            tower=tower,
            step=step,
            tokenizer=tokenizer,
            system_text=SYSTEM,
            max_answer_tokens=ANSWER_TOKENS,
        )
        return tasks, step

    return make_tasks


def recording(seconds: float, name: str = "one") -> Recording:
    generator = np.random.default_rng(round(seconds * 1000))
    samples = generator.standard_normal(round(seconds * 16_000)) * 0.1
    return Recording(name, samples.astype(np.float32))


def rows_of(blocks: Sequence[RowBlock], slot: int = 0) -> list[int]:
    """Everything that went into a slot, in order and without a gap."""
    rows: list[int] = []
    for block in blocks:
        if block.slot == slot:
            assert block.position == len(rows)
            rows += block.tokens
    return rows


@pytest.mark.parametrize(
    ("task", "user_text"),
    [
        (ASR, TRANSCRIBE),
        (
            OfflineTask(kind="translate", language_name="Chinese"),
            "Convert spoken language audio into Chinese.",
        ),
        (OfflineTask(kind="question", text="What is it?"), "What is it?"),
        (OfflineTask(kind="question"), None),
    ],
)
def test_the_layout_is_the_released_one(
    make, tokenizer: TextTokenizer, tower: TowerStep, task: OfflineTask, user_text: str | None
) -> None:
    tasks, step = make()
    sound = recording(5.0)
    (answer,) = tasks.run([sound], task)
    user = () if user_text is None else tokens.user_block(tokenizer.encode(user_text))
    before = (
        *(tokens.OFFLINE, tokens.ENGLISH, tokens.SYSTEM, tokens.TEXT_BEGIN, *SYSTEM),
        *(tokens.TEXT_END, tokens.AUDIO_BEGIN, *(tokens.OFFLINE_PAD,) * 125, tokens.AUDIO_END),
        *(*user, tokens.ASSISTANT, tokens.TEXT_BEGIN),
    )
    rows = rows_of(step.blocks)
    assert tuple(rows[: len(before)]) == before
    # The last token is written but not fed again.
    fed = tokenizer.decode(rows[len(before) :]).strip()
    assert fed
    assert answer.text.startswith(fed)
    heard = torch.cat([block.features for block in step.blocks if block.features is not None])
    wanted = tower.forward_clip(torch.from_numpy(whole_log_mel(sound.samples)))
    torch.testing.assert_close(heard, wanted, atol=0.0, rtol=0.0)


def test_only_the_last_row_is_read(make) -> None:
    tasks, step = make()
    list(tasks.run([recording(8.0)], ASR))
    prefill = [block for block in step.blocks if len(block.tokens) > 1]
    assert len(prefill) > 2
    assert [block.read for block in prefill[:-1]] == [()] * (len(prefill) - 1)
    assert prefill[-1].read == (len(prefill[-1].tokens) - 1,)


def by_name(answers) -> dict[str, Answer]:
    return {answer.name: answer for answer in answers}


def test_a_batch_says_what_each_says_alone(make) -> None:
    recordings = [recording(s, f"{s} s") for s in (3.0, 0.7, 9.1, 4.4, 1.3, 2.2, 6.0)]
    one_by_one, _ = make(rows=1)
    batch, step = make(rows=3)
    alone = by_name(one_by_one.run(recordings, ASR))
    together = by_name(batch.run(recordings, ASR))
    assert together == alone
    assert len({answer.text for answer in alone.values()}) > 3
    assert step.largest_pass == 3


def test_recordings_are_taken_as_rows_become_free(make) -> None:
    taken: list[int] = []

    def source():
        for number in range(6):
            taken.append(number)
            yield recording(1.0, str(number))

    tasks, _ = make(rows=2)
    answers = tasks.run(source(), ASR)
    assert taken == []
    next(answers)
    assert len(taken) <= 4
    assert len(list(answers)) == 5


def test_a_long_recording_is_its_pieces_joined(make) -> None:
    sound = recording(47.0)
    tasks, _ = make(rows=2)
    (answer,) = tasks.run([sound], ASR)
    pieces = [Recording(str(i), piece) for i, piece in enumerate(cut(sound.samples))]
    texts = by_name(tasks.run(pieces, ASR))
    assert len(pieces) == 3
    assert answer.text == join([texts[str(i)].text for i in range(3)])
    assert answer.heard_s == answer.duration_s == pytest.approx(47.0)


def test_a_question_hears_what_fits_and_says_so(make) -> None:
    tasks, step = make(positions=1_200)
    (answer,) = tasks.run([recording(70.0)], OfflineTask(kind="question", text="What is it?"))
    assert answer.duration_s == pytest.approx(70.0)
    assert 30.0 <= answer.heard_s <= 40.0
    rows = rows_of(step.blocks)
    assert rows.count(tokens.AUDIO_BEGIN) == 2
    assert rows.count(tokens.OFFLINE_PAD) == pytest.approx(25 * answer.heard_s, abs=2)


def test_pieces_are_shorter_where_the_window_is(make) -> None:
    tasks, step = make(positions=400)
    (answer,) = tasks.run([recording(20.0)], ASR)
    assert answer.heard_s == pytest.approx(20.0)
    starts = [block for block in step.blocks if block.position == 0]
    assert len(starts) > 1


def test_a_question_that_fills_the_window_is_refused(make) -> None:
    tasks, _ = make(positions=200)
    task = OfflineTask(kind="question", text="why " * 100)
    with pytest.raises(TaskError, match="ask a shorter one"):
        list(tasks.run([recording(2.0)], task))


def test_the_text_ends_where_the_model_ends_it(make, checkpoint: Checkpoint) -> None:
    assert isinstance(checkpoint.weights.head, torch.Tensor)
    head = checkpoint.weights.head.clone()
    # Larger than every other row, so that it wins whenever it points the right way at all.
    head[tokens.TEXT_END] *= 100.0
    ending, _ = make(weights=dataclasses.replace(checkpoint.weights, head=head))
    endless, _ = make()
    recordings = [recording(1.0 + i, str(i)) for i in range(8)]
    whole = by_name(endless.run(recordings, ASR))
    ended = [one for one in ending.run(recordings, ASR) if one.complete]
    assert ended
    for answer in ended:
        assert whole[answer.name].text.startswith(answer.text)
        assert len(answer.text) < len(whole[answer.name].text)
    assert not any(answer.complete for answer in whole.values())


@pytest.mark.parametrize("samples", [1, 100, 500, 6_399])
def test_a_very_short_recording_is_answered(make, samples: int) -> None:
    tasks, _ = make()
    (answer,) = tasks.run([Recording("click", np.ones(samples, np.float32))], ASR)
    assert answer.text
    assert answer.duration_s == samples / 16_000


def test_nothing_to_do(make) -> None:
    tasks, _ = make()
    assert list(tasks.run([], ASR)) == []


@settings(max_examples=30)
@given(length=st.integers(1, 200_000), longest_s=st.floats(1.0, 5.0))
def test_cutting_leaves_nothing_out(length: int, longest_s: float) -> None:
    samples = np.arange(length, dtype=np.float32)
    pieces = cut(samples, longest_s)
    np.testing.assert_array_equal(np.concatenate(pieces), samples)
    assert all(0 < len(piece) <= longest_s * 16_000 + 1 for piece in pieces)


def test_a_pause_is_where_it_is_cut() -> None:
    sound = recording(30.0).samples
    sound[17 * 16_000 : 17 * 16_000 + 8_000] *= 0.001
    first, _ = cut(sound)
    assert 17.0 < len(first) / 16_000 < 17.5


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["Hello", "world."], "Hello world."),
        ([" a ", "", "b"], "a b"),
        (["你好。", "再见。"], "你好。再见。"),
        ([], ""),
    ],
)
def test_texts_are_joined_as_their_script_asks(texts: list[str], joined: str) -> None:
    assert join(texts) == joined
