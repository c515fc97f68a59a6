"""Logistic regression with weighted rows and a ridge, by Newton's method with conjugate gradients.

The rows of what is left out have the weight 0, so that all fits of a teaching share one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everlisten.engine.sounds.taught import sigmoid

_NEWTON_STEPS = 25
_CG_STEPS = 40
_TOLERANCE = 1e-3
"""Of the gradient, relative to the one at the start."""

Vector = NDArray[np.float32]


def fit_logistic(rows: Vector, labels: NDArray[np.bool_], weights: Vector, ridge: float) -> Vector:
    """Minimise `sum(weights * log(1 + exp(-+logit))) + ridge / 2 * |w|^2`.

    Args:
        rows: float32 [R, F]; the last column is 1 and bears the bias, which the ridge spares.
        labels: bool [R].
        weights: float32 [R]; 0 leaves a row out.
        ridge: Above 0, so that the solution stays finite.

    Returns:
        float32 [F]: weights of the features, the last one the bias.
    """
    penalty = np.full(rows.shape[1], ridge, np.float32)
    penalty[-1] = 1e-6
    problem = _Problem(rows, np.where(labels, 1, -1).astype(np.float32), weights, penalty)
    point = _Point(np.zeros(rows.shape[1], np.float32), np.zeros(len(rows), np.float32))
    target = 0.0
    for step in range(_NEWTON_STEPS):
        wrong = sigmoid(-problem.signs * point.logits)
        gradient = penalty * point.solution - rows.T @ (weights * problem.signs * wrong)
        size = float(np.linalg.norm(gradient))
        target = target or _TOLERANCE * size
        if size <= target:
            break
        curvature = weights * wrong * (1 - wrong)
        direction = _solve(rows, curvature, penalty, -gradient, 0.3 if step < 3 else 0.1)
        towards = _Point(direction, rows @ direction)
        moved = problem.descend(point, towards, slope=float(gradient @ direction))
        if moved is None:
            break
        point = moved
    return point.solution


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A solution, float32 [F], and the logits that it gives, float32 [R]; also a difference."""

    solution: Vector
    logits: Vector

    def moved(self, towards: _Point, length: float) -> _Point:
        scale = np.float32(length)
        return _Point(
            self.solution + scale * towards.solution, self.logits + scale * towards.logits
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    rows: Vector
    signs: Vector
    weights: Vector
    penalty: Vector

    def descend(self, point: _Point, towards: _Point, slope: float) -> _Point | None:
        """Halve the step until the objective falls with the slope (Armijo); None: it does not."""
        now, length = self._objective(point), 1.0
        while length > 1e-4:
            there = point.moved(towards, length)
            if self._objective(there) <= now + 1e-4 * length * slope:
                return there
            length /= 2
        return None

    def _objective(self, point: _Point) -> float:
        losses = self.weights @ np.logaddexp(0, -self.signs * point.logits)
        return float(losses + 0.5 * np.sum(self.penalty * point.solution**2))


def _solve(
    rows: Vector, curvature: Vector, penalty: Vector, target: Vector, tolerance: float
) -> Vector:
    """Conjugate gradients on the Hessian, to a residual of `tolerance`."""
    found = np.zeros_like(target)
    residual = target.copy()
    direction = residual.copy()
    energy = first = float(residual @ residual)
    for _ in range(_CG_STEPS):
        image = rows.T @ (curvature * (rows @ direction)) + penalty * direction
        length = energy / float(direction @ image)
        found += np.float32(length) * direction
        residual -= np.float32(length) * image
        before, energy = energy, float(residual @ residual)
        if energy <= tolerance**2 * first:
            break
        direction = residual + np.float32(energy / before) * direction
    return found
