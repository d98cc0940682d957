"""The activation: exact and in floating point, and that everything goes through the one value.

Some activations have answers in closed form. With slopes (1, 1) networks are linear, so the least
loss of any width is that of linear regression. With slopes (-1, 1), the absolute value, a row of X
and its negative are the same data point. Slopes (1/10, 1) for y are slopes (1, 10) for 10 y.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from problems import planted

from theory.activation import RELU, Activation
from theory.claims.float_landscape import float_landscape
from theory.claims.float_radii import float_radius
from theory.claims.sampled import losses
from theory.claims.sign_vectors import sign_vectors
from theory.connectivity import SolutionPath, SolutionSet, connect
from theory.errors import InputError
from theory.exact import to_flint
from theory.landscape import analyse, valleys
from theory.network import Network
from theory.problem import Problem
from theory.programs import solve
from theory.radii import least_radii
from theory.regions import optimizer_regions
from theory.strategies import networks, problems
from theory.within import Ball, Penalty

LINEAR, ABSOLUTE = Activation(1, 1), Activation(-1, 1)
LEAKY, TENFOLD = Activation(Fraction(1, 10), 1), Activation(1, 10)
ACTIVATIONS = (RELU, LINEAR, ABSOLUTE, LEAKY, Activation(Fraction(-3, 4), Fraction(2, 3)))
BALLS = ("adamw", "muon", "muon-adamw", "ngd", "colnorm")


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(st.lists(st.fractions(-9, 9, max_denominator=8), min_size=1))
def test_exact_values_are_slopes_times_numbers(
    activation: Activation, values: list[Fraction]
) -> None:
    zero = Fraction()
    expected = [
        activation.positive * max(v, zero) + activation.negative * min(v, zero) for v in values
    ]
    assert list(map(activation.value, values)) == expected
    assert activation.part((v > 0 for v in values), values) == expected
    assert [activation.value(to_flint([v])[0]) for v in values] == to_flint(expected)
    whole, q = activation.whole
    assert [Fraction(whole.value(v), q) for v in values] == expected
    assert isinstance(whole.value(-7), int)
    floats = np.array(values, dtype=float)
    rounded = pytest.approx(np.array(expected, dtype=float), rel=1e-15)
    assert activation.at(floats) == rounded
    assert activation.slopes(floats > 0) * floats == rounded


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", RELU),
        (" ABS", ABSOLUTE),
        ("leaky_relu:1/10", LEAKY),
        ("leaky_relu:0.1", LEAKY),
        ("leaky_relu:-1", ABSOLUTE),
        ("leaky_relu:0", RELU),
    ],
)
def test_names(name: str, expected: Activation) -> None:
    found = Activation.named(name)
    assert found == expected
    assert Activation.named(str(found)) == found


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("leaky_relu:1", "with slope 1 on both sides the network is linear"),
        ("leaky_relu:7/7", "with slope 1 on both sides the network is linear"),
        ("leaky_relu:1/0", "divides by zero"),
        ("leaky_relu", "is none; write relu, abs or leaky_relu:1/10"),
        ("leaky_relu:x", "'x' in 'leaky_relu:x' is no number"),
        ("leaky_relu:1e9", "is no number; write 0.1 or 1/10"),
        ("relu:1", "is none; write relu, abs or leaky_relu:1/10"),
        ("tanh", "is none; write relu, abs or leaky_relu:1/10"),
        ("", "is none; write relu, abs or leaky_relu:1/10"),
    ],
)
def test_names_of_none(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"activation: .*{reason}"):
        Problem([[1]], [1], activation=name)


def test_problems_in_json_say_their_activation() -> None:
    for name in ("relu", "abs", "leaky_relu:-2/7"):
        problem = Problem([[1]], [1], activation=name)
        document = problem.to_json()
        assert document.get("activation", "relu") == name
        assert Problem.from_json(document) == problem
        assert Problem.from_json({**document, "activation": name}).with_bias().activation == (
            problem.activation
        )
    assert Problem([[1]], [1], activation="abs") != Problem([[1]], [1])


@pytest.mark.parametrize("seed", range(3))
def test_small_slopes_are_near_relu(seed: int) -> None:
    """And absolute values are pairs of ReLUs, |t| = relu(t) + relu(-t), so twice the width does."""
    relu, _ = planted(5, 2, 1, seed)
    problem = replace(relu, y=tuple(v + 1 for v in relu.y))
    exact = analyse(problem, 2).minimum
    leaky = analyse(replace(problem, activation=Activation.named("leaky_relu:1/100000")), 2).minimum
    assert exact > 0
    assert float(leaky) == pytest.approx(float(exact), rel=1e-3)
    assert analyse(replace(problem, activation=ABSOLUTE), 1).minimum >= exact


def test_integers_stay_exact() -> None:
    large = np.array([2**200, -(2**200), 0], dtype=object)
    assert RELU.at(large).tolist() == [2**200, 0, 0]
    assert ABSOLUTE.at(large).tolist() == [2**200, 2**200, 0]
    assert ABSOLUTE.at(np.array([3, -4])).dtype == np.int64
    assert ABSOLUTE.value(fmpq(-3, 7)) == fmpq(3, 7)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(problems(n=(1, 3), d=2), networks(2, (1, 3)))
def test_one_network_three_ways(activation: Activation, problem: Problem, network: Network) -> None:
    """Exactly, in floating point, and as observations see it."""
    W, a = np.array(network.W, dtype=float), np.array(network.a, dtype=float)
    problem = replace(problem, activation=activation)
    exact = np.array(network.fit(problem), dtype=float)
    fit = activation.fit(np.array(problem.X, dtype=float), W, a)
    assert fit == pytest.approx(exact, rel=1e-9, abs=1e-9)
    both = losses(problem, np.stack([W, W]), np.stack([a, -a]))
    opposite = replace(network, a=tuple(-v for v in network.a))
    expected = [float(each.loss(problem)) for each in (network, opposite)]
    assert both.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert losses(problem, W, a) == pytest.approx(expected[0], rel=1e-9, abs=1e-9)


def regression(problem: Problem) -> float:
    """The least loss of linear functions."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    rest = y - X @ np.linalg.lstsq(X, y)[0]
    return float(rest @ rest) / 2


