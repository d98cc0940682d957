"""The least loss of one width, with its cover, against the search for sublevel sets."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted

from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.landscape.sublevel import sublevel
from theory.strategies import problems
from theory.within import Ball


def complexes(problem, width, optimizer=None, rho=None):
    within = None if optimizer is None else Ball(optimizer, rho)
    return CellComplex.of(problem, width, within=within)


def require_proved(found):
    """Every multiset of states is covered by a dual vector that proves the lower end."""
    from itertools import combinations_with_replacement

    complex_ = found.complex
    if found.lower == 0:
        assert found.cover == ()
        return
    level = complex_.scaled_level(found.lower)
    for cover in found.cover:
        proof = complex_.domain.proof(cover.proof.dual, level, strict=False)
        assert proof.limit <= cover.limit
    for cell in combinations_with_replacement(range(complex_.states), complex_.width):
        assert any(cover.left(cell) >= 0 for cover in found.cover)


@given(problems(max_denominator=4), st.integers(1, 3))
def test_without_a_ball_it_is_the_exact_minimum(problem, width):
    complex_ = complexes(problem, width)
    found = least(complex_)
    assert found.lower == found.value == complex_.loss_of(sublevel(complex_).level)
    assert found.network.loss(problem) == found.value
    require_proved(found)


@given(
    problems(),
    st.integers(1, 3),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
)
def test_in_the_entrywise_ball_it_is_the_exact_minimum(problem, width, rho):
    complex_ = complexes(problem, width, "adamw", rho)
    found = least(complex_)
    assert found.lower == found.value == complex_.loss_of(sublevel(complex_).level)
    assert found.network.loss(problem) == found.value
    assert complex_.domain.norm([u for _, u in found.network.convex_coordinates()]) <= rho
    require_proved(found)


@pytest.mark.parametrize(
    "name", ["muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_in_other_balls_the_interval_holds_the_minimum(name, seed):
    problem, _ = planted(4, 2, 2, seed)
    complex_ = complexes(problem, 2, name, Fraction(1, 2))
    found = least(complex_)
    level = complex_.loss_of(sublevel(complex_).level)
    assert 0 < found.lower <= found.value <= found.lower * (1 + Fraction(1, 10**6))
    assert found.lower <= level
    assert float(level) == pytest.approx(float(found.value), rel=1e-6)
    assert found.network.loss(problem) <= found.value
    require_proved(found)


@pytest.mark.parametrize("name", ["adamw", "ngd"])
def test_any_start_gives_the_same_minimum(name):
    problem, _ = planted(5, 2, 2, 3)
    complex_ = complexes(problem, 2, name, Fraction(1, 2))
    best = least(complex_)
    for start in (best.cell, (0, 0), (complex_.states - 1, 0)):
        found = least(complexes(problem, 2, name, Fraction(1, 2)), start)
        assert float(found.value) == pytest.approx(float(best.value), rel=1e-8)


def test_where_the_start_fits_exactly_nothing_else_is_looked_at():
    problem, network = planted(4, 2, 2, 0)
    complex_ = complexes(problem, 2)
    found = least(complex_, complex_.cell_of(network))
    assert found.value == found.lower == 0
    assert complex_.domain.solved() == 1
