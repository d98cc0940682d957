"""Two independent computations of the components and barriers agree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted

from theory.claims.float_landscape import TOLERANCE, float_landscape
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems


def agree(
    problem: Problem, width: int, level: Fraction | None = None, labelled: bool = False
) -> int:
    """Compare cells of components and all barriers; the number of components."""
    exact = analyse(problem, width, level=level, labelled=labelled)
    floats = float_landscape(problem, width, level=level, labelled=labelled)
    cells = [frozenset(component.cells) for component in exact.components]
    assert set(cells) == set(floats.components)
    order = [floats.components.index(part) for part in cells]
    barriers = np.array([[float(value) for value in row] for row in exact.barriers])
    scale = float(sum(v * v for v in problem.y)) or 1.0
    assert barriers == pytest.approx(floats.barriers[np.ix_(order, order)], abs=TOLERANCE * scale)
    assert float(exact.minimum) == pytest.approx(floats.minimum, abs=TOLERANCE * scale)
    return len(cells)


@given(problems(), st.integers(1, 2), st.booleans())
def test_at_the_minimum(problem: Problem, width: int, labelled: bool) -> None:
    agree(problem, width, labelled=labelled)


@given(problems(n=(1, 3), d=(1, 3)), st.integers(1, 3))
def test_in_more_dimensions(problem: Problem, width: int) -> None:
    if CellComplex.of(problem, width).count <= 2000:
        agree(problem, width)


@given(problems(), st.integers(1, 2), st.integers(1, 19))
def test_above_the_minimum(problem: Problem, width: int, part: int) -> None:
    least = analyse(problem, width).minimum
    highest = sum((v * v for v in problem.y), Fraction()) / 2
    # An odd denominator, so that the level hits no minimum that float arithmetic blurs.
    agree(problem, width, level=least + (highest - least) * Fraction(2 * part + 1, 41 * 43))


def test_flagship() -> None:
    assert agree(example("flagship"), 2) == 2
    assert agree(example("flagship"), 2, labelled=True) == 4


def test_where_scipy_finds_a_zero_that_is_none() -> None:
    """scipy.optimize.nnls 1.17.1 reports distance 0 on a cell whose exact minimum is 9/2."""
    assert agree(planted(4, 3, 2, seed=39, entries=2)[0], 2) >= 1