@pytest.mark.parametrize("width", [1, 2])
def test_linear_networks_are_linear_regression(width: int) -> None:
    problem, _ = planted(5, 2, 2, seed=0)
    expected = regression(problem)
    assert expected > 1
    linear = replace(problem, activation=LINEAR)
    found = analyse(linear, width)
    assert float(found.minimum) == pytest.approx(expected)
    assert found.components[0].representative.loss(linear) == found.minimum
    assert float_landscape(linear, width).minimum == pytest.approx(expected)
    assert analyse(problem, width).minimum != found.minimum


@pytest.mark.parametrize("name", BALLS)
def test_linear_networks_in_large_balls_are_linear_regression(name: str) -> None:
    problem, _ = planted(5, 2, 2, seed=0)
    problem = replace(problem, activation=LINEAR)
    within = Ball(name, Fraction(1000))
    cells, program = analyse(problem, 1, within=within), solve(problem, within, width=1)
    assert cells.proved <= program.upper
    assert program.lower is not None
    for value in (cells.proved, cells.minimum, program.lower, program.upper):
        assert float(value) == pytest.approx(regression(problem), rel=1e-6)


def test_a_penalised_linear_network_is_penalised_regression() -> None:
    """min 1/2 (c t - y)^2 + beta |t| for one data point: t = (|y| - beta / c) / c."""
    problem = Problem(X=[[-2]], y=[3], activation=LINEAR)
    found = solve(problem, Penalty(Fraction(1)), width=1)
    assert float(found.upper) == pytest.approx((1 / 2) ** 2 / 2 + 5 / 4)
    assert found.lower is not None
    assert float(found.lower) == pytest.approx(float(found.upper), rel=1e-6)


def flipped(problem: Problem) -> Problem:
    """The first and the last row of X negated."""
    rows = [tuple(-v for v in row) for row in problem.X]
    return replace(problem, X=(rows[0], *problem.X[1:-1], rows[-1]))


@pytest.mark.parametrize("seed", range(3))
def test_signs_of_rows_mean_nothing_to_absolute_values(seed: int) -> None:
    relu, _ = planted(6, 2, 2, seed)
    problem = replace(relu, activation=ABSOLUTE)
    first, second = (analyse(data, 2) for data in (problem, flipped(problem)))
    assert first.minimum == second.minimum
    assert first.barriers == second.barriers
    least = float_landscape(problem, 2).minimum
    assert least == pytest.approx(float(first.minimum), abs=1e-9 * float(problem.squared_length))
    first, second = (analyse(data, 2) for data in (relu, flipped(relu)))
    assert first.minimum != second.minimum or first.barriers != second.barriers


def test_the_loss_of_one_leaky_neuron() -> None:
    """Its fits of X = (1, -1) are t (1, -1/10) and t (-1/10, 1), t real."""
    found = analyse(Problem(X=[[1], [-1]], y=[1, 1], activation="leaky_relu:1/10"), 1)
    assert found.minimum == Fraction(121, 202)
    assert len(found.components) == 2


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_leaky_landscapes_by_brute_force(seed: int, labelled: bool) -> None:
    problem, _ = planted(4, 2, 2, seed)
    scale = float(problem.squared_length)
    problem = replace(problem, activation=LEAKY)
    found = analyse(problem, 2, labelled=labelled)
    brute = float_landscape(problem, 2, labelled=labelled)
    homes = [brute.home(component.representative) for component in found.components]
    assert float(found.minimum) == pytest.approx(brute.minimum, abs=1e-9 * scale)
    assert sorted(homes) == list(range(len(brute.components)))
    for i, row in enumerate(found.barriers):
        for k, value in enumerate(row):
            if i != k:
                expected = brute.barriers[homes[i], homes[k]]
                assert float(value) == pytest.approx(expected, abs=1e-9 * scale)


