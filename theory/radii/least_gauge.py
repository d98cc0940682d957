"""Minimising a gauge over a fibre: convex programs, and linear ones for the largest entry.

What is found is accurate but not proved; `theory.gauges` makes exact bounds of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from theory.cone_program import ConeProgram
from theory.exact import binary
from theory.gauges import Gauge, Metric, Point, Size
from theory.radii.fibre import Fibre

if TYPE_CHECKING:
    import cvxpy

_BITS = 50  # kept of a float array, relative to its largest entry


@dataclass(frozen=True)
class Solution:
    """What minimising a gauge over a fibre found; the exact bounds are made of it.

    target: (m, d), a point near the fibre. lam: (n,), of the fit. mu: (m, n) >= 0, of the cones.
    metric: Z for the spectral norms.
    """

    target: Point
    lam: tuple[Fraction, ...]
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
        shape = (fibre.problem.n, fibre.problem.d, len(fibre.signs))
        compiled = _compiled(gauge, *shape, fibre.sides is not None)
        for scaled in (False, True):
            found = compiled.solve(fibre, scaled)
            if found is not None:
                yield found
    counted = fibre.problem.d - gauge.free
    nearest = fibre.nearest(tuple(tuple(Fraction() for _ in u) for u in fibre.start), counted)
    yield Solution(nearest.point, nearest.lam, nearest.mu)


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


class _Compiled:
    """The program of a gauge for all fibres of one shape: CVXPY canonicalises it once."""

    def __init__(self, gauge: Gauge, n: int, d: int, m: int, beyond: bool) -> None:
        import cvxpy
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.affine.vstack import vstack

        V = cvxpy.Variable((d, m))  # U with its rows scaled
        self._scales = cvxpy.Parameter((d, 1))
        self._U = multiply(self._scales, V)
        self._fit_map = cvxpy.Parameter((n, d * m))
        self._cones = cvxpy.Parameter((n * m, d))
        self._fit = cvxpy.Parameter(n)
        sides = [self._cones[j * n : (j + 1) * n] @ V[:, j] for j in range(m)]
        fit = self._fit_map @ V.flatten(order="F")
        self._on_fit = fit >= self._fit if beyond else fit == self._fit
        self._in_cones = vstack(sides) >= 0
        rho, size = least(gauge, self._U)
        self._arrow = size.arrow
        self._of_metric = gauge.metric_size(d)
        constraints = [self._on_fit, self._in_cones, *size.constraints]
        self._program = ConeProgram(cvxpy.Problem(cvxpy.Minimize(rho), constraints))

    def solve(self, fibre: Fibre, scaled: bool) -> Solution | None:
        """A float solution, rounded to rationals; None where the solver has none.

        scaled: whether the columns of X are brought to one size. That helps where they differ by
        orders of magnitude, but not always: the norm's own conditioning then suffers.
        """
        # Rows and fit of largest entry 1, as the solver's tolerances are absolute.
        scales = [Fraction(1)] * fibre.problem.d
        if scaled:
            features = zip(*fibre.problem.X, strict=True)
            scales = [1 / (max(map(abs, x)) or Fraction(1)) for x in features]
            scales = [scale / max(scales) for scale in scales]
        rows = [[v * c for v, c in zip(x, scales, strict=True)] for x in fibre.problem.X]
        tops = [max(map(abs, x)) or Fraction(1) for x in rows]
        fits = [f / top for f, top in zip(fibre.fit, tops, strict=True)]
        size = max(map(abs, fits))
        along = np.array(fibre.sides or (1,) * len(rows))
        X = np.array([[float(v / t) for v in x] for x, t in zip(rows, tops, strict=True)])
        self._scales.value = np.array([[float(c)] for c in scales])
        active = np.array(fibre.active)
        sides = np.where(active, 1.0, -1.0)
        slopes = fibre.problem.activation.slopes(active)
        self._fit_map.value = np.hstack(
            [s * (along * own)[:, None] * X for s, own in zip(fibre.signs, slopes, strict=True)]
        )
        self._cones.value = np.vstack([side[:, None] * X for side in sides])
        self._fit.value = along * np.array([float(f / size) for f in fits])
        if not self._program.solve():
            return None
        U, lam, mu = self._U.value, self._on_fit.dual_value, self._in_cones.dual_value
        arrow = None if self._arrow is None else self._arrow.dual_value
        # A positive multiple of (lam, mu) is as good; CVXPY's lam of equations has the other sign.
        lam = -lam if fibre.sides is None else along * np.maximum(lam, 0.0)
        mu, k = np.maximum(mu, 0.0), self._of_metric
        top = max(float(np.abs(lam).max()), float(mu.max())) or 1.0
        return Solution(
            target=tuple(tuple(binary(float(v), _BITS) * size for v in u) for u in U.T),
            lam=tuple(binary(float(v) / top, _BITS) / t for v, t in zip(lam, tops, strict=True)),
            mu=tuple(
                tuple(binary(float(v) / top, _BITS) / t for v, t in zip(row, tops, strict=True))
                for row in mu
            ),
            metric=None if arrow is None else Metric.near(arrow[:k, :k]),
        )


@lru_cache(maxsize=64)
def _compiled(gauge: Gauge, n: int, d: int, m: int, beyond: bool) -> _Compiled:
    return _Compiled(gauge, n, d, m, beyond)
