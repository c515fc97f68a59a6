"""The audio tower against the released code's output and against transformers' own module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import (
    Qwen2_5OmniAudioEncoderConfig,
)
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.laim.log_mel import LogMelStream, whole_log_mel
from everlisten.engine.laim.sizes import TOWER_CONFIG, TowerSize, read_tower_size
from everlisten.engine.laim.tower import TowerStep, TowerWeights, encode, tower_weights

SIZE = TowerSize(
    width=32,
    layers=3,
    heads=4,
    feed_forward=48,
    mel_bins=128,
    n_window=100,
    positions=1500,
    output_width=24,
)
LARGEST_ERROR = 2e-3
SMALLEST_COSINE = 0.9999
"""The fixture's bounds, float32."""


@pytest.fixture(scope="module")
def fixture(shared: Path) -> Path:
    return shared / "fixtures" / "laim-tiny"


@pytest.fixture(scope="module")
def expected(fixture: Path) -> dict[str, np.ndarray]:
    with np.load(fixture / "expected.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def released(fixture: Path) -> TowerStep:
    path = fixture / "audiointeraction_ChunkwisedEncoder.pth"
    state = torch.load(path, weights_only=True)
    return TowerStep(tower_weights(state, read_tower_size(fixture / TOWER_CONFIG)))


@pytest.fixture(scope="module")
def theirs() -> Qwen2_5OmniAudioEncoder:
    config = Qwen2_5OmniAudioEncoderConfig(
        num_mel_bins=SIZE.mel_bins,
        encoder_layers=SIZE.layers,
        encoder_attention_heads=SIZE.heads,
        encoder_ffn_dim=SIZE.feed_forward,
        d_model=SIZE.width,
        n_window=SIZE.n_window,
        max_source_positions=SIZE.positions,
        output_dim=SIZE.output_width,
    )
    torch.manual_seed(3)
    tower = Qwen2_5OmniAudioEncoder(config).eval()
    # Fresh norms and biases are ones and zeros, which would hide a mix-up.
    with torch.no_grad():
        for parameter in tower.parameters():
            parameter.normal_(std=0.3)
    return tower


@pytest.fixture(scope="module")
def ours(theirs: Qwen2_5OmniAudioEncoder) -> TowerWeights:
    return tower_weights(theirs.state_dict(), SIZE)


def mel(frames: int) -> torch.Tensor:
    return torch.randn(SIZE.mel_bins, frames, generator=torch.Generator().manual_seed(frames))


def assert_as_released(features: torch.Tensor, wanted: np.ndarray) -> None:
    made = features.numpy()
    assert np.abs(made - wanted).max() <= LARGEST_ERROR
    norms = np.linalg.norm(made, axis=1) * np.linalg.norm(wanted, axis=1)
    assert ((made * wanted).sum(axis=1) / norms).min() >= SMALLEST_COSINE


def test_features_of_the_released_code(
    released: TowerStep, expected: dict[str, np.ndarray]
) -> None:
    frames = torch.from_numpy(whole_log_mel(expected["audio"]))
    chunks = [released.forward(chunk) for chunk in frames.split(40, dim=1)]
    assert_as_released(torch.cat(chunks), expected["features"])


@pytest.mark.parametrize("size", [1_000, CHUNK_SAMPLES, 51_200])
def test_streamed_features_once_the_loud_part_came(
    released: TowerStep, expected: dict[str, np.ndarray], size: int
) -> None:
    stream = LogMelStream()
    state = stream.new_state(lead_samples=0)
    audio = expected["audio"]
    pieces = [stream.step(audio[i : i + size], state) for i in range(0, len(audio), size)]
    frames = torch.from_numpy(np.concatenate([*pieces, stream.flush(state)]))
    features = torch.stack([released.forward(chunk) for chunk in frames])
    assert_as_released(features[2:].flatten(0, 1), expected["features"][20:])


def test_streamed_features_with_the_clip_s_own_floor(
    released: TowerStep, expected: dict[str, np.ndarray]
) -> None:
    stream = LogMelStream()
    state = stream.new_state(lead_samples=0)
    audio = expected["audio"]
    stream.step(audio, state)
    stream.flush(state)
    loudest = state.maxima.max()
    stream.reset(state)
    state.maxima[-1] = loudest
    frames = np.concatenate((stream.step(audio, state), stream.flush(state)))
    features = released.forward_batch(torch.from_numpy(frames))
    assert_as_released(features.flatten(0, 1), expected["features"])


@pytest.mark.parametrize("chunks", [1, 2, 5])
def test_chunks_equal_transformers(
    ours: TowerWeights, theirs: Qwen2_5OmniAudioEncoder, chunks: int
) -> None:
    frames = mel(40 * chunks)
    lengths = torch.full((chunks,), 40)
    with torch.inference_mode():
        wanted = theirs(frames, feature_lens=lengths, aftercnn_lens=lengths // 2)
        made = encode(frames.unflatten(1, (chunks, 40)).transpose(0, 1), ours)
    torch.testing.assert_close(made.flatten(0, 1), wanted.last_hidden_state, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("frames", [4, 7, 40, 199, 200, 201, 204, 650])
def test_a_whole_clip_equals_transformers(
    ours: TowerWeights, theirs: Qwen2_5OmniAudioEncoder, frames: int
) -> None:
    clip = mel(frames)
    length = torch.tensor([frames])
    with torch.inference_mode():
        wanted = theirs(clip, feature_lens=length, aftercnn_lens=(length - 1) // 2 + 1)
    made = TowerStep(ours).forward_clip(clip)
    torch.testing.assert_close(made, wanted.last_hidden_state, atol=1e-4, rtol=1e-4)


def test_chunked_equals_whole(ours: TowerWeights) -> None:
    chunks = torch.stack([mel(40) * (i + 1) for i in range(6)])
    step = TowerStep(ours)
    whole = step.forward_batch(chunks)
    for size in (2, 3, 4):
        parts = torch.cat([step.forward_batch(part) for part in chunks.split(size)])
        torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)
    one_by_one = torch.stack([step.forward(chunk) for chunk in chunks])
    torch.testing.assert_close(one_by_one, whole, atol=1e-5, rtol=1e-5)


def test_features_are_the_caller_s_own(ours: TowerWeights) -> None:
    step = TowerStep(ours)
    first = step.forward(mel(40))
    kept = first.clone()
    step.forward(-mel(40))
    torch.testing.assert_close(first, kept, atol=0.0, rtol=0.0)


def test_half_precision_stays_close(ours: TowerWeights, theirs: Qwen2_5OmniAudioEncoder) -> None:
    half = tower_weights(theirs.state_dict(), SIZE, dtype=torch.bfloat16)
    made = TowerStep(half).forward(mel(40)).float()
    wanted = TowerStep(ours).forward(mel(40))
    cosine = torch.nn.functional.cosine_similarity(made, wanted, dim=1)
    assert cosine.min() > 0.99
