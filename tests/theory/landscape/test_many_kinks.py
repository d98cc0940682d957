"""Rest on walls that nobody named: as where they are given, and where runs trained by hand rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from theory import Problem, example
from theory.errors import InputError
from theory.geometry import LionK, geometry
from theory.landscape.cell_ends import CellEnds
from theory.landscape.classify import Classifier
from theory.landscape.kinks import MOST, rest_points
from theory.landscape.many_kinks import rest_on_many
from theory.types import Array
from theory.within import Ball


def wide() -> Problem:
    """n = 40, d = 5."""
    generator = np.random.default_rng(6)
    X = generator.integers(-9, 10, (40, 5)).tolist()
    return Problem(X, generator.integers(-9, 10, 40).tolist())


def trained(problem: Problem, W: Array, a: Array, rates: Array) -> tuple[Array, Array]:
    """Normalised gradients in the ball of rho = 1, by hand; means over the last tenth."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    W, a = W.copy(), a.copy()
    kept = []
    for step, rate in enumerate(rates):
        hidden = np.maximum(X @ W, 0)
        error = hidden @ a - y
        G, g = X.T @ ((hidden > 0) * np.outer(error, a)), hidden.T @ error
        W -= rate * (W + G / np.linalg.norm(G))
        a -= rate * (a + g / np.linalg.norm(g))
        if step >= 0.9 * len(rates):
            kept.append((W.copy(), a.copy()))
    return np.mean([W for W, _ in kept], axis=0), np.mean([a for _, a in kept], axis=0)


def loss(problem: Problem, W: Array, a: Array) -> float:
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    return float(((np.maximum(X @ W, 0) @ a - y) ** 2).sum() / 2)


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "ngd"])
def test_one_wall_is_found_and_rest_on_it(optimizer: str) -> None:
    problem, ball = example("separation-08"), Ball(optimizer, 3)
    W, a = np.array([[-1.4], [-0.93]]), np.array([-1.73])
    (given, *_) = rest_points(problem, ball, W, a, [(1, 0)])
    (found,) = rest_on_many(problem, ball, W[None], a[None])
    assert found is not None
    assert found.kinks == given.kinks == ((1, 0),)
    np.testing.assert_allclose(found.W, given.W, atol=1e-2)
    np.testing.assert_allclose(found.shares, given.shares, atol=2e-2)  # of one copy
    assert found.loss == pytest.approx(given.loss, rel=5e-4)


@pytest.mark.parametrize("options", [{"weights": [1, 2, 1, 1]}, {"output_bias": True}])
def test_with_weights_and_output_biases_it_is_found_as_well(options: dict[str, Any]) -> None:
    plain, ball = example("separation-08"), Ball("adamw", 3)
    problem = Problem(plain.X, plain.y, **options)
    W, a, wall = np.array([[-1.4], [-0.93]]), np.array([-1.73]), (1, 0)
    if problem.output_bias:
        W, a, wall = np.array([[1.38, -1.53], [1.38, -1.02]]), np.array([1.38, -1.732]), (1, 1)
    (given, *_) = rest_points(problem, ball, W, a, [wall])
    (found,) = rest_on_many(problem, ball, W[None], a[None])
    assert found is not None
    assert found.kinks == given.kinks
    np.testing.assert_allclose(found.W, given.W, atol=1e-2)
    assert found.loss == pytest.approx(given.loss, rel=5e-4)


def test_no_rest_at_kinks_of_the_loss() -> None:
    (found,) = rest_on_many(
        Problem([[1]], [1], loss="absolute"), Ball("lion", 2), np.ones((1, 1, 1)), np.ones((1, 1))
    )
    assert found is None


def test_where_nothing_jumps_no_wall_is_found() -> None:
    """y = 4 at x = 1: w = a = R, loss 1/2 (R^2 - 4)^2."""
    data = Problem([[1]], [4])
    (found,) = rest_on_many(data, Ball("lion", 2), np.ones((1, 1, 1)), np.ones((1, 1)))
    assert found is not None
    assert found.kinks == ()
    assert found.loss == pytest.approx(2.0, abs=1e-2)


def test_runs_on_many_walls_rest_where_it_says() -> None:
    """From 10,000 steps of training; against 40,000 more, at rates down to 1e-5. There, but not
    half way from another network, a run has the name."""
    problem, ball = wide(), Ball("ngd", 1)
    start = np.random.default_rng(0).normal(size=(2, 6, 5))[1] / 3
    W, a = trained(problem, start[:5], start[5], 0.02 / (1 + np.arange(10_000) / 50))
    falling = np.geomspace(5e-4, 1e-5, 20_000)
    at_rest = trained(problem, W, a, np.concatenate([np.full(20_000, 5e-4), falling]))
    expected, slack = loss(problem, *at_rest), 5e-5 * sum(float(v) ** 2 for v in problem.y)
    (found,) = rest_on_many(problem, ball, W[None], a[None])
    assert found is not None
    assert len(found.kinks) > MOST
    assert found.loss == pytest.approx(expected, abs=slack)
    assert loss(problem, W, a) > expected + 50 * slack
    naming = CellEnds(Classifier(problem, 5, ball), step=1e-4)
    runs = np.array([at_rest[0], at_rest[0] / 2]), np.array([at_rest[1], at_rest[1]])
    end, other = naming.of(*runs)
    assert end.kind == "kink"
    assert end.kink is not None
    assert end.loss == pytest.approx(expected, abs=slack)
    assert other.kind == "moving"


def test_runs_leave_one_another_alone() -> None:
    problem, ball, generator = example("separation-08"), Ball("ngd", 3), np.random.default_rng(1)
    W, a = generator.normal(size=(17, 2, 1)), generator.normal(size=(17, 1))
    found = rest_on_many(problem, ball, W, a)
    assert len(found) == 17  # more than are done at once
    (alone,) = rest_on_many(problem, ball, W[-1:], a[-1:])
    losses = [each.loss for each in (alone, found[-1]) if each is not None]
    assert len(losses) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert rest_on_many(problem, ball, W[:0], a[:0]) == []


def test_an_optimizer_that_is_not_known_is_refused() -> None:
    known = geometry("ngd")
    assert isinstance(known, LionK)
    own = replace(known, name="own")
    with pytest.raises(InputError, match="within: how own moves is not known here"):
        rest_on_many(wide(), Ball(own, 1), np.ones((1, 5, 1)), np.ones((1, 1)))
