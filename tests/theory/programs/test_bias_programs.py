"""Programs with hidden biases apart from the ball of W: closed forms, grids of kinks, large
constant features, landscapes of every cell, and the invariances."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.errors import InputError
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.network import Network
from theory.problem import Problem
from theory.programs import relax, solve
from theory.programs.solve import Optimum
from theory.within import Ball, Penalty, settled

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
MUONS = ("muon", "muon-adamw")
SHARED = (*MUONS, "ngd", "ngd-adamw")  # whose norm of W neurons divide
CASES = [*((ball, "free") for ball in BALLS), *((ball, "adamw") for ball in SHARED)]
SHARES = {"adamw": math.inf, "colnorm": math.inf, "muon": 1, "ngd": 1}  # else 2: powers of gauges
LINE = Problem([[0], [1], [2]], [1, -1, 2])
PLANE = Problem([[1, 0], [0, 1], [1, 1], [-1, 2]], [1, -1, 1, 2])
HALF = Fraction(1, 2)
NEAR = 1e-6  # of losses of order one: ten times the tolerance of programs


def room(ball: str, width: int) -> float:
    """What lengths of neurons sum to at most in the ball of radius 1."""
    power = SHARES.get(ball, 2)
    return 1 if power == 1 else width if math.isinf(power) else math.sqrt(width)


def require_sound(found: Optimum) -> None:
    """The network is in the ball and has the loss, and the ends are in order."""
    assert isinstance(found.within, Ball)
    assert found.lower is not None
    assert found.lower <= found.upper
    assert found.network.loss(found.problem) <= found.upper * (1 + Fraction(1, 10**12))
    gauge = found.within.gauge
    size = gauge.hidden.squared(found.network.neurons())
    size *= gauge.output_squared(found.network.a)
    assert size <= found.within.rho**2 * (1 + Fraction(1, 10**9))
    assert found.width is None or found.neurons <= found.width


# Known answers.


@pytest.mark.parametrize("width", [1, 2, 3])
def test_only_biases(width: int) -> None:
    """On X = [[0]] the largest fit is that of the biases alone; see the note."""
    largest = {"muon": math.sqrt(width), "muon-adamw": width, "adamw": width}
    for ball, times in largest.items():
        found = solve(Problem([[0]], [4]).with_bias("adamw"), Ball(ball, HALF), width=width)
        require_sound(found)
        expected = (4 - times / 2) ** 2 / 2
        assert found.lower - NEAR <= expected <= found.upper + NEAR
        assert found.upper - found.lower <= NEAR
    for ball in BALLS:
        found = solve(Problem([[0]], [4]).with_bias("free"), Ball(ball, HALF), width=width)
        assert (found.lower, found.upper) == (0, 0)


@pytest.mark.parametrize("ball", BALLS)
def test_what_free_biases_leave_is_the_slope(ball: str) -> None:
    """x = 1 and x = -1 with targets t and -t: the steepest network has |f(1) - f(-1)| = 2 times the
    sum of lengths, and free biases shift it to where it misses both by as much."""
    problem = Problem([[1], [-1]], [3, -3]).with_bias("free")
    for width in (2, 3):
        found = relax(problem, Ball(ball, HALF), width=width)
        expected = max(0.0, 3 - room(ball, width) / 2) ** 2
        assert found.lower - NEAR <= expected <= found.upper + NEAR
        assert found.upper - found.lower <= NEAR


@pytest.mark.parametrize("ball", ["muon", "ngd"])
def test_free_biases_are_for_any_width(ball: str) -> None:
    found = solve(Problem([[1], [-1]], [3, -3]).with_bias("free"), Ball(ball, 1))
    require_sound(found)
    assert found.width is None
    assert math.isclose(float(found.upper), 4, abs_tol=NEAR)


def by_kinks(problem: Problem, rho: float) -> float:
    """The least loss over neurons +-relu(+-(x - t)) of total slope rho, with a constant: t runs
    over the data and points between them."""
    x, y = (np.array(v, dtype=float) for v in ([row[0] for row in problem.X], problem.y))
    kinks = np.unique(np.concatenate([x, np.linspace(x.min(), x.max(), 41)]))
    columns = [np.maximum(s * (x - t), 0) for t in kinks for s in (1, -1)]
    z, c = cp.Variable(len(columns)), cp.Variable()
    fit = np.stack(columns, axis=1) @ z + c
    program = cp.Problem(cp.Minimize(cp.sum_squares(fit - y) / 2), [cp.norm1(z) <= rho])
    return float(program.solve(solver=cp.CLARABEL))


@part(4)
@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=6),
    st.sampled_from(BALLS),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
    st.data(),
)
def test_the_free_rule_against_all_kinks(
    x: list[int], ball: str, rho: Fraction, data: st.DataObject
) -> None:
    """On a line a neuron is its slope and its kink, so that the program is one over these."""
    y = data.draw(st.lists(st.integers(-3, 3), min_size=len(x), max_size=len(x)))
    problem = Problem([[v] for v in x], y)
    width = data.draw(st.integers(1, 3))
    expected = by_kinks(problem, float(rho) * room(ball, width))
    found = relax(problem.with_bias("free"), Ball(ball, rho), width=width)
    assert found.lower - NEAR <= expected <= found.upper + NEAR
    assert found.upper - found.lower <= NEAR


# Two independent ways.


@pytest.mark.parametrize("ball", ["adamw", "muon", "ngd", "colnorm-ngd"])
@pytest.mark.parametrize("loss", ["squared", "absolute", "huber:1/2"])
def test_free_biases_are_those_of_a_large_constant_feature(ball: str, loss: str) -> None:
    """With an output bias: the larger the feature, the less a bias costs, until for largest entries
    it is free wherever kinks are among the data."""
    problem = Problem(PLANE.X, PLANE.y, loss=loss)
    found = relax(problem.with_bias("free"), Ball(ball, HALF), width=2)
    values = []
    for size in (1, 4, 1000):
        X = tuple((*row, Fraction(size)) for row in PLANE.X)
        values.append(relax(replace(problem, X=X, output_bias=True), Ball(ball, HALF), width=2))
    for wider, narrower in itertools.pairwise(values):
        assert narrower.upper <= wider.upper + Fraction(1, 10**6)
    assert found.lower <= values[-1].upper
    assert math.isclose(float(found.upper), float(values[-1].upper), abs_tol=1e-5)
    if ball == "adamw":
        assert math.isclose(float(found.upper), float(values[1].upper), abs_tol=NEAR)


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_all_cells_of_a_width_are_in_the_interval(ball: str, bias: str) -> None:
    problem, width = LINE.with_bias(bias), 2 if ball == "muon" else 1
    cells = least(CellComplex.of(problem, width, within=Ball(ball, 1)))
    found = solve(problem, Ball(ball, 1), width=width)
    require_sound(found)
    assert found.decided
    assert found.relaxed.lower <= cells.value
    assert found.lower <= cells.value
    assert found.upper >= cells.lower


@pytest.mark.parametrize("ball", ["muon", "ngd"])
@pytest.mark.parametrize("problem", [LINE, Problem([[1, 0], [0, 1]], [2, -3])])
def test_the_landscape_at_width_n_plus_one_is_the_program(problem: Problem, ball: str) -> None:
    data = problem.with_bias("free")
    found = solve(data, Ball(ball, 1))
    landscape = analyse(data, problem.n + 1, within=Ball(ball, 1), max_cells=10**6)
    assert math.isclose(float(found.upper), float(landscape.minimum), abs_tol=NEAR)
    assert found.lower <= landscape.minimum
    assert landscape.proved <= found.upper


@pytest.mark.parametrize("width", [3, 4])
def test_the_landscape_of_muon_with_biases_as_adamws(width: int) -> None:
    """From few neurons on the program and the landscape are one up to how biases are divided."""
    data = LINE.with_bias("adamw")
    found = solve(data, Ball("muon", 1), width=width, max_cells=1)
    landscape = analyse(data, width, within=Ball("muon", 1), max_cells=10**6)
    assert found.lower <= landscape.minimum
    assert landscape.proved <= found.upper
    assert math.isclose(float(found.lower), float(landscape.minimum), rel_tol=1e-4)


@part(5)
@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=1, max_size=4),
    st.sampled_from(CASES),
    st.sampled_from(["squared", "absolute", "huber:1/2"]),
    st.sampled_from(["relu", "leaky_relu:1/10", "abs"]),
    st.sampled_from([{}, {"output_bias": True}, {"skip": True}]),
    st.data(),
)
def test_no_network_in_the_ball_is_below(
    X: list[tuple[int, int]],
    case: tuple[str, str],
    loss: str,
    activation: str,
    extras: dict[str, Any],
    data: st.DataObject,
) -> None:
    y = data.draw(st.lists(st.integers(-3, 3), min_size=len(X), max_size=len(X)))
    width = data.draw(st.integers(1, 3))
    plain = Problem(X, y, loss=loss, activation=activation, **extras)
    problem, ball = settled(plain.with_bias(case[1]), Ball(case[0], 1))
    found = relax(problem, ball, width=width)
    assert found.upper <= problem.zero + Fraction(1, 10**9)
    assert isinstance(ball, Ball)
    entries = st.fractions(-2, 2, max_denominator=4)
    for _ in range(4):
        W = data.draw(st.lists(st.tuples(*[entries] * width), min_size=3, max_size=3))
        a = data.draw(st.tuples(*[entries] * width))
        size = ball.gauge.hidden.squared(tuple(zip(*W, strict=True)))
        size *= ball.gauge.output_squared(a)
        scale = (
            Fraction(1) if size <= 1 else Fraction(1 / math.sqrt(size)) * (1 - Fraction(1, 10**9))
        )
        network = Network(W=W, a=[scale * v for v in a], c=[0] * 3 if problem.skip else None)
        assert ball.gauge.holds(network, ball.rho)
        assert network.loss(problem) >= found.lower


@pytest.mark.parametrize("ball", MUONS)
def test_rules_are_in_order(ball: str) -> None:
    """Each allows what the one before does."""
    rules = ("decayed", "adamw", "free")
    values = [relax(PLANE.with_bias(bias), Ball(ball, HALF), width=2) for bias in rules]
    for stricter, wider in itertools.pairwise(values):
        assert wider.upper < stricter.lower


def test_the_default_is_muons_own() -> None:
    for ball, rule in (("muon", "adamw"), ("ngd", "decayed")):
        found = solve(LINE.with_bias(), Ball(ball, HALF), width=1)
        assert found.problem.bias == rule
        assert found.upper == solve(LINE.with_bias(rule), Ball(ball, HALF), width=1).upper


# Invariances.


@pytest.mark.parametrize("ball", BALLS)
def test_free_biases_follow_a_translation_of_the_data(ball: str) -> None:
    moved = Problem([[a + 7, b - 3] for a, b in PLANE.X], PLANE.y)
    one, other = (
        relax(problem.with_bias("free"), Ball(ball, HALF), width=2) for problem in (PLANE, moved)
    )
    assert math.isclose(float(one.upper), float(other.upper), abs_tol=NEAR)
    assert math.isclose(float(one.lower), float(other.lower), abs_tol=NEAR)


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_order_of_data_and_scale_of_targets(ball: str, bias: str) -> None:
    found = relax(PLANE.with_bias(bias), Ball(ball, HALF), width=2)
    turned = Problem(PLANE.X[::-1], [3 * v for v in PLANE.y[::-1]])
    other = relax(turned.with_bias(bias), Ball(ball, 3 * HALF), width=2)
    assert math.isclose(9 * float(found.upper), float(other.upper), abs_tol=9 * NEAR)
    assert math.isclose(9 * float(found.lower), float(other.lower), abs_tol=9 * NEAR)


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_repeated_rows_are_weights(ball: str, bias: str) -> None:
    repeated = Problem([*LINE.X, LINE.X[1]], [*LINE.y, LINE.y[1]])
    weighted = Problem(LINE.X, LINE.y, weights=[1, 2, 1])
    one, other = (
        relax(problem.with_bias(bias), Ball(ball, HALF), width=2)
        for problem in (repeated, weighted)
    )
    assert math.isclose(float(one.upper), float(other.upper), abs_tol=NEAR)


# Ends of the range.


@pytest.mark.parametrize(("ball", "bias"), CASES)
@pytest.mark.parametrize(
    ("X", "y"), [([[0]], [0]), ([[0]], [1]), ([[3]], [-2]), ([[0, 0], [0, 0]], [1, -1])]
)
def test_degenerate_data(ball: str, bias: str, X: list[list[int]], y: list[int]) -> None:
    found = solve(Problem(X, y).with_bias(bias), Ball(ball, HALF), width=1)
    require_sound(found)
    assert found.decided
    if bias == "free":  # all but the differences of targets at one place
        expected = sum(v * v for v in y) / 2 * (len(y) > 1)
        assert math.isclose(float(found.upper), expected, abs_tol=NEAR)


@pytest.mark.parametrize(
    ("ball", "bias"), [("adamw", "free"), ("muon", "free"), ("muon", "adamw"), ("ngd", "adamw")]
)
def test_more_patterns_than_are_listed(ball: str, bias: str) -> None:
    """Over a pool free biases are priced there only; AdamW's by a cover of all directions, too."""
    random = np.random.default_rng(0)
    X = random.integers(-9, 10, (12, 2))
    y = np.maximum(X @ [2, -1] + 3, 0) - np.maximum(X @ [1, 1] - 2, 0)
    problem = Problem(X.tolist(), y.tolist()).with_bias(bias)
    everything = relax(problem, Ball(ball, HALF), width=2)
    found = solve(problem, Ball(ball, HALF), width=2, max_cells=1, max_patterns=20)
    require_sound(found)
    assert found.upper >= everything.lower
    assert found.whole == (bias == "adamw")
    if found.whole:
        assert math.isclose(float(found.lower), float(everything.lower), rel_tol=1e-4)
    else:
        assert found.everywhere == 0


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match=r"^bias: is free, but sgd decays all; take decayed$"):
        solve(LINE.with_bias("free"), Penalty(1))
    with pytest.raises(InputError, match=r"^width: is needed: in the ball of muon every neuron"):
        solve(LINE.with_bias("adamw"), Ball("muon", 1))
