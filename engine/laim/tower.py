"""The audio tower of Qwen2.5-Omni: log-mel frames in, audio embeddings of the language model out.

Each piece of frames is encoded on its own: positions begin at 0 again and attention stays inside.
Live, a piece is a chunk of 0.4 s, so the cost of a chunk is the same for ever; for a clip as a
whole, the released samples cut pieces of 2 s. Two convolutions halve the frame rate, a pair of rows
is averaged at the end: 40 ms an embedding. Everything is a product of matrices of fixed shape, so
that it can be compiled and captured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, pad, scaled_dot_product_attention

from everlisten.engine.laim.log_mel import CHUNK_FRAMES
from everlisten.engine.laim.sizes import TowerSize

_NORM_EPS = 1e-5
_LONGEST_PERIOD = 10_000.0
"""Of the sinusoid positions, in rows over 2 pi."""

LayersFunction = Callable[[Tensor], Tensor]

TowerMode = Literal["eager", "compiled", "captured"]


@dataclass(frozen=True, slots=True)
class Affine:
    """weight [N, K] of a linear map, or [N] of a norm; bias [N]."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerLayer:
    """One layer. Rows of `qkv`: queries, keys, values; the keys' bias is zero."""

    attention_norm: Affine
    qkv: Affine
    out: Affine
    feed_forward_norm: Affine
    up: Affine
    down: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerWeights:
    """All weights, on one device. Width W, mel bins F.

    Attributes:
        size: Sizes.
        convolution_1: weight [W, 3 F]: frame before, frame, frame after.
        convolution_2: weight [W, 3 W], likewise.
        positions: [positions, W]; sinusoids.
        layers: The layers.
        post_norm: Before the projection.
        projection: weight [D, W].
    """

    size: TowerSize
    convolution_1: Affine
    convolution_2: Affine
    positions: Tensor
    layers: tuple[TowerLayer, ...]
    post_norm: Affine
    projection: Affine


