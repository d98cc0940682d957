"""Valleys by brute force in floats: known bars, every ball, agreement with exact trees."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.claims.float_valleys import bars, float_bars, least_loss_in_ball
from theory.landscape.cells import Cell
from theory.landscape.valleys import valleys
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

TWO = Problem([[1], [-1]], [2, 1])


def test_of_two_valleys_the_deeper_one_goes_on() -> None:
    values: dict[Cell, float] = {(0,): 1.0, (1,): 0.0, (2,): 2.0}
    faces: dict[tuple[Cell, Cell], float] = {((0,), (1,)): 3.0, ((1,), (2,)): 2.0}
    assert sorted(bars(values, faces)) == [(0.0, math.inf), (1.0, 3.0), (2.0, 2.0)]


@pytest.mark.parametrize(
    ("optimizer", "least"),
    [
        ("adamw", 1.25),  # one half on each side
        ("colnorm", 1.25),
        ("muon-adamw", (math.sqrt(5) - 0.5) ** 2 / 2),  # in the direction of y
        ("ngd", 1.625),  # all of it on one side
        ("muon", 1.625),
    ],
)
def test_each_ball_is_the_right_one(optimizer: str, least: float) -> None:
    measure = least_loss_in_ball(TWO, optimizer, 0.5)
    assert measure(((1, (1, -1)), (1, (-1, 1)))) == pytest.approx(least, abs=1e-7)
    assert measure(()) == 2.5


@given(
    problem=problems(n=(1, 3), d=(1, 2)),
    width=st.integers(1, 2),
    optimizer=st.sampled_from(["adamw", "colnorm", "muon-adamw", "muon", "ngd"]),
)
@part(4)
def test_trees_agree(problem: Problem, width: int, optimizer: str) -> None:
    scale = float(problem.squared_length) or 1.0
    tree = valleys(problem, width, within=Ball(optimizer, 1), min_depth="1/1000000")
    found = float_bars(problem, width, optimizer, 1.0)
    for valley in tree.valleys:
        birth, death = float(valley.birth), float(valley.death or 0) or math.inf
        if death - birth > 1e-5 * scale:
            nearest = min(abs(b - birth) + (0 if d == death else abs(d - death)) for b, d in found)
            assert nearest < 1e-5 * scale
    deep = [bar for bar in found if bar[1] - bar[0] > 1e-5 * scale]
    assert len(deep) <= len(tree.valleys)
