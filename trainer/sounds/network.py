"""The candidates for the embedded sound model: log-mel frames in, sounds of each chunk out.

`WhisperEar` is the first layers of Whisper base's encoder and causal convolutions over time on top.
Each chunk of 0.4 s is encoded once: its 20 rows attend to themselves and to the rows of the last
`left_chunks` chunks, whose keys and values a stream keeps. Positions begin at 0 in every chunk, and
how long ago a key's chunk was is a learned bias, so a stream may last for ever.
`SmallEar` replaces the encoder by depthwise-separable convolutions, learned from nothing.

Both run on whole streams for training and step by step for export; a test compares the two.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES, MEL_BINS

ROWS = CHUNK_FRAMES // 2
"""Encoder rows of a chunk: 20 ms each."""
PARTS = 2
"""Steps of time of a chunk in the head: 0.2 s each, enough for the rhythm of an alarm."""
RARE_LOGIT = -4.0
"""Where a sound's logit begins: most chunks do not have it."""
_KERNEL = 3
_WIDTH = 512
_HEADS = 8


@dataclass(frozen=True, kw_only=True)
class EarConfig:
    """Sizes.

    Attributes:
        kind: "whisper" or "small".
        layers: Of Whisper's encoder.
        left_chunks: How many earlier chunks the encoder's attention sees.
        width: Of the head.
        dilations: Of the head's convolutions over steps of 0.2 s: 1 to 16 reach back 12.6 s.
        dropout: In the head.
        tower_dropout: In the layers of Whisper's encoder.
    """

    kind: str = "whisper"
    layers: int = 3
    left_chunks: int = 5
    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1)
    dropout: float = 0.2
    tower_dropout: float = 0.0


