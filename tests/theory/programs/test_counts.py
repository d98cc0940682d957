"""The mixed-integer program against the least loss over all cells."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem
from theory.programs.counts import best_counts
from theory.strategies import problems
from theory.within import Ball


def ball(problem: Problem, width: int, rho: Fraction) -> CellComplex:
    return CellComplex.of(problem, width, within=Ball("adamw", rho))


@part(2)
@given(
    problems(),
    st.integers(1, 3),
    st.fractions(Fraction(1, 4), 2, max_denominator=4),
)
def test_its_cell_has_the_least_loss(problem: Problem, width: int, rho: Fraction) -> None:
    complex_ = ball(problem, width, rho)
    cell = best_counts(complex_, (0,) * width)
    expected = least(ball(problem, width, rho))
    value = complex_.loss_of(complex_.minimum(cell).value)
    zero = sum(v * v for v in problem.y) / 2
    assert expected.value <= value <= expected.value + zero / 10**6
    assert tuple(sorted(cell)) == cell
    assert len(cell) == width


@pytest.mark.parametrize(("width", "rho"), [(1, 2), (2, 2), (3, 2)])
def test_two_points_that_need_a_neuron_each(width: int, rho: int) -> None:
    problem = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
    complex_ = ball(problem, width, Fraction(rho))
    cell = best_counts(complex_, (0,) * width)
    assert complex_.minimum(cell).value == (
        0 if width > 1 else complex_.scaled_level(Fraction(1, 2))
    )


def test_a_larger_width_than_cells_could_be_listed_for() -> None:
    problem, _ = planted(6, 2, 3, 0)
    complex_ = CellComplex.of(problem, 8, within=Ball("adamw", Fraction(1, 4)), max_cells=10**12)
    assert complex_.count > 10**6
    cell = best_counts(complex_, (0,) * 8)
    found = least(complex_, cell)
    assert found.lower == found.value
    assert found.value == complex_.loss_of(complex_.minimum(cell).value)


def test_where_the_solver_fails_the_start_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import cvxpy

    def fail(self: Any, *arguments: Any, **options: Any) -> None:
        raise cvxpy.SolverError("gave up")

    problem, _ = planted(4, 2, 2, 0)
    monkeypatch.setattr(cvxpy.Problem, "solve", fail)
    assert best_counts(ball(problem, 2, Fraction(1)), (1, 2)) == (1, 2)
