"""The intervals of rho with constant components, against landscapes at single radii."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS
from profiles import part

from theory import analyse, example
from theory.connectivity import largest_mass, radius_intervals, width_row
from theory.connectivity.estimates import estimated_intervals
from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

# X, y, width, and (from rho, components, labelled).
KNOWN = (
    (
        [[-2, 1], [-2, 2]],
        [-1, 0],
        3,
        [("0", 0, 0), ("1/3", 1, 1), ("2/5", 2, 4), ("2/3", 1, 1)],
    ),
    (
        [[0, 2], [-2, 1]],
        [-1, -3],
        3,
        [("0", 0, 0), ("5/12", 1, 1), ("1/2", 2, 4), ("5/8", 1, 1)],
    ),
    (
        [[2, 1], [1, 2]],
        [-1, 3],
        3,
        [("0", 0, 0), ("14/15", 1, 3), ("7/6", 2, 6), ("14/9", 1, 1)],
    ),
    (
        [[-2, -1], [1, 1], [-1, -2]],
        [2, 0, 1],
        2,
        [("0", 0, 0), ("1/2", 1, 1), ("2/3", 2, 3), ("1", 1, 1)],
    ),
)


def counts(problem: Problem, width: int, rho: Fraction) -> tuple[int, int]:
    """Components modulo permutation and labelled, by looking at one radius."""
    row = width_row(
        CellComplex.of(problem, width, labelled=True, within=Ball("adamw", rho)), level=Fraction()
    )
    return row.components, row.components_labelled


def steps(problem: Problem, width: int) -> list[tuple[str, int, int]]:
    found = radius_intervals(problem, "adamw", width)
    return [(str(each.lower), each.components, each.components_labelled) for each in found]


@pytest.mark.parametrize(("X", "y", "width", "expected"), KNOWN)
def test_known_intervals(
    X: list[list[int]], y: list[int], width: int, expected: list[tuple[str, int, int]]
) -> None:
    assert steps(Problem(X=X, y=y), width) == expected


@pytest.mark.parametrize(("X", "y", "width", "expected"), KNOWN)
def test_landscapes_at_the_ends_and_between_them_have_these_components(
    X: list[list[int]], y: list[int], width: int, expected: list[tuple[str, int, int]]
) -> None:
    problem = Problem(X=X, y=y)
    found = radius_intervals(problem, "adamw", width)
    for each in found:
        upper = each.upper or each.lower + 1
        seen = [each.lower, (each.lower + upper) / 2, upper - Fraction(1, 10**9)]
        for rho in seen[not each.lower :]:
            assert rho in each
            assert counts(problem, width, rho) == (each.components, each.components_labelled)
    for each, after in pairwise(found):
        assert each.upper == after.lower
        assert each.upper not in each
        assert each.components != after.components or (
            each.components_labelled != after.components_labelled
        )


@part(4)
@given(problems(activations=ACTIVATIONS, n=(1, 3)))
def test_random_problems(problem: Problem) -> None:
    found = radius_intervals(problem, "adamw", 2)
    for each in found:
        upper = each.upper or each.lower + 1
        rho = (each.lower + upper) / 2
        assert counts(problem, 2, rho) == (each.components, each.components_labelled)
    # Without a ball the exact fits are those of all large ones.
    free = analyse(problem, 2, labelled=True)
    expected = len(free.components) if free.minimum == 0 else 0
    assert found[-1].components_labelled == expected


@st.composite
def of_other_losses(draw: st.DrawFn) -> Problem:
    problem = draw(problems(n=(1, 3)))
    name = draw(st.sampled_from(["absolute", "epsilon:1/2", "huber:1", "hinge", "squared_hinge"]))
    y = [1 if v > 0 else -1 for v in problem.y] if "hinge" in name else problem.y
    weights = [draw(st.integers(1, 3)) for _ in y]
    bias, skip = draw(st.booleans()), draw(st.booleans())
    return Problem(problem.X, y, loss=name, weights=weights, output_bias=bias, skip=skip)


@given(of_other_losses())
def test_other_losses_and_free_parts(problem: Problem) -> None:
    for each in radius_intervals(problem, "adamw", 1):
        upper = each.upper or each.lower + 1
        for rho in (each.lower or upper, (each.lower + upper) / 2):
            if rho in each:
                found = counts(problem, 1, rho)
                assert found == (each.components, each.components_labelled)


@pytest.mark.parametrize(
    ("problem", "first"),
    [
        (Problem([[1]], [2], loss="absolute", weights=[5]), 1),
        (Problem([[1]], [2], loss="epsilon:1/2"), Fraction(3, 4)),
        (Problem([[1], [3]], [2, 7], loss="epsilon:1/2"), Fraction(13, 12)),  # 7 less 1/2, by 3
        (Problem([[2]], [-1], loss="hinge"), Fraction(1, 4)),
        (Problem([[1], [-1]], [1, 1], loss="hinge"), 1),
        (Problem([[1], [-1]], [3, 3], loss="huber:1", output_bias=True), 0),
        (Problem([[1], [-1]], [4, 0], loss="absolute", output_bias=True), 2),
        (Problem([[1], [-1]], [4, 0], loss="absolute", skip=True), 2),
        (Problem([[1], [2]], [5, 8], form=[[1, -1], [-1, 1]]), Fraction(3, 2)),  # differences
    ],
)
def test_the_first_fits_of_two_neurons(problem: Problem, first: Fraction) -> None:
    found = radius_intervals(problem, "adamw", 2)
    assert next(each.lower for each in found if each.components) == first


def test_estimates_do_not_depend_on_a_loss_that_is_zero_at_the_targets_only() -> None:
    squared = example("flagship")
    absolute = Problem(squared.X, squared.y, loss="absolute", weights=[1, 2, 3, 4])
    first, second = (estimated_intervals(each, "muon", 2) for each in (squared, absolute))
    assert first == second
    assert [each.components for each in first] == [0, 1, 2]
    hinge = Problem([[1]], [1], loss="hinge")
    with pytest.raises(InputError, match="^loss: estimates of radii are for the squared loss"):
        estimated_intervals(hinge, "muon", 1)


def test_logistic_losses_are_never_zero() -> None:
    with pytest.raises(InputError, match="^loss: logistic losses are never zero"):
        radius_intervals(Problem([[1]], [1], loss="logistic"), "adamw", 1)


@part(4)
@given(problems(activations=ACTIVATIONS, n=(1, 3)))
def test_the_first_radius_is_where_the_least_loss_becomes_zero(problem: Problem) -> None:
    first, *others = radius_intervals(problem, "adamw", 2)
    if others and not first.components:
        below = CellComplex.of(problem, 2, within=Ball("adamw", first.upper * Fraction(999, 1000)))
        assert least(below).value > 0
        assert least(CellComplex.of(problem, 2, within=Ball("adamw", first.upper))).value == 0


def test_the_bound_holds_on_every_interval() -> None:
    problem = example("non-monotone")
    mass = largest_mass(problem, Fraction(1))  # at rho = 1; connected from ceil(mass / rho) + n on
    for width in range(3, 6):
        found = radius_intervals(problem, "adamw", width)
        last = max(each.upper for each in found if each.components_labelled > 1)
        assert last <= mass / (width - problem.n)


def test_connectivity_is_not_monotone_in_the_radius() -> None:
    problem = Problem(X=[[2, 1], [1, 2]], y=[-1, 3])
    assert [labelled for _, _, labelled in steps(problem, 4)] == [0, 4, 10, 1, 5, 1]


def test_scaling_the_targets_scales_the_radii() -> None:
    problem = example("non-monotone")
    twice = Problem(X=problem.X[::-1], y=[2 * v for v in problem.y[::-1]])
    for one, other in zip(
        radius_intervals(problem, "lion", 3), radius_intervals(twice, "lion", 3), strict=True
    ):
        assert other.lower == 2 * one.lower
        assert (other.components, other.components_labelled) == (
            one.components,
            one.components_labelled,
        )


def test_targets_of_zero_and_targets_out_of_reach() -> None:
    assert steps(Problem(X=[[1, 2]], y=[0]), 2) == [("0", 1, 1)]
    assert steps(Problem(X=[[0, 0], [1, 2]], y=[1, 1]), 2) == [("0", 0, 0)]
    assert steps(Problem(X=[[1, 0], [2, 0]], y=[-1, -2]), 1) == [("0", 0, 0), ("1", 1, 1)]


def test_wrong_input_and_limits() -> None:
    problem = example("non-monotone")
    with pytest.raises(InputError, match="the ball of muon is no polytope"):
        radius_intervals(problem, "muon", 2)
    with pytest.raises(BudgetError, match="cells"):
        radius_intervals(problem, "adamw", 3, max_cells=100)

    def stop(stage: str, count: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted, match="^interrupted"):
        radius_intervals(problem, "adamw", 2, progress=stop)
