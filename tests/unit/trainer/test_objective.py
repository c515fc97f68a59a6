"""What nano is trained to tell: sounds, the decision, and one reply."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS, masked
from everlisten.trainer.sounds.nano import Nano, Told, Vocabulary
from everlisten.trainer.sounds.objective import Spoken, hearing_loss
from everlisten.trainer.sounds.targets import Targets

CPU = torch.device("cpu")
WORDS = Vocabulary(len(SOUNDS))
NOTHING = torch.zeros(1, 4, 384)
DOG, SMOKE, MUSIC = (SOUNDS.index(name) for name in ("dog_barking", "smoke_alarm", "music"))


def targets(*heard: tuple[int, int], unknown: tuple[tuple[int, int], ...] = ()) -> Targets:
    """One stream of four chunks; (chunk, sound) is heard, or nobody can know."""
    right, known = torch.zeros(1, 4, len(SOUNDS)), torch.ones(1, 4, len(SOUNDS))
    for chunk, sound in heard:
        right[0, chunk, sound] = 1
    for chunk, sound in unknown:
        known[0, chunk, sound] = 0
    return Targets(right, known)


def sure(rows: list[int]) -> Tensor:
    """Logits [1, N, V] that are sure of one word a row."""
    logits = torch.full((1, len(rows), WORDS.size), -9.0)
    for row, word in enumerate(rows):
        logits[0, row, word] = 9.0
    return logits


def test_a_row_of_the_head_belongs_to_one_word() -> None:
    rows = [*range(WORDS.names), *range(WORDS.controls.start, WORDS.controls.stop), WORDS.text_end]
    assert rows == list(range(WORDS.size))
    assert {WORDS.text_begin, WORDS.keep_silence, WORDS.emotion("urgent")} <= set(rows)


def test_what_nobody_can_know_costs_nothing() -> None:
    logits = torch.full((1, 4, len(SOUNDS)), -9.0)
    missed = hearing_loss(logits, targets((1, DOG)))
    assert missed == pytest.approx(9.0 / 4, rel=0.01)
    assert hearing_loss(logits, targets((1, DOG), unknown=((1, DOG),))) < 0.01


def test_the_reply_names_an_alert_that_sounds_at_the_end() -> None:
    spoken = Spoken(WORDS, CPU)
    for heard in (targets((3, SMOKE)), targets((3, DOG), (3, MUSIC))):
        reply = spoken.reply(heard)
        emotion, name = reply.words[0].tolist()
        assert reply.given.tolist() == [True]
        assert heard.heard[0, 3, name] == 1
        assert name != MUSIC
        assert emotion == WORDS.emotion(shipped_alerts()[SOUNDS[name]].emotion)
    assert spoken.reply(targets((2, DOG), (3, MUSIC))).given.tolist() == [False]


def test_the_loss_is_small_only_where_all_is_said_right() -> None:
    spoken, heard = Spoken(WORDS, CPU), targets((2, SMOKE), (3, SMOKE), unknown=((1, SMOKE),))
    reply = spoken.reply(heard)
    silent, speak, smoke = WORDS.keep_silence, WORDS.text_begin, WORDS.emotion("urgent")

    def loss(decisions: list[int], said: list[int]) -> float:
        logits = sure(decisions)
        logits[0, 2:, SMOKE] = 9.0
        return float(spoken.loss(Told(logits, sure(said), NOTHING), reply, heard))

    right = loss([silent, silent, speak, speak], [smoke, SMOKE, WORDS.text_end])
    assert right < 0.05
    # Whether to speak in a chunk whose sound nobody can know does not matter.
    assert loss([silent, speak, speak, speak], [smoke, SMOKE, WORDS.text_end]) == right
    assert loss([silent, silent, silent, speak], [smoke, SMOKE, WORDS.text_end]) > right + 0.5
    assert loss([silent, silent, speak, speak], [smoke, DOG, WORDS.text_end]) > right + 0.5


def test_a_reply_changes_nothing_of_what_was_heard_before() -> None:
    torch.manual_seed(3)
    nano = Nano(1, len(SOUNDS)).eval()
    log_mel = torch.randn(2, MEL_BINS, CHUNK_FRAMES * 3) * 0.3
    words = torch.tensor([[WORDS.emotion("normal"), DOG], [WORDS.emotion("urgent"), SMOKE]])
    with torch.inference_mode():
        told, heard = nano.told(log_mel, words), nano(log_mel)
    assert told.reply.shape == (2, 3, WORDS.size)
    assert torch.allclose(told.decisions[..., : len(SOUNDS)], heard, atol=1e-5)


def test_hidden_bands_are_as_quiet_as_the_quietest_of_the_frame() -> None:
    frames = torch.rand(64, MEL_BINS, 12)
    hidden = masked(frames, torch.Generator().manual_seed(1))
    bands = (hidden != frames).any(2)
    assert 0.3 < bands.any(1).float().mean() < 0.8
    assert bands.sum(1).max() <= 26
    changed = hidden != frames
    lowest = frames.amin(1, keepdim=True).expand_as(frames)
    assert torch.equal(hidden[changed], lowest[changed])
