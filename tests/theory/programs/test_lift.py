"""Networks that attain the convex programs: inside the ball, exactly, and of few neurons."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory.arrangement import arrangement
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.network import Network
from theory.problem import Problem
from theory.programs import relax, solve
from theory.programs.lift import Lift
from theory.programs.networks import Neurons
from theory.programs.solve import MAX_PATTERNS
from theory.strategies import problems
from theory.within import Ball

BALLS = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
# Every neuron has room of its own.
COUNTED = ("adamw", "muon-adamw", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw")


def require_inside(network: Network, name: str, rho: Fraction) -> None:
    gauge = gauge_of(geometry(name).ball)
    size = gauge.hidden.squared(network.neurons()) * gauge.output_squared(network.a)
    assert size <= rho**2 * (1 + Fraction(1, 10**9))


@part(4)
@given(
    problems(n=(1, 3), max_denominator=4),
    st.sampled_from(BALLS),
    st.integers(1, 3),
    st.fractions(Fraction(1, 4), 3, max_denominator=4),
)
def test_the_sandwich(problem: Problem, name: str, width: int, rho: Fraction) -> None:
    """p(m + further) <= relax(m) <= p(m), by networks and bounds in rationals."""
    found = solve(problem, Ball(name, rho), width=width, max_cells=1)
    relaxed = found.relaxed
    assert relaxed.lower <= relaxed.upper
    assert relaxed.lower <= found.upper
    assert relaxed.network.loss(problem) <= relaxed.upper
    if relaxed.neurons:
        require_inside(relaxed.network, name, rho)
    # One fewer than the theorem has for spectral norms where the ball is tight: it need not be.
    q = problem.n + problem.d * (problem.d + 1) // 2
    most = {"ngd": problem.n, "muon": q, "muon-adamw": width + q - 1}
    assert relaxed.neurons <= most.get(name, width + problem.n - 1)


@pytest.mark.parametrize("name", BALLS)
def test_the_wider_network_is_no_better_than_the_optimum_of_its_width(name: str) -> None:
    problem, _ = planted(4, 2, 2, 0, entries=3)
    rho = Fraction(1, 2)
    relaxed = relax(problem, Ball(name, rho), width=1)
    wider = solve(problem, Ball(name, rho), width=max(1, relaxed.neurons))
    assert wider.lower <= relaxed.upper
    # At width 1 the relaxation is a bound of every ball that has room for one neuron only.
    assert relaxed.lower <= solve(problem, Ball(name, rho), width=1).upper


@pytest.mark.parametrize("name", COUNTED)
def test_a_whole_number_of_neurons_is_not_rounded_up(name: str) -> None:
    # One neuron of full size on each of two points: the relaxation is tight at width 2.
    problem = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
    relaxed = solve(problem, Ball(name, Fraction(1, 2)), width=2).relaxed
    assert relaxed.neurons == 2
    assert float(relaxed.upper) == pytest.approx(float(relaxed.lower))
    half = solve(problem, Ball(name, Fraction(1, 2)), width=1).relaxed
    assert half.neurons == 2


def test_split_neurons_fit_the_same() -> None:
    problem, _ = planted(5, 2, 2, 0)
    neurons = Neurons((1, -1), ((Fraction(3), Fraction(1)), (Fraction(-2), Fraction(5))))
    parts = neurons.split([3, 1])
    assert len(parts) == 4
    whole = Network.from_convex(list(zip(neurons.signs, neurons.u, strict=True)))
    split = Network.from_convex(list(zip(parts.signs, parts.u, strict=True)))
    assert whole.fit(problem) == split.fit(problem)


@pytest.mark.parametrize(
    ("name", "n", "d", "helps"),
    [
        ("adamw", 14, 3, True),
        ("muon-adamw", 12, 2, True),
        ("colnorm", 12, 2, False),
        ("muon", 12, 2, False),
    ],
)
def test_local_search_helps_where_there_are_too_many_cells(
    name: str, n: int, d: int, helps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, _ = planted(n, d, 6, 2)
    ball = Ball(name, "1/4")
    found = solve(problem, ball, width=3, max_cells=1)
    assert found.cells is None
    require_inside(found.network, name, Fraction(1, 4))
    assert found.neurons <= 3
    monkeypatch.setattr(Lift, "improved", lambda lift, found: lift.narrow)
    narrow = solve(problem, ball, width=3, max_cells=1).upper
    assert found.upper <= narrow
    assert not helps or float(found.upper) < float(narrow) * (1 - 1e-4)


@pytest.mark.parametrize("max_cells", [0, 1])
def test_networks_are_looked_for_without_cells(max_cells: int) -> None:
    """And not for the convex program alone."""
    problem, _ = planted(14, 3, 6, 2)
    ball = Ball("adamw", "1/4")
    found = solve(problem, ball, width=3, max_cells=max_cells)
    assert found.cells is None
    assert found.upper < found.lower * (1 + Fraction(1, 100))
    relaxed = relax(problem, ball, width=3)
    assert (relaxed.lower, relaxed.upper) == (found.relaxed.lower, found.relaxed.upper)


@pytest.mark.parametrize("name", BALLS)
def test_patterns_that_are_searched_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, _ = planted(24, 3, 4, 0, entries=9)
    ball = Ball(name, "1/3")
    assert len(arrangement(problem.X)) <= MAX_PATTERNS
    whole = relax(problem, ball, width=3)
    covered = solve(problem, ball, width=3, max_cells=1, max_patterns=40)
    assert covered.whole  # from a pool, but proved of all patterns
    assert float(covered.relaxed.upper) == pytest.approx(float(whole.upper), rel=1e-6)
    assert float(covered.relaxed.lower) == pytest.approx(float(whole.lower), rel=1e-6)
    monkeypatch.setattr(sys.modules["theory.programs.solve"], "MAX_DIMENSION", 0)
    part = solve(problem, ball, width=3, max_cells=1, max_patterns=40)
    assert not part.whole
    # Fewer patterns have a larger optimum, by a little only, and the same gap.
    assert float(part.relaxed.upper) >= float(whole.lower)
    assert float(part.relaxed.upper) == pytest.approx(float(whole.upper), rel=1e-2)
    assert float(part.relaxed.upper) == pytest.approx(float(part.relaxed.lower), rel=1e-5)


@pytest.mark.parametrize("name", BALLS)
def test_patterns_are_searched_for_where_there_is_nothing_to_fit(name: str) -> None:
    problem, _ = planted(24, 3, 4, 0, entries=9)
    nothing = Problem(X=problem.X, y=[0] * 24)
    found = solve(nothing, Ball(name, Fraction(1)), width=2, max_patterns=5)
    assert found.whole  # no loss is below zero
    assert found.lower == 0
    assert found.upper < 1e-12
    blind = Problem(X=[[0, 0]] * 24, y=[1] * 24)
    unmoved = solve(blind, Ball(name, Fraction(1)), width=2, max_patterns=5)
    assert float(unmoved.lower) == pytest.approx(12)
    assert float(unmoved.upper) == pytest.approx(12)


def test_the_sizes_of_neurons_sum_to_the_gauge() -> None:
    u = ((Fraction(3), Fraction(-4)), (Fraction(1), Fraction(2)))
    assert gauge_of(geometry("lion").ball).hidden.sizes(u) == [4, 2]
    lengths = [5, math.sqrt(5)]
    assert np.allclose([float(v) for v in gauge_of(geometry("ngd").ball).hidden.sizes(u)], lengths)
    total = float(sum(gauge_of(geometry("muon-adamw").ball).hidden.sizes(u)))
    U = np.array([[float(v) for v in row] for row in u]).T
    assert total == pytest.approx(float(geometry("muon").gauge(U).upper), rel=1e-9)
