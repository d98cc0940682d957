"""Components width by width: the known instances, the theorem's bounds, and their invariances."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory import example
from theory.connectivity import connected_from, largest_mass, width_profile
from theory.errors import BudgetError, InputError, Interrupted
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

HALF = Fraction(1, 2)
# X, y, rho, (components, labelled) at widths 1, 2, ... of exact fits, and the theorem's bound.
INSTANCES = (
    ([[-2, 1], [-2, 2]], [-1, 0], HALF, [(0, 0), (1, 1), (2, 4), (1, 1), (1, 1)], 6),
    ([[0, 2], [-2, 1]], [-1, -3], Fraction(11, 20), [(0, 0), (0, 0), (2, 4), (1, 1)], 9),
    ([[2, 1], [1, 2]], [-1, 3], Fraction(13, 10), [(0, 0), (0, 0), (2, 6), (1, 1)], 6),
    ([[-2, -1], [1, 1], [-1, -2]], [2, 0, 1], Fraction(4, 5), [(0, 0), (2, 3), (1, 1)], 7),
)


@pytest.mark.parametrize(("X", "y", "rho", "expected", "bound"), INSTANCES)
def test_known_instances(
    X: list[list[int]], y: list[int], rho: Fraction, expected: list[tuple[int, int]], bound: int
) -> None:
    profile = width_profile(Problem(X=X, y=y), Ball("adamw", rho), len(expected), level=Fraction())
    assert profile.complete
    assert [(row.components, row.components_labelled) for row in profile.rows] == expected
    assert profile.bound == bound
    assert all(row.lower == row.upper for row in profile.rows)


def test_connectivity_is_lost_at_a_larger_width() -> None:
    profile = width_profile(example("non-monotone"), Ball("lion", HALF), 4, level=Fraction())
    assert not profile.monotone
    assert profile.last_disconnected == 3
    wider = width_profile(example("non-monotone"), Ball("lion", Fraction(10)), 3, level=Fraction())
    assert wider.monotone


def test_muon_by_proved_intervals() -> None:
    problem = Problem(X=[[-1, -2], [0, 1], [-2, -1]], y=[1, 2, 3])
    profile = width_profile(problem, Ball("muon", Fraction(3)), 3)
    counts = [(row.components, row.components_labelled) for row in profile.rows]
    assert counts[1:] == [(2, 4), (1, 1)]
    assert profile.bound == 7


def test_ngd_is_isolated_at_width_n_and_connected_from_the_bound() -> None:
    profile = width_profile(Problem(X=[[1, 0], [0, 1]], y=[1, -1]), Ball("ngd", Fraction(2)), 3)
    assert [row.components_labelled for row in profile.rows[1:]] == [2, 1]
    assert profile.bound == 3


@pytest.mark.parametrize("name", ["colnorm", "muon-adamw", "adamw-ngd", "ngd-adamw"])
def test_no_bound_is_known(name: str) -> None:
    assert connected_from(example("two-points"), Ball(name, Fraction(1))) is None


def test_the_mass_in_closed_form() -> None:
    # One point in one dimension: one column, +-rho |x|, and S = |y| / (rho |x|).
    assert largest_mass(Problem(X=[[2]], y=[5]), Fraction(1, 3)) == Fraction(15, 2)
    assert largest_mass(Problem(X=[[-2]], y=[-5]), Fraction(1, 3)) == Fraction(15, 2)
    # What no neuron can reach does not count: y = (1, 1) on a zero row.
    assert largest_mass(Problem(X=[[2], [0]], y=[5, 7]), Fraction(1)) == Fraction(5, 2)
    assert largest_mass(Problem(X=[[0]], y=[3]), Fraction(1)) == 0
    assert largest_mass(Problem(X=[[1, 2]], y=[0]), Fraction(1)) == 0
    assert largest_mass(example("non-monotone"), HALF) == Fraction(10, 3)


@part(2)
@given(problems(n=(1, 3)), st.fractions(Fraction(1, 4), 3, max_denominator=4))
def test_the_mass_scales_like_one_over_rho_and_does_not_mind_the_order(
    problem: Problem, rho: Fraction
) -> None:
    mass = largest_mass(problem, rho, max_bases=10**6)
    assert largest_mass(problem, 2 * rho, max_bases=10**6) * 2 == mass
    backwards = replace(problem, X=problem.X[::-1], y=problem.y[::-1])
    assert largest_mass(backwards, rho, max_bases=10**6) == mass


def test_from_the_bound_on_it_is_connected() -> None:
    decided: Counter[int | None] = Counter()

    @part(4)
    @given(problems(n=(1, 2)), st.sampled_from([HALF, Fraction(1), Fraction(2)]))
    def connected(problem: Problem, rho: Fraction) -> None:
        bound = connected_from(problem, Ball("adamw", rho))
        if bound <= 4:  # landscapes of wider networks take long
            profile = width_profile(problem, Ball("adamw", rho), bound + 1)
            assert profile.complete
            assert all(row.connected for row in profile.rows if row.width >= bound)
        decided[bound if bound <= 4 else None] += 1

    connected()
    assert {2, 3} & decided.keys(), decided
    assert decided.total() > decided[None] + 2, decided


def test_the_order_of_the_data_and_their_scale_change_nothing() -> None:
    problem = example("non-monotone")
    scaled = Problem(X=[[3 * v for v in row] for row in problem.X[::-1]], y=problem.y[::-1])
    first = width_profile(problem, Ball("adamw", HALF), 3)
    second = width_profile(scaled, Ball("adamw", HALF / 3), 3)
    assert first.rows == second.rows
    assert first.bound == second.bound


def test_what_is_too_large_ends_the_profile_and_says_so() -> None:
    problem, _ = planted(4, 2, 2, 0)
    profile = width_profile(problem, Ball("adamw", HALF), 6, max_cells=300)
    assert not profile.complete
    assert 1 <= len(profile.rows) < 6
    assert f"width {len(profile.rows) + 1}: " in profile.reason
    with pytest.raises(BudgetError, match="sets of columns"):
        largest_mass(problem, HALF, max_bases=10)


def test_an_interrupt_keeps_the_widths_done() -> None:
    def stop(stage: str, count: int) -> None:
        if stage.startswith("width 2"):
            raise Interrupted

    profile = width_profile(example("non-monotone"), Ball("adamw", HALF), 4, progress=stop)
    assert len(profile.rows) == 1
    assert not profile.complete
    assert "interrupted" in profile.reason


@pytest.mark.parametrize(
    ("name", "rho", "width", "message"),
    [
        ("nothing", HALF, 2, "optimizer: 'nothing' is not one of"),
        ("sgd", HALF, 2, "optimizer: sgd has no norm ball"),
        ("adamw", Fraction(0), 2, "rho: 0 must be positive"),
        ("adamw", HALF, 0, "max_width: 0 must be at least 1"),
    ],
)
def test_wrong_input(name: str, rho: Fraction, width: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        width_profile(example("non-monotone"), Ball(name, rho), width)
