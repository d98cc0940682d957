"""Landscapes of other losses, with weights, an output bias and a linear part: every cell again by
HiGHS or an interior point, closed forms, and what has to agree."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import cvxpy
import numpy as np
import pytest
from dual_vectors import proved
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted
from scipy.optimize import linprog

from theory import Ball, Penalty, analyse, barrier_between, example
from theory.claims.float_landscape import (
    Measure,
    cell_and_face_values,
    float_landscape,
    pieces,
)
from theory.claims.float_valleys import bars
from theory.claims.sign_vectors import sign_vectors
from theory.landscape.cells import CellComplex
from theory.landscape.completed import completed
from theory.landscape.domain import Polyhedral
from theory.landscape.form import Form
from theory.landscape.least import least
from theory.landscape.valleys import valleys
from theory.losses import Loss
from theory.network import Network
from theory.problem import Problem
from theory.strategies import networks_in_ball, problems

LINEAR = ("absolute", "quantile:1/4", "epsilon:1/2", "hinge")
QUADRATIC = ("squared", "huber:1/2", "squared_hinge")
OF_LABELS = ("hinge", "squared_hinge")


def data(name: str, seed: int, **options: Any) -> Problem:
    """Four points in the plane; labels where the loss wants them."""
    problem, _ = planted(4, 2, 2, seed)
    y = problem.y
    if name in OF_LABELS:
        y = tuple(Fraction(1 if v > 0 else -1) for v in y)
    return Problem(problem.X, y, loss=name, **options)


def drawn_losses() -> st.SearchStrategy[str]:
    return st.sampled_from([name for name in (*LINEAR, *QUADRATIC) if name not in OF_LABELS])


def directions(problem: Problem) -> np.ndarray:
    """The output bias and the linear part: (n, k)."""
    X = np.array(problem.X, dtype=float)
    parts = [np.ones((problem.n, 1))] * problem.output_bias + [X] * problem.skip
    return np.hstack([np.zeros((problem.n, 0)), *parts])


def neuron(problem: Problem, sign: int, signs: tuple[int, ...]) -> np.ndarray:
    """How the fit depends on u on a piece: (n, d)."""
    on, off = float(problem.activation.positive), float(problem.activation.negative)
    slopes = np.where(np.array(signs) > 0, on, np.where(np.array(signs) < 0, off, 0.0))
    return sign * slopes[:, None] * np.array(problem.X, dtype=float)


def by_highs(problem: Problem) -> Measure:
    """The least of a piecewise linear loss over pieces, in the input weights themselves."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    n, d = X.shape
    loss = problem.loss
    weights = np.array([float(w) for w in loss.weights or (1,) * n])
    margin = float(loss.parameter or 0) if loss.name == "epsilon" else 0.0
    share = float(loss.parameter or 0) if loss.name == "quantile" else None

    @cache
    def minimum(room: tuple[Any, ...]) -> float:
        A = np.hstack([*(neuron(problem, *piece) for piece in room), directions(problem)])
        k = A.shape[1]
        rows, ends = [], []
        for j, (_, signs) in enumerate(room):
            for sign, x in zip(signs, X, strict=True):
                row = np.zeros(k + n)
                row[j * d : (j + 1) * d] = x
                if sign:
                    rows.append(-sign * row)
                    ends.append(0.0)
                else:
                    rows += [row, -row]
                    ends += [0.0, 0.0]
        one = np.eye(n)
        if loss.name == "hinge":  # t >= 1 - y f
            rows += [*np.hstack([-y[:, None] * A, -one])]
            ends += [-1.0] * n
        else:  # t >= over (f - y) - margin, t >= under (y - f) - margin
            over, under = (1.0, 1.0) if share is None else (1 - share, share)
            rows += [*np.hstack([over * A, -one]), *np.hstack([-under * A, -one])]
            ends += [*(over * y + margin), *(-under * y + margin)]
        costs = np.concatenate([np.zeros(k), weights])
        bounds = [(None, None)] * k + [(0, None)] * n
        found = linprog(costs, A_ub=np.array(rows), b_ub=ends, bounds=bounds, method="highs")
        assert found.status == 0
        return float(found.fun)

    return lambda room: minimum(tuple(sorted(piece for piece in room)))