class Ear(nn.Module):
    """An encoder of chunks, a head over time, and one sigmoid a sound.

    Args:
        config: Sizes.
        sounds: How many sounds are told apart, K.
    """

    def __init__(self, config: EarConfig, sounds: int) -> None:
        super().__init__()
        self.encoder: Tower | SmallEncoder = (
            Tower(config) if config.kind == "whisper" else SmallEncoder(config.width)
        )
        self.inlet = nn.Linear(self.encoder.width_out, config.width)
        self.blocks = nn.ModuleList(
            TimeBlock(config.width, dilation, config.dropout) for dilation in config.dilations
        )
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.outlet = nn.Linear(config.width, sounds)
        nn.init.constant_(self.outlet.bias, RARE_LOGIT)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Logits [B, N, K] of the N chunks of log_mel [B, 80, 40 N]."""
        x = self.inlet(self.encoder(log_mel))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.outlet(self.dropout(self._chunk(x)))
        return logits

    def _blocks(self) -> list[TimeBlock]:
        return [block for block in self.blocks if isinstance(block, TimeBlock)]

    def _chunk(self, x: Tensor) -> Tensor:
        """One embedding [B, N, W] a chunk of the steps [B, 2 N, W]."""
        normed: Tensor = self.norm(x)
        parts: Tensor = normed.unflatten(1, (-1, PARTS))
        return parts.mean(2)

    def state_shapes(self) -> list[tuple[int, ...]]:
        """Of what a stream keeps, zeros at its start."""
        return [*self.encoder.state_shapes(), *(block.state_shape for block in self._blocks())]

    def step(self, log_mel: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """One chunk of one stream.

        Args:
            log_mel: [1, 80, 40].
            state: As `state_shapes` says.

        Returns:
            Probabilities [1, K], the embedding [1, W], the new state.
        """
        count = len(self.encoder.state_shapes())
        x, kept = self.encoder.step(log_mel, state[:count])
        x = self.inlet(x)
        for block, old in zip(self._blocks(), state[count:], strict=True):
            x, new = block.step(x, old)
            kept.append(new)
        embedding = self._chunk(x)[:, 0]
        return self.outlet(embedding).sigmoid(), embedding, kept


class TimeBlock(nn.Module):
    """A residual depthwise-separable convolution that sees the past alone."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width, width, _KERNEL, dilation=dilation, groups=width)
        self.mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self._past = (_KERNEL - 1) * dilation
        self.state_shape: tuple[int, ...] = (1, self._past, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, W] to the same."""
        return self._mixed(x, nnf.pad(self.norm(x), (0, 0, self._past, 0)))

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """[1, 2, W] and the inputs before it."""
        joined = torch.cat((past, self.norm(x)), 1)
        return self._mixed(x, joined), joined[:, -self._past :]

    def _mixed(self, x: Tensor, joined: Tensor) -> Tensor:
        mixed: Tensor = self.mix(self.over_time(joined.transpose(1, 2)).transpose(1, 2))
        return x + mixed


def pooled(rows: Tensor) -> Tensor:
    """Mean and maximum [B, 2 N, 2 W] over each half of the chunks' rows [B, N, 20, W]."""
    halves = rows.unflatten(2, (PARTS, ROWS // PARTS)).flatten(1, 2)
    return torch.cat((halves.mean(2), halves.amax(2)), -1)


class Tower(nn.Module):
    """Whisper's convolutions and first layers; the output of every layer goes to the head."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        self._left = config.left_chunks
        self.conv1 = nn.Conv1d(MEL_BINS, _WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(_WIDTH, _WIDTH, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            TowerLayer(self._left, config.tower_dropout) for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in range(config.layers))
        self.width_out = 2 * _WIDTH * config.layers
        self.positions: Tensor
        self.register_buffer("positions", sinusoids(ROWS, _WIDTH), persistent=False)

    def forward(self, log_mel: Tensor) -> Tensor:
        """[B, 80, 40 N] to [B, 2 N, 1,024 L]."""
        x = self._rows(log_mel)
        outputs = []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = layer(x)
            outputs.append(pooled(norm(x)))
        return torch.cat(outputs, -1)

    def tokens(self, log_mel: Tensor) -> Tensor:
        """Audio tokens [B, 10 N, 512] as Audio-Interaction's tower makes them: pairs of rows."""
        x = self._rows(log_mel)
        for layer in self.layers:
            x = layer(x)
        normed: Tensor = self.norms[-1](x.unflatten(2, (-1, 2)).mean(3))
        return normed.flatten(1, 2)

    def whole(self, log_mel: Tensor) -> list[Tensor]:
        """Rows [B, 20 N, 512] after each layer, all attending to all of the stream as in Whisper.

        Needs `left_chunks` 0.
        """
        x = self._filtered(log_mel)
        x = (x + sinusoids(x.shape[1], _WIDTH).to(x))[:, None]
        rows = []
        for layer in self.layers:
            x = layer(x)
            rows.append(x[:, 0])
        return rows

    def load_whisper(self, weights: dict[str, Tensor]) -> None:
        """Take Whisper's convolutions and layers; what it has not stays."""
        own = ("norms.", "age_bias")
        wanted = [name for name in self.state_dict() if not any(each in name for each in own)]
        self.load_state_dict({name: weights[name] for name in wanted}, strict=False)

    def _rows(self, log_mel: Tensor) -> Tensor:
        """Convolved chunks [B, N, 20, 512]."""
        chunks = log_mel.unflatten(2, (-1, CHUNK_FRAMES)).transpose(1, 2)
        rows: Tensor = self._convolved(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])
        return rows

    def state_shapes(self) -> list[tuple[int, ...]]:
        """Keys and values of each layer, and which of the past chunks there were."""
        if not self._left:
            return []
        kept = (1, _HEADS, self._left * ROWS, _WIDTH // _HEADS)
        return [(1, self._left), *(kept for _ in range(2 * len(self.layers)))]

    def step(self, log_mel: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """[1, 80, 40] to [1, 2, 1,024 L] and the new state."""
        x = self._convolved(log_mel)[:, None]
        kept: list[Tensor] = []
        if self._left:
            kept.append(torch.cat((state[0][:, 1:], torch.ones_like(state[0][:, :1])), 1))
        outputs = []
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            assert isinstance(layer, TowerLayer)
            if self._left:
                x, keys, values = layer.step(x, state[0], state[2 * i + 1], state[2 * i + 2])
                kept += [keys, values]
            else:
                x = layer(x)
            outputs.append(pooled(norm(x)))
        return torch.cat(outputs, -1), kept

    def _convolved(self, frames: Tensor) -> Tensor:
        """Chunks [M, 80, 40], each alone, to rows [M, 20, 512]."""
        return self._filtered(frames) + self.positions

    def _filtered(self, frames: Tensor) -> Tensor:
        """Frames [M, 80, T] to rows [M, T / 2, 512] without positions."""
        x: Tensor = nnf.gelu(self.conv2(nnf.gelu(self.conv1(frames))))
        return x.transpose(1, 2)


class TowerLayer(nn.Module):
    """A layer of Whisper's encoder whose attention is causal by chunks."""

    def __init__(self, left: int, dropout: float = 0.0) -> None:
        super().__init__()
        self._left = left
        self.dropout = nn.Dropout(dropout)
        self.attention_norm, self.feed_norm = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.qkv, self.out = nn.Linear(_WIDTH, 3 * _WIDTH), nn.Linear(_WIDTH, _WIDTH)
        self.up, self.down = nn.Linear(_WIDTH, 4 * _WIDTH), nn.Linear(4 * _WIDTH, _WIDTH)
        self.age_bias = nn.Parameter(torch.zeros(_HEADS, left + 1))
        """By how many chunks ago a key was, the oldest first."""

    def forward(self, x: Tensor) -> Tensor:
        """Rows [B, N, 20, 512] of whole streams."""
        batch, chunks = x.shape[:2]
        query, key, value = (
            part.unflatten(-1, (_HEADS, -1)).permute(0, 1, 3, 2, 4)
            for part in self.qkv(self.attention_norm(x)).chunk(3, -1)
        )  # [B, N, H, 20, d]
        keys, values = (self._windows(part) for part in (key, value))
        mixed = nnf.scaled_dot_product_attention(
            query.flatten(0, 1), keys.flatten(0, 1), values.flatten(0, 1),
            attn_mask=self._mask(batch, chunks, query) if self._left else None,
        )  # fmt: skip
        mixed = mixed.unflatten(0, (batch, chunks)).permute(0, 1, 3, 2, 4).flatten(3)
        return self._fed(x + self.dropout(self.out(mixed)))

    def _mask(self, batch: int, chunks: int, like: Tensor) -> Tensor:
        """What each chunk's rows add to their scores, [B N, H, 20, 20 (left + 1)], a view.

        A chunk alone needs none: the same bias for all keys changes nothing.
        """
        bias = self.age_bias.repeat_interleave(ROWS, 1)[None, :, None, :]
        seen = torch.arange(chunks, device=like.device)[:, None] + torch.arange(
            self._left + 1, device=like.device
        )
        # Before the first chunk there is nothing to attend to.
        hidden = (seen < self._left).repeat_interleave(ROWS, 1)[:, None, None, :]
        mask = torch.where(hidden, -1e4, bias.float()).to(like.dtype)
        each = mask.expand(batch, chunks, _HEADS, 1, ROWS * (self._left + 1)).flatten(0, 1)
        return each.expand(-1, -1, ROWS, -1)

    def _windows(self, part: Tensor) -> Tensor:
        """[B, N, H, 20, d] to [B, N, H, 20 (left + 1), d]: each chunk's own and the ones before."""
        padded = nnf.pad(part, (0, 0, 0, 0, 0, 0, self._left, 0))
        return torch.cat([padded[:, i : i + part.shape[1]] for i in range(self._left + 1)], dim=3)

    def step(
        self, x: Tensor, there: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One chunk [1, 1, 20, 512], what past chunks there were [1, left], their keys, values."""
        query, key, value = (
            part[:, 0].unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for part in self.qkv(self.attention_norm(x)).chunk(3, -1)
        )  # [1, H, 20, d]
        keys, values = torch.cat((keys, key), 2), torch.cat((values, value), 2)
        hidden = torch.cat((there, torch.ones_like(there[:, :1])), 1) - 1.0
        bias = (self.age_bias + 1e4 * hidden).repeat_interleave(ROWS, 1)[None, :, None, :]
        scores = query @ keys.transpose(2, 3) / math.sqrt(query.shape[3]) + bias
        mixed = (scores.softmax(-1) @ values).transpose(1, 2).flatten(2)[:, None]
        return self._fed(x + self.out(mixed)), keys[:, :, ROWS:], values[:, :, ROWS:]

    def _fed(self, x: Tensor) -> Tensor:
        fed: Tensor = x + self.dropout(self.down(nnf.gelu(self.up(self.feed_norm(x)))))
        return fed


class SmallEncoder(nn.Module):
    """Depthwise-separable convolutions over 0.96 s of log-mel frames."""

    _PAST = 56

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width_out = 2 * width
        widths = (32, 64, 128, width)
        blocks: list[nn.Module] = [nn.Conv2d(1, 32, 3, stride=(2, 2), padding=1), nn.GELU()]
        for before, after in itertools.pairwise(widths):
            blocks += [
                nn.Conv2d(before, before, 3, stride=(2, 1), padding=1, groups=before),
                nn.Conv2d(before, after, 1), nn.BatchNorm2d(after), nn.GELU(),
                nn.Conv2d(after, after, 3, padding=1, groups=after),
                nn.Conv2d(after, after, 1), nn.BatchNorm2d(after), nn.GELU(),
            ]  # fmt: skip
        self.convolutions = nn.Sequential(*blocks)

    def forward(self, log_mel: Tensor) -> Tensor:
        """[B, 80, 40 N] to [B, 2 N, 2 W]."""
        padded = nnf.pad(log_mel, (self._PAST, 0), value=-1.5)
        windows = padded.unfold(2, self._PAST + CHUNK_FRAMES, CHUNK_FRAMES).transpose(1, 2)
        steps: Tensor = self._encoded(windows.flatten(0, 1)).unflatten(0, (len(log_mel), -1))
        return steps.flatten(1, 2)

    def state_shapes(self) -> list[tuple[int, ...]]:
        """The frames before the chunk, above their lowest value."""
        return [(1, MEL_BINS, self._PAST)]

    def step(self, log_mel: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """[1, 80, 40] to [1, 2, 2 W] and the new state."""
        window = torch.cat((state[0] - 1.5, log_mel), 2)
        return self._encoded(window), [window[:, :, CHUNK_FRAMES:] + 1.5]

    def _encoded(self, windows: Tensor) -> Tensor:
        """[M, 80, 96] to the two newest steps [M, 2, 2 W]."""
        x = self.convolutions(windows[:, None]).mean(2)
        rows = x[:, :, -ROWS:].transpose(1, 2)[:, None]
        return pooled(rows)


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's positions [length, width]."""
    rates = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(length)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), 1)


def parameters_of(network: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(each.numel() for each in network.parameters())
