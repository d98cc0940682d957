"""Optimal networks of the l2-penalised problem: closed forms, two counts, the five statements."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory import Network, Problem, example
from theory.connectivity import (
    Direction,
    OptimalPolytope,
    active_directions,
    count_components,
    optimal_polytope,
    plant,
    width_profile,
)
from theory.connectivity.staircase import Step
from theory.connectivity.staircase import _vertices as vertices
from theory.errors import BudgetError, InputError, Undecided
from theory.programs import solve
from theory.within import Ball, Penalty

SQUARE = [[3, 0], [-3, 0], [0, 4], [0, -4]]
WEDGE = [[-4, 3], [4, 2], [0, -5]]
CUBE = [[1, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 2], [0, 0, -2]]
PRISM = [
    [s * v for v in row] for row in ((3, 3, 0), (3, -3, 0), (1, 0, 4), (1, 0, -4)) for s in (1, -1)
]
HEXAGON = [[0, 3], [0, -3], [2, -1], [-2, 1], [-2, -1], [2, 1]]
TETRAHEDRON = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
TRIANGLE = [[1, 1, 1, 1], [-1, -1, -1, 1], [0, 0, 0, -2]]  # of rank 2
# Data on which k directions tie for nu = 1.
TIES = (
    (SQUARE, 4),
    (WEDGE, 4),
    (CUBE, 8),
    (PRISM, 8),
    (HEXAGON, 6),
    (TETRAHEDRON, 6),
    (TRIANGLE, 6),
)


# One of the three optima of 4 neurons has no direction in common with the two of 2 neurons.
PRISMATIC = [(0, 0, 0), (2, 4, 2), (2, 2, 0), (4, 73, 3), (2, 2, 0), (1, 1, 0)]


def counts(optima: OptimalPolytope, last: int) -> list[tuple[int, int, int]]:
    steps = [optima.step(width) for width in range(1, last + 1)]
    return [(step.components, step.components_labelled, step.isolated) for step in steps]


def brute(optima: OptimalPolytope, width: int) -> Step:
    return count_components([each.image for each in optima.directions], optima.fit, width)


def five_statements(step: Step, optima: OptimalPolytope) -> None:
    m = step.width
    assert m != optima.fewest or step.finite
    assert m <= optima.fewest or step.components > step.isolated
    assert m != optima.most or step.isolated > 0
    assert m <= optima.most or step.isolated == 0
    assert m < optima.bound or step.connected
    # What is sharper here.
    assert (step.isolated > 0) == (m in set(map(len, optima.supports)))
    assert m < optima.rank_bound or step.connected
    assert m != optima.most or m == 1 or not step.connected


@st.composite
def planted(draw: st.DrawFn) -> tuple[Problem, Fraction]:
    """An optimal fit on one of the data sets; rows in any order, coordinates flipped, X scaled."""
    X, k = draw(st.sampled_from(TIES))
    scale = draw(st.fractions(Fraction(1, 3), 3, max_denominator=3))
    flips = [draw(st.sampled_from([-1, 1])) for _ in X[0]]
    rows = [[scale * s * v for s, v in zip(flips, row, strict=True)] for row in X]
    rows = draw(st.permutations(rows))
    weights = draw(st.lists(st.integers(0, 3), min_size=k, max_size=k).filter(any))
    return plant(rows, [1] * len(rows), weights)


@pytest.mark.parametrize(
    ("X", "weights", "expected", "theorem", "exact"),
    [
        # Both diagonals of a square meet in its centre: m* + M* = 4 neurons join them.
        (SQUARE, [1, 1, 1, 1], [(0, 0, 0), (2, 4, 2), (2, 2, 0), (1, 1, 0)], 4, 4),
        # A point of one diagonal: m* = 2, M* = 3.
        (SQUARE, [1, 0, 1, 1], [(0, 0, 0), (1, 2, 1), (2, 7, 1), (1, 1, 0)], 5, 4),
        # One corner: there is one optimal network of a neuron.
        (SQUARE, [1, 0, 0, 0], [(1, 1, 1), (1, 1, 0)], 2, 1),
        # Four diagonals of a cube and two tetrahedra.
        (CUBE, [1] * 8, [(0, 0, 0), (4, 8, 4), (4, 4, 0), (3, 49, 2), (1, 1, 0)], 6, 5),
        (PRISM, [0, 0, 1, 0, 0, 1, 0, 0], PRISMATIC, 6, 6),
        # Three axes of an octahedron.
        (TETRAHEDRON, [1] * 6, [(0, 0, 0), (3, 6, 3), (3, 3, 0), (1, 1, 0)], 4, 4),
        (TRIANGLE, [1] * 6, [(0, 0, 0), (3, 6, 3), (5, 15, 2), (1, 1, 0)], 4, 4),
        # The middle of a side, a possible image itself: m* = 1, M* = 2.
        (TRIANGLE, [1, 0, 0, 0, 0, 0], [(1, 1, 1), (2, 3, 1), (1, 1, 0)], 3, 3),
        (WEDGE, [0, 1, 1, 0], [(0, 0, 0), (1, 2, 1), (2, 7, 1), (1, 1, 0)], 4, 4),
    ],
)
def test_closed_forms(
    X: list[list[int]],
    weights: list[int],
    expected: list[tuple[int, int, int]],
    theorem: int,
    exact: int,
) -> None:
    optima = optimal_polytope(*plant(X, [1] * len(X), weights))
    assert counts(optima, len(expected)) == expected
    assert (optima.bound, optima.connected_from) == (theorem, exact)


def test_connected_at_width_four_and_not_at_five() -> None:
    optima = optimal_polytope(example("staircase-hexagon"), Fraction(5))
    assert (optima.fewest, optima.most, optima.rank, optima.bound) == (3, 5, 5, 7)
    expected = [(0, 0, 0), (0, 0, 0), (1, 6, 1), (1, 1, 0), (2, 121, 1), (1, 1, 0), (1, 1, 0)]
    assert counts(optima, 7) == expected
    assert optima.connected_from == 6


def test_one_direction() -> None:
    optima = optimal_polytope(Problem(X=[[2]], y=[5]), Fraction(1))
    assert optima.nu == (Fraction(1, 2),)  # 2 nu = beta
    assert optima.objective == Fraction(1, 8) + Fraction(9, 4)
    ((sign, vector, image),) = optima.directions
    assert (sign, vector, image) == (1, (1,), (2,))
    assert counts(optima, 3) == [(1, 1, 1), (1, 1, 0), (1, 1, 0)]
    negative = optimal_polytope(Problem(X=[[2]], y=[-5]), Fraction(1))
    assert negative.directions == ((-1, (1,), (-2,)),)


def test_one_neuron_is_connected_at_its_own_width() -> None:
    """That M* + 1 is the least width from which on the optima are connected takes M* >= 2."""
    optima = optimal_polytope(Problem(X=[[1]], y=[2]), Fraction(1))
    assert optima.fit == (1,)
    assert (optima.fewest, optima.most, optima.bound, optima.connected_from) == (1, 1, 2, 1)
    assert brute(optima, 1) == optima.step(1)
    assert optima.step(1).connected


def test_a_unique_optimum_is_connected_with_one_neuron_more() -> None:
    optima = optimal_polytope(Problem(X=[[1, 0], [0, 1]], y=[3, -3]), Fraction(1))
    assert counts(optima, 3) == [(0, 0, 0), (1, 2, 1), (1, 1, 0)]
    assert optima.connected_from == optima.bound == 3
    # With further data points the theorem waits for 2 m*, and nothing happens there.
    X, y = [[1, 0], [0, 1], [0, 0], [0, 0]], [3, -3, 0, 1]
    padded = optimal_polytope(Problem(X=X, y=y), Fraction(1))
    assert (padded.connected_from, padded.bound) == (3, 4)


@part(2)
@given(planted(), st.integers(1, 4))
def test_brute_force_agrees(instance: tuple[Problem, Fraction], width: int) -> None:
    optima = optimal_polytope(*instance)
    assert brute(optima, width) == optima.step(width)


@given(st.data(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_brute_force_agrees_whatever_the_images(
    data: st.DataObject, k: int, n: int, width: int
) -> None:
    """The counts need no more than that no combination c >= 0 of images vanishes."""
    entries = st.tuples(*[st.integers(0, 3).map(Fraction)] * n)
    images = data.draw(st.lists(entries.filter(any), min_size=k, max_size=k))
    weights = data.draw(st.lists(st.integers(0, 2), min_size=k, max_size=k).filter(any))
    pairs = [list(zip(weights, column, strict=True)) for column in zip(*images, strict=True)]
    fit = tuple(sum((c * v for c, v in pair), Fraction()) for pair in pairs)
    optima = OptimalPolytope(
        problem=Problem(X=[[1]] * n, y=fit),
        beta=Fraction(1),
        nu=(Fraction(),) * n,
        directions=tuple(Direction(1, (Fraction(1),), image) for image in images),
        vertices=vertices(images, fit, 10**6),
    )
    assert brute(optima, width) == optima.step(width)


@part(2)
@given(planted())
def test_the_five_statements(instance: tuple[Problem, Fraction]) -> None:
    optima = optimal_polytope(*instance)
    for width in range(1, optima.bound + 2):
        five_statements(optima.step(width), optima)
    assert optima.connected_from <= optima.rank_bound <= optima.bound
    if optima.most > 1:
        assert optima.most < optima.connected_from


def test_a_search_through_random_data() -> None:
    """Rows that sum to zero, and rows with their opposites: directions tie in pairs at least."""
    random = np.random.default_rng(0)
    seen = earlier = 0
    while seen < 20:
        n, d = random.integers(2, 4), random.integers(2, 4)
        rows = random.integers(-3, 4, (n, d))
        X = np.concatenate([rows, -rows if random.random() < 0.5 else -rows.sum(0, keepdims=True)])
        _, directions = active_directions(X.tolist(), [1] * len(X))
        try:
            weights = random.integers(0, 3, len(directions)).tolist()
            problem, beta = plant(X.tolist(), [1] * len(X), weights)
        except InputError:
            continue  # beta is irrational
        optima = optimal_polytope(problem, beta)
        seen += 1
        if any(optima.fit):
            for width in range(1, optima.bound + 1):
                five_statements(optima.step(width), optima)
            assert brute(optima, 2) == optima.step(2)
            earlier += optima.connected_from < optima.bound
    assert earlier


@part(4)
@given(planted())
def test_vertices_are_optimal_networks(instance: tuple[Problem, Fraction]) -> None:
    problem, beta = instance
    optima = optimal_polytope(problem, beta)
    least = solve(problem, Penalty(beta))
    assert float(least.lower) <= float(optima.objective) * (1 + 1e-9)
    assert float(least.upper) >= float(optima.objective) * (1 - 1e-9)
    for c in optima.vertices:
        used = [
            (each.sign, [weight * v for v in each.vector])
            for weight, each in zip(c, optima.directions, strict=True)
            if weight
        ]
        network = Network.from_convex(used)
        assert network.fit(problem) == optima.fit
        # ||u|| = c beta, for every direction has length beta.
        assert network.loss(problem) + beta * sum(c) * beta == optima.objective


@part(4)
@given(planted(), st.integers(0, 10**6))
def test_no_neuron_is_better_than_the_active_directions(
    instance: tuple[Problem, Fraction], seed: int
) -> None:
    problem, beta = instance
    optima = optimal_polytope(problem, beta)
    X, nu = np.array(problem.X, float), np.array(optima.nu, float)
    u = np.random.default_rng(seed).standard_normal((problem.d, 200))
    prices = np.abs(nu @ np.maximum(X @ u, 0)) / np.linalg.norm(u, axis=0)
    assert prices.max() <= float(beta) * (1 + 1e-12)
    for first, second in combinations(optima.directions, 2):
        pair = np.array([first.image, second.image], float)
        assert np.linalg.matrix_rank(pair) == 2


@part(4)
@given(planted(), st.fractions(Fraction(1, 4), 4, max_denominator=4), st.randoms())
def test_scales_and_orders_change_nothing(
    instance: tuple[Problem, Fraction], scale: Fraction, random: random.Random
) -> None:
    problem, beta = instance
    expected = counts(optimal_polytope(problem, beta), 6)
    wider = Problem(X=[[scale * v for v in row] for row in problem.X], y=problem.y)
    assert counts(optimal_polytope(wider, scale * beta), 6) == expected
    larger = Problem(X=problem.X, y=[scale * v for v in problem.y])
    assert counts(optimal_polytope(larger, scale * beta), 6) == expected
    order = list(range(problem.n))
    random.shuffle(order)
    permuted = Problem(X=[problem.X[k] for k in order], y=[problem.y[k] for k in order])
    assert counts(optimal_polytope(permuted, beta), 6) == expected


@part(4)
@given(planted())
def test_zero_rows_and_repeated_rows(instance: tuple[Problem, Fraction]) -> None:
    problem, beta = instance
    expected = counts(optimal_polytope(problem, beta), 6)
    zero = (Fraction(),) * problem.d
    padded = Problem(X=(zero, *problem.X), y=(Fraction(-7), *problem.y))
    assert counts(optimal_polytope(padded, beta), 6) == expected
    doubled = Problem(X=problem.X * 2, y=problem.y * 2)
    assert counts(optimal_polytope(doubled, 2 * beta), 6) == expected


def test_a_direction_on_a_wall_is_one_direction_of_both_cones() -> None:
    square, directions = active_directions([[1, 1], [1, -1], [0, 1]], [1, 1, -1])
    assert (square, directions) == (4, ((1, (2, 0), (2, 2, 0)),))


def test_up_to_the_kernel_of_X() -> None:
    square, directions = active_directions([[1, 1, 0], [1, -1, 0]], [1, 1])
    assert (square, directions) == (4, ((1, (2, 0, 0), (2, 2)),))
    rotated, (only,) = active_directions([[1, 1, 1, 1], [1, 1, 1, 1]], [1, 2])
    assert (rotated, only.vector) == (36, (3, 3, 3, 3))


@pytest.mark.parametrize("y", [[0, 0, 0, 0], [1, 0, -1, 0], [1, 1, 1, 1]])
def test_where_the_penalty_wins_only_zero_weights_are_optimal(y: list[int]) -> None:
    # For y = 1 the largest price is beta: directions are active, and still nothing is gained.
    optima = optimal_polytope(Problem(X=SQUARE, y=y), Fraction(5))
    assert (optima.fewest, optima.most, optima.connected_from) == (0, 0, 1)
    assert counts(optima, 3) == [(1, 1, 1)] * 3
    assert brute(optima, 2) == optima.step(2)


def test_data_that_are_zero() -> None:
    optima = optimal_polytope(Problem(X=[[0, 0]], y=[3]), Fraction(1))
    assert (optima.directions, optima.objective) == ((), Fraction(9, 2))
    assert counts(optima, 2) == [(1, 1, 1)] * 2


@pytest.mark.parametrize(("name", "beta"), [("staircase-square", 5), ("staircase-wedge", 5)])
def test_the_landscape_in_the_ball_of_ngd_has_as_many_components(name: str, beta: int) -> None:
    optima = optimal_polytope(example(name), Fraction(beta))
    size = sum((v * f for v, f in zip(optima.nu, optima.fit, strict=True)), Fraction()) / beta
    level = sum((v * v for v in optima.nu), Fraction()) / 2 + Fraction(1, 10)
    profile = width_profile(optima.problem, Ball("ngd", size), 2, level=level)
    assert [(row.components, row.components_labelled) for row in profile.rows] == [
        each[:2] for each in counts(optima, 2)
    ]


def test_the_solver_s_dual_vector_is_rounded_as_little_as_it_takes() -> None:
    problem, beta = plant(SQUARE, [Fraction(7, 13)] * 4, [2, 1, 0, 1])
    assert optimal_polytope(problem, beta).nu == (Fraction(7, 13),) * 4


def test_irrational_optima_are_refused() -> None:
    with pytest.raises(Undecided, match="no dual vector with denominators up to 10,000"):
        optimal_polytope(example("flagship"), Fraction(1))


@pytest.mark.parametrize(
    ("beta", "message"),
    [(Fraction(0), "beta: 0 must be positive"), (0.5, "beta: 0.5 is a float")],
)
def test_wrong_beta(beta: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        optimal_polytope(example("staircase-square"), beta)


@pytest.mark.parametrize(
    ("X", "nu", "weights", "message"),
    [
        (SQUARE, [1] * 4, [1] * 3, "weights: has 3 entries; nu has 4 directions"),
        (SQUARE, [1] * 4, [1, 1, 1, -1], "weights: -1 must not be negative"),
        (SQUARE, [1] * 3, [1] * 4, "nu: has 3 entries, but X has 4 rows"),
        ([[1, 1]], [1], [1], r"nu: its beta, sqrt\(2\), must be rational"),
        ([[1, 1]], [0], [], r"nu: its beta, sqrt\(0\), must be rational and not zero"),
    ],
)
def test_wrong_plants(X: list[list[int]], nu: list[int], weights: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plant(X, nu, weights)


def test_what_is_too_large_says_so() -> None:
    problem = example("staircase-cube")
    with pytest.raises(BudgetError, match="supports of vertices: 163 needed"):
        optimal_polytope(problem, Fraction(3), max_supports=100)
    with pytest.raises(BudgetError, match="max_cones"):
        optimal_polytope(problem, Fraction(3), max_cones=4)
    optima = optimal_polytope(problem, Fraction(3))
    with pytest.raises(BudgetError, match="cells: 729 needed"):
        count_components([d.image for d in optima.directions], optima.fit, 3, max_cells=100)
    with pytest.raises(InputError, match="width: 0 must be at least 1"):
        optima.step(0)