def by_interior_point(problem: Problem, room: tuple[Any, ...]) -> float:
    """The same of any convex loss."""
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    u = cvxpy.Variable((len(room), problem.d))
    D = directions(problem)
    z = cvxpy.Variable(max(D.shape[1], 1))
    fit: Any = sum(neuron(problem, *piece) @ u[j] for j, piece in enumerate(room))
    fit = fit + (D @ z if D.shape[1] else 0.0)
    constraints = []
    for j, (_, signs) in enumerate(room):
        for sign, x in zip(signs, X, strict=True):
            constraints.append(sign * (x @ u[j]) >= 0 if sign else x @ u[j] == 0)
    program: Any = cvxpy.Problem(cvxpy.Minimize(problem.loss.expression(fit, y)), constraints)
    program.solve(solver="CLARABEL")
    return float(program.value)


@pytest.mark.parametrize(
    ("activation", "loss", "least_loss"),
    [
        ("relu", "squared", "1/2"),
        ("relu", "huber:1/2", "3/8"),
        ("relu", "absolute", "1"),
        ("relu", "hinge", "1"),
        ("relu", "squared_hinge", "1"),
        ("relu", "quantile:1/4", "1/4"),
        ("relu", "epsilon:1/10", "9/10"),
        ("leaky_relu:1/10", "squared", "121/202"),
        ("leaky_relu:1/10", "absolute", "11/10"),
        ("leaky_relu:1/10", "hinge", "11/10"),
        ("abs", "hinge", "0"),
        ("abs", "squared", "0"),
    ],
)
def test_one_neuron_and_two_opposite_points(activation: str, loss: str, least_loss: str) -> None:
    problem = Problem([[1], [-1]], [1, 1], loss=loss, activation=activation)
    found = analyse(problem, 1)
    assert found.minimum == Fraction(least_loss)
    assert all(c.representative.loss(problem) == c.minimum for c in found.components)


WEIGHTS: dict[str, Any] = {"weights": ["3", "1/2", "1", "2"]}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("absolute", {}),
        ("quantile:1/4", WEIGHTS),
        ("epsilon:1/2", {}),
        ("hinge", {}),
        ("hinge", WEIGHTS | {"skip": True, "activation": "leaky_relu:1/10"}),
        ("absolute", {"output_bias": True, "activation": "abs"}),
        ("epsilon:1/2", {"output_bias": True}),
    ],
)
def test_piecewise_linear_landscapes_by_highs(name: str, options: dict[str, Any]) -> None:
    problem = data(name, 1, **options)
    found = analyse(problem, 2)
    brute = float_landscape(problem, 2, level=found.level, least=by_highs(problem))
    scale = float(problem.zero)
    assert float(found.minimum) == pytest.approx(brute.minimum, abs=1e-9 * scale)
    homes = [brute.home(component.representative) for component in found.components]
    assert sorted(homes) == list(range(len(brute.components)))
    for i, row in enumerate(found.barriers):
        for k, value in enumerate(row):
            assert value is not None
            if i != k:
                expected = brute.barriers[homes[i], homes[k]]
                assert float(value) == pytest.approx(expected, abs=1e-9 * scale)
    for merge in found.merges:
        path = found.path(merge.first, merge.second)
        assert path.value == merge.value


