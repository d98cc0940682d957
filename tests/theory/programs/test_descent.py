"""Local search: it stays in the ball, goes down, and never below what is proved."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from problems import planted

from theory.activation import RELU
from theory.geometry import geometry
from theory.losses import Huber, Squared
from theory.problem import Problem
from theory.programs import solve
from theory.programs.descent import Found, LocalSearch
from theory.within import Ball

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)


def arrays(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    return np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)


def layers(name: str) -> Any:
    ball = geometry(name).ball
    return ball.hidden, ball.output


@pytest.mark.parametrize("loss", [Squared(), Huber(Fraction(1))], ids=["squared", "huber"])
@pytest.mark.parametrize("name", BALLS)
def test_down_and_inside(name: str, loss: Huber | Squared) -> None:
    problem, _ = planted(8, 3, 3, 0)
    X, y = arrays(problem)
    hidden, output = layers(name)
    random = np.random.default_rng(1)
    W, a = random.standard_normal((3, 5)), random.standard_normal(5)
    found = LocalSearch(X, y, RELU, loss, (hidden, output), 1.5).descend(W, a, np.zeros_like(y))
    assert hidden.value(found.W) <= 1.5 * (1 + 1e-9)
    assert output.value(found.a) <= 1.5 * (1 + 1e-9)
    assert found.value == pytest.approx(loss.at(np.maximum(X @ found.W, 0) @ found.a, y))
    start = np.maximum(X @ hidden.project(W, 1.5), 0) @ output.project(a, 1.5)
    assert found.value < loss.at(start, y)


@pytest.mark.parametrize("name", BALLS)
def test_close_to_an_exact_fit_it_finds_one(name: str) -> None:
    problem, network = planted(6, 2, 2, 3)
    X, y = arrays(problem)
    W, a = np.array(network.W, dtype=float), np.array(network.a, dtype=float)
    found = LocalSearch(X, y, RELU, Squared(), layers(name), 100.0).descend(1.01 * W, a, 0 * y)
    assert found.value < 1e-6 * (y @ y)


@pytest.mark.parametrize("name", BALLS)
def test_the_best_comes_first_and_none_is_below_the_bound(name: str) -> None:
    problem, _ = planted(5, 2, 2, 1, entries=3)
    X, y = arrays(problem)
    bound = solve(problem, Ball(name, Fraction(1, 2)), width=2).lower
    search = LocalSearch(X, y, RELU, Squared(), layers(name), math.sqrt(0.5))
    runs = [search.from_random(2, 6, np.random.default_rng(0)) for _ in range(2)]
    values = [[found.value for found in run] for run in runs]
    assert values[0] == values[1] == sorted(values[0])
    assert values[0][0] >= float(bound) * (1 - 1e-9)


def test_nothing_to_learn_ends_at_once() -> None:
    X, y = np.zeros((3, 2)), np.array([1.0, 2.0, 0.0])
    search = LocalSearch(X, y, RELU, Squared(), layers("ngd"), 1.0)
    found = search.descend(np.ones((2, 2)), np.ones(2), np.zeros(3))
    assert found.value == 2.5


def test_blocks_leave_out_what_is_zero() -> None:
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    W, a = np.array([[1.0, 0.0, -2.0], [1.0, 3.0, 0.0]]), np.array([2.0, 0.0, -1.0])
    found = Found(W, a, 0.0, np.zeros(2))
    signs, u, active = found.blocks(X)
    assert signs.tolist() == [1, -1]
    assert u.tolist() == [[2, 2], [-2, 0]]
    assert active.tolist() == [[True, True], [False, False]]
