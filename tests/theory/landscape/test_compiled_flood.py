"""The compiled flood grows what the plain one does."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, LOSSES, planted, with_loss

from theory.errors import Interrupted
from theory.landscape import analyse
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.compiled_flood import CompiledFlood
from theory.landscape.flood import Flood, flood_of
from theory.problem import Problem
from theory.strategies import problems


def of(problem: Problem, width: int, *, labelled: bool = False) -> CellComplex:
    with patch("theory.landscape.cells._LARGE", 0):
        return CellComplex.of(problem, width, labelled=labelled)


def passes(flood: Flood, starts: Sequence[Cell]) -> list[Fraction]:
    """Between all cells that a flood started from."""
    return [
        max((edge.value for edge in flood.path(a, b)), default=Fraction())
        for a in starts
        for b in starts
    ]


@given(
    problems(activations=ACTIVATIONS),
    st.sampled_from(LOSSES),
    st.integers(1, 3),
    st.booleans(),
    st.data(),
)
def test_the_same_passes(
    problem: Problem, loss: str, width: int, labelled: bool, data: st.DataObject
) -> None:
    problem = with_loss(problem, loss)
    width = min(width, 2) if labelled or problem.n > 4 else width
    complex_ = of(problem, width, labelled=labelled)
    states = st.tuples(*[st.integers(0, complex_.states - 1)] * width).map(complex_.canonical)
    starts = data.draw(st.lists(states, min_size=2, max_size=5, unique=True))
    groups = [[start] for start in starts]
    compiled, plain = flood_of(complex_, groups), Flood(complex_, groups)
    assert isinstance(compiled, CompiledFlood)
    compiled.run()
    plain.run()
    assert passes(compiled, starts) == passes(plain, starts)
    for cell, edges in compiled.forest.items():
        for edge in edges:
            assert cell in (edge.cell, edge.target)
            assert edge.target == complex_.neighbour(edge.cell, edge.position, edge.move)
            face = complex_.face_minimum(edge.cell, edge.position, edge.move)
            assert edge.minimum.value == face.value


@pytest.mark.parametrize("after", [0, 1, 4, 9, 15])
def test_an_interrupt_leaves_bounds(after: int) -> None:
    """What no path leaves a fragment below is at most the pass, and the flood may go on."""
    problem, _ = planted(6, 2, 3, 3)
    whole = analyse(problem, 3)
    assert len(whole.components) > 1
    left = iter(range(after))

    def stop(cells: int) -> None:
        if next(left, None) is None:
            raise Interrupted

    flood = flood_of(
        of(problem, 3),
        [component.cells for component in whole.components],
        [link for component in whole.components for link in component.links],
    )
    assert isinstance(flood, CompiledFlood)
    with pytest.raises(Interrupted, match="^interrupted$"):
        flood.run(stop)
    for i, component in enumerate(whole.components):
        floor = flood.floor(component.cells[0])
        least = min(v for j, v in enumerate(whole.barriers[i]) if j != i and v is not None)
        assert floor is None or whole.complex.loss_of(floor) <= least
    flood.run()
    ends = [component.cells[0] for component in whole.components[:2]]
    found = max(edge.value for edge in flood.path(*ends))
    assert whole.complex.loss_of(found) == whole.barriers[0][1]
