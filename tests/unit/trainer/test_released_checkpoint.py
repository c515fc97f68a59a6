"""Nano as a checkpoint of the big model's layout: the engine hears and says what nano does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from laim_reference import BOUND, LogitStep
from torch import Tensor

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.events import Decision, EngineEvent, ReplyFinal, SoundAlert
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim import tokens
from everlisten.engine.laim.config import LaimConfig
from everlisten.engine.laim.log_mel import LogMelStream
from everlisten.engine.laim.model import AudioInteractionModel
from everlisten.engine.laim.parts import SYSTEM_FILE, LaimParts, load_parts
from everlisten.engine.laim.step import RowBlock
from everlisten.engine.runner import EngineThread
from everlisten.engine.sounds.vocabulary import shipped_sounds
from everlisten.trainer.sounds import released_checkpoint
from everlisten.trainer.sounds.agreement import said_by
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS
from everlisten.trainer.sounds.nano import WINDOW, Nano, Told
from everlisten.trainer.sounds.released_checkpoint import (
    read_weights,
    token_ids,
    write_checkpoint,
)

CHUNKS = WINDOW + 8
SPEAKS = 20
"""The chunk at which the taught nano speaks."""
NAME, EMOTION = "glass_breaking", "angry"
LEVEL = 8.0
"""Logit of what is right, and minus that of everything else."""


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    noise = np.random.default_rng(8).standard_normal(CHUNKS * CHUNK_SAMPLES)
    loudness = np.repeat(
        np.random.default_rng(9).uniform(0.002, 0.2, CHUNKS * 8), CHUNK_SAMPLES // 8
    )
    return (noise * loudness).astype(np.float32)


@pytest.fixture(scope="module")
def frames(sound: np.ndarray) -> Tensor:
    """[1, 80, 40 N], as the engine computes them."""
    stream = LogMelStream(MEL_BINS)
    chunks = stream.step(sound, stream.new_state())
    return torch.from_numpy(np.concatenate(chunks, axis=1))[None]


@pytest.fixture(scope="module")
def nano(frames: Tensor) -> Nano:
    """Random, but for what it says of the sound: KEEP_SILENCE up to `SPEAKS`, then a reply.

    The head is the least-squares solution for all rows that are read.
    """
    torch.manual_seed(5)
    made = Nano(1, len(SOUNDS)).eval()
    made.requires_grad_(False)
    for parameter in made.parameters():
        if parameter.dim() == 1:
            parameter += torch.randn_like(parameter) * 0.3
    made.markers.normal_()
    made.words.normal_()
    made.load_state_dict({name: each.half().float() for name, each in made.state_dict().items()})
    rows = torch.cat(hidden(made, frames), 1)[0]
    vocabulary, count = made.vocabulary, SPEAKS + 1
    right = [vocabulary.keep_silence] * SPEAKS + [vocabulary.text_begin]
    right += [*reply(made)[0].tolist(), vocabulary.text_end]
    assert len(rows) == len(right) == count + 3
    wanted = torch.full((len(right), vocabulary.size), -LEVEL)
    wanted[torch.arange(len(right)), right] = LEVEL
    made.outlet.weight.copy_((torch.linalg.pinv(rows) @ wanted).T.half())
    return made


def reply(nano: Nano) -> Tensor:
    return torch.tensor([[nano.vocabulary.emotion(EMOTION), SOUNDS.index(NAME)]])


def hidden(nano: Nano, frames: Tensor) -> list[Tensor]:
    """What the head reads: at the decisions up to `SPEAKS`, and in the reply."""
    read: list[Tensor] = []
    handle = nano.outlet.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    nano.told(frames[:, :, : (SPEAKS + 1) * CHUNK_FRAMES], reply(nano))
    handle.remove()
    return read


def told(nano: Nano, frames: Tensor, chunks: int) -> Told:
    with torch.inference_mode():
        return nano.told(frames[:, :, : chunks * CHUNK_FRAMES], reply(nano))


@pytest.fixture(scope="module")
def folder(nano: Nano, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("released") / "nano"
    write_checkpoint(nano, path)
    return path


@pytest.fixture(scope="module")
def parts(folder: Path) -> LaimParts:
    return load_parts(
        folder, device="cpu", precision="auto", eager=False, config=LaimConfig(), lanes=3
    )


@pytest.fixture(scope="module")
def model(parts: LaimParts) -> Iterator[AudioInteractionModel]:
    made = AudioInteractionModel.of_parts(parts, LaimConfig())
    yield made
    made.close()


Feed = Callable[[Sequence[int], Tensor | None], Tensor]


def feeder(parts: LaimParts) -> Feed:
    """A running context behind the prefix; takes rows, gives the last one's logits [V]."""
    step = LogitStep(parts.weights, slots=1, positions=2048, lanes=1)
    position = 0

    def feed(ids: Sequence[int], heard: Tensor | None = None) -> Tensor:
        nonlocal position
        last = len(ids) - 1
        block = RowBlock(slot=0, position=position, tokens=ids, features=heard, read=(last,))
        step.forward([block])
        position += len(ids)
        return step.logits[0].clone()

    feed(parts.prefix)
    return feed


