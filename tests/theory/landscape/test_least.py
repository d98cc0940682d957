"""The least loss of one width, with its cover, against the search for sublevel sets."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted

from theory.landscape.cells import CellComplex
from theory.landscape.least import Least, least
from theory.landscape.sublevel import sublevel
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball


def complexes(
    problem: Problem, width: int, optimizer: str | None = None, rho: Fraction | None = None
) -> CellComplex:
    within = None if optimizer is None else Ball(optimizer, rho)
    return CellComplex.of(problem, width, within=within)


def require_proved(found: Least) -> bool:
    """Every multiset of states is covered by a dual vector that proves the lower end.

    Returns whether that takes one: zero is below every loss.
    """
    complex_ = found.complex
    if found.lower == 0:
        assert found.cover == ()
        return False
    level = complex_.scaled_level(found.lower)
    for cover in found.cover:
        proof = complex_.domain.proof(cover.proof.dual, level, strict=False)
        assert proof.limit <= cover.limit
    for cell in combinations_with_replacement(range(complex_.states), complex_.width):
        assert any(cover.left(cell) >= 0 for cover in found.cover)
    return True


def require_exact(complex_: CellComplex, found: Least) -> bool:
    """The minimum that the search for low cells finds. Returns whether it is positive."""
    assert found.lower == found.value == complex_.loss_of(sublevel(complex_).level)
    assert found.network.loss(complex_.problem) == found.value
    return require_proved(found)


def test_without_a_ball_it_is_the_exact_minimum() -> None:
    positive: Counter[bool] = Counter()

    @given(problems(activations=ACTIVATIONS, max_denominator=4), st.integers(1, 3))
    def exact(problem: Problem, width: int) -> None:
        complex_ = complexes(problem, width)
        positive[require_exact(complex_, least(complex_))] += 1

    exact()
    assert min(positive[True], positive[False]) >= 3, positive


def test_in_the_entrywise_ball_it_is_the_exact_minimum() -> None:
    positive: Counter[bool] = Counter()

    @given(
        problems(activations=ACTIVATIONS),
        st.integers(1, 3),
        st.fractions(Fraction(1, 4), 3, max_denominator=4),
    )
    def exact(problem: Problem, width: int, rho: Fraction) -> None:
        complex_ = complexes(problem, width, "adamw", rho)
        found = least(complex_)
        assert complex_.domain.norm([u for _, u in found.network.convex_coordinates()]) <= rho
        positive[require_exact(complex_, found)] += 1

    exact()
    assert min(positive[True], positive[False]) >= 3, positive


@pytest.mark.parametrize(
    "name", ["muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_in_other_balls_the_interval_holds_the_minimum(name: str, seed: int) -> None:
    problem, _ = planted(4, 2, 2, seed)
    complex_ = complexes(problem, 2, name, Fraction(1, 2))
    found = least(complex_)
    level = complex_.loss_of(sublevel(complex_).level)
    assert 0 < found.lower <= found.value <= found.lower * (1 + Fraction(1, 10**6))
    assert found.lower <= level
    assert float(level) == pytest.approx(float(found.value), rel=1e-6)
    assert found.network.loss(problem) <= found.value
    assert require_proved(found)


@pytest.mark.parametrize("name", ["adamw", "ngd"])
def test_any_start_gives_the_same_minimum(name: str) -> None:
    problem, _ = planted(5, 2, 2, 3)
    complex_ = complexes(problem, 2, name, Fraction(1, 2))
    best = least(complex_)
    for start in (best.cell, (0, 0), (complex_.states - 1, 0)):
        found = least(complexes(problem, 2, name, Fraction(1, 2)), start)
        assert float(found.value) == pytest.approx(float(best.value), rel=1e-8)


def test_where_the_start_fits_exactly_nothing_else_is_looked_at() -> None:
    problem, network = planted(4, 2, 2, 0)
    complex_ = complexes(problem, 2)
    found = least(complex_, complex_.cell_of(network))
    assert found.value == found.lower == 0
    assert complex_.domain.solved() == 1
