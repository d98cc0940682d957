"""The least loss over one cell of networks, at any n, d and width: a convex program.

Neuron j has a sign s, slopes D and sides S; with u_j = |a_j| w_j the program is

    min 1/2 ||sum_j s_j D_j X u_j - y||^2   over S_j X u_j >= 0,

in a ball, or with the l2 penalty beta sum_j ||u_j||. Clarabel solves it in floats, which tells the
constraints that are tight. Where all are linear (anywhere; in entrywise balls; where a ball is not
reached) the optimum is solved for in rationals and so exact; elsewhere a rational point near it and
a dual vector bracket the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpz_mat

from theory.cone_program import ConeProgram
from theory.errors import SolverFailure
from theory.exact import dot, integer_solution
from theory.gauges import Metric
from theory.landscape.around import Dual, Prices, State
from theory.problem import Problem
from theory.types import Array
from theory.units import Units
from theory.within import Ball, Penalty, Within

if TYPE_CHECKING:
    from jaxtyping import Float

_BITS = 45  # kept of float weights, relative to the largest
_TIGHT = (1e-7, 1e-9, 1e-5, 1e-4)  # of a side, relative to the sizes of row and weights; in turn
_INSIDE = Fraction(1, 10**12)


@dataclass(frozen=True)
class CellMinimum:
    """The least loss of a cell, with the penalty if there is one: in [lower, upper].

    u: (m, d), the point of loss `upper`. residual: y - f there or near it (n,), up to a factor.
    dual: what proves `lower`. exact: whether the two are equal.
    """

    cell: tuple[State, ...]
    u: tuple[tuple[Fraction, ...], ...]
    upper: Fraction
    residual: tuple[int, ...]
    dual: Dual

    @property
    def lower(self) -> Fraction:
        """What the dual vector proves."""
        return min(self.dual.bound, self.upper)

    @property
    def exact(self) -> bool:
        """Whether the minimum is known exactly."""
        return self.lower == self.upper


class CellProgram:
    """The cells of one data set, in one place where networks may be."""

    def __init__(self, problem: Problem, within: Within | None) -> None:
        self.problem = problem
        self.within = within
        self.prices = Prices(problem, within)
        self.data = self.prices.data
        self._units = Units.of(problem)
        scaled = self._units.problem(problem)
        self._X = np.array(scaled.X, dtype=float)
        self._y = np.array(scaled.y, dtype=float)
        self._compiled: dict[int, _Compiled] = {}  # by the number of neurons

    def minimum(self, cell: Sequence[State]) -> CellMinimum:
        """The least loss of a cell; raises SolverFailure where no solver comes to an end."""
        cell = tuple(cell)
        U, lam, Z = self._floats(cell) if cell else (None, None, None)
        metric = None
        if self.within is not None and self.within.gauge.hidden.joint:
            metric = Metric.near(np.eye(self.problem.d) if Z is None else Z)
        if U is None:
            return self._proved(cell, (), metric)
        found = []
        for tight in _TIGHT:
            u = self._exact(U, cell, tight)
            if u is not None:
                found.append(self._proved(cell, u, metric))
                if found[-1].exact:
                    return found[-1]
        found.append(self._proved(cell, self._near(U, cell), metric, lam))
        return min(found, key=lambda each: (each.upper - each.lower, each.upper))

    def estimate(self, cell: Sequence[State]) -> float:
        """The least loss of a cell in floats, which prove nothing; SolverFailure: see `minimum`."""
        if not cell:
            return float(self.problem.zero)
        U, residual, _ = self._floats(cell)
        value = float(residual @ residual) / 2
        if isinstance(self.within, Penalty):
            weight = float(self._units.penalty(self.within.beta))
            value += weight * float(np.linalg.norm(U, axis=0).sum())
        return value * float(self._units.loss)

    def _proved(
        self,
        cell: tuple[State, ...],
        u: tuple[tuple[Fraction, ...], ...],
        metric: Metric | None,
        lam: Float[Array, " n"] | None = None,
    ) -> CellMinimum:
        """A point with what a dual vector proves: its residual, or the one given."""
        residual, scale = self.data.residual(u, [state.sign for state in cell])
        value = Fraction(dot(residual, residual), 2 * scale * scale)
        if isinstance(self.within, Penalty):
            value += self.within.beta * self.norm(u)
        divisor = math.gcd(*residual) or 1
        residual = tuple(v // divisor for v in residual)
        nu = residual
        if lam is not None:
            top = float(np.abs(lam).max()) or 1.0
            nu = tuple(round(v / top * 2**_BITS) for v in lam.tolist())
        dual = self.prices.bound(nu, metric, [[state] for state in cell])
        return CellMinimum(cell, u, value, nu, dual)

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """An upper bound of the radius that convex coordinates need; with the penalty, of the sum
        of their lengths."""
        if self.within is None or not any(map(any, u)):
            return Fraction()
        return self.within.gauge.witness([1] * len(u), tuple(map(tuple, u)))[1]

    def _floats(self, cell: Sequence[State]) -> tuple[Float[Array, "d m"], Float[Array, " n"], Any]:
        """U and the residual, in the units of size one, and Z if there is one."""
        weight = 1.0
        if isinstance(self.within, Ball):
            weight = float(self._units.reach(self.within.rho))
        elif self.within is not None:
            weight = float(self._units.penalty(self.within.beta))
        active = np.array([[side > 0 for side in state.sides] for state in cell])
        signs = np.array([state.sign for state in cell])[:, None]
        masks = self.problem.activation.slopes(active) * signs
        if len(cell) not in self._compiled:
            self._compiled[len(cell)] = _Compiled(self._X, self._y, self.within, len(cell))
        sides = np.array([state.sides for state in cell])
        found = self._compiled[len(cell)].solve(masks.T, sides.T, weight)
        if found is None:
            raise SolverFailure(["Clarabel: no solution on a cell"])
        return found

    def _exact(
        self, U: Float[Array, "d m"], cell: Sequence[State], tight: float
    ) -> tuple[tuple[Fraction, ...], ...] | None:
        """The least squares point on the constraints that are tight; None where it is not in the
        cell and the ball, or where these are no linear constraints."""
        ball = self.within
        if isinstance(ball, Penalty):
            return None
        d, m = U.shape
        sizes = np.abs(U).max(axis=0)
        reach = 1.0 if ball is None else min(1.0, float(self._units.reach(ball.rho)))
        largest = max(float(sizes.max()), reach)  # what is much smaller is zero
        lengths = np.abs(self._X).max(axis=1)
        slack = np.abs(self._X @ U) / np.maximum(lengths[:, None] * sizes, 1e-300)
        rows: list[tuple[int, Sequence[Fraction], Fraction]] = []
        for j in range(m):
            if sizes[j] <= tight * largest:
                unit = [[Fraction(int(i == k)) for i in range(d)] for k in range(d)]
                rows += [(j, row, Fraction()) for row in unit]
                continue
            for k in np.flatnonzero((slack[:, j] <= tight) & (lengths > 0)).tolist():
                rows.append((j, self.problem.X[k], Fraction()))
            if ball is not None and ball.gauge.exact:
                rho = float(self._units.radius(ball.rho))
                for k in np.flatnonzero(np.abs(U[:, j]) >= rho * (1 - tight)).tolist():
                    side = Fraction(1 if U[k, j] > 0 else -1)
                    row = [Fraction(int(i == k)) for i in range(d)]
                    rows.append((j, row, side * ball.rho))
        u = self._least_squares(U, cell, rows)
        if u is None or not self._in_cell(u, cell):
            return None
        if ball is not None:
            if ball.gauge.exact:
                inside = max((abs(v) for uj in u for v in uj), default=Fraction()) <= ball.rho
            else:
                inside = self.norm(u) <= ball.rho
            if not inside:
                return None
        return u

    def _in_cell(self, u: Sequence[Sequence[Fraction]], cell: Sequence[State]) -> bool:
        outputs, _ = self.data.outputs(u)
        return all(
            side * value >= 0
            for state, values in zip(cell, outputs, strict=True)
            for side, value in zip(state.sides, values, strict=True)
        )

    def _least_squares(
        self,
        U: Float[Array, "d m"],
        cell: Sequence[State],
        rows: Sequence[tuple[int, Sequence[Fraction], Fraction]],
    ) -> tuple[tuple[Fraction, ...], ...] | None:
        """The u of least loss with x . u_j = b for the rows (j, x, b); near U where it is free."""
        X, p, y, q = self.data.X, self.data.unit, self.data.y, self.data.q
        d, m = U.shape
        blocks = []
        for state in cell:
            slopes = self.data.sigma.part([side > 0 for side in state.sides], [1] * len(X))
            blocks.append(
                [[state.sign * c * v for v in row] for c, row in zip(slopes, X, strict=True)]
            )
        F = fmpz_mat([[v for block in blocks for v in block[k]] for k in range(len(X))])
        scales = [math.lcm(*(v.denominator for v in row)) for _, row, _ in rows]
        A = [
            [int(scale * row[i % d]) if i // d == j else 0 for i in range(d * m)]
            for (j, row, _), scale in zip(rows, scales, strict=True)
        ]
        gram = (F.transpose() * F).tolist()
        system = [[*map(int, row), *(a[i] for a in A)] for i, row in enumerate(gram)]
        system += [[*a, *[0] * len(A)] for a in A]
        right = [int(v) for v in (F.transpose() * fmpz_mat([[v] for v in y])).entries()]
        # In the integer problem's units, over a common denominator; that of the start is fine.
        values = [
            Fraction(scale * b) * q / p for (_, _, b), scale in zip(rows, scales, strict=True)
        ]
        common = math.lcm(*(v.denominator for v in values)) << _BITS
        right = [common * v for v in right] + [int(common * v) for v in values]
        start = self._numerators(U, common)
        z = integer_solution(system, right, start + [0] * len(A))
        if z is None:
            return None
        unit = Fraction(p, q) / common
        flat = [unit * v for v in z[: d * m]]
        return tuple(tuple(flat[j * d : (j + 1) * d]) for j in range(m))

    def _numerators(self, U: Float[Array, "d m"], denominator: int) -> list[int]:
        """Float weights in the units of the integer problem, neuron by neuron."""
        unit = self._units.y / self._units.x * self.data.q / self.data.unit * denominator
        return [round(unit * Fraction(float(v))) for v in U.T.ravel()]

    def _near(
        self, U: Float[Array, "d m"], cell: Sequence[State]
    ) -> tuple[tuple[Fraction, ...], ...]:
        """A rational point near U in the cell and the ball."""
        unit = self._units.y / self._units.x
        lengths = np.linalg.norm(self._X, axis=1)
        found = []
        for state, u in zip(cell, U.T, strict=True):
            values = np.array(state.sides) * (self._X @ u)
            close = _TIGHT[1] * lengths * float(np.linalg.norm(u))
            tight = [self.problem.X[k] for k in self.data.rows if values[k] <= close[k]]
            point = _on_walls(u, tight)
            if not self._in_cell([point], [state]):
                point = [Fraction()] * len(u)
            found.append(tuple(unit * v for v in point))
        u_all = tuple(found)
        if isinstance(self.within, Ball) and any(map(any, u_all)):
            size_ = self.norm(u_all) * (1 + _INSIDE)
            if size_ > self.within.rho:
                shrink = self.within.rho / size_
                u_all = tuple(tuple(shrink * v for v in uj) for uj in u_all)
        return u_all


def _on_walls(u: Float[Array, " d"], walls: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """The float vector, rounded and projected onto the intersection of walls, exactly."""
    top = float(np.abs(u).max()) or 1.0
    point = [Fraction(round(float(v) / top * 2**_BITS), 2**_BITS) * Fraction(top) for v in u]
    basis: list[list[Fraction]] = []
    for wall in walls:  # Gram-Schmidt
        rest = list(wall)
        for other in basis:
            factor = dot(rest, other) / dot(other, other)
            rest = [v - factor * w for v, w in zip(rest, other, strict=True)]
        if any(rest):
            basis.append(rest)
            factor = dot(point, rest) / dot(rest, rest)
            point = [v - factor * w for v, w in zip(point, rest, strict=True)]
    return point


class _Compiled:
    """The program for all cells of so many neurons."""

    def __init__(
        self, X: Float[Array, "n d"], y: Float[Array, " n"], within: Within | None, m: int
    ) -> None:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        n, d = X.shape
        self._X, self._y = X, y
        self._U = cp.Variable((d, m))
        self._masks, self._sides = cp.Parameter((n, m)), cp.Parameter((n, m))
        self._weight = cp.Parameter(nonneg=True)
        outputs, fit = X @ self._U, cp.Variable(n)
        constraints = [
            fit == cp.sum(cp.multiply(self._masks, outputs), axis=1),
            cp.multiply(self._sides, outputs) >= 0,
        ]
        self._arrow = None
        objective = cp.sum_squares(fit - y) / 2
        if isinstance(within, Penalty):
            objective = objective + self._weight * cp.sum(cp.norm(self._U, 2, axis=0))
        elif within is not None:
            gauge = within.gauge
            size = gauge.hidden.ball(self._U, self._weight, gauge.power)
            constraints += size.constraints
            self._arrow = size.arrow
        self._program = ConeProgram(cp.Problem(cp.Minimize(objective), constraints))

    def solve(
        self, masks: Float[Array, "n m"], sides: Float[Array, "n m"], weight: float
    ) -> tuple[Float[Array, "d m"], Float[Array, " n"], Any] | None:
        """U, the residual, and Z if there is one; None where the solver fails.

        weight: of the penalty, or the radius of the ball.
        """
        self._masks.save_value(masks)
        self._sides.save_value(sides)
        self._weight.save_value(weight)
        if not self._program.solve():
            return None
        U, Z = self._U.value, None
        if self._arrow is not None:
            Z = self._arrow.dual_value[: len(U), : len(U)]
        return U, self._y - (masks * (self._X @ U)).sum(axis=1), Z
