"""Shares of regions with the penalty: closed forms, brute force, and what is not decided."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement
from math import factorial, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS
from profiles import part

from theory.claims.bad_regions import _float_shares
from theory.claims.float_ends import FloatCells
from theory.errors import BudgetError, InputError
from theory.landscape.penalty_shares import penalty_shares
from theory.loading import example
from theory.problem import Problem
from theory.within import Penalty

TWO = Problem([[1], [-1]], [2, 1])
ORTHOGONAL = Problem([[1, 0], [0, 1]], [1, -1])
THREE = Problem([[2, 1], [-1, 1], [1, -2]], [1, 2, -1])


@pytest.mark.parametrize("width", [2, 3, 4])
def test_on_two_points_both_sides_need_a_positive_neuron(width: int) -> None:
    """Bad: all neurons on one side; others have a neuron that comes to zero, and may leave it."""
    found = penalty_shares(TWO, width, Penalty("1/2"))
    good = 1 - 2 * Fraction(3, 4) ** width + Fraction(1, 2) ** width
    assert found.good == (good, good)
    assert found.bad == (2 * Fraction(1, 4) ** width,) * 2
    # A datum y_k is fitted up to beta: 1/2 (beta^2 + beta^2) + beta (2 - beta + 1 - beta).
    lower, upper = found.minimum
    assert lower <= Fraction(5, 4) <= upper
    assert upper - lower < Fraction(1, 10**6)


def test_in_a_large_penalty_zero_is_the_only_minimum() -> None:
    found = penalty_shares(ORTHOGONAL, 2, Penalty(2))
    assert (found.good, found.bad) == ((1, 1), (0, 0))
    assert found.minimum[1] == 1


@pytest.mark.parametrize("problem", [ORTHOGONAL, THREE, example("flagship")], ids=str)
@pytest.mark.parametrize("beta", ["1/10", "1/2"])
@pytest.mark.parametrize("width", [1, 2])
def test_the_brute_force_is_between_the_bounds(problem: Problem, beta: str, width: int) -> None:
    """Global minima told by all cells; bad ones by the cells around the point of least loss."""
    found = penalty_shares(problem, width, Penalty(beta))
    cells = FloatCells(problem, width, "sgd", float(Fraction(beta)))
    states = 2 * len(cells.cones)
    count = sum(
        factorial(width) // prod(map(factorial, Counter(cell).values()))
        for cell in combinations_with_replacement(range(states), width)
        if cells.kind(cell) == "global"
    )
    assert found.regions == states**width
    assert found.good[0] <= Fraction(count, states**width) <= found.good[1]
    good, bad, least = _float_shares(problem, width, Penalty(beta))
    assert float(found.good[0]) - 1e-12 <= good <= float(found.good[1]) + 1e-12
    assert float(found.bad[0]) - 1e-12 <= bad <= float(found.bad[1]) + 1e-12
    assert least == pytest.approx(float(found.minimum[1]), rel=1e-6)


def test_a_cone_wider_than_a_right_angle_leads_to_one_of_its_rays() -> None:
    """Though the gradient is beyond both."""
    found = penalty_shares(Problem([[0, 1], [1, 1]], [1, -1]), 1, Penalty("1/3"))
    good, bad, _ = _float_shares(Problem([[0, 1], [1, 1]], [1, -1]), 1, Penalty("1/3"))
    assert (found.good, found.bad) == ((good, good), (bad, bad))


@given(
    X=st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=2, max_size=3, unique=True),
    y=st.lists(st.integers(-3, 3).filter(bool), min_size=3, max_size=3),
    activation=st.sampled_from(ACTIVATIONS),
)
@part(4)
def test_on_random_data_as_well(X: list[tuple[int, int]], y: list[int], activation: str) -> None:
    problem = Problem(X, y[: len(X)], activation=activation)
    try:
        found = penalty_shares(problem, 2, Penalty("1/3"))
    except InputError:
        assert len({a * d - b * c == 0 for a, b in X for c, d in X}) == 1
        return
    good, bad, _ = _float_shares(problem, 2, Penalty("1/3"))
    assert float(found.good[0]) - 1e-12 <= good <= float(found.good[1]) + 1e-12
    assert float(found.bad[0]) - 1e-12 <= bad <= float(found.bad[1]) + 1e-12


def test_what_is_tied_is_left_open() -> None:
    """One neuron fits either of two data as well; beta is just what holds a neuron at zero."""
    found = penalty_shares(ORTHOGONAL, 1, Penalty("1/2"))
    assert found.good == (0, Fraction(1, 2))
    assert penalty_shares(TWO, 1, Penalty(2)).good == (0, 1)


def test_rescaled_data_have_the_same_shares() -> None:
    """(2 X, 3 y) with 6 beta: losses are 9 times as large."""
    scaled = Problem([[2 * v for v in row] for row in THREE.X], [3 * v for v in THREE.y])
    first = penalty_shares(THREE, 2, Penalty("1/2"))
    second = penalty_shares(scaled, 2, Penalty(3))
    assert (first.good, first.bad) == (second.good, second.bad)


@pytest.mark.parametrize("X", [[[1, 0, 0], [0, 1, 1]], [[1, 2], [2, 4]], [[1, 0, 2], [0, 1, 1]]])
def test_other_numbers_of_features_are_refused(X: list[list[int]]) -> None:
    with pytest.raises(InputError, match="X: must be of one or two features"):
        penalty_shares(Problem(X, [1, 1]), 1, Penalty(1))


def test_too_many_cells_are_refused() -> None:
    with pytest.raises(BudgetError, match="36 needed"):
        penalty_shares(ORTHOGONAL, 2, Penalty(1), max_cells=30)
