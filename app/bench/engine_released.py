"""The released way and ours beside each other, after the same minutes of stream."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from everlisten.app.bench.engine_timing import Timing, finish
from everlisten.audio_io.chunk import CHUNK_SAMPLES
from everlisten.engine.laim.tokens import AUDIO_TOKENS, CHUNK_TOKENS, KEEP_SILENCE

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from everlisten.app.bench.released_way import ReleasedLanguageModel, ReleasedState
    from everlisten.engine.laim.sizes import TowerSize
    from everlisten.engine.laim.weights import LanguageModelWeights

_LOUDNESS = 0.05
_PREFIX_ROWS = 45
"""Rows of the released prompt (estimate); they do not matter beside the chunks'."""
_TURN = (KEEP_SILENCE, *CHUNK_TOKENS)
_AUDIO_ROWS = tuple(range(2, 2 + AUDIO_TOKENS))


class ReleasedSession:
    """A session of the released way that can be put at any minute of a stream."""

    def __init__(
        self,
        weights: LanguageModelWeights,
        tower: Mapping[str, Tensor],
        size: TowerSize,
    ) -> None:
        import torch

        from everlisten.app.bench.released_way import ReleasedLanguageModel, ReleasedTower
        from everlisten.engine.laim.log_mel import mel_filters

        self._device = weights.embedding.device
        self._dtype = weights.embedding.dtype
        self._weights = weights
        state = {key: each.to(self._device, self._dtype) for key, each in tower.items()}
        filters = torch.from_numpy(mel_filters()).float().T.to(self._device)
        self._tower = ReleasedTower(state, size, filters)
        self._model: ReleasedLanguageModel = ReleasedLanguageModel(weights)

    def measure(self, chunks: int, *, count: int, limit_s: float) -> tuple[Timing, Timing]:
        """Time silent chunks after `chunks` chunks of stream: (tower, whole chunk).

        What the session holds by then is filled with noise; computing it once would take minutes.
        """
        import torch

        state = self._state_after(chunks)
        tower_ms: list[float] = []
        whole_ms: list[float] = []
        began_s = time.perf_counter()
        with torch.inference_mode():
            self._chunk(state)  # the first one sets up libraries
            while len(whole_ms) < count and time.perf_counter() - began_s < limit_s:
                times = self._chunk(state)
                tower_ms.append(times[0])
                whole_ms.append(times[1])
        return Timing.of(tower_ms), Timing.of(whole_ms)

    def _state_after(self, chunks: int) -> ReleasedState:
        import torch

        from everlisten.app.bench.released_way import ReleasedState

        size = self._weights.size
        rows = _PREFIX_ROWS + chunks * len(_TURN)
        shape = (size.kv_heads, rows, size.head_width)
        state = ReleasedState(_noise(chunks * CHUNK_SAMPLES, self._device))
        for _ in range(size.layers):
            state.keys.append(torch.randn(shape, device=self._device, dtype=self._dtype))
            state.values.append(torch.randn(shape, device=self._device, dtype=self._dtype))
        return state

    def _chunk(self, state: ReleasedState) -> tuple[float, float]:
        import torch

        finish(self._device)
        start_s = time.perf_counter()
        new = _noise(CHUNK_SAMPLES, self._device)
        state.samples = torch.cat((state.samples, new))
        features = self._tower.encode(state.samples)[-AUDIO_TOKENS:]
        finish(self._device)
        encoded_s = time.perf_counter()
        logits = self._model.forward(_TURN, _AUDIO_ROWS, features, state)
        int(logits[-1].argmax())
        ended_s = time.perf_counter()
        return (encoded_s - start_s) * 1e3, (ended_s - start_s) * 1e3


def compared_rows(
    minutes: Sequence[float],
    released: Mapping[float, tuple[Timing, Timing]],
    ours: Mapping[float, Timing],
) -> list[dict[str, object]]:
    """One row for each time."""
    rows: list[dict[str, object]] = []
    for each in minutes:
        tower, whole = released[each]
        rows.append(
            {
                "after min of stream": each,
                "released way, ms a chunk": round(whole.p50_ms, 2),
                "of it re-encoding": round(tower.p50_ms, 2),
                "n": whole.n,
                "ours, ms a chunk": round(ours[each].p50_ms, 2),
                "ours p99": round(ours[each].p99_ms, 2),
                "n ours": ours[each].n,
                "times faster": round(whole.p50_ms / ours[each].p50_ms, 1),
            }
        )
    return rows


def _noise(samples: int, device: torch.device) -> Tensor:
    import torch

    return torch.randn(samples, device=device) * _LOUDNESS
