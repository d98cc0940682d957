"""Newton's method for the group lasso against CVXPY with Clarabel, and by its optimality gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from theory.activation import RELU
from theory.gauges import EUCLIDEAN, Frobenius, Gauge
from theory.losses import Squared
from theory.programs.blocks import Patterns, distinct
from theory.programs.group_lasso import GroupNorms
from theory.programs.newton import GroupLasso, Point, _ball_threshold
from theory.programs.program import BlockProgram


def planted(n: int, d: int, count: int, seed: int) -> tuple[Patterns, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, d))
    y = np.maximum(X @ random.standard_normal((d, 3)), 0) @ np.array([1.0, -1.0, 1.0])
    y += 0.1 * random.standard_normal(n)
    patterns = Patterns(X, RELU, distinct(random.standard_normal((count, d)) @ X.T > 0))
    return patterns, y


def by_newton(
    patterns: Patterns, y: np.ndarray, **weight: Any
) -> tuple[GroupLasso, Point, float, float]:
    blocks = np.arange(patterns.count)
    program = GroupLasso(patterns.X, y, patterns.masks(blocks), patterns.sides(blocks))
    point = program.solve(program.start(), enough=lambda point: False, **weight)
    residual = y - program.fit(point.u)
    size = np.linalg.norm(point.u, axis=1).sum()
    return program, point, residual @ residual / 2, size


def by_clarabel(
    patterns: Patterns, y: np.ndarray, weight: float, penalised: bool
) -> tuple[float, float]:
    family = GroupNorms(Gauge(Frobenius(), EUCLIDEAN))
    blocks = np.arange(patterns.count)
    program = BlockProgram(patterns, blocks, y, family, Squared(), penalised=penalised)
    u, lam, *_ = program.solve(weight)
    return float(lam @ lam / 2), float(np.linalg.norm(u, axis=1).sum())


@pytest.mark.parametrize(("n", "d", "count"), [(6, 1, 4), (12, 3, 20), (20, 4, 24)])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_penalised_and_in_the_ball_as_clarabel_finds_them(
    n: int, d: int, count: int, share: float
) -> None:
    patterns, y = planted(n, d, count, seed=n)
    beta = share * np.linalg.norm(patterns.gradients(y), axis=1).max()
    _, point, loss, size = by_newton(patterns, y, beta=beta)
    expected, expected_size = by_clarabel(patterns, y, beta, penalised=True)
    assert loss + beta * size == pytest.approx(expected + beta * expected_size, rel=1e-7)
    # In the ball of that size the same solution is optimal.
    _, _, inside, needed = by_newton(patterns, y, radius=size)
    assert inside == pytest.approx(loss, rel=1e-6)
    assert needed <= size * (1 + 1e-9)
    slack = patterns.X @ point.u.T * patterns.sides(np.arange(patterns.count)).T
    assert slack.min() >= -1e-8 * abs(slack).max()


def test_a_penalty_above_the_largest_gain_leaves_nothing() -> None:
    patterns, y = planted(10, 3, 12, seed=1)
    beta = np.linalg.norm(patterns.gradients(y), axis=1).max()
    _, point, loss, _ = by_newton(patterns, y, beta=1.01 * beta)
    assert not point.u.any()
    assert loss == pytest.approx(y @ y / 2)


def test_a_ball_that_does_not_bind_gives_the_least_squares_fit() -> None:
    patterns, y = planted(8, 3, 30, seed=2)
    _, _, loss, size = by_newton(patterns, y, radius=1e3)
    expected, _ = by_clarabel(patterns, y, 1e3, penalised=False)
    assert size < 1e3
    assert loss == pytest.approx(expected, abs=1e-9 * (y @ y))


def test_a_start_nearby_leads_to_the_same_point() -> None:
    patterns, y = planted(20, 4, 20, seed=4)
    blocks = np.arange(patterns.count)
    program = GroupLasso(patterns.X, y, patterns.masks(blocks), patterns.sides(blocks))
    first = program.solve(program.start(), radius=1.0, enough=lambda point: False)
    after = program.solve(first, radius=2.0, enough=lambda point: False)
    cold, _, loss, _ = by_newton(patterns, y, radius=2.0)
    residual = y - cold.fit(after.u)
    assert residual @ residual / 2 == pytest.approx(loss, rel=1e-8)


def test_no_targets_give_no_neurons() -> None:
    patterns, _ = planted(6, 2, 5, seed=0)
    _, point, loss, _ = by_newton(patterns, np.zeros(6), beta=1.0)
    assert loss == 0
    assert not point.u.any()


@pytest.mark.parametrize(
    ("lengths", "radius", "threshold"),
    [([3.0, 1.0], 2.0, 1.0), ([1.0, 1.0], 1.0, 0.5), ([1.0, 2.0], 3.0, 0.0), ([], 1.0, 0.0)],
)
def test_the_threshold_that_leaves_the_radius(
    lengths: list[float], radius: float, threshold: float
) -> None:
    assert _ball_threshold(np.array(lengths), radius) == pytest.approx(threshold)
