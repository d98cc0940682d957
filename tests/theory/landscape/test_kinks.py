"""Rest points on kinks: a known one, equations of rest by hand, and simulations of each rule."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from theory.errors import InputError
from theory.landscape.kinks import MOST, RULES, rest_point
from theory.loading import example
from theory.problem import Problem
from theory.within import Ball

# One neuron that a datum on the wall pushes back and forth.
DATA = Problem([[3, 3], [1, -1], [3, -1], [0, -1]], [-18, 1, -6, 3])


def test_a_limit_of_adamw_that_is_no_kkt_point() -> None:
    """The neuron of separation-08 that most runs of AdamW end with, the other one dead."""
    found = rest_point(
        example("separation-08"),
        Ball("adamw", 3),
        np.array([[-1.46, 0.0], [-0.97, 0.0]]),
        np.array([-1.73, 0.0]),
        [(1, 0)],
        [1],
    )
    assert found is not None
    np.testing.assert_allclose(found.W[:, 0], [-1.46549, -0.97699], atol=1e-5)
    np.testing.assert_allclose(found.shares, [0.3121], atol=1e-4)
    assert found.loss == pytest.approx(34.5480, abs=1e-4)
    assert found.gap == pytest.approx(13.08, abs=0.01)
    assert found.residual < 1e-12


def test_the_share_solves_the_equation_of_adamw() -> None:
    """w = -R E g / sqrt(E g^2) entry by entry, written out for one kink."""
    found = rest_point(
        DATA, Ball("adamw", 3), np.array([[1.67], [1.67]]), np.array([-1.73]), [(1, 0)]
    )
    assert found is not None
    (p,), radius = found.shares, 3**0.5
    X, y = np.array(DATA.X, dtype=float), np.array(DATA.y, dtype=float)
    error = np.maximum(X @ found.W, 0)[:, 0] * found.a[0] - y
    rest = X[[0, 2]].T @ error[[0, 2]] * found.a[0]  # of the rows that stay active
    plus, minus = rest + X[1] * error[1] * found.a[0], rest
    mean = p * plus + (1 - p) * minus
    square = p * plus**2 + (1 - p) * minus**2
    np.testing.assert_allclose(found.W[:, 0], -radius * mean / np.sqrt(square), atol=1e-8)
    assert X[1] @ found.W[:, 0] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("optimizer", ["ngd", "colnorm"])
def test_normalised_gradients_with_one_neuron_are_the_same(optimizer: str) -> None:
    """w = -R (p g+ / |g+| + (1 - p) g- / |g-|): at width 1 a column is the matrix."""
    found = rest_point(
        example("separation-08"),
        Ball(optimizer, 3),
        np.array([[-1.3], [-0.87]]),
        np.array([-1.73]),
        [(1, 0)],
    )
    assert found is not None
    np.testing.assert_allclose(found.W[:, 0], [-1.3068081, -0.8712054], atol=1e-6)
    np.testing.assert_allclose(found.shares, [0.582958], atol=1e-5)


@pytest.mark.parametrize("optimizer", sorted(RULES))
def test_where_nothing_jumps_it_is_a_kkt_point(optimizer: str) -> None:
    """y = (4) at x = (1): w = a = R up to the norm's ball, loss 1/2 (R^2 - 4)^2."""
    found = rest_point(
        Problem([[1]], [4]), Ball(optimizer, 2), np.array([[1.0]]), np.array([1.0]), []
    )
    assert found is not None
    assert found.loss == pytest.approx(2.0)
    assert found.gap == pytest.approx(0, abs=1e-9)


def simulated(steps: int, rate: float) -> np.ndarray:
    """AdamW by hand with one neuron and a constant rate; the mean of the last half."""
    problem, radius = example("separation-08"), 3**0.5
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    theta = np.array([-1.4, -0.9, -1.7])
    first, second = np.zeros(3), np.zeros(3)
    kept = []
    for step in range(1, steps + 1):
        z = X @ theta[:2]
        error = np.maximum(z, 0) * theta[2] - y
        gradient = np.append(X.T @ (error * theta[2] * (z > 0)), np.maximum(z, 0) @ error)
        first = 0.9 * first + 0.1 * gradient
        second = 0.95 * second + 0.05 * gradient**2
        direction = first / (1 - 0.9**step) / np.sqrt(second / (1 - 0.95**step))
        theta = theta * (1 - rate / radius) - rate * direction
        if step > steps // 2:
            kept.append(theta)
    return np.mean(kept, axis=0)


def test_a_simulation_comes_to_rest_there() -> None:
    start = np.array([[-1.4], [-0.9]]), np.array([-1.7])
    found = rest_point(example("separation-08"), Ball("adamw", 3), *start, [(1, 0)])
    assert found is not None
    expected = np.append(found.W[:, 0], found.a)
    np.testing.assert_allclose(simulated(10_000, 2e-3), expected, atol=1e-3)


def test_no_rest_point_is_said_so() -> None:
    """Both sides push the neuron across, so no share holds it on the wall."""
    problem = Problem([[1, 0], [0, 1]], [2, 2])
    assert (
        rest_point(problem, Ball("ngd", 1), np.array([[1.0], [0.0]]), np.array([1.0]), [(1, 0)])
        is None
    )
    with pytest.raises(InputError, match=f"kinks: are {MOST + 1}, more than {MOST}"):
        rest_point(
            Problem([[Fraction(1), k] for k in range(MOST + 1)], [1] * (MOST + 1)),
            Ball("ngd", 1),
            np.ones((2, 1)),
            np.ones(1),
            [(k, 0) for k in range(MOST + 1)],
        )


def test_walls_of_parallel_rows_are_one_kink() -> None:
    """A neuron crosses those of x and -x at once: the shares of their + sides add up to one."""
    problem = Problem([[3, 1], [1, 3], [1, 2], [2, -2], [-3, -1]], [4, -5, -3, 8, -1])
    start = np.array([[-0.15, -0.35], [-0.11, 1.05]]), np.array([-(3**0.5), -(3**0.5)])
    found = [
        rest_point(problem, Ball("adamw", 3), *start, kinks)
        for kinks in ([(0, 1)], [(0, 1), (4, 1)])
    ]
    for each in found:
        assert each is not None
        assert each.kinks == ((0, 1),)
    other = rest_point(problem, Ball("adamw", 3), *start, [(4, 1)])
    assert found[0] is not None
    assert other is not None
    assert other.loss == pytest.approx(found[0].loss)
    assert other.shares[0] == pytest.approx(1 - found[0].shares[0])


def test_a_sign_may_rest_where_a_gradient_vanishes() -> None:
    """signSGD on separation-08: D = (11/12, 11/18), of which the second is 1 - 2 p, p = 7/36, and
    on one side the first gradient is zero."""
    found = rest_point(
        example("separation-08"),
        Ball("signsgd", 3),
        np.array([[-1.56], [-1.04]]),
        np.array([-1.73]),
        [(1, 0)],
    )
    assert found is not None
    assert found.shares[0] == pytest.approx(7 / 36, abs=1e-5)
    np.testing.assert_allclose(found.W[:, 0] / 3**0.5, [-11 / 12, -11 / 18], atol=1e-5)
    assert found.loss == pytest.approx(34 + 1 / 18, abs=1e-5)
