"""Everything that the heads of one teaching are fitted and measured on, in one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from everlisten.engine.sounds.taught import pooled
from everlisten.trainer.teaching.background import Background
from everlisten.trainer.teaching.embedder import Embeddings
from everlisten.trainer.teaching.logistic import fit_logistic

RIDGE = 1e-2
_SURROUNDINGS_WEIGHT = 0.2
_OTHERS_WEIGHT = 0.3
"""Weight of all such rows together; the background and the sound weigh 1 each."""
_COVERED = 0.6
"""A window is the sound if it holds so much of what could fit into it."""

NOBODY = -1

Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeardCopy:
    """A copy of an example as the sound model heard it.

    Attributes:
        example: Number of the example.
        embeddings: float32 [T, D].
        active: bool [T].
        plain: The example as it was given.
    """

    example: int
    embeddings: Embeddings
    active: NDArray[np.bool_]
    plain: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Windows of `span` chunks; arrays have R rows.

    Attributes:
        span: Chunks a window.
        rows: float32 [R, 2 D + 1], standardised by the background; the last column is 1.
        mean, scale: float32 [2 D], with which that was done.
        label: bool; windows to recognise.
        touching: bool; windows that hold any of the sound: where a copy may be recognised.
        copy: int; number of the copy, -1 elsewhere.
        example: int; number of the example that it was made of, -1 elsewhere.
        background: bool; the consecutive chunks of the background.
        block, recording: int [background rows]; its blocks and recordings.
        relatives: int, ascending; recordings that are left out of every fit, see `relatives.py`.
        relative: bool [background rows]; windows that hold any of these.
        weight: float32; relatives weigh 0, else as if nothing was left out.
    """

    span: int
    rows: Embeddings
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    label: Rows
    touching: Rows
    copy: NDArray[np.int64]
    example: NDArray[np.int64]
    background: Rows
    block: NDArray[np.int64]
    recording: NDArray[np.int64]
    relatives: NDArray[np.int64]
    relative: Rows
    weight: NDArray[np.float32]

    def fit(self, left_out: Rows | None = None, ridge: float = RIDGE) -> NDArray[np.float32]:
        """A head, float32 [2 D + 1], that never saw the rows that are left out."""
        weights = self.weight if left_out is None else np.where(left_out, 0, self.weight)
        weights = np.asarray(weights, np.float32)
        for part in (self.label, self.background):
            weights[part] /= max(float(weights[part].sum()), 1e-9)
        return fit_logistic(self.rows, self.label, weights, ridge)

    def without(self, relatives: NDArray[np.int64]) -> Evidence:
        """The same without some recordings of the background, by their numbers, in every fit."""
        held = np.isin(self.recording, relatives)
        # Windows look back: the first ones of the next recording still hold some of it.
        relative = np.convolve(held, np.ones(self.span))[: len(held)] > 0
        weight = self.weight.copy()
        weight[np.flatnonzero(self.background)[relative]] = 0
        return replace(self, relatives=relatives, relative=relative, weight=weight)

    def head(self, solution: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Weights float32 [2 D] and bias for features that are not standardised."""
        weights = solution[:-1] / self.scale
        return weights, float(solution[-1] - weights @ self.mean)


def gather(
    copies: Sequence[HeardCopy],
    background: Background,
    others: Sequence[Embeddings],
    span: int,
) -> Evidence:
    """Windows of the copies, of the background, and of other things that the sound is not.

    Args:
        copies: Of all examples.
        background: At least one chunk.
        others: Embeddings [T, D] of other taught sounds and of counter-examples.
        span: Chunks a window.
    """
    backdrop = pooled(background.embeddings.astype(np.float32), span)
    mean = backdrop.mean(axis=0)
    scale = backdrop.std(axis=0)
    scale = np.maximum(scale, 0.05 * float(scale.mean()) + 1e-6)
    parts = [pooled(copy.embeddings, span) for copy in copies]
    strange = [pooled(each, span) for each in others if len(each)]
    features = np.concatenate((*parts, *strange, backdrop))
    rows = np.ones((len(features), features.shape[1] + 1), np.float32)
    rows[:, :-1] = (features - mean) / scale
    owners = _owners(copies, len(rows), span)
    is_background = np.zeros(len(rows), np.bool_)
    is_background[len(rows) - len(backdrop) :] = True
    return Evidence(
        span=span,
        rows=rows,
        mean=mean,
        scale=scale,
        background=is_background,
        block=background.blocks(),
        recording=background.recordings(),
        relatives=np.zeros(0, np.int64),
        relative=np.zeros(len(backdrop), np.bool_),
        weight=_weights(owners, is_background),
        label=owners.label,
        touching=owners.touching,
        copy=owners.copy,
        example=owners.example,
    )


@dataclass(slots=True)
class _Owners:
    copy: NDArray[np.int64]
    example: NDArray[np.int64]
    label: Rows
    touching: Rows


def _owners(copies: Sequence[HeardCopy], count: int, span: int) -> _Owners:
    """Whose the rows are; the copies' come first."""
    owners = _Owners(
        np.full(count, NOBODY),
        np.full(count, NOBODY),
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
    )
    begin = 0
    for number, copy in enumerate(copies):
        own = slice(begin, begin + len(copy.active))
        held = np.convolve(copy.active, np.ones(span))[: len(copy.active)]
        enough = min(_COVERED * min(span, int(copy.active.sum())), float(held.max()))
        enough = max(enough, 1.0)
        owners.copy[own] = number
        owners.example[own] = copy.example
        owners.label[own] = held >= enough
        owners.touching[own] = held > 0
        begin = own.stop
    return owners


def _weights(owners: _Owners, background: Rows) -> NDArray[np.float32]:
    """Each example weighs the same; windows that hold too little of the sound weigh nothing."""
    weights = np.zeros(len(background), np.float32)
    for example in np.unique(owners.example[owners.label]):
        own = owners.label & (owners.example == example)
        weights[own] = 1 / own.sum()
    surroundings = (owners.copy != NOBODY) & ~owners.touching
    others = (owners.copy == NOBODY) & ~background
    for part, weight in (
        (surroundings, _SURROUNDINGS_WEIGHT),
        (others, _OTHERS_WEIGHT),
        (background, 1.0),
    ):
        weights[part] = weight / max(int(part.sum()), 1)
    return weights
