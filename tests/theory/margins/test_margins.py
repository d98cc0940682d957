"""Margins: closed forms, brute force over all cells, invariances, and degenerate data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import cvxpy
import numpy as np
import pytest
from problems import ACTIVATIONS
from scipy.cluster.hierarchy import DisjointSet
from scipy.optimize import linprog

from theory.arrangement import Arrangement, arrangement
from theory.errors import BudgetError, InputError, Interrupted
from theory.geometry import geometry
from theory.landscape import analyse
from theory.landscape.conic import ConicBall, ConicDual
from theory.losses import Loss
from theory.margins import Margin, Margins, MaxMargin, max_margins, separation
from theory.margins.separation import Separable
from theory.problem import Problem
from theory.radii import OPTIMIZERS
from theory.radii.least_gauge import attempts
from theory.radii.radii import _Dual
from theory.within import Ball

XOR = Problem(X=[[1, 1], [-1, -1], [1, -1], [-1, 1]], y=[1, 1, -1, -1])
EXACT = ("adamw", "lion", "signsgd")


def holds(margin: Margin, value: float | Fraction) -> bool:
    """Whether the interval holds the value, up to the rounding of a float."""
    slack = 0 if isinstance(value, Fraction) else 1e-12 * abs(value)
    return margin.lower - slack <= value <= margin.upper + slack


def drawn(seed: int, *, n: int = 4, d: int = 2, entries: int = 3) -> Problem:
    generator = np.random.default_rng(seed)
    while True:
        X = generator.integers(-entries, entries + 1, (n, d))
        if X.any(axis=1).all():
            break
    activation = ACTIVATIONS[seed % len(ACTIVATIONS)]
    return Problem(X.tolist(), generator.choice([-1, 1], n).tolist(), activation=activation)


def require_proper(found: Margins) -> None:
    """Witnesses are in the ball of radius 1, have the margin, and lie in their component."""
    problem = found.separation.problem
    for component, by_name in zip(found.separation.components, found.components, strict=True):
        assert tuple(by_name) == found.optimizers
        for name, margin in by_name.items():
            assert 0 < margin.lower <= margin.upper
            assert Ball(name, 1).gauge.holds(margin.witness, Fraction(1))
            fit = margin.witness.fit(problem)
            assert min(y * f for y, f in zip(problem.y, fit, strict=True)) >= margin.lower
            complex_ = found.separation.cells.complex
            neurons = [(s or 1, u) for s, u in margin.witness.convex_coordinates()]
            assert complex_.canonical(complex_.states_of(neurons)) in component.cells


# Closed forms


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("second", [1, -1])
def test_two_points_on_a_line(a: int, b: int, second: int) -> None:
    """Each neuron serves one of the points a and -b."""
    problem = Problem(X=[[a], [-b]], y=[1, second])
    assert not separation(problem, 1).components
    for width in (2, 3, 4):
        found = max_margins(problem, OPTIMIZERS, width)
        require_proper(found)
        assert len(found.components) == 1
        (margin,) = found.components
        best = max(min(a * k, b * (width - k)) for k in range(1, width))
        for name in EXACT:
            assert margin[name].lower == margin[name].upper == best
        for name in ("ngd", "muon"):  # the neurons share both layers, and W is one row
            assert holds(margin[name], Fraction(a * b, a + b))
            assert margin[name].upper - margin[name].lower < 1e-9


@pytest.mark.parametrize("x", [[3], [3, 4], [1, -2, 2]])
def test_one_point(x: list[int]) -> None:
    """All neurons along the point, or one."""
    length = math.hypot(*x)
    for sign, width in product((1, -1), (1, 3)):
        found = max_margins(Problem([x], [sign]), OPTIMIZERS, width)
        require_proper(found)
        (margin,) = found.components
        assert margin["adamw"].upper == margin["adamw"].lower == width * sum(map(abs, x))
        assert holds(margin["colnorm"], width * length)
        assert holds(margin["muon-adamw"], math.sqrt(width) * length)
        for name in ("ngd", "muon"):
            assert holds(margin[name], length)


def test_xor_takes_four_neurons() -> None:
    """One along each point, of equal length."""
    for width in (1, 2, 3):
        assert not separation(XOR, width).components
    found = max_margins(XOR, OPTIMIZERS, 4)
    require_proper(found)
    (margin,) = found.components
    assert margin["adamw"].lower == margin["adamw"].upper == 2
    sizes = {"colnorm": math.sqrt(2), "muon-adamw": 1, "muon": 1 / 2, "ngd": math.sqrt(2) / 4}
    for name, value in sizes.items():
        assert holds(margin[name], value)
        assert margin[name].upper - margin[name].lower < 1e-8


def test_labels_that_change_twice_along_a_line() -> None:
    """+ - + takes relu(x) and relu(-x) less a constant c: margins 1 - c, c and 1 - c."""
    problem = Problem(X=[[-1], [0], [1]], y=[1, -1, 1]).with_bias()
    for width in (1, 2):
        assert not separation(problem, width).components
    (margin,) = max_margins(problem, ["adamw"], 3).components
    assert margin["adamw"].lower == margin["adamw"].upper == Fraction(1, 2)


# Brute force


def brute(
    problem: Problem, width: int, norm: str
) -> tuple[list[float], dict[tuple[int, ...], int]]:
    """The largest margin of each component of labelled networks, by programs on all cells and
    faces in floating point, and the component of each cell."""
    cones = arrangement(problem.X)
    states = list(product(range(len(cones)), (1, -1)))
    values = {}
    for cell in product(range(len(states)), repeat=width):
        value = _program(problem, cones, [states[s] for s in cell], {}, norm)
        if value > 1e-7:
            values[cell] = value
    clusters = DisjointSet(values)
    for cell in values:
        for j, state in enumerate(cell):
            cone, sign = states[state]
            across = [(other, sign, wall) for wall, other in cones.facets(cone)]
            for other, s, wall in [*across, (cone, -sign, None)]:
                target = (*cell[:j], states.index((other, s)), *cell[j + 1 :])
                if target in values and cell < target:
                    face = {j: wall}
                    if _program(problem, cones, [states[s] for s in cell], face, norm) > 1e-7:
                        clusters.merge(cell, target)
    parts = sorted(map(sorted, clusters.subsets()))
    largest = [max(values[cell] for cell in part) for part in parts]
    return largest, {cell: i for i, part in enumerate(parts) for cell in part}


def _program(
    problem: Problem,
    cones: Arrangement,
    neurons: Sequence[tuple[int, int]],
    face: dict[int, int | None],
    norm: str,
) -> float:
    """The largest margin on a cell, or on the face where a neuron is on a wall (None: zero)."""
    n, d, m = problem.n, problem.d, len(neurons)
    X, y = np.array(problem.X, float), np.array(problem.y, float)
    A, b, E = [], [], []
    slopes = problem.activation.slopes(cones.signs > 0)
    fit = np.hstack([s * slopes[cone][:, None] * X for cone, s in neurons])
    A.append(np.hstack([-y[:, None] * fit, np.ones((n, 1))]))
    b.append(np.zeros(n))
    for j, (cone, _) in enumerate(neurons):
        block = np.zeros((n, m * d + 1))
        block[:, j * d : (j + 1) * d] = -cones.signs[cone][:, None] * X
        A.append(block)
        b.append(np.zeros(n))
        if j in face:
            wall = face[j]
            rows = np.eye(d) if wall is None else np.array([cones.normals[wall]], float)
            block = np.zeros((len(rows), m * d + 1))
            block[:, j * d : (j + 1) * d] = rows
            E.append(block)
    G, g = np.vstack(A), np.concatenate(b)
    if norm == "adamw":
        equal = {"A_eq": np.vstack(E), "b_eq": np.zeros(len(np.vstack(E)))} if E else {}
        bounds = [(-1, 1)] * (m * d) + [(None, None)]
        found = linprog(-np.eye(m * d + 1)[-1], A_ub=G, b_ub=g, bounds=bounds, **equal)
        assert found.status == 0
        return float(-found.fun)
    z = cvxpy.Variable(m * d + 1)
    U = cvxpy.reshape(z[:-1], (d, m), order="F")
    ball = {
        "ngd": lambda: cvxpy.sum(cvxpy.norm(U, 2, axis=0)),
        "muon-adamw": lambda: cvxpy.sigma_max(U),
    }
    constraints = [g >= G @ z, ball[norm]() <= 1, *(rows @ z == 0 for rows in E)]
    value = cvxpy.Problem(cvxpy.Maximize(z[-1]), constraints).solve(solver="CLARABEL")
    return float(value)


@pytest.mark.parametrize("seed", range(12))
def test_adamw_against_highs_on_all_cells(seed: int) -> None:
    problem, width = drawn(seed, n=2 + seed % 3), 1 + seed % 2
    values, components = brute(problem, width, "adamw")
    found = max_margins(problem, ["adamw"], width, labelled=True)
    require_proper(found)
    assert [set(component.cells) for component in found.separation.components] == [
        {cell for cell, i in components.items() if i == part} for part in range(len(values))
    ]
    for margin, value in zip(found.components, values, strict=True):
        assert margin["adamw"].lower == margin["adamw"].upper
        assert float(margin["adamw"].lower) == pytest.approx(value, rel=1e-7)
    largest = max_margins(problem, ["adamw"], width).largest("adamw")
    assert float(largest.lower) == pytest.approx(max(values, default=0.0), rel=1e-7)


@pytest.mark.parametrize("norm", ["ngd", "muon-adamw"])
@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_other_balls_against_a_solver_on_all_cells(seed: int, norm: str) -> None:
    problem = drawn(seed, n=3, entries=2)
    values, _ = brute(problem, 2, norm)
    found = max_margins(problem, [norm], 2, labelled=True)
    require_proper(found)
    assert len(values) == len(found.components)
    for margin, value in zip(found.components, values, strict=True):
        assert float(margin[norm].lower) == pytest.approx(value, rel=1e-6)
        assert float(margin[norm].upper) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("seed", range(40, 52))
def test_components_are_those_where_the_hinge_loss_vanishes(seed: int) -> None:
    problem = drawn(seed, n=3 + seed % 2)
    for labelled in (False, True):
        found = separation(problem, 2, labelled=labelled).components
        hinge = replace(problem, loss=Loss.named("hinge"))
        least = analyse(hinge, 2, labelled=labelled)
        if not found:
            assert least.minimum > 0
            continue
        assert least.minimum == 0
        assert {frozenset(each.cells) for each in found} == {
            frozenset(each.cells) for each in least.components
        }


def test_components_without_permutations_are_the_labelled_ones_together() -> None:
    for seed in range(20, 40):
        problem = drawn(seed, n=3 + seed % 2)
        labelled, plain = (separation(problem, 2, labelled=each) for each in (True, False))
        orbits = {
            frozenset(tuple(sorted(cell)) for cell in component.cells)
            for component in labelled.components
        }
        assert orbits == {frozenset(component.cells) for component in plain.components}


# Invariances


def largest(problem: Problem, name: str, width: int = 2) -> Margin:
    return max_margins(problem, [name], width).largest(name)


def meet(first: Margin, second: Margin, times: Fraction | int = 1) -> bool:
    """Whether both intervals, the first one times a factor, hold one number."""
    return times * first.lower <= second.upper and second.lower <= times * first.upper


SEPARABLE = [seed for seed in range(60) if separation(drawn(seed), 2).components][:6]


@pytest.mark.parametrize("seed", SEPARABLE)
@pytest.mark.parametrize("name", ["adamw", "muon", "ngd", "colnorm", "muon-adamw"])
def test_margins_scale_with_the_data_and_do_not_see_orders_and_signs(seed: int, name: str) -> None:
    problem = drawn(seed)
    value = largest(problem, name)
    assert value.lower > 0
    times = Fraction(7, 3)
    scaled = replace(problem, X=tuple(tuple(times * v for v in row) for row in problem.X))
    assert meet(value, largest(scaled, name), times)
    reversed_ = replace(problem, X=problem.X[::-1], y=problem.y[::-1])
    assert meet(value, largest(reversed_, name))
    moved = replace(problem, X=tuple((-row[1], row[0]) for row in problem.X))
    assert meet(value, largest(moved, name))
    opposite = replace(problem, y=tuple(-v for v in problem.y))
    assert meet(value, largest(opposite, name))
    twice = replace(problem, X=problem.X * 2, y=problem.y * 2)
    assert meet(value, largest(twice, name))


@pytest.mark.parametrize("seed", SEPARABLE)
@pytest.mark.parametrize("name", ["muon", "ngd", "colnorm", "muon-adamw"])
def test_rotations_move_no_margin_of_round_balls(seed: int, name: str) -> None:
    problem = drawn(seed)
    c, s = Fraction(3, 5), Fraction(4, 5)
    turned = replace(problem, X=tuple((c * x - s * y, s * x + c * y) for x, y in problem.X))
    assert meet(largest(problem, name), largest(turned, name))


def test_a_rotation_moves_the_margin_of_adamw() -> None:
    assert largest(Problem([[5, 0]], [1]), "adamw", 1).lower == 5
    assert largest(Problem([[3, 4]], [1]), "adamw", 1).lower == 7


@pytest.mark.parametrize("seed", SEPARABLE)
def test_margins_grow_with_the_width_and_with_the_ball(seed: int) -> None:
    problem = drawn(seed)
    names = ("ngd", "muon", "muon-adamw", "colnorm", "adamw")
    before = {name: Fraction() for name in names}
    for width in (1, 2, 3):
        found = max_margins(problem, names, width)
        for name in names:
            margin = found.largest(name)
            assert margin.upper >= before[name]
            before[name] = margin.lower
        for small, large in pairwise(names[:3]):
            assert found.largest(small).lower <= found.largest(large).upper
        assert found.largest("colnorm").lower <= found.largest("adamw").upper


def test_the_loss_and_its_weights_do_not_count() -> None:
    plain = Problem(X=[[1], [-2]], y=[1, 1])
    for loss in ("hinge", "logistic"):
        other = Problem(X=plain.X, y=plain.y, loss=loss, weights=[1, 5])
        assert max_margins(other, ["adamw"], 2).largest("adamw") == largest(plain, "adamw")


# Degenerate data


@pytest.mark.parametrize(
    ("X", "y"),
    [([[0, 0], [1, 2]], [1, 1]), ([[1, 2], [1, 2]], [1, -1]), ([[0]], [-1])],
)
def test_no_network_has_all_labels_right(X: list[list[int]], y: list[int]) -> None:
    """A row of zeros has the fit 0; no function has two labels at one point."""
    for width in (1, 2):
        found = max_margins(Problem(X, y), OPTIMIZERS, width)
        assert found.components == ()
        for name in OPTIMIZERS:
            margin = found.largest(name)
            assert margin.lower == margin.upper == 0
            assert margin.witness.fit(Problem(X, y)) == (0,) * len(X)
            assert found.preferred(name) is None
        assert found.together("adamw", "muon") is None


def test_a_feature_that_is_always_zero_changes_nothing() -> None:
    problem = drawn(SEPARABLE[0])
    wide = replace(problem, X=tuple((*row, Fraction()) for row in problem.X))
    for name in ("adamw", "muon"):
        assert meet(largest(problem, name), largest(wide, name))


def test_one_point_for_absolute_values_has_both_sides() -> None:
    """With |x.w| either side of the wall has the label right, and no path leads across."""
    problem = Problem([[2]], [1], activation="abs")
    found = max_margins(problem, ["adamw", "ngd"], 1)
    assert [margin["adamw"].lower for margin in found.components] == [2, 2]
    assert found.preferred("adamw") is None
    assert found.leading("adamw") == (0, 1)
    assert found.together("adamw", "ngd") is False


def test_whether_largest_margins_are_together() -> None:
    """The orders of XOR's neurons are apart; bounds that are no exact values leave ties open."""
    found = max_margins(XOR, ["adamw", "lion", "muon"], 4, labelled=True)
    assert len(found.components) == 24
    assert found.together("adamw", "lion") is False
    assert found.largest("muon").lower < found.largest("muon").upper
    assert found.together("adamw", "muon") is None
    assert max_margins(XOR, ["adamw", "muon"], 4).together("adamw", "muon") is True