@pytest.mark.parametrize(
    ("name", "options"),
    [("absolute", {}), ("hinge", WEIGHTS), ("epsilon:1/2", {}), ("quantile:1/4", {"skip": True})],
)
def test_valleys_of_piecewise_linear_losses(name: str, options: dict[str, Any]) -> None:
    problem = data(name, 2, **options)
    found = valleys(problem, 2)
    brute = bars(*cell_and_face_values(sign_vectors(problem), 2, False, by_highs(problem)))
    tolerance = 1e-8 * float(problem.zero)
    expected = sorted((low, high) for low, high in brute if high - low > tolerance)
    deaths = (np.inf if v.death is None else float(v.death) for v in found.valleys)
    ours = zip((float(v.birth) for v in found.valleys), deaths, strict=True)
    deep = sorted((low, high) for low, high in ours if high - low > tolerance)
    assert np.array(deep) == pytest.approx(np.array(expected), abs=tolerance)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("squared", WEIGHTS),
        ("squared", {"output_bias": True, "skip": True}),
        ("huber:1/2", {}),
        ("huber:1/2", WEIGHTS | {"output_bias": True, "activation": "abs"}),
        ("squared_hinge", WEIGHTS),
        ("squared_hinge", {"skip": True, "activation": "leaky_relu:1/10"}),
    ],
)
def test_minima_of_all_cells_by_an_interior_point(name: str, options: dict[str, Any]) -> None:
    problem = data(name, 2, **options)
    complex_ = CellComplex.of(problem, 1)
    room = pieces(sign_vectors(problem))
    assert complex_.states == len(room)
    for state in range(complex_.states):
        exact = float(complex_.loss_of(complex_.minimum((state,)).value))
        assert exact == pytest.approx(by_interior_point(problem, (room[state],)), abs=1e-6)


