"""The search for low cells finds exactly those, and its dual vectors cover the rest."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import problems

from theory.errors import Interrupted
from theory.landscape.cells import CellComplex, bit_set
from theory.landscape.nnls import dot
from theory.landscape.sublevel import sublevel, thin
from theory.problem import Problem, example


@given(problems(), st.integers(1, 3), st.none() | st.fractions(0, 20))
def test_low_cells_and_cover(problem: Problem, width: int, level: Fraction | None) -> None:
    complex_ = CellComplex(problem, width)
    if complex_.cells > 3000:
        return
    values = {
        cell: complex_.minimum(cell).value
        for cell in combinations_with_replacement(range(complex_.states), width)
    }
    assert len(values) == complex_.cells
    result = sublevel(complex_, level)
    assert result.level == (min(values.values()) if level is None else level)
    assert set(result.low) == {cell for cell, value in values.items() if value <= result.level}
    assert all(result.low[cell].value == values[cell] for cell in result.low)
    for cover in (result.cover, thin(complex_, result.cover, exempt=result.low)):
        assert all(dual.bound > result.level for dual in cover)
        for cell in values.keys() - result.low.keys():
            assert any(not dual.reaches & bit_set(cell) for dual in cover)


@given(problems(), st.integers(1, 2))
def test_a_dual_bounds_what_it_covers(problem: Problem, width: int) -> None:
    complex_ = CellComplex(problem, width)
    columns = complex_.least_squares.columns
    for dual in sublevel(complex_).cover:
        positive = {c for c, column in enumerate(columns) if dot(column, dual.vector) > 0}
        assert dual.positive == bit_set(positive)
        product = dot(dual.vector, complex_.least_squares.y)
        assert dual.bound <= Fraction(product**2, 2 * dot(dual.vector, dual.vector))
        for state in range(complex_.states):
            hit = not positive.isdisjoint(complex_.state_columns[state])
            assert bool(dual.reaches >> state & 1) == hit
            if not hit:
                assert complex_.minimum((state,) * width).value >= dual.bound


def test_thinning_leaves_no_more() -> None:
    complex_ = CellComplex(example("flagship"), 2)
    found = sublevel(complex_)
    assert len(thin(complex_, found.cover, exempt=found.low)) <= len(found.cover)


def test_interrupted_search_says_what_it_knows() -> None:
    def stop(solved: int) -> None:
        if solved > 10:
            raise Interrupted

    with pytest.raises(Interrupted, match="the minimum is at most"):
        sublevel(CellComplex(example("flagship"), 2), None, stop)
