"""Minimising a gauge over a fibre: convex programs, and linear ones for the largest entry.

What is found is accurate but not proved; `theory.gauges` makes exact bounds of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from theory.cone_program import ConeProgram
from theory.exact import binary
from theory.gauges import Gauge, Metric, Point, Size
from theory.radii.fibre import Fibre
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy
    from jaxtyping import Float

_BITS = 50  # kept of a float array, relative to its largest entry


@dataclass(frozen=True)
class Solution:
    """What minimising a gauge over a fibre found; the exact bounds are made of it.

    target: (m, d), a point near the fibre. lam: (n,), orthogonal to the free columns. height: what
    lam.f is at least for its fits. mu: (m, n) >= 0, of the cones. metric: Z for the spectral norms.
    """

    target: Point
    lam: tuple[Fraction, ...]
    height: Fraction
    mu: tuple[tuple[Fraction, ...], ...]
    metric: Metric | None = None


def attempts(gauge: Gauge, fibre: Fibre) -> Iterator[Solution]:
    """Ways to minimise the gauge over the fibre; take the next where one is not accurate.

    Where the interior point method breaks down, the exact linear program of the largest entry gives
    bounds, if wide ones.
    """
    for found in _solutions(gauge, fibre):
        if found.metric is None and gauge.hidden.joint:
            yield replace(found, metric=_root(fibre, found, gauge.metric_size(fibre.problem.d)))
        else:
            yield found


def _solutions(gauge: Gauge, fibre: Fibre) -> Iterator[Solution]:
    if not gauge.exact:
        compiled = _compiled(gauge, _Shape.of(fibre))
        for scaled in (False, True):
            found = compiled.solve(fibre, scaled)
            if found is not None:
                yield found
    counted = fibre.problem.d - gauge.free
    nearest = fibre.nearest(tuple(tuple(Fraction() for _ in u) for u in fibre.start), counted)
    yield Solution(nearest.point, nearest.lam, nearest.height, nearest.mu)


def _root(fibre: Fibre, found: Solution, size: int) -> Metric:
    """(W W^T)^(1/2), the best Z for the nuclear norm; of the first rows of W."""
    columns = fibre.columns(found.lam, found.mu)
    top = max(abs(v) for w in columns for v in w) or Fraction(1)
    W = np.array([[float(v / top) for v in w] for w in columns]).T[:size]
    values, vectors = np.linalg.eigh(W @ W.T)
    return Metric.near(vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T)


def least(gauge: Gauge, U: cvxpy.Expression) -> tuple[cvxpy.Variable, Size]:
    """A variable rho with gauge(U) <= rho, to be minimised, for a CVXPY expression U (d, m)."""
    import cvxpy

    rho = cvxpy.Variable()
    return rho, gauge.hidden.ball(U, rho, gauge.power)


class _Shape(NamedTuple):
    """Numbers of data, features, neurons, free columns, and conditions of either kind."""

    n: int
    d: int
    m: int
    free: int
    equal: int
    beyond: int

    @classmethod
    def of(cls, fibre: Fibre) -> _Shape:
        problem, fits = fibre.problem, fibre.fits
        free = len(fibre.free_columns)
        return cls(problem.n, problem.d, len(fibre.signs), free, len(fits.equal), len(fits.beyond))


class _Compiled:
    """The program of a gauge for all fibres of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: Gauge, shape: _Shape) -> None:
        import cvxpy
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.affine.hstack import hstack
        from cvxpy.atoms.affine.vstack import vstack

        n, d, m, free, *_ = shape
        V = cvxpy.Variable((d, m))  # U with its rows scaled
        self._scales = cvxpy.Parameter((d, 1))
        self._U = multiply(self._scales, V)
        self._cones = cvxpy.Parameter((n * m, d))
        sides = [self._cones[j * n : (j + 1) * n] @ V[:, j] for j in range(m)]
        self._in_cones = vstack(sides) >= 0
        unknowns: cvxpy.Expression = V.flatten(order="F")
        if free:
            unknowns = hstack([unknowns, cvxpy.Variable(free)])
        self._on_fits = []
        for count, beyond in ((shape.equal, False), (shape.beyond, True)):
            if count:
                rows, values = cvxpy.Parameter((count, d * m + free)), cvxpy.Parameter(count)
                holds = rows @ unknowns >= values if beyond else rows @ unknowns == values
                self._on_fits.append(_OnFits(rows, values, holds, beyond))
        rho, size = least(gauge, self._U)
        self._size, self._gauge = size, gauge
        constraints = [*(each.holds for each in self._on_fits), self._in_cones, *size.constraints]
        self._program = ConeProgram(cvxpy.Problem(cvxpy.Minimize(rho), constraints))

    def solve(self, fibre: Fibre, scaled: bool) -> Solution | None:
        """A float solution, rounded to rationals; None where the solver has none.

        scaled: whether the columns of X are brought to one size. That helps where they differ by
        orders of magnitude, but not always: the norm's own conditioning then suffers.
        """
        # Rows and fits of largest entry 1, as the solver's tolerances are absolute.
        n, d = fibre.problem.n, fibre.problem.d
        scales = [Fraction(1)] * d
        if scaled:
            features = zip(*fibre.problem.X, strict=True)
            scales = [1 / (max(map(abs, x)) or Fraction(1)) for x in features]
            scales = [scale / max(scales) for scale in scales]
        rows = [[v * c for v, c in zip(x, scales, strict=True)] for x in fibre.problem.X]
        tops = [max(map(abs, x)) or Fraction(1) for x in rows]
        X = np.array([[float(v / t) for v in x] for x, t in zip(rows, tops, strict=True)])
        self._scales.save_value(np.array([[float(c)] for c in scales]))
        sides = np.where(fibre.active, 1.0, -1.0)
        self._cones.save_value(np.vstack([side[:, None] * X for side in sides]))
        conditions = fibre.fits.conditions
        scaled_rows = [[(k, v * tops[k]) for k, v in row] for row, _ in conditions]
        lengths = [max(abs(v) for _, v in row) for row in scaled_rows]
        size = max(abs(value / t) for (_, value), t in zip(conditions, lengths, strict=True))
        table, values = np.zeros((len(conditions), n)), np.zeros(len(conditions))
        for i, (row, length) in enumerate(zip(scaled_rows, lengths, strict=True)):
            values[i] = float(conditions[i].value / length / size)
            for k, v in row:
                table[i, k] = float(v / length)
        table = table @ _of_data(fibre, X, tops)
        done = 0
        for each in self._on_fits:
            here = slice(done, done := done + each.values.size)
            each.rows.save_value(table[here])
            each.values.save_value(values[here])
        if not self._program.solve():
            return None
        U, mu = self._U.value, np.maximum(self._in_cones.dual_value, 0.0)
        of_fits = np.concatenate([each.multipliers for each in self._on_fits])
        Z = self._size.metric(len(U))
        # A positive multiple of the multipliers is as good.
        top = max(float(np.abs(of_fits).max()), float(mu.max())) or 1.0
        multipliers = fibre.orthogonal(
            [binary(v / top, _BITS) / t for v, t in zip(of_fits.tolist(), lengths, strict=True)],
            free_biases=self._gauge.free,
        )
        if multipliers is None:
            return None
        lam, height = fibre.fits.combined(multipliers, n)
        return Solution(
            target=tuple(tuple(binary(float(v), _BITS) * size for v in u) for u in U.T),
            lam=lam,
            height=height,
            mu=tuple(
                tuple(binary(float(v) / top, _BITS) / t for v, t in zip(row, tops, strict=True))
                for row in mu
            ),
            metric=None if Z is None else self._gauge.metric_near(Z),
        )


