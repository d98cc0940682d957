"""Radii and landscapes inside balls are computed in different ways, and agree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory import Problem, analyse
from theory.radii import least_radii
from theory.within import Ball

SMALL = Fraction(1, 1000)


def zero_loss(n: int, m: int, seed: int) -> Problem:
    problem, _ = planted(n, 2, m, seed, entries=3)
    assume(any(problem.y))
    return problem


@given(st.integers(2, 4), st.integers(1, 2), st.integers(0, 10**6))
def test_adamw_reaches_zero_loss_exactly_at_its_radius(n: int, m: int, seed: int) -> None:
    problem = zero_loss(n, m, seed)
    found = least_radii(analyse(problem, m), ["adamw"])
    values = sorted(component["adamw"].lower for component in found.components)
    assert analyse(problem, m, within=Ball("adamw", values[0] * (1 - SMALL))).minimum > 0
    # As the ball grows to each radius in turn, one component more is reached.
    for value in values:
        reached = sum(other <= value for other in values)
        assert analyse(problem, m, within=Ball("adamw", value)).minimum == 0
        # Inside the ball a component may still be in several pieces.
        assert len(analyse(problem, m, within=Ball("adamw", value)).components) >= reached


@part(4)
@given(
    st.integers(2, 4),
    st.integers(1, 2),
    st.integers(0, 10**6),
    st.sampled_from(["muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "ngd-adamw"]),
)
def test_other_balls_reach_zero_loss_at_their_radius(n: int, m: int, seed: int, ball: str) -> None:
    problem = zero_loss(n, m, seed)
    found = least_radii(analyse(problem, m), [ball])
    least = min((component[ball] for component in found.components), key=lambda r: r.upper)
    below = analyse(problem, m, within=Ball(ball, least.lower * (1 - SMALL)))
    above = analyse(problem, m, within=Ball(ball, least.upper * (1 + SMALL)))
    assert below.proved > 0
    assert float(above.minimum) == pytest.approx(0, abs=1e-6)
