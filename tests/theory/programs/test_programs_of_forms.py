"""Optima with a form in place of the identity: those of weights, of an output bias, of merged rows
and of all cells, and bounds that no network is below."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part
from quadratic_forms import diagonal, formed, forms, projection

from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem
from theory.programs import solve
from theory.programs.solve import Optimum
from theory.strategies import networks_in_ball, problems
from theory.within import Ball, Penalty, Within

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
PLACES: tuple[Within, ...] = (*(Ball(name, 2) for name in BALLS), Penalty("1/2"))
WEIGHTS = (Fraction(3), Fraction(1, 2), Fraction(1), Fraction(2))


def data(**options: Any) -> Problem:
    problem, _ = planted(4, 2, 2, seed=1)
    return Problem(problem.X, problem.y, **options)


def narrow(problem: Problem, within: Within) -> Optimum:
    """Its interval is."""
    found = solve(problem, within, width=2)
    assert found.relative_gap <= 1e-6
    return found


def require_same(first: Optimum, second: Optimum) -> None:
    """Intervals of one number."""
    assert first.lower is not None
    assert second.lower is not None
    assert max(first.lower, second.lower) <= min(first.upper, second.upper)


@pytest.mark.parametrize("within", PLACES, ids=str)
def test_diagonal_forms_are_weights_and_projections_output_biases(within: Within) -> None:
    require_same(
        narrow(data(form=diagonal(WEIGHTS)), within), narrow(data(weights=WEIGHTS), within)
    )
    free = narrow(data(output_bias=True), within)
    require_same(narrow(data(form=projection(4)), within), free)
    require_same(narrow(data(form=projection(4), output_bias=True), within), free)


@pytest.mark.parametrize("within", PLACES[:3] + PLACES[-1:], ids=str)
@pytest.mark.parametrize("rank", [0, 1, 4])
def test_forms_of_any_rank_and_all_cells_agree(within: Within, rank: int) -> None:
    problem = data(form=formed(4, rank, seed=rank + 1))
    found = narrow(problem, within)
    if rank == 0:
        assert found.lower == found.upper == 0
    cells = {"penalty": within} if isinstance(within, Penalty) else {"within": within}
    known = least(CellComplex.of(problem, 2, **cells))
    assert max(found.lower, known.lower) <= min(found.upper, known.value)


@part(2)
@given(problems(n=(1, 3), d=(1, 2)), st.sampled_from(BALLS), st.data())
def test_no_network_in_the_ball_is_below_the_bound(
    problem: Problem, name: str, more: st.DataObject
) -> None:
    problem = Problem(
        *(problem.X, problem.y),
        form=more.draw(forms(problem.n)),
        output_bias=more.draw(st.booleans()),
    )
    within = Ball(name, 2)
    found = solve(problem, within, width=2)
    network = more.draw(networks_in_ball(within, d=problem.d, width=2))
    assert found.lower is not None
    assert found.lower <= network.loss(problem)
    assert found.network.loss(problem) <= found.upper
