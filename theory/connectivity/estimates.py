"""Critical radii in balls that are no polytopes, in floating point: good guesses, nothing proved.

They say at which rho to look; `width_profile` and `analyse` decide what holds there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from theory.connectivity.critical_radii import RadiusInterval, intervals_of, radius_intervals
from theory.errors import InputError
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape import DEFAULT_MAX_CELLS
from theory.landscape.cells import CellComplex
from theory.landscape.conic import ConvexBall
from theory.landscape.domain import Domain, Group
from theory.losses import SQUARED
from theory.problem import Problem
from theory.types import Progress, silent
from theory.units import Units
from theory.within import Ball, require_decayed

_SAME = 1e-6  # relative; radii as near as this are taken for equal


def estimated_intervals(
    problem: Problem,
    optimizer: str,
    width: int,
    *,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = silent,
) -> tuple[RadiusInterval, ...]:
    """Like `radius_intervals`, in balls that are no polytopes; not exact, and not proved."""
    if problem.loss.fits:  # at the targets only, as the squared one
        problem = replace(problem, loss=SQUARED)
    problem.require_plain("estimates of radii are")
    gauge = gauge_of(geometry(optimizer).ball)
    if gauge.exact:
        raise InputError("optimizer", f"{optimizer} has exact intervals")
    require_decayed(problem, Ball(optimizer, 1), "intervals of radii are")
    # Radii in units in which the data are of size one, as the solver's tolerances are absolute.
    units = Units.of(problem)
    ball = Ball(optimizer, units.y / units.x)
    complex_ = CellComplex.of(problem, width, labelled=True, within=ball, max_cells=max_cells)
    return intervals_of(complex_, _EstimatedRadii(complex_.domain, ball.rho).of, progress)


def intervals(
    problem: Problem,
    optimizer: str,
    width: int,
    *,
    progress: Progress = silent,
) -> tuple[RadiusInterval, ...]:
    """`radius_intervals` where the ball is a polytope, `estimated_intervals` in the others."""
    exact = gauge_of(geometry(optimizer).ball).exact
    return (radius_intervals if exact else estimated_intervals)(
        problem, optimizer, width, progress=progress
    )


class _EstimatedRadii:
    """Critical radii of cells and faces, by the columns of their neurons; each solved once."""

    def __init__(self, domain: Domain, unit: Fraction) -> None:
        assert isinstance(domain, ConvexBall)
        self._domain = domain
        self._unit = unit  # the radius of its ball
        self._known: dict[tuple[Group, ...], Fraction | None] = {}
        self._values: list[float] = []

    def of(self, groups: Sequence[Group]) -> Fraction | None:
        """The least rho for an exact fit; None where the solver finds none."""
        key = self._domain.used(groups)
        if key not in self._known:
            self._known[key] = self._equal(self._domain.least_radius(key))
        return self._known[key]

    def _equal(self, radius: float) -> Fraction | None:
        """One value for all that are nearly the same; radius: in units."""
        if not math.isfinite(radius):
            return None
        for value in self._values:
            if abs(radius - value) <= _SAME * value:
                return Fraction(value) * self._unit
        self._values.append(radius)
        return Fraction(radius) * self._unit
