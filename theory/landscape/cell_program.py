"""The least loss over one cell of networks, at any n, d and width: a convex program.

Neuron j has a sign s, slopes D and sides S; with u_j = |a_j| w_j the program is

    min L(sum_j s_j D_j X u_j + b 1 + X c)   over S_j X u_j >= 0,

in a ball, or with the l2 penalty beta sum_j ||u_j||, b and c where the problem has them. Clarabel
solves it in floats, which tells the constraints that are tight, and on which segment of its loss
each output is, or at which kink. Where all constraints are linear (anywhere; in entrywise balls;
where a ball is not reached) and so is the derivative of the loss, the optimum is solved for in
rationals and so exact; elsewhere a rational point near it and a dual vector bracket the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from flint import fmpz_mat

from theory.cone_program import ConeProgram
from theory.errors import SolverFailure
from theory.exact import dot, from_flint, integer_solution, some_solution, to_flint
from theory.gauges import Metric
from theory.landscape.around import Dual, Prices, State
from theory.losses import SQUARED, Segment, Separable
from theory.problem import Problem, in_integers
from theory.types import Array
from theory.units import Units
from theory.within import Ball, Penalty, Within

if TYPE_CHECKING:
    from jaxtyping import Float

_BITS = 45  # kept of float weights, relative to the largest
_TIGHT = (1e-7, 1e-9, 1e-5, 1e-4)  # of a side, relative to the sizes of row and weights; in turn
_INSIDE = Fraction(1, 10**12)
_NARROW = Fraction(1, 10**9)  # of the loss of zero weights: an interval that is good enough

_Row: TypeAlias = "tuple[int, Sequence[Fraction], Fraction]"


@dataclass(frozen=True)
class CellMinimum:
    """The least loss of a cell, with the penalty if there is one: in [lower, upper].

    u: (m, d), and free: of the problem's free columns, the point of loss `upper`. dual: what proves
    `lower`. exact: whether the two are equal.
    """

    cell: tuple[State, ...]
    u: tuple[tuple[Fraction, ...], ...]
    free: tuple[Fraction, ...]
    upper: Fraction
    dual: Dual

    @property
    def lower(self) -> Fraction:
        """What the dual vector proves."""
        return min(self.dual.bound, self.upper)

    @property
    def exact(self) -> bool:
        """Whether the minimum is known exactly."""
        return self.lower == self.upper


class _Floats(NamedTuple):
    """What the solver finds, in the units of size one: weights, coefficients of the free columns,
    the fit, the multipliers of it, and Z if there is one."""

    U: Float[Array, "d m"]
    free: Float[Array, " r"]
    fit: Float[Array, " n"]
    lam: Float[Array, " n"]
    Z: Float[Array, "d d"] | None


class _Exact(NamedTuple):
    """A point, and the dual vector that goes with it."""

    u: tuple[tuple[Fraction, ...], ...]
    free: tuple[Fraction, ...]
    lam: list[Fraction]


class CellProgram:
    """The cells of one data set, in one place where networks may be."""

    def __init__(self, problem: Problem, within: Within | None) -> None:
        self.problem = problem
        self.within = within
        self.prices = Prices(problem, within)
        self.data = self.prices.data
        self._units = units = Units.of(problem)
        self._scaled = scaled = units.problem(problem)
        self._X = np.array(scaled.X, dtype=float)
        self._y = np.array(scaled.y, dtype=float)
        # What a coefficient of each free column is in those units.
        self._free_units = (units.y,) * problem.output_bias
        self._free_units += (units.y / units.x,) * problem.d * problem.skip
        self._free_columns = [in_integers(column) for column in problem.free_columns]
        assert isinstance(problem.loss, Separable)
        self._loss = loss = problem.loss
        self._segments = [loss.segments(v) for v in problem.y]
        self._compiled: dict[tuple[int, ...], _Compiled] = {}  # by the numbers of states

    def minimum(self, cell: Sequence[State]) -> CellMinimum:
        """The least loss of a cell; raises SolverFailure where no solver comes to an end."""
        found = list(self._found([[state] for state in cell]))
        return min(found, key=lambda each: (each.upper - each.lower, each.upper))

    def together(self, states: Sequence[Sequence[State]]) -> Dual:
        """The dual vector that proves the most of networks whose neurons are each in one of its
        states; raises SolverFailure as well.

        Where the loss has kinks many vectors belong to one point. This one is of the program in
        which a neuron may be split among its states.
        """
        return max((each.dual for each in self._found(states)), key=lambda dual: dual.bound)

    def _found(self, states: Sequence[Sequence[State]]) -> Iterator[CellMinimum]:
        """Points and dual vectors near the optimum in floats, up to one that is exact."""
        cell = tuple(state for own in states for state in own)
        floats = self._floats(cell, tuple(map(len, states)))
        metric = None
        if self.within is not None and self.within.gauge.hidden.joint:
            metric = Metric.near(np.eye(self.problem.d) if floats.Z is None else floats.Z)
        if all(self._segments):
            for tight in _TIGHT:
                point = self._exact(floats, cell, tight)
                if point is not None:
                    found = self._proved(states, point, metric)
                    yield found
                    if found.exact:
                        return
        for tight in sorted(_TIGHT):
            found = self._proved(states, self._near(floats, cell, tight), metric)
            yield found
            # In a ball and with a penalty dual vectors need not be on the walls exactly.
            wide = found.upper - found.lower > _NARROW * self.problem.zero
            if self.within is not None or not wide:
                return

    def estimate(self, cell: Sequence[State]) -> float:
        """The least loss of a cell in floats, which prove nothing; SolverFailure: see `minimum`."""
        found = self._floats(tuple(cell), (1,) * len(cell))
        value = self._scaled.loss.at(found.fit, self._y)
        if isinstance(self.within, Penalty):
            weight = float(self._units.penalty(self.within.beta))
            value += weight * float(np.linalg.norm(found.U, axis=0).sum())
        return value * float(self._units.loss)

    def _proved(
        self, states: Sequence[Sequence[State]], point: _Exact, metric: Metric | None
    ) -> CellMinimum:
        """A point with what its dual vector proves."""
        cell = tuple(state for own in states for state in own)
        value = self.problem.loss_of(self._fit(cell, point))
        if isinstance(self.within, Penalty):
            value += self.within.beta * self.norm(point.u)
        nu, scale = in_integers(point.lam)
        if self.problem.loss == SQUARED:
            divisor = math.gcd(*nu) or 1
            nu, scale = [v // divisor for v in nu], 1
        dual = self.prices.bound(nu, scale, metric, states)
        return CellMinimum(cell, point.u, point.free, value, dual)

    def _fit(self, cell: Sequence[State], point: _Exact) -> list[Fraction]:
        values, scale = self.data.fit(point.u, [state.sign for state in cell])
        fit = [Fraction(v, scale) for v in values]
        for weight, column in zip(point.free, self.problem.free_columns, strict=True):
            fit = [f + weight * v for f, v in zip(fit, column, strict=True)]
        return fit

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """An upper bound of the radius that convex coordinates need; with the penalty, of the sum
        of their lengths."""
        if self.within is None or not any(map(any, u)):
            return Fraction()
        return self.within.gauge.witness([1] * len(u), tuple(map(tuple, u)))[1]

    def _floats(self, cell: Sequence[State], sizes: tuple[int, ...]) -> _Floats:
        """The optimum in floats; sizes: how many states of the cell are of one neuron."""
        if not cell and not self._free_columns:
            zero = np.zeros(len(self._y))
            lam = -self._scaled.loss.gradient(zero, self._y)
            return _Floats(np.zeros((self.problem.d, 0)), np.zeros(0), zero, lam, None)
        weight = 1.0
        if isinstance(self.within, Ball):
            weight = float(self._units.reach(self.within.rho))
        elif self.within is not None:
            weight = float(self._units.penalty(self.within.beta))
        sizes = sizes or (1,)  # a program without neurons is that of one that does nothing
        masks, sides = np.zeros((2, len(self._y), sum(sizes)))
        for j, state in enumerate(cell):
            active = np.array([side > 0 for side in state.sides])
            masks[:, j] = self.problem.activation.slopes(active) * state.sign
            sides[:, j] = state.sides
        if sizes not in self._compiled:
            self._compiled[sizes] = _Compiled(self._scaled, self.within, sizes)
        found = self._compiled[sizes].solve(masks, sides, weight)
        if found is None:
            raise SolverFailure(["Clarabel: no solution on a cell"])
        return found._replace(U=found.U[:, : len(cell)])

    def _exact(self, floats: _Floats, cell: Sequence[State], tight: float) -> _Exact | None:
        """The best point on the constraints that are tight; None where it is not in the cell and
        the ball, or where these are no linear constraints."""
        ball, U = self.within, floats.U
        if isinstance(ball, Penalty):
            return None
        d, m = U.shape
        sizes = np.abs(U).max(axis=0)
        reach = 1.0 if ball is None else min(1.0, float(self._units.reach(ball.rho)))
        largest = max(float(sizes.max(initial=0.0)), reach)  # what is much smaller is zero
        lengths = np.abs(self._X).max(axis=1)
        slack = np.abs(self._X @ U) / np.maximum(lengths[:, None] * sizes, 1e-300)
        rows: list[_Row] = []
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
        point = self._optimal(floats, cell, rows, tight)
        if point is None or not self._in_cell(point.u, cell):
            return None
        if ball is not None:
            if ball.gauge.exact:
                inside = max((abs(v) for uj in point.u for v in uj), default=Fraction()) <= ball.rho
            else:
                inside = self.norm(point.u) <= ball.rho
            if not inside:
                return None
        return point

    def _in_cell(self, u: Sequence[Sequence[Fraction]], cell: Sequence[State]) -> bool:
        outputs, _ = self.data.outputs(u)
        return all(
            side * value >= 0
            for state, values in zip(cell, outputs, strict=True)
            for side, value in zip(state.sides, values, strict=True)
        )

    def _optimal(
        self, floats: _Floats, cell: Sequence[State], rows: Sequence[_Row], tight: float
    ) -> _Exact | None:
        """The point of least loss with x . u_j = b for the rows (j, x, b), each output on the
        segment or at the kink where it is in floats; near the floats where it is free.

        Its derivative l' is linear on a segment, and unknown at a kink; with the multipliers mu of
        the rows, and F z for the fit, F^T l' + A^T mu = 0. In integers: F z = q f.
        """
        X, p, q = self.data.X, self.data.unit, self.data.q
        d, m = floats.U.shape
        blocks = []
        for state in cell:
            slopes = self.data.sigma.part([side > 0 for side in state.sides], [1] * len(X))
            blocks.append(
                [[state.sign * c * v for v in row] for c, row in zip(slopes, X, strict=True)]
            )
        F = [
            [
                *(v for block in blocks for v in block[k]),
                *(column[k] for column, _ in self._free_columns),
            ]
            for k in range(len(X))
        ]
        placed = self._placed(floats.fit, tight)
        kinks = {k: place for k, place in enumerate(placed) if isinstance(place, Fraction)}
        weights = self._loss.every_weight(len(X))
        smooth = {
            k: (weights[k] * place.slope, weights[k] * place.offset * q)
            for k, place in enumerate(placed)
            if isinstance(place, Segment)
        }
        parts = math.lcm(*(v.denominator for pair in smooth.values() for v in pair))
        right, curved = [0] * len(F[0]), {}
        for k, (slope, offset) in smooth.items():
            if offset:
                right = [v - int(parts * offset) * f for v, f in zip(right, F[k], strict=True)]
            if slope:
                curved[k] = int(parts * slope)
        gram: list[list[Any]] = [[0] * len(right) for _ in right]
        if curved and right:
            weighted = fmpz_mat([[w * v for v in F[k]] for k, w in curved.items()])
            gram = (weighted.transpose() * fmpz_mat([F[k] for k in curved])).tolist()
        # Kinks come last: their multipliers are known in floats, and kept where they are free.
        scales = [math.lcm(*(v.denominator for v in row)) for _, row, _ in rows]
        A = [
            [int(scale * row[i % d]) if i // d == j else 0 for i in range(d * m)]
            + [0] * len(self._free_columns)
            for (j, row, _), scale in zip(rows, scales, strict=True)
        ]
        A += [F[k] for k in kinks]
        system = [[*map(int, row), *(a[i] for a in A)] for i, row in enumerate(gram)]
        system += [[*a, *[0] * len(A)] for a in A]
        # In the integer problem's units, over a common denominator; that of the start is fine.
        values = [
            *(Fraction(scale * b) * q / p for (_, _, b), scale in zip(rows, scales, strict=True)),
            *(q * f for f in kinks.values()),
        ]
        common = math.lcm(*(v.denominator for v in values)) << _BITS
        right = [common * v for v in right] + [int(common * v) for v in values]
        start = self._numerators(floats, common)
        start += [0] * len(rows)
        slope = self._units.slope * q * parts * common
        start += [-round(slope * Fraction(float(floats.lam[k]))) for k in kinks]
        z = integer_solution(system, right, start) if system else []
        if z is None:
            return None
        unit = Fraction(p, q) / common
        flat = [unit * v for v in z[: d * m]]
        u = tuple(tuple(flat[j * d : (j + 1) * d]) for j in range(m))
        free = tuple(
            v / (q * common) * scale
            for v, (_, scale) in zip(z[d * m :], self._free_columns, strict=False)
        )
        lam = [Fraction()] * len(X)
        for k, v in zip(kinks, z[len(z) - len(kinks) :], strict=True):
            lam[k] = -v / (q * parts * common)
        point = _Exact(u, free, lam)
        for k, f in enumerate(self._fit(cell, point)):
            place = placed[k]
            if isinstance(place, Segment):
                lam[k] = -weights[k] * place.at(f)
        return point

    def _placed(self, fit: Float[Array, " n"], near: float) -> list[Segment | Fraction]:
        """The segment of its loss that each output is on, or where the kink is that it is at."""
        found: list[Segment | Fraction] = []
        for f, segments in zip(fit.tolist(), self._segments, strict=True):
            here: Segment | Fraction = segments[0]
            for before, after in pairwise(segments):
                assert after.start is not None
                start = float(after.start / self._units.y)
                at = abs(f - start) <= near * max(1.0, abs(start))
                if at and before.at(after.start) != after.at(after.start):
                    here = after.start
                    break
                if at:  # a curved segment tells where it ends
                    here = after if after.slope else before
                elif f > start:
                    here = after
            found.append(here)
        return found

    def _numerators(self, floats: _Floats, denominator: int) -> list[int]:
        """Float weights in the units of the integer problem, neuron by neuron, and coefficients of
        free columns."""
        q = self.data.q * denominator
        unit = self._units.y / self._units.x / self.data.unit * q
        weights = [round(unit * Fraction(float(v))) for v in floats.U.T.ravel()]
        return weights + [
            round(unit * Fraction(v) * q / scale)
            for v, unit, (_, scale) in zip(
                floats.free.tolist(), self._free_units, self._free_columns, strict=True
            )
        ]

    def _near(self, floats: _Floats, cell: Sequence[State], tight: float) -> _Exact:
        """A rational point near the floats in the cell and the ball, and a dual vector near theirs
        that proves something."""
        unit = self._units.y / self._units.x
        lengths = np.linalg.norm(self._X, axis=1)
        found, walls = [], []
        largest = max(1.0, float(np.abs(floats.U).max(initial=0.0)))
        for state, u in zip(cell, floats.U.T, strict=True):
            values = np.array(state.sides) * (self._X @ u)
            close = tight * lengths * float(np.linalg.norm(u))
            held = [k for k in self.data.rows if values[k] <= close[k]]
            walls.append(None if np.abs(u).max() <= tight * largest else held)
            point = _on_walls(u, [self.problem.X[k] for k in held])
            if not self._in_cell([point], [state]):
                point = [Fraction()] * len(u)
            found.append(tuple(unit * v for v in point))
        u_all = tuple(found)
        if isinstance(self.within, Ball) and any(map(any, u_all)):
            size_ = self.norm(u_all) * (1 + _INSIDE)
            if size_ > self.within.rho:
                shrink = self.within.rho / size_
                u_all = tuple(tuple(shrink * v for v in uj) for uj in u_all)
        free = tuple(
            scale * Fraction(v)
            for v, scale in zip(floats.free.tolist(), self._free_units, strict=True)
        )
        return _Exact(u_all, free, self._allowed(floats.lam, cell, walls, tight))

    def _allowed(
        self,
        lam: Float[Array, " n"],
        cell: Sequence[State],
        walls: Sequence[list[int] | None],
        tight: float,
    ) -> list[Fraction]:
        """A dual vector near floats with a finite D, and no product with free columns; without a
        ball, none with weights on the walls of a neuron either, unless (None) it is zero.

        As few entries change as there are equations: those farthest from the ends of D's range.
        """
        problem = self.problem
        top = float(np.abs(lam).max()) or 1.0
        fine = self._units.slope * Fraction(top) / 2**_BITS
        found, room = [], []
        for v, (least, most) in zip(lam.tolist(), problem.loss.ends(problem.y), strict=True):
            entry = fine * round(v / top * 2**_BITS)
            if 0 in (least, most) and abs(v) <= tight * top:  # at that end
                entry = Fraction()
            entry = entry if least is None else max(entry, least)
            found.append(entry if most is None else min(entry, most))
            sides = [abs(found[-1] - end) for end in (least, most) if end is not None]
            room.append(min(sides, default=abs(found[-1]) + fine))
        # Products with free columns, and with what neurons add to the fit, up to what walls hold.
        equations = [(column, -1, 0) for column, _ in self._free_columns]
        held = []
        if self.within is None:
            X = self.data.X
            for j, (state, own) in enumerate(zip(cell, walls, strict=True)):
                if own is None:
                    continue
                held += [(j, k) for k in own]
                slopes = self.data.sigma.part([side > 0 for side in state.sides], [1] * len(X))
                for i in range(problem.d):
                    column = [c * row[i] for c, row in zip(slopes, X, strict=True)]
                    equations.append((column, j, i))
        if not equations:
            return found
        order = sorted((k for k, v in enumerate(room) if v), key=lambda k: -room[k])
        rows = [
            to_flint(
                [
                    *(self.data.X[k][i] * (j == own) for own, k in held),
                    *(column[k] for k in order),
                ]
            )
            for column, j, i in equations
        ]
        missing = to_flint([-dot(column, found) for column, _, _ in equations])
        change = some_solution(rows, missing, len(held) + len(order))
        if change is None:
            return [Fraction()] * len(found)
        for k, v in zip(order, from_flint(change[len(held) :]), strict=True):
            found[k] += v
        times = problem.loss.multiple(found, problem.y)
        return [times * v for v in found]


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
    """The program for all cells of so many neurons, each of which has so many states."""

    def __init__(self, problem: Problem, within: Within | None, sizes: tuple[int, ...]) -> None:
        """problem: in units of size one."""
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
        (n, d), m = X.shape, sum(sizes)
        self._y, self._loss = y, problem.loss
        self._U, self._fit = cp.Variable((d, m)), cp.Variable(n)
        self._masks, self._sides = cp.Parameter((n, m)), cp.Parameter((n, m))
        self._weight = cp.Parameter(nonneg=True)
        outputs = X @ self._U
        fit = cp.sum(cp.multiply(self._masks, outputs), axis=1)
        columns = np.array(problem.free_columns, dtype=float).reshape(-1, n).T
        self._free = cp.Variable(columns.shape[1]) if columns.size else None
        if self._free is not None:
            fit = fit + columns @ self._free
        self._on_fit = self._fit == fit
        constraints = [self._on_fit, cp.multiply(self._sides, outputs) >= 0]
        self._arrow = None
        objective = self._loss.expression(self._fit, y)
        if isinstance(within, Penalty):
            objective = objective + self._weight * cp.sum(cp.norm(self._U, 2, axis=0))
        elif within is not None:
            gauge = within.gauge
            if gauge.power == 1 or gauge.hidden.joint or max(sizes) == 1:
                size = gauge.hidden.ball(self._U, self._weight, gauge.power)
                constraints += size.constraints
                self._arrow = size.arrow
            else:  # states of one neuron share its room
                lengths = cp.norm(self._U, "inf" if gauge.hidden.entries else 2, axis=0)
                shares = cp.hstack(
                    [cp.sum(lengths[sum(sizes[:j]) :][:size]) for j, size in enumerate(sizes)]
                )
                constraints.append(cp.norm(shares, gauge.power) <= self._weight)
        objective = objective / self._loss.slope
        self._program = ConeProgram(cp.Problem(cp.Minimize(objective), constraints))

    def solve(
        self, masks: Float[Array, "n m"], sides: Float[Array, "n m"], weight: float
    ) -> _Floats | None:
        """The optimum; None where the solver fails.

        weight: of the penalty, or the radius of the ball.
        """
        self._masks.save_value(masks)
        self._sides.save_value(sides)
        self._weight.save_value(weight)
        if not self._program.solve():
            return None
        U, fit = self._U.value, self._fit.value
        Z = None
        if self._arrow is not None:
            Z = self._arrow.dual_value[: len(U), : len(U)]
        # Gradients are the more accurate, but with free columns only multipliers add up to nothing.
        if self._loss.smooth and self._free is None:
            lam = -self._loss.gradient(fit, self._y)
        else:
            lam = self._loss.slope * self._on_fit.dual_value
        free = np.zeros(0) if self._free is None else self._free.value
        return _Floats(U, free, fit, lam, Z)
