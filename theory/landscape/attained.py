"""Which fit is the best of a cell without a ball, and whether networks of it are in the ball.

Without a ball the loss on a cell is least at one fit f, a nonnegative combination C z of the cell's
columns nearest to y: f = y where the cell has exact fits. Its networks there are the polyhedron
{z >= 0 : C z = f}, which meets the ball, a convex set, if and only if the least radius

    t = min { gauge(u(z)) : z >= 0, C z = f } = max { nu.f : nu.f(u) <= gauge(u) on the cell }

is at most rho. Floats solve this program; where t < rho a point near its solution is rounded onto
the polyhedron, where t > rho nu excludes the fit, and both are then verified exactly. Source:
`attained`, proofs_notes/landscape.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from theory.cone_program import ConeProgram
from theory.exact import dot, flint_matrix, from_flint, snapped, to_flint
from theory.gauges import Gauge, Size
from theory.landscape.domain import Group
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares, primitive

if TYPE_CHECKING:
    from jaxtyping import Float

Part: TypeAlias = tuple[int, int, Fraction]  # neuron, column, coefficient

_NEAR = (6, 12, 20, 30, 40)
"""Coefficients become the simplest fractions so many bits from them, relative to the largest: few
bits make small numbers, and find a point on the sphere if there is a simple one; many stay inside
balls that hold little else."""


class Free(NamedTuple):
    """The least loss of a cell without a ball: its value, where it is attained, and its dual.

    fit: (n,) of all networks of this loss. parts: one of them. residual: (n,) integers, a positive
    multiple of y - fit.
    """

    value: Fraction
    fit: tuple[Fraction, ...]
    parts: tuple[Part, ...]
    residual: tuple[int, ...]


class FreeMinima:
    """The least losses of cells without a ball, exactly: nonnegative least squares.

    images: those of all columns, by number, in integers; a unit of a column's coefficient adds
    image / unit to the fit.
    """

    def __init__(self, y: Sequence[Fraction], images: Sequence[Sequence[int]], unit: int) -> None:
        self._y = tuple(y)
        self._scale = math.lcm(*(v.denominator for v in y))
        self._unit = unit
        used = [c for c, image in enumerate(images) if any(image)]
        self._place = {c: place for place, c in enumerate(used)}
        self._column = used
        table = np.array([list(images[c]) for c in used], dtype=object).reshape(-1, len(y))
        self._squares = LeastSquares(table, Form.squares([int(v * self._scale) for v in y]))

    def minimum(self, groups: Sequence[Group]) -> Free:
        """The least loss of neurons with these columns; each column goes to the first of them."""
        owner: dict[int, int] = {}
        for neuron, group in enumerate(groups):
            for c in group:
                if c in self._place:
                    owner.setdefault(self._place[c], neuron)
        found = self._squares.minimum(tuple(sorted(owner)))
        parts = tuple(
            (owner[place], self._column[place], coefficient * self._unit / self._scale)
            for place, coefficient in found.coefficients()
        )
        whole = found.denominator * self._scale
        fit = tuple(v - Fraction(r, whole) for v, r in zip(self._y, found.residual, strict=True))
        return Free(found.value / self._scale**2, fit, parts, primitive(found.residual))

    def least(self, groups: Sequence[Group]) -> Fraction:
        """The value alone, which takes less time."""
        used = {self._place[c] for group in groups for c in group if c in self._place}
        return self._squares.minimum(tuple(sorted(used))).value / self._scale**2


def on_the_fit(
    images: Sequence[Sequence[int]],
    fit: Sequence[Fraction],
    z: Sequence[tuple[Fraction, Fraction]],
    unit: Fraction,
) -> Iterator[list[Fraction]]:
    """Coefficients >= 0 with which the images add up to the fit exactly, near some that almost do.

    z: these, and what a length of one is for each of them. Those that are simple numbers in `unit`
    come first. The largest coefficients of independent columns make up for what rounding the others
    does.
    """
    sizes = [value / one for value, one in z]
    top = max(sizes, default=Fraction())
    order = sorted(range(len(z)), key=lambda i: -sizes[i])
    rows = [to_flint([*(images[i][k] for i in order), value]) for k, value in enumerate(fit)]
    reduced, rank = flint_matrix(rows, len(z) + 1).rref()
    table = [from_flint([reduced[row, k] for k in range(len(z) + 1)]) for row in range(rank)]
    pivots = [next(k for k, v in enumerate(row) if v) for row in table]
    if len(z) in pivots:
        return
    for bits in _NEAR:
        near = top / 2**bits
        found = [Fraction()] * len(z)
        for k, i in enumerate(order):
            if k not in pivots:
                found[i] = unit * snapped(z[i][0] / unit, near * z[i][1] / unit)
        rest = [found[i] for i in order]
        for row, pivot in zip(table, pivots, strict=True):
            found[order[pivot]] = row[-1] - dot(row[:-1], rest)
        if all(value >= 0 for value in found):
            yield found


class Nearest(NamedTuple):
    """What floats find of the least radius: t, coefficients, nu and Z for the spectral norm."""

    radius: float
    z: Float[np.ndarray, " k"]
    nu: Float[np.ndarray, " n"]
    metric: Float[np.ndarray, "d d"] | None


def least_radius(
    gauge: Gauge,
    neurons: int,
    rays: Float[np.ndarray, "d k"] | None,
    images: Float[np.ndarray, "n k"],
    fit: Float[np.ndarray, " n"],
) -> Nearest | None:
    """The least gauge of a network with this fit; None where floats find none.

    rays, images: by columns, as many for each neuron. rays: None where they are vertices of the
    ball of one neuron.
    """
    n, k = images.shape
    d = 0 if rays is None else len(rays)
    if not k or not (np.isfinite(images).all() and np.isfinite(fit).all()):
        return None
    return _compiled(gauge, neurons, k // neurons, n, d).solve(rays, images, fit)


class _Compiled:
    """The program for all faces of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: Gauge, m: int, size: int, n: int, d: int) -> None:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        self._z = cp.Variable(m * size, nonneg=True)
        self._rays = cp.Parameter((d, m * size)) if d else None
        self._images, self._fit = cp.Parameter((n, m * size)), cp.Parameter(n)
        self._radius = radius = cp.Variable()
        blocks = [slice(j * size, (j + 1) * size) for j in range(m)]
        self._size = Size([])
        if self._rays is None:
            lengths = cp.hstack([cp.sum(self._z[block]) for block in blocks])
            ball = [cp.norm(lengths, gauge.power) <= radius]
        else:
            U = cp.vstack([self._rays[:, block] @ self._z[block] for block in blocks]).T
            self._size = gauge.hidden.ball(U, radius, gauge.power)
            ball = self._size.constraints
        self._on_fit = self._images @ self._z == self._fit
        self._program = ConeProgram(cp.Problem(cp.Minimize(radius), [self._on_fit, *ball]))

    def solve(
        self,
        rays: Float[np.ndarray, "d k"] | None,
        images: Float[np.ndarray, "n k"],
        fit: Float[np.ndarray, " n"],
    ) -> Nearest | None:
        if self._rays is not None and rays is not None:
            self._rays.save_value(rays)
        self._images.save_value(images)
        self._fit.save_value(fit)
        if not self._program.solve():
            return None
        return Nearest(
            float(self._radius.value),
            np.maximum(self._z.value, 0.0),
            -np.asarray(self._on_fit.dual_value),  # CVXPY's multipliers have the other sign
            None if rays is None else self._size.metric(len(rays)),
        )


@lru_cache(maxsize=64)
def _compiled(gauge: Gauge, m: int, size: int, n: int, d: int) -> _Compiled:
    return _Compiled(gauge, m, size, n, d)
