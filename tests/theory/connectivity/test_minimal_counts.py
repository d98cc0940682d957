"""Minimal counts of neurons: complete, minimal, and the width they prove."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory import example
from theory.connectivity import connected_from, minimal_counts, width_profile
from theory.connectivity.theorems import attainable
from theory.errors import BudgetError, InputError
from theory.landscape.cells import CellComplex
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball, Penalty

HALF = Fraction(1, 2)

# Shipped problem, rho, V, the largest join, the bottleneck, and the last width that is split.
KNOWN = (
    ("non-monotone", HALF, 3, 5, 4, 3),
    ("non-monotone", Fraction(4, 11), 5, 9, 6, 5),
    ("non-monotone-2", Fraction(6, 5), 3, 5, 4, 3),
    ("split-by-adamw-2", Fraction(13, 10), 3, 6, 4, 3),
)


def feasible(problem: Problem, cell: tuple[int, ...], rho: Fraction) -> bool:
    """By the landscape: whether a network of these states in the ball fits exactly."""
    complex_ = CellComplex.of(problem, len(cell), within=Ball("adamw", rho))
    return complex_.minimum(cell).value == 0


@pytest.mark.parametrize(("name", "rho", "largest", "join", "bottleneck", "split"), KNOWN)
def test_known_counts(
    name: str, rho: Fraction, largest: int, join: int, bottleneck: int, split: int
) -> None:
    found = minimal_counts(example(name), Ball("adamw", rho))
    assert (found.largest, found.largest_join, found.bottleneck_join) == (largest, join, bottleneck)
    # Sharp: the width before is not connected.
    assert found.connected_from == split + 1
    assert found.connected_from < connected_from(example(name), Ball("adamw", rho))
    row = width_profile(example(name), Ball("adamw", rho), split, level=Fraction()).rows[-1]
    assert not row.connected


def test_the_landscape_finds_the_same_minimal_counts() -> None:
    problem = example("non-monotone")
    found = minimal_counts(problem, Ball("adamw", HALF))
    for cell in found.counts:
        assert feasible(problem, cell, HALF)
        for j in range(len(cell)):
            assert not feasible(problem, (*cell[:j], *cell[j + 1 :]), HALF)
    states = CellComplex.of(problem, 1, within=Ball("adamw", HALF)).states
    for cell in combinations_with_replacement(range(states), 3):
        above = any(Counter(cell) >= Counter(k) for k in found.counts)
        assert feasible(problem, cell, HALF) == above


def test_what_they_prove_connected_is_connected() -> None:
    proofs: Counter[str] = Counter()

    @part(2)
    @given(problems(n=(1, 2)), st.sampled_from([HALF, Fraction(1), Fraction(2)]))
    def connected(problem: Problem, rho: Fraction) -> None:
        try:
            proved = minimal_counts(problem, Ball("adamw", rho), max_counts=3000).connected_from
        except BudgetError:
            proofs["none"] += 1
            return
        if proved > 4:  # landscapes of wider networks take long
            proofs["wide"] += 1
            return
        rows = width_profile(problem, Ball("adamw", rho), min(proved + 1, 4)).rows
        assert all(row.connected for row in rows[proved - 1 :])
        best = attainable(problem).y
        least = sum((a - b) ** 2 for a, b in zip(problem.y, best, strict=True)) / 2
        assert rows[proved - 1].upper == least
        proofs["from the second width on" if proved > 1 else "from the first"] += 1

    connected()
    assert proofs["from the second width on"] >= 2, proofs
    assert proofs["from the second width on"] + proofs["from the first"] > proofs.total() / 2


def test_the_attainable_targets() -> None:
    problem = Problem(X=[[1, 0], [2, 0], [0, 0]], y=[1, 2, 5])
    assert attainable(problem).y == (1, 2, 0)
    assert attainable(Problem(X=[[0]], y=[3])).y == (0,)
    # No neuron is needed for a fit of zero.
    nothing = minimal_counts(Problem(X=[[0]], y=[3]), Ball("adamw", HALF))
    assert (nothing.counts, nothing.connected_from) == (((),), 1)


def test_wrong_input_and_limits() -> None:
    with pytest.raises(InputError, match="in the colnorm ball rho = 1/2 no complete list"):
        minimal_counts(example("non-monotone"), Ball("colnorm", HALF))
    with pytest.raises(BudgetError, match="counts of neurons"):
        minimal_counts(example("non-monotone"), Ball("adamw", HALF), max_counts=10)
    profile = width_profile(example("non-monotone"), Ball("adamw", HALF), 1, max_counts=10)
    assert profile.bound_from_counts is None
    assert profile.complete


@pytest.mark.parametrize("within", ["adamw", None, Penalty(1)])
def test_counts_are_those_of_a_ball(within: Any) -> None:
    with pytest.raises(InputError, match="^within: is .*, but must be such as Ball"):
        minimal_counts(example("flagship"), within)


@pytest.mark.parametrize("within", ["adamw", None])
def test_a_bound_is_that_of_a_ball_or_a_penalty(within: Any) -> None:
    with pytest.raises(InputError, match="^within: is .*, but must be such as Ball.* or Penalty"):
        connected_from(example("flagship"), within)