def tenfold(problem: Problem) -> Problem:
    """With ten times the slopes and the y: losses are a hundred times as large."""
    return replace(problem, y=tuple(10 * v for v in problem.y), activation=TENFOLD)


@pytest.mark.parametrize("rho", [None, "7/2", "30"])
@pytest.mark.parametrize("seed", range(2))
def test_slopes_that_are_no_integers(seed: int, rho: str | None) -> None:
    """Landscapes and valleys, without a ball and in one that is exact."""
    problem, _ = planted(4, 2, 2, seed)
    within = None if rho is None else Ball("adamw", rho)
    problem = replace(problem, activation=LEAKY)
    found, tree = analyse(problem, 2, within=within), valleys(problem, 2, within=within)
    for component in found.components:
        assert component.representative.loss(problem) == found.minimum
    data = tenfold(problem)
    other, its = analyse(data, 2, within=within), valleys(data, 2, within=within)
    assert other.minimum == 100 * found.minimum
    assert other.barriers == tuple(tuple(100 * v for v in row) for row in found.barriers)
    assert [v.birth for v in its.valleys] == [100 * v.birth for v in tree.valleys]


@pytest.mark.parametrize("name", [name for name in BALLS if name != "adamw"])
def test_slopes_that_are_no_integers_in_balls_of_proved_intervals(name: str) -> None:
    problem, _ = planted(4, 2, 2, seed=0)
    within = Ball(name, 3)
    problem = replace(problem, activation=LEAKY)
    found, program = analyse(problem, 2, within=within), solve(problem, within, width=2)
    (reached,) = least_radii(analyse(problem, 2), [name]).components
    data = tenfold(problem)
    other, its = analyse(data, 2, within=within), solve(data, within, width=2)
    (its_reached,) = least_radii(analyse(data, 2), [name]).components
    values = [found.proved, found.minimum, program.lower, program.upper]
    its_values = [other.proved, other.minimum, its.lower, its.upper]
    assert float(found.minimum) > 1
    assert list(map(float, its_values)) == pytest.approx([100 * float(v) for v in values], rel=1e-6)
    assert float(values[0]) == pytest.approx(float(values[3]), rel=1e-5)
    assert float(its_reached[name].lower) == pytest.approx(float(reached[name].lower), rel=1e-6)


def test_images_that_are_longer_than_their_rows() -> None:
    """A row of 2^61 and a slope of 8: more than a machine's integers hold."""
    problem = Problem(X=[[2**61]], y=[3], activation=Activation(0, 8))
    found = analyse(problem, 1)
    assert found.minimum == 0
    assert found.components[0].representative.loss(problem) == 0


@pytest.mark.parametrize("name", BALLS)
def test_radii_of_leaky_neurons(name: str) -> None:
    """The other side of zero takes ten times the weights."""
    problem = Problem(X=[[-3, 4]], y=[-35])
    expected = 35 / 7 if name == "adamw" else 35 / 5
    problem = replace(problem, activation=LEAKY)
    components = least_radii(analyse(problem, 1), [name]).components
    reached = sorted(float(each[name].lower) for each in components)
    assert reached == pytest.approx([expected, 10 * expected], rel=1e-6)


@pytest.mark.parametrize("name", BALLS)
def test_radii_of_absolute_values(name: str) -> None:
    """For one data point the least rho is |y| over the dual norm of x, on either side of zero."""
    problem = Problem(X=[[-3, 4]], y=[-35])
    expected = 35 / 7 if name == "adamw" else 35 / 5
    problem = replace(problem, activation=ABSOLUTE)
    components = least_radii(analyse(problem, 1), [name]).components
    together = optimizer_regions(problem, ("adamw", "muon"), 1).least(int(name != "adamw"))
    cones = sign_vectors(problem)
    states = [(state,) for state in range(2 * len(cones))]
    observed = float_radius(problem, cones, states, name)
    ends = [end for each in components for end in (each[name].lower, each[name].upper)]
    assert len(components) == 2
    for value in (*ends, together.lower, together.upper, observed):
        assert isinstance(value, Fraction | float)
        assert float(value) == pytest.approx(expected, rel=1e-6)


def test_paths_of_absolute_values() -> None:
    """One neuron hands over to another, on the other side of zero."""
    problem = Problem(X=[[2]], y=[6])
    ends = Network(W=[[3, 0]], a=[1, 1]), Network(W=[[0, -3]], a=[1, 1])
    problem = replace(problem, activation=ABSOLUTE)
    path = connect(SolutionSet(problem, Ball("adamw", Fraction(3)), Fraction()), *ends)
    assert isinstance(path, SolutionPath)
    assert path.ends == ends
    assert path.max_loss == 0
    for t in (Fraction(1, 3), Fraction(1)):
        middle = [
            sum(n.sign * (1 - t) * abs(2 * n.u[0]) for n in start)
            + sum(n.sign * t * abs(2 * n.u[0]) for n in end)
            for start, end in pairwise(path.points)
        ]
        assert middle == [6] * len(middle)