def _of_data(fibre: Fibre, X: Float[Array, "n d"], tops: Sequence[Fraction]) -> Array:
    """How each datum's fit depends on the unknowns, u_1 .. u_m and the free columns' coefficients.

    X: the rows divided by their tops. Free columns have a largest entry of one.
    """
    slopes = fibre.problem.activation.slopes(np.array(fibre.active))
    blocks = [s * own[:, None] * X for s, own in zip(fibre.signs, slopes, strict=True)]
    for column in fibre.free_columns:
        parts = [v / top for v, top in zip(column, tops, strict=True)]
        most = max(map(abs, parts))
        blocks.append(np.array([[float(v / most)] for v in parts]))
    return np.hstack(blocks)


class _OnFits(NamedTuple):
    """The conditions of one kind: rows @ unknowns, and values."""

    rows: cvxpy.Parameter
    values: cvxpy.Parameter
    holds: cvxpy.Constraint
    beyond: bool

    @property
    def multipliers(self) -> Float[Array, " c"]:
        """CVXPY's of equations have the other sign."""
        found: Array = self.holds.dual_value
        return np.maximum(found, 0.0) if self.beyond else -found


@lru_cache(maxsize=64)
def _compiled(gauge: Gauge, shape: _Shape) -> _Compiled:
    return _Compiled(gauge, shape)