@pytest.mark.parametrize("chunks", [3, CHUNKS], ids=["a few chunks", "more than the window"])
def test_every_logit_is_nano_s(nano: Nano, parts: LaimParts, frames: Tensor, chunks: int) -> None:
    wanted = told(nano, frames, chunks)
    ids, feed = token_ids(nano.vocabulary), feeder(parts)
    tower = parts.perception.tower
    for number, mel in enumerate(frames[0].split(CHUNK_FRAMES, 1)[:chunks]):
        said = feed(tokens.CHUNK_TOKENS, tower.forward(mel))
        torch.testing.assert_close(said[ids], wanted.decisions[0, number], atol=BOUND, rtol=0)
        if number < chunks - 1:
            feed([tokens.KEEP_SILENCE], None)
    fed = [tokens.TEXT_BEGIN, *(ids[row] for row in reply(nano)[0])]
    for token, row in zip(fed, wanted.reply[0], strict=True):
        torch.testing.assert_close(feed([token], None)[ids], row, atol=BOUND, rtol=0)


def test_what_belongs_to_nobody_is_no_likelier_than_silence(parts: LaimParts) -> None:
    said = feeder(parts)([tokens.TEXT_BEGIN], None)
    nobody = torch.ones(len(said), dtype=torch.bool)
    nobody[token_ids(Nano(1, len(SOUNDS)).vocabulary)] = False
    torch.testing.assert_close(said[nobody], said[tokens.KEEP_SILENCE].expand(int(nobody.sum())))


