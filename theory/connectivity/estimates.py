"""Critical radii in balls that are no polytopes, in floating point: good guesses, nothing proved.

They say at which rho to look; `width_profile` and `analyse` decide what holds there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from theory.cone_program import ConeProgram
from theory.connectivity.critical_radii import RadiusInterval, intervals_of, radius_intervals
from theory.errors import InputError
from theory.exact import dot
from theory.gauges import Gauge, gauge_of
from theory.geometry import geometry
from theory.landscape import DEFAULT_MAX_CELLS
from theory.landscape.cells import CellComplex
from theory.landscape.domain import Group
from theory.landscape.nnls import LeastSquares
from theory.losses import Squared
from theory.problem import Problem
from theory.radii.least_gauge import least
from theory.states import cone_of, sign_of, state_of
from theory.types import Progress, silent
from theory.units import Units
from theory.within import Ball

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
    gauge = gauge_of(geometry(optimizer).ball)
    if gauge.exact:
        raise InputError("optimizer", f"{optimizer} has exact intervals")
    complex_ = CellComplex.of(
        problem, width, labelled=True, within=Ball(optimizer, 1), max_cells=max_cells
    )
    return intervals_of(complex_, _EstimatedRadii(complex_, gauge).of, progress)


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
    """Critical radii of cells and faces, given the rays of each neuron; each solved once."""

    def __init__(self, complex_: CellComplex, gauge: Gauge) -> None:
        problem, domain = complex_.problem, complex_.domain
        self._gauge = gauge
        self._d = problem.d
        X, _, y, _ = problem.integer_form()
        # Data of size one, as the solver's tolerances are absolute.
        units = Units.of(problem, Squared())
        data, self._unit = units.problem(problem), units.y / units.x
        self._y = np.array(data.y, dtype=float)
        cones = range(len(complex_.arrangement))
        generators = sorted({g for cone in cones for g in domain.cone(cone)})
        rays = {g: [int(v) for v in domain.vector(g)] for g in generators}
        self._rays = {g: np.array(ray, dtype=float) for g, ray in rays.items()}
        floats = np.array(data.X, dtype=float)
        activation = problem.activation
        self._images = {g: activation.at(floats @ ray) for g, ray in self._rays.items()}
        # Most faces hold no exact fit, whatever the radius: that is decided exactly, and faster.
        images = {g: [activation.value(dot(row, ray)) for row in X] for g, ray in rays.items()}
        signed = {
            state_of(g, sign): [sign * v for v in image]
            for g, image in images.items()
            if any(image)
            for sign in (1, -1)
        }
        self._place = {column: place for place, column in enumerate(signed)}
        table = np.array(list(signed.values()), dtype=object).reshape(-1, problem.n)
        self._cones = LeastSquares(table, y)
        self._known: dict[tuple[Group, ...], Fraction | None] = {}
        self._values: list[float] = []

    def of(self, groups: Sequence[Group]) -> Fraction | None:
        """The least rho for an exact fit; None where the solver finds none."""
        # Neurons of one cone that share the ball are best merged.
        kept = {group for group in groups if group} if self._gauge.summed else groups
        key = tuple(sorted(kept))
        if key not in self._known:
            self._known[key] = self._equal(self._solve(key))
        return self._known[key]

    def _solve(self, groups: tuple[Group, ...]) -> float:
        if not self._y.any():
            return 0.0
        columns = {self._place[c] for group in groups for c in group if c in self._place}
        if self._cones.minimum(tuple(sorted(columns))).value:
            return math.inf
        size = max(map(len, groups))
        n, d = len(self._y), self._d
        rays, images = np.zeros((d, len(groups) * size)), np.zeros((n, len(groups) * size))
        for place, group in enumerate(groups):
            for i, column in enumerate(group, start=place * size):
                generator = cone_of(column)
                ray = self._rays[generator]
                length = np.linalg.norm(ray)
                rays[:, i] = ray / length
                images[:, i] = sign_of(column) * self._images[generator] / length
        return _compiled(self._gauge, len(groups), size, n, d).solve(rays, images, self._y)

    def _equal(self, radius: float) -> Fraction | None:
        """One value for all that are nearly the same."""
        if not math.isfinite(radius):
            return None
        for value in self._values:
            if abs(radius - value) <= _SAME * value:
                return Fraction(value) * self._unit
        self._values.append(radius)
        return Fraction(radius) * self._unit


class _Compiled:
    """The program for all faces of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: Gauge, m: int, size: int, n: int, d: int) -> None:
        import cvxpy

        cp: Any = cvxpy
        z = cp.Variable(m * size, nonneg=True)
        self._rays = cp.Parameter((d, m * size))
        self._images = cp.Parameter((n, m * size))
        self._y = cp.Parameter(n)
        blocks = [slice(j * size, (j + 1) * size) for j in range(m)]
        U = cp.vstack([self._rays[:, block] @ z[block] for block in blocks]).T
        rho, ball = least(gauge, U)
        self._rho: Any = rho
        constraints = [self._images @ z == self._y, *ball.constraints]
        self._program = ConeProgram(cp.Problem(cp.Minimize(rho), constraints))

    def solve(
        self,
        rays: Float[np.ndarray, "d k"],
        images: Float[np.ndarray, "n k"],
        y: Float[np.ndarray, " n"],
    ) -> float:
        """The least rho; infinity where there is none, or the solver fails."""
        self._rays.value, self._images.value, self._y.value = rays, images, y
        return float(self._rho.value) if self._program.solve() else math.inf


@lru_cache(maxsize=64)
def _compiled(gauge: Gauge, m: int, size: int, n: int, d: int) -> _Compiled:
    return _Compiled(gauge, m, size, n, d)
