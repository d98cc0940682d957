"""The networks of one cell whose fit is one of some: a polyhedron in convex coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from flint import fmpq

from theory.exact import (
    dot,
    flint_matrix,
    from_flint,
    independent,
    some_solution,
    sparse_dot,
    to_flint,
    transposed,
)
from theory.gauges import Point
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.completed import free_fit
from theory.linear import LinearProgram
from theory.problem import Problem
from theory.radii.fits import Condition, Fits
from theory.states import cone_of

_TIGHT = fmpq(1, 10**7)  # relative to the largest entry of a target


class Nearest(NamedTuple):
    """The point of a fibre that differs least from a target in the largest entry, with multipliers.

    lam: (n,), and height: what lam.f is at least. mu: (m, n) of the cones, >= 0. For
    w_j = s_j X^T D_j lam + X^T (2 D_j - I) mu_j the absolute entries of all w_j add up to 1 at
    most, and the difference is height - sum_j w_j . target_j.
    """

    point: Point
    lam: tuple[Fraction, ...]
    height: Fraction
    mu: tuple[tuple[Fraction, ...], ...]


class _Rows(NamedTuple):
    """Rows that are not zero, over (u_1 .. u_m) and the coefficients of the free columns.

    By place among the conditions of the fit, and by (j, k) for neuron j and datum k.
    """

    fits: dict[int, list[fmpq]]
    cones: dict[tuple[int, int], list[fmpq]]


@dataclass(frozen=True)
class Fibre:
    """{u : u_j in the cone of neuron j, f in fits}, f = sum_j s_j D_j X u_j, not empty.

    Where networks have an output bias or a linear part, f has these as well, whatever they are.
    problem: its X (n, d) and activation. signs: (m,) of s_j. active: (m, n), whether rows are, on
    the cone {S_j X u >= 0}, S_j = diag(+-1), where D_j has the activation's slopes. start: a point
    of it.
    """

    problem: Problem
    fits: Fits
    signs: tuple[int, ...]
    active: tuple[tuple[bool, ...], ...]
    start: Point

    @classmethod
    def of(cls, complex_: CellComplex, cell: Cell, fits: Fits) -> Fibre:
        """The fibre of a cell over fits of its minimum, that where it is attained among them."""
        point = complex_.point(cell, complex_.minimum(cell))
        active = complex_.arrangement.active
        return cls(
            problem=complex_.problem,
            fits=fits,
            signs=tuple(sign for sign, _ in point),
            active=tuple(tuple(active(cone_of(state)).tolist()) for state in cell),
            start=tuple(u for _, u in point),
        )

    def nearest(self, target: Point, counted: int | None = None) -> Nearest:
        """The point of the fibre nearest to the target, exactly.

        By linear programming: min t subject to -t <= u_jk - target_jk <= t for u in the fibre.
        counted: only for the first k; by default for all.
        """
        aim, start = _flat(target), _flat(self.start)
        size, d, free = len(aim), self.problem.d, len(self.free_columns)
        places = [i for i in range(size) if counted is None or i % d < counted]
        fits, cones = self._rows
        rest = [fmpq()] * free
        above = [[*_unit(i, size), *rest, fmpq(1)] for i in places]
        below = [[*(-v for v in _unit(i, size)), *rest, fmpq(1)] for i in places]
        conditions = self.fits.conditions
        values = to_flint(conditions[i].value for i in fits)
        rows = [[*row, fmpq()] for row in fits.values()]
        equal = sum(i < len(self.fits.equal) for i in fits)
        optimum = LinearProgram(
            c=_unit(size + free, size + free + 1),
            E=rows[:equal],
            e=values[:equal],
            G=[*rows[equal:], *([*row, fmpq()] for row in cones.values()), *above, *below],
            g=[
                *values[equal:],
                *([fmpq()] * len(cones)),
                *(aim[i] for i in places),
                *(-aim[i] for i in places),
            ],
        ).minimum([*start, *self._free_start(), max(abs(start[i] - aim[i]) for i in places)])
        point = from_flint(optimum.x[:size])
        beyond = len(fits) - equal
        of_fits = from_flint([*optimum.equalities, *optimum.inequalities[:beyond]])
        of_cones = from_flint(optimum.inequalities[beyond : beyond + len(cones)])
        multipliers = dict(zip(fits, of_fits, strict=True))
        mu = dict(zip(cones, of_cones, strict=True))
        n = self.problem.n
        lam, height = self.fits.combined(
            [multipliers.get(i, Fraction()) for i in range(len(conditions))], n
        )
        return Nearest(
            point=tuple(point[i : i + d] for i in range(0, size, d)),
            lam=lam,
            height=height,
            mu=tuple(
                tuple(mu.get((j, k), Fraction()) for k in range(n)) for j in range(len(self.signs))
            ),
        )

    def near(
        self, target: Point, caps: Sequence[Fraction], free: Sequence[Fraction] = ()
    ) -> Point | None:
        """A point with |u_jk| <= caps_j near a target that lies almost in the fibre, exactly.

        The least change by which fit and all constraints that are almost tight become equations;
        None where that breaks others. caps: (m,), or empty for none. free: the coefficients of the
        free columns there. Only for fits that are stated by equations, if at all.
        """
        assert not self.fits.beyond
        aim = [*_flat(target), *to_flint(free)]
        size, d = len(aim), self.problem.d
        fits, cones = self._rows
        rows = list(fits.values())
        values = to_flint(self.fits.equal[i].value for i in fits)
        close = max(map(abs, aim), default=fmpq()) * _TIGHT
        for row in cones.values():
            if sparse_dot(row, aim) <= close * max(map(abs, row)):
                rows.append(row)
                values.append(fmpq())
        bounds = to_flint(cap for cap in caps for _ in range(d))
        for i, bound in enumerate(bounds):
            if abs(aim[i]) >= bound - close:
                rows.append(_unit(i, size))
                values.append(bound if aim[i] > 0 else -bound)
        missing = [value - sparse_dot(row, aim) for row, value in zip(rows, values, strict=True)]
        A = flint_matrix(rows, size)
        weights = some_solution((A * A.transpose()).tolist(), missing, len(rows))
        if weights is None:
            return None
        change = (A.transpose() * flint_matrix([[v] for v in weights], 1)).entries()
        u = [v + c for v, c in zip(aim, change, strict=True)]
        if any(sparse_dot(row, u) < 0 for row in cones.values()):
            return None
        if any(abs(v) > bound for v, bound in zip(u, bounds, strict=False)):
            return None
        point = from_flint(u[: size - len(free)])
        return tuple(point[i : i + d] for i in range(0, len(point), d))

    def columns(
        self, lam: Sequence[Fraction], mu: Sequence[Sequence[Fraction]]
    ) -> list[tuple[Fraction, ...]]:
        """w_j = s_j X^T D_j lam + X^T S_j mu_j, (m, d): lam.f <= sum_j w_j . u_j here, for a lam
        orthogonal to the free columns."""
        features = list(zip(*self.problem.X, strict=True))
        return [tuple(dot(c, x) for x in features) for c in self.coefficients(lam, mu)]

    def coefficients(
        self, lam: Sequence[Fraction], mu: Sequence[Sequence[Fraction]]
    ) -> list[tuple[Fraction, ...]]:
        """s_j D_j lam + S_j mu_j, (m, n): those of the rows of X in `columns`."""
        part = self.problem.activation.part
        return [
            tuple(
                sign * f + (v if on else -v)
                for on, f, v in zip(active, part(active, lam), m, strict=True)
            )
            for sign, active, m in zip(self.signs, self.active, mu, strict=True)
        ]

    def orthogonal(
        self, multipliers: Sequence[Fraction], *, free_biases: bool
    ) -> list[Fraction] | None:
        """Multipliers of the conditions near these whose lam no unbounded weight refutes.

        None where those of inequalities would be negative. It is orthogonal to the free columns,
        and to 1 where free hidden biases would else make lam.f as large as they like, in neurons
        that have all data on one side. Only as many change as there are columns: the largest, so
        that they keep their signs.
        """
        columns = list(self.free_columns)
        if free_biases and self._rises(self.fits.combined(multipliers, self.problem.n)[0]):
            columns.append((Fraction(1),) * self.problem.n)
        if not columns:
            return list(multipliers)
        conditions = self.fits.conditions
        order = sorted(range(len(multipliers)), key=lambda i: -abs(multipliers[i]))
        rows = [
            to_flint(sum(v * column[k] for k, v in conditions[i].row) for column in columns)
            for i in order
        ]
        places = independent(rows, len(columns))
        found = to_flint(multipliers[i] for i in order)
        for place in places:
            found[place] = fmpq()
        left = [-sparse_dot(found, products) for products in transposed(rows, len(columns))]
        equations = transposed([rows[place] for place in places], len(columns))
        solved = some_solution(equations, left, len(places))
        assert solved is not None  # as all rows are combinations of those
        for place, value in zip(places, solved, strict=True):
            found[place] = value
        near = dict(zip(order, from_flint(found), strict=True))
        changed = [near[i] for i in range(len(order))]
        return None if min(changed[len(self.fits.equal) :], default=0) < 0 else changed

    def _rises(self, lam: Sequence[Fraction]) -> bool:
        """Whether lam.f rises with the bias of a neuron that has all data on one side."""
        sigma, total = self.problem.activation, sum(lam, Fraction())
        sided = zip(self.signs, self.active, strict=True)
        slopes = (
            sign * (sigma.positive if active[0] else -sigma.negative)
            for sign, active in sided
            if len(set(active)) == 1
        )
        return any(slope * total > 0 for slope in slopes)

    @cached_property
    def free_columns(self) -> list[tuple[Fraction, ...]]:
        """Those of the output bias and of the linear part, (n,) each, that are independent."""
        columns = self.problem.free_columns
        if not columns:
            return []
        return [columns[i] for i in independent(list(map(to_flint, columns)), self.problem.n)]

    def _free_start(self) -> list[fmpq]:
        """Coefficients of the free columns at the start, of least loss."""
        if not self.free_columns:
            return []
        fit = [Fraction()] * self.problem.n
        for sign, u, active in zip(self.signs, self.start, self.active, strict=True):
            inputs = [dot(x, u) for x in self.problem.X]
            part = self.problem.activation.part(active, inputs)
            fit = [f + sign * v for f, v in zip(fit, part, strict=True)]
        moved = [g - f for g, f in zip(free_fit(self.problem, fit), fit, strict=True)]
        columns = list(map(to_flint, self.free_columns))
        found = some_solution(transposed(columns, len(fit)), to_flint(moved), len(columns))
        assert found is not None
        return found

    @cached_property
    def _rows(self) -> _Rows:
        m, d = len(self.signs), self.problem.d
        rows: list[list[fmpq]] = []
        cones: dict[tuple[int, int], list[fmpq]] = {}
        part = self.problem.activation.part
        free = list(zip(*self.free_columns, strict=True))
        rest = [fmpq()] * len(self.free_columns)
        for k, x in enumerate(self.problem.X):
            slopes = part((active[k] for active in self.active), self.signs)
            own = to_flint(slope * v for slope in slopes for v in x)
            rows.append([*own, *to_flint(free[k])] if free else own)
            if not any(x):
                continue
            for j, active in enumerate(self.active):
                row = [Fraction()] * (m * d)
                row[j * d : (j + 1) * d] = [v if active[k] else -v for v in x]
                cones[j, k] = [*to_flint(row), *rest]
        fits = {i: _combined(condition, rows) for i, condition in enumerate(self.fits.conditions)}
        return _Rows({i: row for i, row in fits.items() if any(row)}, cones)


def _combined(condition: Condition, rows: Sequence[list[fmpq]]) -> list[fmpq]:
    """The row of a condition, from those of the data."""
    parts = [
        rows[k] if v == 1 else [fmpq(v.numerator, v.denominator) * entry for entry in rows[k]]
        for k, v in condition.row
    ]
    if len(parts) == 1:
        return parts[0]
    return [sum(entries, fmpq()) for entries in zip(*parts, strict=True)]


def _flat(point: Point) -> list[fmpq]:
    return to_flint(v for u in point for v in u)


def _unit(place: int, size: int) -> list[fmpq]:
    return [fmpq(int(k == place)) for k in range(size)]