def chunks_of(sound: np.ndarray) -> list[AudioChunk]:
    return [
        AudioChunk(index=index, sources=(SourceName.MIC,), samples=part[None], captured_s=0.0)
        for index, part in enumerate(np.split(sound, len(sound) // CHUNK_SAMPLES))
    ]


def test_a_session_says_the_name_where_nano_would(
    nano: Nano, model: AudioInteractionModel, sound: np.ndarray, frames: Tensor
) -> None:
    ring, said = ChunkRing([SourceName.MIC]), list[EngineEvent]()
    for chunk in chunks_of(sound)[: SPEAKS + 1]:
        ring.push(chunk)
    ring.close()
    engine = EngineThread(
        model=model, ring=ring, sink=said.append, session="s",
        instruction=Instruction(captions=False, assistant="warn"),
    )  # fmt: skip
    engine.start()
    assert engine.join(60)
    assert not engine.failed

    vocabulary = nano.vocabulary
    decided = told(nano, frames, SPEAKS + 1).decisions[0]
    margin = decided[:, vocabulary.text_begin] - decided[:, vocabulary.keep_silence]
    decisions = [event for event in said if isinstance(event, Decision)]
    scores = torch.tensor([event.score for event in decisions])
    torch.testing.assert_close(scores, margin.sigmoid(), atol=BOUND, rtol=0)
    assert [event.speak for event in decisions] == [False] * SPEAKS + [True]
    (final,) = [event for event in said if isinstance(event, ReplyFinal)]
    assert (final.text, final.emotion) == (shipped_sounds()[NAME].label["en"], EMOTION)
    assert not [event for event in said if isinstance(event, SoundAlert)], "only urgent ones"


def test_the_prefix_is_not_heard(
    folder: Path, model: AudioInteractionModel, sound: np.ndarray
) -> None:
    """Nano was never taught one; a windowed model's chunks only see chunks."""
    before = said_by(model, sound[: 3 * CHUNK_SAMPLES])
    (folder / SYSTEM_FILE).write_text("siren, siren, siren", "utf-8")
    other = AudioInteractionModel(folder, device="cpu")
    (folder / SYSTEM_FILE).write_text("", "utf-8")
    after = said_by(other, sound[: 3 * CHUNK_SAMPLES])
    other.close()
    assert [one.score for one in after] == pytest.approx([one.score for one in before], abs=1e-6)


def test_names_are_single_tokens_and_nothing_else_can_be_said(parts: LaimParts) -> None:
    tokenizer = parts.tokenizer
    names = [shipped_sounds()[sound].label["en"] for sound in SOUNDS]
    ids = token_ids(Nano(1, len(SOUNDS)).vocabulary)[: len(SOUNDS)]
    assert [tokenizer.encode(name) for name in names] == [[number] for number in ids]
    assert [tokenizer.decode([number]) for number in ids] == names
    typed = "Is it a siren, für mich?"
    assert tokenizer.decode(tokenizer.encode(typed)) == typed
    spoken = range(tokens.TEXT_VOCABULARY)
    assert [number for number in spoken if tokenizer.piece(number)] == ids


def command(monkeypatch: pytest.MonkeyPatch, weights: Path, out: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--weights", str(weights), "--out", str(out)])
    released_checkpoint.main()


def stored(nano: Nano) -> dict[str, object]:
    """As `train` writes it."""
    half = {name: each.half() for name, each in nano.state_dict().items()}
    return {"candidate": {"nano": True, "ear": {"layers": 1}}, "weights": half}


def test_the_command_writes_what_training_kept(
    nano: Nano, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(stored(nano), tmp_path / "nano-all.pt")
    command(monkeypatch, tmp_path / "nano-all.pt", tmp_path / "out")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert (tmp_path / "out" / path.relative_to(folder)).read_bytes() == path.read_bytes()
    assert read_weights(tmp_path / "nano-all.pt").state_dict().keys() == nano.state_dict().keys()


def damaged(path: Path, nano: Nano, how: str) -> None:
    """Write a file that is not what training writes."""
    if how == "cut off":
        torch.save(stored(nano), path)
        path.write_bytes(path.read_bytes()[:100_000])
    elif how == "text":
        path.write_text("no weights", "utf-8")
    elif how == "another network":
        torch.save({**stored(nano), "weights": {"outlet.weight": torch.zeros(3)}}, path)
    elif how == "another object":
        torch.save([1, 2], path)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("missing", "is missing"),
        ("cut off", "holds no weights of nano"),
        ("text", "holds no weights of nano"),
        ("another network", "holds no weights of nano"),
        ("another object", "holds no weights of nano"),
    ],
)
def test_bad_weights_are_refused_in_a_sentence(
    nano: Nano, how: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path, out = tmp_path / "nano-all.pt", tmp_path / "out"
    damaged(path, nano, how)
    with pytest.raises(SystemExit) as exit_:
        command(monkeypatch, path, out)
    assert exit_.value.code == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1, "one sentence"
    assert not out.exists()


@pytest.mark.parametrize("kind", ["a folder in use", "a file"])
def test_a_folder_in_use_is_refused(nano: Nano, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "a file":
        out.write_text("mine", "utf-8")
    else:
        out.mkdir()
        (out / "mine").touch()
    with pytest.raises(ModelLoadError, match="choose a new folder"):
        write_checkpoint(nano, out)