@given(
    problems(n=(1, 4), d=(1, 2), max_denominator=3),
    drawn_losses(),
    st.sampled_from(ACTIVATIONS),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_every_minimum_is_proved_by_its_dual_vector(
    problem: Problem, name: str, activation: str, bias: bool, skip: bool, more: st.DataObject
) -> None:
    """Its point has the value, and its dual vector bounds what columns of the cell can do."""
    weights = more.draw(st.none() | st.just([Fraction(k + 2, 3) for k in range(problem.n)]))
    problem = Problem(
        *(problem.X, problem.y),
        loss=name,
        activation=activation,
        weights=weights,
        output_bias=bias,
        skip=skip,
    )
    within = more.draw(st.sampled_from([None, Ball("adamw", 1)]))
    complex_ = CellComplex.of(problem, 2, within=within)
    state = st.integers(0, complex_.states - 1)
    cell = (more.draw(state), more.draw(state))
    minimum = complex_.minimum(cell)
    network = complex_.domain.network(complex_.point(cell, minimum))
    assert network.loss(problem) == complex_.loss_of(minimum.value)
    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    form = domain.least_squares.form
    lam = [minimum.scale * form.slope * v for v in minimum.residual]
    if name != "squared":
        dual = domain.dual(minimum)
        assert [dual.scale * v for v in dual.vector] == lam
    if bias:
        assert sum(lam) == 0
    if skip:
        columns = zip(*problem.X, strict=True)
        assert not any(sum(v * x for v, x in zip(lam, c, strict=True)) for c in columns)
    assert proved(complex_, cell, lam) == complex_.loss_of(minimum.value)


@pytest.mark.parametrize("name", [*LINEAR, *QUADRATIC])
def test_weights_are_repeated_rows(name: str) -> None:
    problem = data(name, 3)
    times = (2, 1, 3, 1)
    X = [row for row, k in zip(problem.X, times, strict=True) for _ in range(k)]
    y = [v for v, k in zip(problem.y, times, strict=True) for _ in range(k)]
    weighted = analyse(replace(problem, loss=problem.loss.weighted([*map(Fraction, times)])), 2)
    repeated = analyse(Problem(X, y, loss=problem.loss), 2)
    assert weighted.minimum == repeated.minimum
    assert weighted.barriers == repeated.barriers


@pytest.mark.parametrize("within", [None, Ball("adamw", 3)])
@pytest.mark.parametrize("name", ["absolute", "huber:1/2", "epsilon:1/2", "quantile:1/4"])
def test_order_and_units_mean_nothing(name: str, within: Ball | None) -> None:
    problem = data(name, 0)
    found = analyse(problem, 2, within=within)
    turned = Problem(problem.X[::-1], problem.y[::-1], loss=name)
    assert analyse(turned, 2, within=within).barriers == found.barriers
    # Twice the targets and what is in their units: losses of degree one are doubled.
    kind, _, number = name.partition(":")
    doubled = name if kind in ("absolute", "quantile") else f"{kind}:{2 * Fraction(number)}"
    factor = 4 if kind == "huber" else 2
    other = Problem(problem.X, [2 * v for v in problem.y], loss=doubled)
    wider = None if within is None else Ball("adamw", 2 * within.rho)
    assert analyse(other, 2, within=wider).minimum == factor * found.minimum


def test_a_threshold_beyond_all_residuals_is_the_squared_loss() -> None:
    problem = example("flagship")
    huber = replace(problem, loss=Loss.named("huber:1000"))
    assert analyse(huber, 2).barriers == analyse(problem, 2).barriers


def test_half_the_absolute_loss_is_that_of_the_median() -> None:
    problem = data("absolute", 1)
    median = replace(problem, loss=Loss.named("quantile:1/2"))
    assert 2 * analyse(median, 2).minimum == analyse(problem, 2).minimum


@pytest.mark.parametrize("name", ["squared", "absolute", "huber:1/2"])
def test_an_output_bias_is_the_best_of_a_grid(name: str) -> None:
    problem = data(name, 2)
    free = analyse(replace(problem, output_bias=True), 1)
    b = free.components[0].representative.b
    for shift in (b, b + Fraction(1, 3), b - Fraction(1, 3), Fraction(0), Fraction(2)):
        fixed = Problem(problem.X, [v - shift for v in problem.y], loss=name)
        assert analyse(fixed, 1).minimum >= free.minimum
        if shift == b:
            assert analyse(fixed, 1).minimum == free.minimum


def test_an_absolute_value_is_two_relus() -> None:
    """A network of absolute values is one of ReLUs of twice the width, so it fits no better."""
    for name in ("absolute", "hinge"):
        problem = data(name, 0)
        pairs = analyse(problem, 2).minimum
        single = analyse(Problem(problem.X, problem.y, loss=name, activation="abs"), 1).minimum
        assert single >= pairs


def test_barriers_between_networks_with_biases_of_their_own() -> None:
    problem = Problem([[1, 0], [0, 1], [1, 1]], [1, -1, 2], loss="absolute", output_bias=True)
    first = Network([[1, 0], [0, 0]], [1, 1], b=5)
    second = Network([[0, 0], [0, -1]], [-1, 1], b="-7/2")
    found = barrier_between(problem, first, second)
    assert found.path.breakpoints[0].b == 5
    assert found.path.breakpoints[-1].b == Fraction(-7, 2)
    assert found.value == max(network.loss(problem) for network in found.path.breakpoints)
    assert found.value == max(found.losses)


@given(st.data(), st.sampled_from([*LINEAR[:3], "squared", "huber:1/2"]))
def test_completed_networks_are_best(more: st.DataObject, name: str) -> None:
    drawn = more.draw(problems(n=(1, 3), d=(1, 2)))
    problem = Problem(drawn.X, drawn.y, loss=name, output_bias=True, skip=True)
    network = more.draw(networks_in_ball(Ball("adamw", 3), d=problem.d, width=1))
    best = completed(problem, network)
    number = st.fractions(-4, 4, max_denominator=4)
    b = more.draw(number)
    c = more.draw(st.lists(number, min_size=problem.d, max_size=problem.d))
    assert best.loss(problem) <= replace(network, b=b, c=tuple(c)).loss(problem)
    assert (best.W, best.a) == (network.W, network.a)


def test_the_least_loss_of_other_losses_is_proved_cell_by_cell() -> None:
    problem = data("absolute", 1)
    found = least(CellComplex.of(problem, 2))
    assert found.lower == found.value == analyse(problem, 2).minimum


def test_plain_problems_are_plain() -> None:
    assert Form.of(example("flagship"), 1).plain
    assert not Form.of(data("absolute", 0), 1).plain


ALL = (*LINEAR, *QUADRATIC, "logistic")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in ALL),
        ("absolute", {"weights": ["3", "1/2", "1", "2"], "output_bias": True}),
        ("hinge", {"skip": True, "activation": "leaky_relu:1/10"}),
        ("squared", {"weights": ["3", "1/2", "1", "2"], "skip": True}),
        ("logistic", {"weights": [1, 2, 3, 4], "output_bias": True}),
    ],
)
@pytest.mark.parametrize("within", ["muon", "adamw-ngd", "sgd"])
def test_intervals_of_other_losses(name: str, options: dict[str, Any], within: str) -> None:
    """Narrow, attained, and not below what floats find in the ball of largest entries around."""
    problem = data("hinge" if name == "logistic" else name, 1, **options)
    problem = replace(problem, loss=Loss.named(name).weighted(problem.loss.weights))
    place: Any = {"penalty": Penalty("1/4")} if within == "sgd" else {"within": Ball(within, 1)}
    complex_ = CellComplex.of(problem, 1, **place)
    found = least(complex_)
    assert found.lower <= found.value
    assert float(found.value - found.lower) <= 1e-7 * float(problem.zero)
    assert complex_.domain.objective(found.network) <= found.value
    if within != "sgd":
        assert found.value >= least(CellComplex.of(problem, 1, within=Ball("adamw", 1))).lower
        assert found.value >= least(CellComplex.of(problem, 1)).lower


