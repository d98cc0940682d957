"""Fewer neurons: every step stays in the set and in one cell, and the last has few neurons."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.arrangement import arrangement
from theory.connectivity import SolutionSet, largest_mass
from theory.connectivity.reduction import _blocks, _to_corners, exchange_of, reductions
from theory.connectivity.theorems import rank_of_columns
from theory.exact import independent, transposed
from theory.network import Network
from theory.strategies import minimiser_pairs, solution_pairs


def require_segments(solutions: SolutionSet, points: list[Any]) -> None:
    for point in points:
        assert not solutions.violation(point)
    for before, after in pairwise(points):
        for old, new in zip(before, after, strict=True):
            assert old.sign == new.sign or old.blank or new.blank
            for row in solutions.problem.X:
                sides = [sum(x * v for x, v in zip(row, n.u, strict=True)) for n in (old, new)]
                assert sides[0] * sides[1] >= 0


def independent_columns(solutions: SolutionSet, point: Any) -> bool:
    """Whether no neuron can go without new ones, where they share what they may use."""
    active = [neuron for neuron in point if not neuron.blank]
    columns = exchange_of(solutions, active)[2].columns
    rows = transposed(columns, len(columns[0])) if columns else []
    return len(independent(rows, len(columns))) == len(columns) if columns else True


@pytest.mark.parametrize(
    "optimizer",
    [
        "adamw",
        "muon",
        "muon-adamw",
        "ngd",
        "colnorm",
        "colnorm-ngd",
        "ngd-adamw",
        "adamw-ngd",
        "sgd",
    ],
)
@given(data=st.data())
def test_every_reduction_stays_in_the_set(optimizer: str, data: st.DataObject) -> None:
    solutions, first, _ = data.draw(solution_pairs(optimizer, width=(1, 7)))
    point = solutions.prepared(solutions.coordinates(first))
    found = list(reductions(solutions, point))
    assert len(found) >= 2
    for points in found:
        require_segments(solutions, [point, *points])
        if solutions.summed:
            assert independent_columns(solutions, points[-1])
    blocks = _blocks(point, arrangement(solutions.problem.X))
    if solutions.summed:  # merged: one neuron for each block at most
        assert sum(not n.blank for n in found[1][0]) <= len(blocks)


def test_corners_of_an_entrywise_ball_take_as_few_neurons_as_the_proof_says() -> None:
    reduced: Counter[bool] = Counter()

    @given(minimiser_pairs())
    def few(pair: tuple[SolutionSet, Network, Network]) -> None:
        solutions, first, _ = pair
        point = solutions.prepared(solutions.coordinates(first))
        arranged = arrangement(solutions.problem.X)
        points = _to_corners(solutions, point, _blocks(point, arranged), arranged)
        if points is None:
            assert all(neuron.blank for neuron in point)
            reduced[False] += 1
            return
        require_segments(solutions, [point, *points])
        mass = largest_mass(solutions.problem, solutions.within.rho)
        most = floor(mass) + rank_of_columns(solutions.problem)
        left = sum(not neuron.blank for neuron in points[-1])
        assert left <= most
        reduced[left < sum(not neuron.blank for neuron in point)] += 1

    few()
    assert reduced[True] >= 3, reduced
