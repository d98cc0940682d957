"""What is known of faces in balls that are no polytopes without solving their programs."""

from __future__ import annotations

from fractions import Fraction
from unittest.mock import PropertyMock, patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory.exact import sqrt_above, squared
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.landscape.conic import _ROOM
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

EUCLIDEAN = ("muon", "muon-adamw", "ngd", "colnorm", "colnorm-ngd", "ngd-adamw")

balls = st.sampled_from((*EUCLIDEAN, "adamw-ngd"))
entries = st.fractions(-3, 3, max_denominator=5)
few = part(4)


@few
@given(problems(), st.integers(1, 2), balls, st.sampled_from([1, 3, 9]), st.data())
def test_bounds_of_faces(
    problem: Problem, width: int, ball: str, rho: int, data: st.DataObject
) -> None:
    complex_ = CellComplex.of(problem, width, within=Ball(ball, rho))
    bounds = complex_.bounds
    assert bounds is not None
    states = st.integers(0, complex_.states - 1)
    cell = complex_.canonical(data.draw(states) for _ in range(complex_.width))
    faces = list(complex_.faces(cell))
    found, numbers = (each.tolist() for each in bounds.of_faces(cell))
    known = [bounds.order(number) for number in numbers]
    assert [key for key, _ in known] == found
    exact = [complex_.face_minimum(cell, at, move) for at, _, move in faces]
    assert all(low[1] <= face.lower for low, face in zip(known, exact, strict=True))
    level = data.draw(st.sampled_from(exact)).lower
    left = [move for _, _, move in complex_.open_faces(cell, level)]
    assert all(
        move in left for (_, _, move), face in zip(faces, exact, strict=True) if face.lower <= level
    )


@pytest.mark.parametrize("ball", ["muon", "ngd", "colnorm"])
def test_fewer_programs_make_the_same_landscape(ball: str) -> None:
    problem, _ = planted(6, 2, 3, 3)
    found = analyse(problem, 3, within=Ball(ball, 15))
    with patch.object(CellComplex, "bounds", PropertyMock(return_value=None)):
        plain = analyse(problem, 3, within=Ball(ball, 15))
    assert len(found.components) == 3
    assert found.components == plain.components
    assert (found.barriers, found.lower_bounds) == (plain.barriers, plain.lower_bounds)
    assert found.merges == plain.merges
    assert found.cuts == plain.cuts
    assert found.complex.domain.solved() < plain.complex.domain.solved() / 2


@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(st.tuples(*[entries] * d), min_size=1, max_size=4)
    ),
    st.sampled_from(EUCLIDEAN),
)
def test_networks_as_long_as_their_neurons_together_are_in_the_ball(
    u: list[tuple[Fraction, ...]], ball: str
) -> None:
    """The triangle inequality, and what there is to spare for networks that are nearly least."""
    gauge = gauge_of(geometry(ball).ball)
    if any(map(any, u)):
        lengths = sum((sqrt_above(squared(uj)) for uj in u), Fraction())
        assert gauge.witness([1] * len(u), tuple(u))[1] <= lengths * _ROOM
