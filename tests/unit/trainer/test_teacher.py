"""What nano is taught beside the sounds is what Whisper hears, and it is learnt."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.nn import functional as nnf
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from everlisten.trainer.loop import LoopConfig, fit
from everlisten.trainer.sounds.candidates import CANDIDATES
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS
from everlisten.trainer.sounds.mixing import Batch
from everlisten.trainer.sounds.nano import Nano
from everlisten.trainer.sounds.network import ROWS
from everlisten.trainer.sounds.targets import Targets
from everlisten.trainer.sounds.teacher import Pupil, Teacher, taught_loss
from everlisten.trainer.sounds.train import train

CHUNKS, LAYERS = 4, 3
NAMES = {
    "self_attn_layer_norm": "attention_norm", "self_attn.out_proj": "out",
    "final_layer_norm": "feed_norm", "fc1": "up", "fc2": "down",
}  # fmt: skip


@pytest.fixture(scope="module")
def whisper() -> WhisperEncoder:
    """Of Whisper base's width, with weights of its own."""
    torch.manual_seed(4)
    config = WhisperConfig(
        d_model=512, encoder_layers=LAYERS, encoder_attention_heads=8, encoder_ffn_dim=2048,
        num_mel_bins=MEL_BINS, max_source_positions=CHUNKS * ROWS,
    )  # fmt: skip
    return WhisperEncoder(config).eval()


@pytest.fixture(scope="module")
def encoder(whisper: WhisperEncoder) -> dict[str, Tensor]:
    """Its weights by our names."""
    found: dict[str, Tensor] = {}
    for name, value in whisper.state_dict().items():
        for old, new in NAMES.items():
            name = name.replace(f".{old}.", f".{new}.")
        found[name] = value
    for i in range(LAYERS):
        begin = f"layers.{i}.self_attn"
        queries, values = found[f"{begin}.q_proj.bias"], found[f"{begin}.v_proj.bias"]
        found[f"layers.{i}.qkv.bias"] = torch.cat((queries, torch.zeros_like(queries), values))
        parts = [found[f"{begin}.{each}_proj.weight"] for each in "qkv"]
        found[f"layers.{i}.qkv.weight"] = torch.cat(parts)
    return found


@pytest.fixture
def log_mel() -> Tensor:
    torch.manual_seed(6)
    return torch.randn(2, MEL_BINS, CHUNKS * CHUNK_FRAMES) * 0.4


@torch.inference_mode()
def test_the_teacher_hears_what_whisper_hears(whisper, encoder, log_mel) -> None:
    hidden = whisper(log_mel, output_hidden_states=True).hidden_states
    # The last of these has gone through the encoder's final norm, which a norm more undoes.
    rows = torch.cat([nnf.layer_norm(hidden[layer], (512,)) for layer in (2, 3)], -1)
    chunks = rows.unflatten(1, (CHUNKS, ROWS)).mean(2)
    wanted = (chunks - chunks.mean((0, 1))) / (chunks.std((0, 1)) + 1e-3)
    teacher = Teacher(encoder, LAYERS)
    assert torch.allclose(teacher(log_mel), wanted, atol=1e-3)
    assert wanted.shape == (2, CHUNKS, teacher.width)


def test_the_teacher_is_not_taught(encoder) -> None:
    assert not any(each.requires_grad for each in Teacher(encoder, LAYERS).parameters())


class TinyWorkshop:
    """Noise for streams, on the CPU."""

    device, seed = torch.device("cpu"), 1

    def __init__(self) -> None:
        self.draw = torch.Generator().manual_seed(2)
        self.precision, self.compiled = nullcontext, lambda forward: forward

    def mixer(self, seed: int) -> TinyWorkshop:
        return self

    def batch(self, size: int) -> Batch:
        heard = torch.zeros(size, CHUNKS, len(SOUNDS))
        samples = torch.randn(size, CHUNKS * CHUNK_FRAMES, generator=self.draw)
        return Batch(samples, Targets(heard, torch.ones_like(heard)))

    def log_mel(self, samples: Tensor) -> Tensor:
        return samples[:, None].expand(-1, MEL_BINS, -1)


@pytest.mark.parametrize("name", ["nano", "nano-taught"])
def test_what_is_trained_is_nano_with_a_teacher_or_without(name, encoder) -> None:
    candidate = CANDIDATES[name]
    config = LoopConfig(steps=2, warm_up=0, average=0.0)
    trained = train(TinyWorkshop(), candidate, encoder, config, 2)
    begun = candidate.build(encoder).state_dict()
    assert isinstance(trained, Nano)
    assert trained.state_dict().keys() == begun.keys()
    changed = {key for key, value in trained.state_dict().items() if (value != begun[key]).any()}
    assert {"encoder.conv1.weight", "layers.5.down.weight", "outlet.weight"} <= changed


def test_a_teacher_changes_what_is_learnt(encoder) -> None:
    config = LoopConfig(steps=2, warm_up=0, average=0.0)
    with_it, without = (
        train(TinyWorkshop(), CANDIDATES[name], encoder, config, 2).state_dict()
        for name in ("nano-taught", "nano")
    )
    assert not torch.equal(with_it["layers.0.up.weight"], without["layers.0.up.weight"])


def test_a_pupil_learns_what_the_teacher_hears(encoder, log_mel) -> None:
    teacher, nano = Teacher(encoder, LAYERS), Nano(1, len(SOUNDS))
    pupil, words = Pupil(nano, teacher.width), torch.zeros(2, 2, dtype=torch.int64)
    losses: list[float] = []

    def loss() -> Tensor:
        value = taught_loss(pupil(log_mel, words)[1], teacher(log_mel))
        losses.append(float(value.detach()))
        return value

    config = LoopConfig(steps=30, warm_up=5, average=0.5)
    fit(pupil, CANDIDATES["nano-taught"].rate_of, loss, config, lambda _: None)
    assert losses[-1] < 0.5 * losses[0]


def test_a_pupil_s_tower_learns_at_the_tower_s_rate() -> None:
    candidate = CANDIDATES["nano-taught"]
    names = [name for name, _ in Pupil(Nano(1, len(SOUNDS)), 8).named_parameters()]
    slow = {name for name in names if candidate.rate_of(name) == candidate.tower_rate}
    assert slow == {
        name for name in names if name.startswith(("nano.encoder.conv", "nano.encoder.layers"))
        and not name.endswith("age_bias")
    }  # fmt: skip