def tower_weights(
    state: Mapping[str, Tensor],
    size: TowerSize,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TowerWeights:
    """Put the tensors of a state dict into the form that is computed with.

    Args:
        state: Tensors by transformers' names, checked against `size`; any floating dtype.
        size: Sizes.
        device: Where the weights go.
        dtype: What they become there.
    """

    def tensor(key: str) -> Tensor:
        return state[key].to(device, dtype)

    def affine(name: str) -> Affine:
        return Affine(tensor(f"{name}.weight"), tensor(f"{name}.bias"))

    def convolution(name: str) -> Affine:
        # [W, K, 3] -> [W, 3 K], the taps one after the other.
        weight = tensor(f"{name}.weight").transpose(1, 2).flatten(1).contiguous()
        return Affine(weight, tensor(f"{name}.bias"))

    return TowerWeights(
        size=size,
        convolution_1=convolution("conv1"),
        convolution_2=convolution("conv2"),
        positions=_sinusoids(size.positions, size.width).to(device, dtype),
        layers=tuple(_layer_of(f"layers.{i}", tensor, affine) for i in range(size.layers)),
        post_norm=affine("ln_post"),
        projection=affine("proj"),
    )


def encode(mel: Tensor, weights: TowerWeights, layers: LayersFunction | None = None) -> Tensor:
    """Encode pieces of sound, each on its own.

    Args:
        mel: [n, F, T] of the weights' dtype.
        weights: Of the tower.
        layers: What computes all layers, [n, T, W] to [n, T, W]; None computes them eagerly.

    Returns:
        [n, ((T + 1) // 2) // 2, D]; [n, 10, D] for chunks.
    """
    first = gelu(_convolve(mel.transpose(1, 2), weights.convolution_1, stride=1))
    rows = gelu(_convolve(first, weights.convolution_2, stride=2))
    rows = rows + weights.positions[: rows.shape[1]]
    if layers is None:
        for layer in weights.layers:
            rows = layer_rows(rows, layer, weights.size.heads)
    else:
        rows = layers(rows)
    pairs = rows.shape[1] // 2
    rows = (rows[:, : 2 * pairs : 2] + rows[:, 1 : 2 * pairs : 2]) / 2
    return _affine(_norm(rows, weights.post_norm), weights.projection)


def encode_clip(mel: Tensor, weights: TowerWeights) -> Tensor:
    """Encode a whole clip as the released offline samples do: in windows of 2 s, the last shorter.

    Args:
        mel: [F, T] of the weights' dtype.
        weights: Of the tower.

    Returns:
        [((T + 1) // 2) // 2, D].
    """
    window = 2 * weights.size.n_window
    whole = mel.shape[1] // window
    parts = []
    if whole:
        windows = mel[:, : whole * window].reshape(-1, whole, window).transpose(0, 1)
        parts.append(encode(windows, weights).flatten(0, 1))
    if mel.shape[1] > whole * window:
        parts.append(encode(mel[None, :, whole * window :], weights)[0])
    return torch.cat(parts)


class TowerStep:
    """Encodes one chunk at a time. All calls come from one thread.

    Args:
        weights: On the device where it is to run.
        mode: "compiled" fuses the small operations; "captured" also replays them as one CUDA graph.
    """

    def __init__(self, weights: TowerWeights, mode: TowerMode = "eager") -> None:
        self.weights = weights
        self._mode = mode
        self._layers = _layers_for(weights, mode)
        embeddings = weights.projection.weight
        # The graph replays fixed addresses, so a chunk is copied into here.
        self._mel = torch.zeros(
            1, weights.size.mel_bins, CHUNK_FRAMES, device=embeddings.device, dtype=embeddings.dtype
        )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._output = self._mel

    @torch.inference_mode()
    def forward(self, mel: Tensor) -> Tensor:
        """Encode float32 [F, 40], on any device, into a new [10, D] on the model's device."""
        self._mel[0].copy_(mel)
        if self._mode != "captured":
            return encode(self._mel, self.weights, self._layers)[0]
        if self._graph is None:
            self._capture()
        assert self._graph is not None
        self._graph.replay()
        return self._output[0].clone()

    @torch.inference_mode()
    def forward_batch(self, mel: Tensor) -> Tensor:
        """Encode [n, F, 40] into [n, 10, D], without graph: for priming, many chunks at once."""
        return encode(mel.to(self._mel), self.weights)

    @torch.inference_mode()
    def forward_clip(self, mel: Tensor) -> Tensor:
        """Encode a whole clip, float32 [F, T], into [n, D]; see `encode_clip`."""
        return encode_clip(mel.to(self._mel), self.weights)

    def prepare(self) -> None:
        """Compile and capture now, so that no chunk has to wait for it."""
        self.forward(torch.zeros(self._mel.shape[1:]))

    def _capture(self) -> None:
        # Kernels are compiled and libraries set up outside the capture, on a stream of their own.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                encode(self._mel, self.weights, self._layers)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self._output = encode(self._mel, self.weights, self._layers)
        self._graph = graph


def _layers_for(weights: TowerWeights, mode: TowerMode) -> LayersFunction | None:
    """The fast kernels where they run, else compiled layers, else None."""
    size, kernel = weights.size, weights.projection.weight
    if mode == "eager":
        return None
    if mode == "captured":
        from everlisten.engine.laim.fast_operations import overlaps
        from everlisten.engine.laim.fast_tower import FastTowerLayers, supported

        if supported(size.width, size.heads, size.feed_forward, kernel.dtype):
            overlap = overlaps(kernel.device)
            fast = FastTowerLayers(weights.layers, size.heads, _NORM_EPS, overlap=overlap)
            return lambda rows: fast.run(rows[0])[None]
    # One layer is compiled, not all of them: seconds instead of a minute, and as fast.
    compiled = torch.compile(layer_rows, dynamic=False)

    def layers(rows: Tensor) -> Tensor:
        for layer in weights.layers:
            rows = compiled(rows, layer, size.heads)
        return rows

    return layers


def _layer_of(
    name: str, tensor: Callable[[str], Tensor], affine: Callable[[str], Affine]
) -> TowerLayer:
    attention = f"{name}.self_attn"
    weight = torch.cat([tensor(f"{attention}.{part}_proj.weight") for part in "qkv"])
    query, value = (tensor(f"{attention}.{part}_proj.bias") for part in "qv")
    return TowerLayer(
        attention_norm=affine(f"{attention}_layer_norm"),
        qkv=Affine(weight, torch.cat((query, torch.zeros_like(query), value))),
        out=affine(f"{attention}.out_proj"),
        feed_forward_norm=affine(f"{name}.final_layer_norm"),
        up=affine(f"{name}.fc1"),
        down=affine(f"{name}.fc2"),
    )


def _sinusoids(positions: int, width: int) -> Tensor:
    """float32 [positions, width]: sines, then cosines, of geometrically spaced periods."""
    half = width // 2
    rates = torch.exp(-math.log(_LONGEST_PERIOD) / (half - 1) * torch.arange(half).float())
    angles = torch.arange(positions)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def layer_rows(rows: Tensor, layer: TowerLayer, heads: int) -> Tensor:
    """[n, T, W] -> [n, T, W]."""
    fused = _affine(_norm(rows, layer.attention_norm), layer.qkv)
    queries, keys, values = fused.view(*rows.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    attended = scaled_dot_product_attention(queries, keys, values)
    rows = rows + _affine(attended.transpose(1, 2).flatten(2), layer.out)
    inner = gelu(_affine(_norm(rows, layer.feed_forward_norm), layer.up))
    return rows + _affine(inner, layer.down)


def _convolve(rows: Tensor, convolution: Affine, stride: int) -> Tensor:
    """Kernel 3, zeros beyond both ends, as one product: [n, T, K] -> [n, ceil(T / stride), W]."""
    padded = pad(rows, (0, 0, 1, 1))
    count = rows.shape[1]
    taps = [padded[:, tap : tap + count : stride] for tap in range(3)]
    return _affine(torch.cat(taps, dim=2), convolution)


def _affine(rows: Tensor, affine: Affine) -> Tensor:
    return linear(rows, affine.weight, affine.bias)


def _norm(rows: Tensor, norm: Affine) -> Tensor:
    return layer_norm(rows, norm.weight.shape, norm.weight, norm.bias, _NORM_EPS)
