"""The released code's way through a chunk, written minimally, to stand beside ours in a table.

What it does for every 0.4 s (Audio-Interaction's web server at 3095139, transformers 4.57): joins
all sound so far, makes its log-mel, sends it whole through the audio tower under a dense mask, and
feeds the last chunk to an eager language model whose cache grows, with the key and value heads
repeated for every query head, a boolean mask and the full head over all rows. Its session ends
after 44 s; here it goes on, so that the cost of later minutes shows. No engine code uses this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.weights import LanguageModelWeights, LayerWeights, Matrix

_N_FFT = 400
_HOP_SAMPLES = 160
_CHUNK_FRAMES = 40
_TOWER_ROWS = 20
"""Rows of a chunk inside the tower, 20 ms each."""
_NORM_EPS = 1e-5


@dataclass(slots=True)
class ReleasedState:
    """What a session of the released code keeps, and never forgets."""

    samples: Tensor
    """float32 [N]: all sound so far."""
    keys: list[Tensor] = field(default_factory=list)
    """For every layer [G, P, C]."""
    values: list[Tensor] = field(default_factory=list)


class ReleasedTower:
    """The audio tower over all chunks at once, with one dense mask.

    Args:
        weights: The state dict of the released tower, on its device.
        size: Its sizes.
        mel_filters: float32 [201, bins].
    """

    def __init__(self, weights: Mapping[str, Tensor], size: TowerSize, mel_filters: Tensor) -> None:
        self._weights = weights
        self._size = size
        self._filters = mel_filters
        some = weights["proj.weight"]
        self._sinusoids = _sinusoids(_TOWER_ROWS, size.width).to(some)

    def encode(self, samples: Tensor) -> Tensor:
        """float32 [6400 n] of sound to [10 n, D] of audio embeddings."""
        mel = _log_mel(samples, self._filters).to(self._sinusoids.dtype)
        pieces = mel.view(len(mel), -1, _CHUNK_FRAMES).transpose(0, 1)  # [n, bins, 40]
        rows = F.gelu(self._convolve(pieces, "conv1", stride=1))
        rows = F.gelu(self._convolve(rows, "conv2", stride=2)).transpose(1, 2) + self._sinusoids
        hidden = rows.flatten(0, 1)  # [20 n, W]
        mask = _block_mask(len(pieces), hidden)
        for index in range(self._size.layers):
            hidden = self._layer(hidden, mask, f"layers.{index}.")
        pooled = F.avg_pool1d(hidden.T[None], 2)[0].T
        return self._linear(self._norm(pooled, "ln_post"), "proj")

    def _layer(self, hidden: Tensor, mask: Tensor, name: str) -> Tensor:
        normed = self._norm(hidden, f"{name}self_attn_layer_norm")
        queries, keys, values = (
            self._linear(normed, f"{name}self_attn.{part}_proj")
            .view(len(normed), self._size.heads, -1)
            .transpose(0, 1)[None]
            for part in "qkv"
        )
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        mixed = mixed[0].transpose(0, 1).flatten(1)
        hidden = hidden + self._linear(mixed, f"{name}self_attn.out_proj")
        normed = self._norm(hidden, f"{name}final_layer_norm")
        inner = F.gelu(self._linear(normed, f"{name}fc1"))
        return hidden + self._linear(inner, f"{name}fc2")

    def _linear(self, rows: Tensor, name: str) -> Tensor:
        # The key projection has no bias.
        return F.linear(rows, self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias"))

    def _norm(self, rows: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(rows, weight.shape, weight, bias, _NORM_EPS)

    def _convolve(self, rows: Tensor, name: str, stride: int) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.conv1d(rows, weight, bias, stride=stride, padding=1)


class ReleasedLanguageModel:
    """Eager layers over a cache that grows by concatenation."""

    def __init__(self, weights: LanguageModelWeights) -> None:
        self._weights = weights
        self._size = weights.size
        self._device = weights.embedding.device

    def forward(
        self, tokens: Sequence[int], audio_rows: Sequence[int], features: Tensor | None,
        state: ReleasedState,
    ) -> Tensor:  # fmt: skip
        """Append rows; logits [T, V] of all of them.

        Args:
            tokens: T ids.
            audio_rows: Rows whose embeddings are replaced by `features`.
            features: [len(audio_rows), D].
            state: Its cache grows.
        """
        size = self._size
        rows = self._weights.embedding[torch.tensor(tokens, device=self._device)]
        if features is not None:
            rows[torch.tensor(audio_rows, device=self._device)] = features.to(rows.dtype)
        begin = state.keys[0].shape[1] if state.keys else 0
        positions = torch.arange(begin, begin + len(tokens), device=self._device)
        seen = torch.arange(begin + len(tokens), device=self._device) <= positions[:, None]
        exponents = torch.arange(0, size.head_width, 2, device=self._device) / size.head_width
        angles = positions[:, None] / size.rope_base**exponents
        rotary = torch.cat((angles, angles), dim=1)
        for index, layer in enumerate(self._weights.layers):
            rows = rows + self._attend(_rms(rows, layer.input_norm, size.norm_eps), layer,
                                       rotary, seen, state, index)  # fmt: skip
            gate, up = F.linear(
                _rms(rows, layer.post_norm, size.norm_eps), _plain(layer.gate_up)
            ).chunk(2, dim=1)
            rows = rows + F.linear(F.silu(gate) * up, _plain(layer.down))
        return F.linear(_rms(rows, self._weights.norm, size.norm_eps), _plain(self._weights.head))

    def _attend(
        self, rows: Tensor, layer: LayerWeights, rotary: Tensor, seen: Tensor,
        state: ReleasedState, index: int,
    ) -> Tensor:  # fmt: skip
        size = self._size
        heads = F.linear(rows, _plain(layer.qkv), layer.qkv_bias)
        heads = heads.view(len(rows), -1, size.head_width).transpose(0, 1)  # [H + 2 G, T, C]
        parts = [size.query_heads, size.kv_heads, size.kv_heads]
        queries, keys, values = torch.split(heads, parts)
        queries, keys = _rotate(queries, rotary), _rotate(keys, rotary)
        if index == len(state.keys):
            state.keys.append(keys)
            state.values.append(values)
        else:
            keys = state.keys[index] = torch.cat((state.keys[index], keys), dim=1)
            values = state.values[index] = torch.cat((state.values[index], values), dim=1)
        repeat = size.query_heads // size.kv_heads
        mixed = F.scaled_dot_product_attention(
            queries[None],
            keys.repeat_interleave(repeat, dim=0)[None],
            values.repeat_interleave(repeat, dim=0)[None],
            attn_mask=seen,
        )
        return F.linear(mixed[0].transpose(0, 1).flatten(1), _plain(layer.out))


def _plain(matrix: Matrix) -> Tensor:
    assert isinstance(matrix, Tensor), "the released code knows no quantization"
    return matrix


def _rms(rows: Tensor, weight: Tensor, eps: float) -> Tensor:
    wide = rows.float()
    return (wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + eps)).to(rows.dtype) * weight


def _rotate(heads: Tensor, rotary: Tensor) -> Tensor:
    first, second = heads.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return (heads * rotary.cos() + turned * rotary.sin()).to(heads.dtype)


def _sinusoids(rows: int, width: int) -> Tensor:
    """float32 [rows, width]: Whisper's table; sines, then cosines."""
    step = math.log(10_000) / (width // 2 - 1)
    angles = torch.arange(rows)[:, None] * torch.exp(-step * torch.arange(width // 2))
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def _block_mask(chunks: int, like: Tensor) -> Tensor:
    """[20 n, 20 n], made block by block as transformers 4.57 makes it."""
    rows = chunks * _TOWER_ROWS
    mask = like.new_full((rows, rows), torch.finfo(like.dtype).min)
    for begin in range(0, rows, _TOWER_ROWS):
        mask[begin : begin + _TOWER_ROWS, begin : begin + _TOWER_ROWS] = 0
    return mask


def _log_mel(samples: Tensor, filters: Tensor) -> Tensor:
    """Whisper's log-mel [bins, frames] of the whole sound; the floor comes from its loudest."""
    window = torch.hann_window(_N_FFT, device=samples.device)
    spectrum = torch.stft(samples, _N_FFT, _HOP_SAMPLES, window=window, return_complex=True)
    power = spectrum[:, :-1].abs().square()
    levels = (filters.T @ power).clamp_min(1e-10).log10()
    return (torch.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0
