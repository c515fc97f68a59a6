"""The fit is the minimum that it claims to be."""

import numpy as np
import pytest

from everlisten.trainer.teaching.logistic import fit_logistic


@pytest.fixture
def problem():
    rng = np.random.default_rng(9)
    rows = rng.standard_normal((600, 7)).astype(np.float32)
    rows[:, 1] += rows[:, 0] * 3  # correlated, as embeddings are
    rows[:, -1] = 1
    labels = rows[:, 0] - 0.5 * rows[:, 2] + 0.7 + rng.standard_normal(600) * 0.5 > 0
    weights = rng.uniform(0.5, 1.5, 600).astype(np.float32) / 600
    return rows, labels, weights


def objective(solution, rows, labels, weights, ridge):
    margins = np.where(labels, 1, -1) * (rows.astype(np.float64) @ solution)
    return weights @ np.logaddexp(0, -margins) + ridge / 2 * np.sum(solution[:-1] ** 2)


@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
def test_no_step_away_is_better(problem, ridge):
    solution = fit_logistic(*problem, ridge).astype(np.float64)
    best = objective(solution, *problem, ridge)
    rng = np.random.default_rng(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(30):
            other = solution + rng.standard_normal(7) * size
            assert objective(other, *problem, ridge) > best - 2e-6


def test_rows_of_weight_zero_do_not_count(problem):
    rows, labels, weights = problem
    weights = np.where(np.arange(600) < 400, weights, 0).astype(np.float32)
    spoilt = rows.copy()
    spoilt[400:, :-1] = 1e3
    one = fit_logistic(rows, labels, weights, 1e-2)
    two = fit_logistic(spoilt, ~labels & (np.arange(600) >= 400) | labels, weights, 1e-2)
    assert np.allclose(one, two, atol=1e-4)


def test_separable_rows_give_a_finite_answer():
    rows = np.array([[1, 1], [2, 1], [-1, 1], [-2, 1]], np.float32)
    solution = fit_logistic(rows, rows[:, 0] > 0, np.full(4, 0.25, np.float32), 1e-3)
    assert np.isfinite(solution).all()
    assert (rows @ solution > 0).tolist() == [True, True, False, False]