def test_mistakes() -> None:
    with pytest.raises(InputError, match=r"y\[1\].*2 is no label"):
        max_margins(Problem([[1], [2]], [1, 2]), ["adamw"], 1)
    with pytest.raises(InputError, match="margins are for networks of hidden neurons only"):
        max_margins(Problem([[1]], [1], output_bias=True), ["adamw"], 1)
    with pytest.raises(InputError, match="no norm ball"):
        max_margins(XOR, ["sgd"], 1)
    with pytest.raises(InputError, match="width"):
        max_margins(XOR, ["adamw"])
    with pytest.raises(BudgetError, match="cells"):
        max_margins(XOR, ["adamw"], 4, max_cells=10)


def test_an_interrupt_leaves_what_is_known() -> None:
    problem = Problem([[2]], [1], activation="abs")

    def progress(stage: str, count: int) -> None:
        if stage.startswith("margin in component 1"):
            raise Interrupted

    found = max_margins(problem, ["adamw"], 1, progress=progress)
    assert not found.complete
    assert [list(component) for component in found.components] == [["adamw"], []]
    assert found.preferred("adamw") is None


@pytest.mark.parametrize("name", ["muon", "ngd", "colnorm", "muon-adamw"])
def test_bounds_take_for_each_state_the_least_cost(name: str) -> None:
    """The most that lam.f is in the ball is found in another way in each cone, exactly."""
    X = [[1, 2, 0], [2, -1, 1], [0, 1, 3], [-1, 1, -2]]
    found = Separable.of(Problem(X, [1, 1, -1, 1], activation="leaky_relu:1/10"), 2)
    complex_, gauge = found.complex, Ball(name, 1).gauge
    ball = ConicBall(complex_.problem, complex_.arrangement, Ball(name, 1))
    fibre = found.fibre(min(found.found))
    dual = _Dual(gauge, complex_, fibre, next(attempts(gauge, fibre)))
    exact = ConicDual(dual.lam, Fraction(1), dual.metric, ball._columns, Fraction(1))
    steps = ball.unit / Fraction(complex_.problem.integer_form()[1])
    costs: list[Any] = [
        min(cost for cost, _ in dual.choices(state)) for state in range(complex_.states)
    ]
    top = max(costs)
    for state, cost in enumerate(costs):
        most = gauge.cost_of(exact.most_squared(ball.groups[state]) / steps**2)
        assert most <= cost * (1 + Fraction(1, 10**12))
        assert cost <= most + top / 10**7


