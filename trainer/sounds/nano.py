"""The embedded sound model: Audio-Interaction's own architecture, small.

Chunk by chunk the language model reads AUDIO_BEGIN, ten audio tokens of a chunk-local tower,
ASSISTANT and the decision, as the released model does. At ASSISTANT it is asked twice: for the
decision, KEEP_SILENCE or TEXT_BEGIN, and for every sound at once: there the logit of a name is
independent of the others', so sounds may overlap. After TEXT_BEGIN come an emotion, one name and
TEXT_END. The program that runs without torch asks for the sounds only and keeps silent; the policy
speaks. Attention reaches back `WINDOW` chunks, whose keys and values a stream keeps; their
positions count from the oldest, so a stream may last for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES
from everlisten.trainer.sounds.network import EarConfig, Tower

_TOKENS = 10
_ROWS = 13
WINDOW = 24
"""Chunks that attention sees, the present one included: 9.6 s, two cycles of a smoke alarm."""
_PAST = (WINDOW - 1) * _ROWS
_WIDTH = 384
_HEADS = 6
_FEED_FORWARD = 768
_LAYERS = 6
_BASE = 10_000.0
_HIDDEN = -1e4
_NORM_EPS = 1e-6
_MARKERS = 4
"""AUDIO_BEGIN, ASSISTANT, KEEP_SILENCE, TEXT_BEGIN: ids of what the language model reads."""
EMOTIONS = ("happy", "sad", "angry", "surprise", "normal", "urgent")


class Vocabulary(NamedTuple):
    """Rows of the head: K names, the emotions, TEXT_BEGIN, KEEP_SILENCE, TEXT_END.

    What can be read but is not sound, `Nano.words`, are the names and the emotions, in this order.
    """

    names: int

    def emotion(self, name: str) -> int:
        """Row of an emotion."""
        return self.names + EMOTIONS.index(name)

    @property
    def controls(self) -> slice:
        """What the decision and the emotion are chosen among."""
        return slice(self.names, self.names + len(EMOTIONS) + 2)

    @property
    def text_begin(self) -> int:
        return self.names + len(EMOTIONS)

    @property
    def keep_silence(self) -> int:
        return self.text_begin + 1

    @property
    def text_end(self) -> int:
        return self.text_begin + 2

    @property
    def size(self) -> int:
        return self.text_end + 1


class Told(NamedTuple):
    """Logits over the vocabulary V.

    Attributes:
        decisions: [B, N, V] at each chunk's ASSISTANT.
        reply: [B, 3, V] at TEXT_BEGIN, emotion and name after the last chunk.
        understood: [B, N, 384], what the decisions are made of.
    """

    decisions: Tensor
    reply: Tensor
    understood: Tensor


class Nano(nn.Module):
    """A tower that sees each chunk alone, and a causal language model.

    Args:
        layers: Of Whisper's encoder.
        sounds: K.
        dropout: In the language model's layers; twice as much before the head.
        tower_dropout: In the tower's.
    """

    def __init__(
        self, layers: int, sounds: int, dropout: float = 0.1, tower_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(sounds)
        self.encoder = Tower(EarConfig(layers=layers, left_chunks=0, tower_dropout=tower_dropout))
        self.projection = nn.Linear(512, _WIDTH)
        self.markers = nn.Parameter(torch.randn(_MARKERS, _WIDTH) * 0.02)
        self.words = nn.Parameter(torch.randn(sounds + len(EMOTIONS), _WIDTH) * 0.02)
        self.layers = nn.ModuleList(_Layer(dropout) for _ in range(_LAYERS))
        self.norm = _RmsNorm()
        self.dropout = nn.Dropout(2 * dropout)
        self.outlet = nn.Linear(_WIDTH, self.vocabulary.size, bias=False)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Logits of the sounds [B, N, K] of log_mel [B, 80, 40 N]."""
        chunks = log_mel.shape[2] // CHUNK_FRAMES
        x = self._understood(self._embedded(log_mel, chunks), chunks)
        logits: Tensor = self.outlet(x[:, _ROWS - 2 :: _ROWS])
        return logits[..., : self.vocabulary.names]

    def told(self, log_mel: Tensor, reply: Tensor) -> Told:
        """What is told while listening, and after the last chunk, where a reply is given.

        Args:
            log_mel: [B, 80, 40 N].
            reply: int64 [B, 2], emotion and name as rows of the vocabulary.
        """
        chunks = log_mel.shape[2] // CHUNK_FRAMES
        x = self._embedded(log_mel, chunks)
        text_begin = self.markers[3].expand(len(x), 1, _WIDTH)
        x = self._understood(torch.cat((x[:, :-1], text_begin, self.words[reply]), 1), chunks)
        understood = x[:, _ROWS - 2 : chunks * _ROWS : _ROWS]
        return Told(self.outlet(understood), self.outlet(x[:, -3:]), understood)

    def state_shapes(self) -> list[tuple[int, ...]]:
        """Which past rows there are, and keys and values of each layer; zeros at the start."""
        kept = (1, _HEADS, _PAST, _WIDTH // _HEADS)
        return [(1, _PAST), *(kept for _ in range(2 * _LAYERS))]

    def step(self, log_mel: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """One chunk of one stream.

        Args:
            log_mel: [1, 80, 40].
            state: As `state_shapes` says.

        Returns:
            Probabilities [1, K], the embedding [1, 384], the new state.
        """
        x = self._embedded(log_mel, 1)
        there = torch.cat((state[0], torch.ones_like(state[0][:, :_ROWS])), 1)
        hidden = (1 - there)[:, None, None] * _HIDDEN
        # Of the chunk's own rows each sees those up to itself.
        own = torch.ones(_ROWS, _ROWS, device=x.device).triu(1) * _HIDDEN
        hidden = hidden + torch.cat((torch.zeros(_ROWS, _PAST, device=x.device), own), 1)
        angles = _angles(_PAST + _ROWS, x.device)
        kept = [there[:, _ROWS:]]
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, _Layer)
            x, keys, values = layer.step(x, angles, hidden, state[2 * i + 1], state[2 * i + 2])
            kept += [keys, values]
        embedding = self.norm(x[:, _ROWS - 2])
        sounds = self.outlet(embedding)[:, : self.vocabulary.names]
        return sounds.sigmoid(), embedding, kept

    def _understood(self, x: Tensor, chunks: int) -> Tensor:
        """The language model over rows [B, T, 384], what follows the last chunk included."""
        mask, angles = _mask(x.shape[1], chunks, x.device), _angles(x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, angles, mask)
        understood: Tensor = self.dropout(self.norm(x))
        return understood

    def _embedded(self, log_mel: Tensor, chunks: int) -> Tensor:
        """Rows [B, 13 N, 384]."""
        audio = self.projection(self.encoder.tokens(log_mel)).unflatten(1, (chunks, _TOKENS))
        begin, assistant, silence = (
            self.markers[i].expand(*audio.shape[:2], 1, _WIDTH) for i in range(3)
        )
        return torch.cat((begin, audio, assistant, silence), 2).flatten(1, 2)


class _RmsNorm(nn.Module):
    """Written out: the exporter knows no RMS norm."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(_WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float()
        scale = torch.rsqrt(x32.square().mean(-1, keepdim=True) + _NORM_EPS)
        return (x32 * scale).to(x.dtype) * self.weight


class _Layer(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = _RmsNorm(), _RmsNorm()
        self.qkv, self.out = nn.Linear(_WIDTH, 3 * _WIDTH), nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.gate = nn.Linear(_WIDTH, _FEED_FORWARD, bias=False)
        self.up = nn.Linear(_WIDTH, _FEED_FORWARD, bias=False)
        self.down = nn.Linear(_FEED_FORWARD, _WIDTH, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, angles: Tensor, mask: Tensor) -> Tensor:
        query, key, value = self._projected(x)
        mixed = nnf.scaled_dot_product_attention(
            _rotated(query, angles), _rotated(key, angles), value, attn_mask=mask
        )
        return self._fed(x, mixed)

    def step(
        self, x: Tensor, angles: Tensor, hidden: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One chunk's rows; keys are kept without positions, which change as the window moves."""
        query, key, value = self._projected(x)
        keys, values = torch.cat((keys, key), 2), torch.cat((values, value), 2)
        scores = _rotated(query, angles[-_ROWS:]) @ _rotated(keys, angles).transpose(2, 3)
        mixed = (scores / math.sqrt(query.shape[3]) + hidden).softmax(-1) @ values
        return self._fed(x, mixed), keys[:, :, _ROWS:], values[:, :, _ROWS:]

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values [B, H, T, d]."""
        query, key, value = (
            part.unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for part in self.qkv(self.norm_1(x)).chunk(3, -1)
        )
        return query, key, value

    def _fed(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        y = self.norm_2(x)
        fed: Tensor = x + self.dropout(self.down(nnf.silu(self.gate(y)) * self.up(y)))
        return fed


def _mask(rows: int, chunks: int, device: torch.device) -> Tensor:
    """bool [T, T]: causal, and no further back than the window, by whole chunks."""
    row = torch.arange(rows, device=device)
    chunk = (row // _ROWS).clamp_max(chunks - 1)
    near = chunk[:, None] - chunk < WINDOW
    return (row[:, None] >= row) & near


def _angles(length: int, device: torch.device) -> Tensor:
    half = _WIDTH // _HEADS // 2
    rates = _BASE ** (-torch.arange(half, device=device) / half)
    return torch.arange(length, device=device)[:, None] * rates


def _rotated(x: Tensor, angles: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
