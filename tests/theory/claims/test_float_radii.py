"""Radii and components of balls from all cells and faces, beside those of the theory."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given

from theory.claims.float_landscape import fitting_cells
from theory.claims.float_radii import EntrywiseFits, float_radius
from theory.connectivity import radius_intervals
from theory.landscape import analyse
from theory.loading import example
from theory.problem import Problem
from theory.radii import least_radii
from theory.regions import optimizer_regions
from theory.strategies import problems


@given(problems(n=(1, 2), d=(1, 2)))
def test_components_at_every_radius(problem: Problem) -> None:
    fits = EntrywiseFits(problem, 2)
    for each in radius_intervals(problem, "adamw", 2):
        end = 2 * each.lower + 1 if each.upper is None else each.upper
        for rho in (each.lower, (each.lower + end) / 2):
            for labelled, count in (
                (False, each.components),
                (True, each.components_labelled),
            ):
                assert fits.components(float(rho), labelled=labelled) == count


def test_an_interval_and_where_components_meet() -> None:
    fits = EntrywiseFits(example("non-monotone"), 3)
    assert fits.interval(0.5) == pytest.approx((2 / 5, 2 / 3))
    assert fits.interval(1.0) == pytest.approx((2 / 3, math.inf))
    assert fits.interval(0.1) == pytest.approx((0, 1 / 3))
    assert fits.joined_from(0.5) == pytest.approx(2 / 3)
    assert fits.joined_from(1.0) == math.inf


@pytest.mark.parametrize(
    "optimizer", ["adamw", "muon", "ngd", "colnorm", "muon-adamw", "adamw-ngd", "ngd-adamw"]
)
def test_least_radii(optimizer: str) -> None:
    problem = example("flagship")
    found = least_radii(analyse(problem, 2), [optimizer])
    least = min(component[optimizer].upper for component in found.components)
    value = float_radius(problem, *fitting_cells(problem, 2), optimizer)
    assert value == pytest.approx(float(least), rel=1e-6)


def test_inside_the_ball_of_another() -> None:
    problem = example("two-regions")
    least = optimizer_regions(problem, ("adamw", "muon"), 2).meet(Fraction(3, 5))
    value = float_radius(
        problem, *fitting_cells(problem, 2), "muon", within=("adamw", Fraction(3, 5))
    )
    assert value == pytest.approx(float(least.upper), rel=1e-6)
    cells = fitting_cells(problem, 2)
    assert float_radius(problem, *cells, "muon", within=("adamw", Fraction(1, 5))) == math.inf


def test_no_fit_has_no_radius() -> None:
    problem = Problem(X=[[1], [1]], y=[1, 2])
    cones, cells = fitting_cells(problem, 1)
    assert cells == []
    assert float_radius(problem, cones, [(0,), (2,)], "adamw") == math.inf
