"""One exact solution for many cells: each cell gets the minimum it would have had by itself."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted

from theory.errors import Interrupted
from theory.landscape.cells import CellComplex
from theory.landscape.domain import Polyhedral
from theory.landscape.optima import Multisets, Optimum, optima
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball


def solved(complex_: CellComplex) -> list[Optimum]:
    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    return list(optima(domain, complex_.groups, complex_.width))


@given(kinds=st.integers(1, 7), size=st.integers(1, 5))
def test_multisets_are_numbered(kinds: int, size: int) -> None:
    multisets = Multisets(kinds, size)
    assert multisets.count == comb(kinds + size - 1, size)
    found = [multisets.at(rank) for rank in range(multisets.count)]
    assert sorted(found) == list(combinations_with_replacement(range(kinds), size))
    assert [multisets.rank(each) for each in found] == list(range(multisets.count))


@given(
    problem=problems(activations=ACTIVATIONS, n=(1, 4), d=(1, 2)),
    width=st.integers(1, 3),
    rho=st.sampled_from([None, Fraction(1, 2), Fraction(3)]),
    free=st.booleans(),
)
def test_every_cell_is_served_and_has_that_minimum(
    problem: Problem, width: int, rho: Fraction | None, free: bool
) -> None:
    """With free biases too, of which neurons in a ball may have any multiple."""
    within = None if rho is None else Ball("adamw", rho)
    if free:
        width, problem = min(width, 2), problem.with_bias("free")
    complex_ = CellComplex.of(problem, width, within=within)
    served: set[tuple[int, ...]] = set()
    for optimum in solved(complex_):
        for states in product(*optimum.states):
            cell = tuple(sorted(states))
            assert complex_.minimum(cell).value == optimum.value
            served.add(cell)
    assert len(served) == complex_.count


@pytest.mark.parametrize("rho", [None, "2"])
def test_fewer_are_solved_than_there_are_cells(rho: str | None) -> None:
    complex_ = CellComplex.of(
        planted(6, 2, 2, 0)[0], 2, within=None if rho is None else Ball("lion", rho)
    )
    assert len(solved(complex_)) < complex_.count / 2


@given(problem=problems(activations=ACTIVATIONS, n=(1, 4), d=(1, 2)), width=st.integers(1, 2))
def test_local_means_that_no_cell_around_is_lower(problem: Problem, width: int) -> None:
    """Cells that hold the columns of the support hold a point of the same fit."""
    complex_ = CellComplex.of(problem, width)
    domain = complex_.domain
    for optimum in solved(complex_):
        groups = [complex_.groups[state] for state in optimum.cell]
        parts: list[set[int]] = [set() for _ in groups]
        for neuron, column, _ in domain.shares(optimum.minimum, groups):
            parts[neuron].add(column)
        around = [
            [s for s, group in enumerate(complex_.groups) if part <= set(group)] for part in parts
        ]
        lowest = min(complex_.minimum(tuple(sorted(cell))).value for cell in product(*around))
        assert optimum.local == (lowest == optimum.value)
        assert lowest <= optimum.value


def test_an_interrupt_leaves_at_once() -> None:
    complex_ = CellComplex.of(planted(5, 2, 2, 1)[0], 2)

    def stop(served: int) -> None:
        raise Interrupted

    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    with pytest.raises(Interrupted, match="^interrupted$"):
        next(optima(domain, complex_.groups, 2, stop))
