"""Keys and values of every lane, allocated once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from everlisten.engine.laim.weights import LanguageModelSize

_SPARE_POSITIONS = 16
"""Behind the last position: padding rows write there, where no row ever looks."""


@dataclass(frozen=True, slots=True)
class KvCache:
    """Slots of keys and values; a lane owns a slot.

    Attributes:
        keys: [L, S, G, P + 16, C]; rotated.
        values: The same shape.
        positions: P; what lies behind is written by padding rows only.
    """

    keys: Tensor
    values: Tensor
    positions: int

    @classmethod
    def allocate(
        cls,
        size: LanguageModelSize,
        *,
        slots: int,
        positions: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> KvCache:
        """An empty cache."""
        shape = (size.layers, slots, size.kv_heads, positions + _SPARE_POSITIONS, size.head_width)
        # Zeros, not empty: what is masked still takes part in products, and 0 * NaN is NaN.
        keys = torch.zeros(shape, device=device, dtype=dtype)
        return cls(keys, torch.zeros_like(keys), positions)

    def copy(self, source: int, target: int, length: int) -> None:
        """Make the first `length` positions of slot `target` equal to those of `source`."""
        for tensor in (self.keys, self.values):
            tensor[:, target, :, :length].copy_(tensor[:, source, :, :length])

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return 2 * self.keys.numel() * self.keys.element_size()