# Labels of other points


def test_labels_that_are_known() -> None:
    """XOR's networks of largest margin have one neuron along each point, for every ball."""
    for name in ("adamw", "muon", "ngd"):
        networks = MaxMargin(XOR, name, 4)
        for point, label in zip(XOR.X, XOR.y, strict=True):
            found = networks.label(point)
            assert found.label == label
        between = networks.label([1, 0])
        assert between.label is None
        assert between.positive >= between.margin.lower
        assert between.negative >= between.margin.lower


def test_a_point_where_all_networks_are_zero_has_no_label() -> None:
    networks = MaxMargin(Problem([[1]], [1]), "adamw", 1)
    assert networks.label([-1]).label is None
    assert networks.label(["1/3"]).label == 1
    with pytest.raises(InputError, match="point: has 2 entries, but the data have 1 feature"):
        networks.label([1, 2])
    with pytest.raises(InputError, match="no network of width 1 has all these labels right"):
        MaxMargin(Problem([[0]], [1]), "adamw", 1)


@pytest.mark.parametrize("seed", SEPARABLE)
def test_labels_against_a_grid_of_networks(seed: int) -> None:
    """No network near the largest margin says otherwise: the witness, and it with other biases."""
    problem = drawn(seed)
    generator = np.random.default_rng(seed)
    for name in ("adamw", "muon"):
        networks = MaxMargin(problem, name, 2)
        for point in generator.integers(-3, 4, (3, 2)).tolist():
            found = networks.label(point)
            at = Problem([point], [0], activation=problem.activation)
            value = float(found.margin.witness.fit(at)[0])
            assert found.label != -1 or value < 0
            assert found.label != 1 or value > 0
            # With the point as a datum of the label that it does not have, margins are smaller.
            assert max(found.positive, found.negative) >= found.margin.lower
            row = tuple(map(Fraction, point))
            for label, bound in ((Fraction(1), found.positive), (Fraction(-1), found.negative)):
                more = replace(problem, X=(*problem.X, row), y=(*problem.y, label))
                assert largest(more, name).lower <= bound


