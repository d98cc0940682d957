"""The largest cost of a neuron over all directions: against all cones, planted gains, and bounds
that have to hold for any data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part
from scipy.optimize import linprog, nnls

from theory.activation import RELU, Activation
from theory.arrangement import arrangement
from theory.gauges import Metric
from theory.programs.cover import ConeCover, cover, first_cones

SLACK = 1e-4
MATRICES = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(-3, 3), min_size=d, max_size=d), min_size=1, max_size=7)
)


def points(d: int) -> Any:
    return {1: np.zeros((0, d)), -1: np.zeros((0, d))}


def over_all_cones(
    X: Any, lam: Any, metric: Metric | None, entries: bool, activation: Activation = RELU
) -> float:
    """The largest cost, cone by cone of the arrangement."""
    d, best = len(X[0]), 0.0
    matrix, weights = np.array(X, dtype=float), np.array(lam, dtype=float)
    Z = np.eye(d) if metric is None else np.array(metric.Z, dtype=float) / metric.trace
    root = np.linalg.cholesky(np.linalg.inv(Z))
    for signs in arrangement(X).signs:
        sides = np.where(signs > 0, 1.0, -1.0)[:, None] * matrix
        w = (activation.slopes(signs > 0) * weights) @ matrix
        for v in (w, -w):
            if entries:
                found = linprog(-v, A_ub=-sides, b_ub=np.zeros(len(X)), bounds=(-1, 1))
                best = max(best, -found.fun)
            else:
                _, length = nnls((sides @ root).T, -v @ root)
                best = max(best, length)
    return best


def run(
    X: Any, lam: Any, metric: Metric | None, entries: bool, level: float, **more: Any
) -> ConeCover:
    options = {"activation": RELU, "points": points(len(X[0])), "slack": SLACK * level or SLACK}
    return cover(X, lam, metric=metric, entries=entries, level=level, **{**options, **more})


def metric_of(d: int, kind: str) -> Metric | None:
    random = np.random.default_rng(d)
    A = random.integers(-2, 3, (d, d))
    return Metric.near(A @ A.T + 0.01 * np.eye(d)) if kind == "spectral" else None


@part(2)
@given(MATRICES, st.data(), st.sampled_from(["entrywise", "l2", "spectral"]), st.booleans())
def test_the_bound_is_the_largest_cost_over_all_cones(
    X: Any, data: st.DataObject, kind: str, leaky: bool
) -> None:
    lam = data.draw(st.lists(st.integers(-5, 5), min_size=len(X), max_size=len(X)))
    metric, entries = metric_of(len(X[0]), kind), kind == "entrywise"
    activation = Activation(Fraction(1, 3), 1) if leaky else RELU
    level = over_all_cones(X, lam, metric, entries, activation)
    found = run(X, lam, metric, entries, level, activation=activation)
    assert found.complete
    assert level * (1 - 1e-9) <= found.length <= level * (1 + 1.01 * SLACK) + 1.01 * SLACK
    assert not len(found.active)
    if level > 1:
        # Said to be less, it is found to be more, and where.
        dearer = run(X, lam, metric, entries, 0.9 * level, activation=activation)
        assert not dearer.complete
        signs = {tuple(row) for row in arrangement(X).signs > 0}
        assert len(dearer.active)
        assert all(any((row == np.array(s)).any() for s in signs) for row in dearer.active)


@pytest.mark.parametrize("kind", ["entrywise", "l2", "spectral"])
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_a_gain_that_is_linear_has_its_dual_norm_as_bound(d: int, kind: str) -> None:
    # lam . (relu(X u) - relu(-X u)) = lam . X u
    random = np.random.default_rng(d)
    half = random.integers(-9, 10, (5, d))
    lam = random.integers(-9, 10, 5)
    w, metric = lam @ half, metric_of(d, kind)
    expected = {"entrywise": np.abs(w).sum(), "l2": np.linalg.norm(w)}.get(kind)
    if metric is not None:
        expected = np.sqrt(float(metric.trace * metric.norm_squared(w.tolist())))
    X = np.concatenate([half, -half]).tolist()
    found = run(X, [*lam.tolist(), *(-lam).tolist()], metric, kind == "entrywise", expected)
    assert found.complete
    assert float(found.length) == pytest.approx(expected, rel=1.01 * SLACK)


def test_an_atom_on_a_kink_saves_cones() -> None:
    """-relu(x) - relu(-x) + y is largest at (0, 1), on the wall of the first two rows."""
    X, lam = [[1, 0], [-1, 0], [0, 1]], [-1, -1, 1]
    without = run(X, lam, None, False, 1.0, slack=1e-9)
    atom = {1: np.array([[0.0, 1.0]]), -1: np.zeros((0, 2))}
    found = run(X, lam, None, False, 1.0, slack=1e-9, points=atom)
    assert len(found.halves[1].atoms) == 1
    assert len(found.halves[1].tree) <= len(without.halves[1].tree)
    assert float(found.length) <= 1 + 2e-9


def test_a_limit_leaves_a_bound_all_the_same() -> None:
    random = np.random.default_rng(0)
    X = random.integers(-9, 10, (30, 4)).tolist()
    lam = random.integers(-9, 10, 30).tolist()
    level = float(run(X, lam, None, False, 1.0, stop=False, limit=100).length)
    best = run(X, lam, None, False, 1.0, stop=False, limit=30_000)
    assert not best.complete
    assert best.length <= level
    near = np.random.default_rng(1).standard_normal((10_000, 4))
    gains = np.abs(np.maximum(near @ np.array(X).T, 0) @ lam) / np.linalg.norm(near, axis=1)
    assert gains.max() <= best.length <= 1.1 * gains.max()


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_the_first_cones_cover_every_direction_once(d: int) -> None:
    cones = first_cones(d)
    directions = np.random.default_rng(d).standard_normal((200, d))
    inside = np.zeros(200)
    for cone in cones:
        inside += (np.linalg.solve(cone.T, directions.T) >= 0).all(axis=0)
    assert (inside == 1).all()


def test_a_point_where_nothing_is_gained_makes_no_atom() -> None:
    """Both rows are inactive or weightless there: cones around it are served by their centres."""
    points = {1: np.array([[-1.0, 0.0]]), -1: np.zeros((0, 2))}
    proof = cover(
        *([[1, 0], [0, 1]], [1, 0], RELU, None),
        entries=False,
        points=points,
        level=1.0,
        slack=1e-6,
    )
    assert not proof.halves[1].atoms
    assert proof.complete
    assert 1 <= proof.length <= 1 + 2e-6
