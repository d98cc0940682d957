"""The search for low cells finds exactly those, and its dual vectors cover the rest."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS

from theory.errors import Interrupted
from theory.exact import dot
from theory.landscape.cells import CellComplex
from theory.landscape.domain import EntrywiseBall, WholeSpace
from theory.landscape.sublevel import sublevel, thin
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

rhos = st.none() | st.fractions(Fraction(1, 4), 4, max_denominator=4)


def small(problem: Problem, width: int, rho: Fraction | None) -> CellComplex:
    """Of a thousand cells or fewer, all of which can be looked at: of few neurons if need be."""
    complex_ = CellComplex.of(problem, width, within=None if rho is None else Ball("adamw", rho))
    return complex_ if complex_.count <= 1000 else small(problem, width - 1, rho)


@given(problems(activations=ACTIVATIONS), st.integers(1, 3), st.none() | st.fractions(0, 20), rhos)
def test_low_cells_and_cover(
    problem: Problem, width: int, level: Fraction | None, rho: Fraction | None
) -> None:
    complex_ = small(problem, width, rho)
    values = {
        cell: complex_.minimum(cell).value
        for cell in combinations_with_replacement(range(complex_.states), complex_.width)
    }
    assert len(values) == complex_.count
    result = sublevel(complex_, level)
    assert result.level == (min(values.values()) if level is None else level)
    assert set(result.low) == {cell for cell, value in values.items() if value <= result.level}
    assert all(result.low[cell].value == values[cell] for cell in result.low)
    pool = [cover.proof.dual for cover in result.cover]
    for covers in (
        result.cover,
        thin(complex_, pool, result.level, strict=True, exempt=result.low),
    ):
        for cell in values.keys() - result.low.keys():
            assert any(cover.left(cell) >= 0 for cover in covers)


@given(problems(activations=ACTIVATIONS), st.integers(1, 2), rhos)
def test_a_dual_bounds_what_it_covers(problem: Problem, width: int, rho: Fraction | None) -> None:
    complex_ = CellComplex.of(problem, width, within=None if rho is None else Ball("adamw", rho))
    domain = complex_.domain
    assert isinstance(domain, WholeSpace | EntrywiseBall)
    cells = list(combinations_with_replacement(range(complex_.states), width))[:200]
    for cover in sublevel(complex_).cover:
        vector = cover.proof.dual.vector
        for cell in cells:
            weight = cover.limit - cover.left(cell)
            assert weight == sum(cover.weights[state] for state in cell)
            if rho is None:
                groups = [complex_.groups[state] for state in cell]
                columns = [domain.least_squares.columns[c] for group in groups for c in group]
                assert (weight == 0) == all(dot(column, vector) <= 0 for column in columns)
                if weight:
                    continue
            rest = max(0, dot(vector, domain.least_squares.y) - weight)
            bound = Fraction(rest**2, 2 * dot(vector, vector))
            assert complex_.minimum(cell).value >= bound
            # The limit is the largest weight at which this bound reaches it.
            if rest:
                assert weight <= domain.proof(cover.proof.dual, bound, strict=False).limit
            assert weight > domain.proof(cover.proof.dual, bound, strict=True).limit


@given(problems(activations=ACTIVATIONS), st.integers(1, 3), st.integers(0, 3))
def test_heavier_states(problem: Problem, width: int, weight: int) -> None:
    complex_ = CellComplex.of(problem, width, within=Ball("adamw", Fraction(1, 2)))
    for cover in sublevel(complex_).cover:
        heavier = {state for state, own in enumerate(cover.weights) if own > weight}
        assert cover.heavier(weight) == sum(1 << state for state in heavier)


def test_thinning_leaves_no_more() -> None:
    complex_ = CellComplex.of(example("flagship"), 2)
    found = sublevel(complex_)
    pool = [cover.proof.dual for cover in found.cover]
    thinned = thin(complex_, pool, found.level, strict=True, exempt=found.low)
    assert 0 < len(thinned) < len(found.cover)


def test_interrupted_search_says_what_it_knows() -> None:
    def stop(solved: int) -> None:
        if solved > 10:
            raise Interrupted

    with pytest.raises(Interrupted, match="the minimum is at most"):
        sublevel(CellComplex.of(example("flagship"), 2), None, stop)