def test_other_balls_have_names() -> None:
    """By geometry as well as by name."""
    assert largest(XOR, "lion", 4) == largest(XOR, "adamw", 4)
    found = max_margins(XOR, [geometry("adamw")], 4)
    assert found.optimizers == ("adamw",)


@pytest.mark.parametrize(
    ("bias", "muon", "muon_adamw"),
    [("decayed", 5**-0.5, 0.4**0.5), ("adamw", 0.5, 0.5**0.5), ("free", 0.5, 0.5**0.5)],
)
def test_biases_as_their_optimizers_treat_them(bias: str, muon: float, muon_adamw: float) -> None:
    """Labels 1 at x = 0 and -1 at x = 1: for the margin t one neuron has u = (-t, t), the other one
    (t, 0), so that both gauges are those of (-t, t) without biases."""
    problem = Problem([[0], [1]], [1, -1], loss="hinge").with_bias(bias)
    found = max_margins(problem, ["adamw", "muon", "muon-adamw"], 2).components
    for name, largest in (("adamw", 1), ("muon", muon), ("muon-adamw", muon_adamw)):
        margin = found[0][name]
        assert float(margin.lower) - 1e-6 <= largest <= float(margin.upper) + 1e-6
        assert margin.upper - margin.lower < 1e-6
    found_there = MaxMargin(problem, "muon", 2)
    assert found_there.label([0, 1]).label == 1
    assert float(found_there.proof().upper) == pytest.approx(muon, abs=1e-6)
