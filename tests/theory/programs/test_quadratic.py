"""Bounds of gains by quadratics: against directions, closed forms, programs over all patterns."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searched import in_many_dimensions

from theory.activation import RELU, Activation
from theory.arrangement import arrangement
from theory.gauges import Metric
from theory.problem import Problem
from theory.programs import MAX_PATTERNS, relax
from theory.programs.quadratic import Half, Norm, Relaxed, length, quadratics
from theory.within import Ball, Penalty, Within

MATRICES = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(-3, 3), min_size=d, max_size=d), min_size=1, max_size=7)
)


def metric_of(d: int) -> Metric:
    A = np.random.default_rng(d).integers(-2, 3, (d, d))
    return Metric.near(A @ A.T + 0.1 * np.eye(d))


def norm_of(X: Any, kind: str) -> Norm:
    metric = metric_of(len(X[0])) if kind == "spectral" else None
    return Norm(X, metric, entries=kind == "entrywise")


def largest(X: Any, lam: Any, norm: Norm, activation: Activation) -> float:
    """The largest of many gains: of random directions, rows, and what a few steps make of them."""
    matrix, weights = np.array(X, dtype=float), np.array(lam, dtype=float)
    form = np.array([[float(v) for v in row] for row in norm.form])
    u = np.concatenate([np.random.default_rng(0).standard_normal((300, len(X[0]))), matrix])
    u = u[u.any(axis=1)]
    best = 0.0
    for _ in range(10):
        sizes = np.abs(u).max(axis=1)
        if not norm.entries:
            sizes = np.sqrt(((u @ form) * u).sum(axis=1))
        best = max(best, float((activation.at(u @ matrix.T) @ weights / sizes).max()))
        w = (activation.slopes(u @ matrix.T > 0) * weights) @ matrix
        u = u / sizes[:, None] + (np.sign(w) if norm.entries else np.linalg.solve(form, w.T).T)
        u = u[np.abs(u).max(axis=1) > 1e-9]
        if not len(u):
            break
    return best


@given(MATRICES, st.data(), st.sampled_from(["entrywise", "l2", "spectral"]), st.booleans())
def test_any_curvatures_bound_every_direction(
    X: Any, data: st.DataObject, kind: str, leaky: bool
) -> None:
    n, d = len(X), len(X[0])
    lam = data.draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    curvatures = data.draw(st.lists(st.integers(-4, 8), min_size=n, max_size=n))
    norm = norm_of(X, kind)
    activation = Activation(Fraction(1, 3), 1) if leaky else RELU
    # As large as any |x_k . u|^2 is, so that G - A is definite.
    size = sum((4 * r * r for r in norm.reaches), Fraction(1))
    weights = (size,) * (d if norm.entries else 1)
    found = length(X, lam, activation, norm, Half(tuple(map(Fraction, curvatures)), weights))
    assert found is not None
    assert largest(X, lam, norm, activation) <= float(found) * (1 + 1e-9) + 1e-9


def test_curvatures_that_are_too_large_prove_nothing_until_weights_are_as_large() -> None:
    """|x|^2 = 25, so that the weight has to be above 25 / 2."""
    norm = norm_of([[3, 4]], "l2")
    assert length([[3, 4]], [1], RELU, norm, Half((Fraction(1),), (Fraction(25, 2),))) is None
    zero = np.array([0.0])
    found = quadratics([[3, 4]], [1], RELU, norm, {1: (np.array([1.0]), zero), -1: (zero, zero)})
    (weight,) = found.halves[1].weights
    assert 12.5 < weight <= 50
    assert found.length >= 5
    assert found.halves[-1].weights[0] > 0


@pytest.mark.parametrize("weight", [1, 7])
def test_one_ramp_has_its_length_as_cost(weight: int) -> None:
    """relu(x . u) is at most ||x||, and the best quadratic touches there: b = l / M, G = l M."""
    norm = norm_of([[3, 4]], "l2")
    assert norm.reaches == [5]
    half = Half((Fraction(weight, 5),), (Fraction(5 * weight),))
    assert length([[3, 4]], [weight], RELU, norm, half) == 5 * weight


@pytest.mark.parametrize(
    "within",
    [
        Penalty(20),
        *(Ball(name, "1/8") for name in ("ngd", "colnorm", "adamw", "muon", "muon-adamw")),
    ],
    ids=lambda within: within.optimizer,
)
def test_the_bound_in_many_dimensions_is_one_for_every_network(
    within: Within,
) -> None:
    random = np.random.default_rng(0)
    X = random.integers(-9, 10, (10, 3))
    y = np.maximum(X @ random.integers(-2, 3, (3, 4)), 0) @ [1, -1, 1, -1]
    problem = Problem(X=X.tolist(), y=y.tolist())
    whole = relax(problem, within, width=3)
    assert len(arrangement(problem.X)) <= MAX_PATTERNS
    part = in_many_dimensions(problem, within, width=3, max_cells=1)
    assert not part.whole
    assert whole.upper / 5 < part.everywhere <= whole.upper


def test_rows_of_zeros_add_nothing() -> None:
    random = np.random.default_rng(1)
    X = [*random.integers(-9, 10, (12, 3)).tolist(), [0, 0, 0]]
    y = random.integers(-9, 10, 13).tolist()
    found = in_many_dimensions(Problem(X=X, y=y), Ball("ngd", "1/100"))
    assert 0 < found.everywhere <= found.upper
    assert found.everywhere >= Fraction(y[-1] ** 2, 2)


def test_a_better_metric_proves_more(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    X = random.integers(-9, 10, (14, 5)) * [1, 1, 1, 3, 3]
    y = np.maximum(X @ random.integers(-2, 3, (5, 4)), 0) @ [1, -1, 1, -1]
    problem = Problem(X=X.tolist(), y=y.tolist())
    better = in_many_dimensions(problem, Ball("muon", 1))
    monkeypatch.setattr(Relaxed, "better", lambda self: None)
    without = in_many_dimensions(problem, Ball("muon", 1))
    assert 1.05 * without.everywhere < better.everywhere <= better.upper