@pytest.mark.parametrize("bias", [False, True])
def test_logistic_landscapes_anywhere(bias: bool) -> None:
    """Two of the points cannot be told apart; the third can, from both."""
    problem = Problem([[1, 0], [1, 0], [0, 1]], [1, -1, 1], loss="logistic", output_bias=bias)
    found = analyse(problem, 1)
    least_loss = 2 * np.log(2)
    assert float(found.proved) <= least_loss <= float(found.minimum)
    assert float(found.minimum) == pytest.approx(least_loss, rel=1e-8)
    assert found.components[0].representative.loss(problem) <= found.level


def test_separable_data_have_logistic_loss_zero_in_the_limit() -> None:
    problem = Problem([[2, 3], [3, -2], [-1, 1], [-1, 0]], [1, 1, -1, -1], loss="logistic")
    found = analyse(problem, 2)
    assert found.proved == 0
    assert 0 < found.minimum < found.level < Fraction(1, 10**5)


@pytest.mark.parametrize(
    ("name", "minimum", "barrier"),
    [
        ("two-medians", "3", "5"),
        ("two-quantiles", "3/4", "3/2"),
        ("two-tubes", "5/2", "3"),
        ("two-outliers", "25/8", "7/2"),
        ("two-hinges", "0", "2"),
        ("two-squared-hinges", "0", "8/3"),
        ("two-weights", "5", "6"),
        ("two-differences", "0", "2"),
        ("two-tilts", "0", "3/83"),
    ],
)
def test_shipped_examples_are_what_they_say(name: str, minimum: str, barrier: str) -> None:
    problem = example(name)
    found = analyse(problem)
    assert found.minimum == Fraction(minimum)
    assert found.barriers[0][1] == Fraction(barrier)
    assert len(found.components) == 2
    if name != "two-tilts":
        plain = Problem(problem.X, problem.y, output_bias=problem.output_bias)
        assert len(analyse(plain, 1).components) == 1
    assert f"at {barrier}" in problem.description


def test_the_shipped_example_with_a_logistic_loss() -> None:
    found = analyse(example("two-logits"))
    assert len(found.components) == 2
    assert float(found.minimum) == pytest.approx(2 * np.log(2), rel=1e-8)
    assert float(found.barriers[0][1] or 0) == pytest.approx(3 * np.log(2), rel=1e-8)
