"""The networks of one cell that have a given fit, or one beyond it: a polyhedron in convex
coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from flint import fmpq

from theory.exact import dot, flint_matrix, from_flint, some_solution, sparse_dot, to_flint
from theory.gauges import Point
from theory.landscape.cells import Cell, CellComplex
from theory.linear import LinearProgram
from theory.problem import Problem
from theory.states import cone_of

_TIGHT = fmpq(1, 10**7)  # relative to the largest entry of a target


class Nearest(NamedTuple):
    """The point of a fibre that differs least from a target in the largest entry, with multipliers.

    lam: (n,) of the fit. mu: (m, n) of the cones, >= 0. For w_j = s_j X^T D_j lam +
    X^T (2 D_j - I) mu_j the absolute entries of all w_j add up to 1 at most, and the difference is
    lam.fit - sum_j w_j . target_j.
    """

    point: Point
    lam: tuple[Fraction, ...]
    mu: tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Fibre:
    """{u : u_j in the cone of neuron j, f = fit}, f = sum_j s_j D_j X u_j, not empty.

    problem: its X (n, d) and activation. fit: (n,). signs: (m,) of s_j. active: (m, n), whether
    rows are, on the cone {S_j X u >= 0}, S_j = diag(+-1), where D_j has the activation's slopes.
    start: a point of it. sides: (n,) of 1 and -1, where f may be beyond the fit: in place of
    f = fit then sides_k (f_k - fit_k) >= 0.
    """

    problem: Problem
    fit: tuple[Fraction, ...]
    signs: tuple[int, ...]
    active: tuple[tuple[bool, ...], ...]
    start: Point
    sides: tuple[int, ...] | None = None

    @classmethod
    def of(cls, complex_: CellComplex, cell: Cell, fit: tuple[Fraction, ...]) -> Fibre:
        """The fibre of a cell over the fit at its minimum."""
        point = complex_.point(cell, complex_.minimum(cell))
        active = complex_.arrangement.active
        return cls(
            problem=complex_.problem,
            fit=fit,
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
        size, d = len(aim), self.problem.d
        places = [i for i in range(size) if counted is None or i % d < counted]
        fits, cones = self._rows
        above = [[*_unit(i, size), fmpq(1)] for i in places]
        below = [[*(-v for v in _unit(i, size)), fmpq(1)] for i in places]
        sides = self.sides or (1,) * self.problem.n
        fitted = [[*(sides[k] * v for v in row), fmpq()] for k, row in fits.items()]
        values = to_flint(sides[k] * self.fit[k] for k in fits)
        equal, beyond = (fitted, []) if self.sides is None else ([], fitted)
        optimum = LinearProgram(
            c=_unit(size, size + 1),
            E=equal,
            e=values[: len(equal)],
            G=[*beyond, *([*row, fmpq()] for row in cones.values()), *above, *below],
            g=[
                *values[: len(beyond)],
                *([fmpq()] * len(cones)),
                *(aim[i] for i in places),
                *(-aim[i] for i in places),
            ],
        ).minimum([*start, max(abs(start[i] - aim[i]) for i in places)])
        point = from_flint(optimum.x[:size])
        of_fits = from_flint([*optimum.equalities, *optimum.inequalities[: len(beyond)]])
        of_cones = from_flint(optimum.inequalities[len(beyond) : len(beyond) + len(cones)])
        lam = {k: sides[k] * v for k, v in zip(fits, of_fits, strict=True)}
        mu = dict(zip(cones, of_cones, strict=True))
        rows = range(self.problem.n)
        return Nearest(
            point=tuple(point[i : i + d] for i in range(0, size, d)),
            lam=tuple(lam.get(k, Fraction()) for k in rows),
            mu=tuple(
                tuple(mu.get((j, k), Fraction()) for k in rows) for j in range(len(self.signs))
            ),
        )

    def near(self, target: Point, caps: Sequence[Fraction], *, fitted: bool = True) -> Point | None:
        """A point with |u_jk| <= caps_j near a target that lies almost in the fibre, exactly.

        The least change by which fit and all constraints that are almost tight become equations;
        None where that breaks others. caps: (m,), or empty for none. fitted: else any fit will do.
        """
        aim = _flat(target)
        size, d = len(aim), self.problem.d
        fits, cones = self._rows
        rows = list(fits.values()) if fitted else []
        values = to_flint(self.fit[k] for k in fits) if fitted else []
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
        point = from_flint(u)
        return tuple(point[i : i + d] for i in range(0, size, d))

    def columns(
        self, lam: Sequence[Fraction], mu: Sequence[Sequence[Fraction]]
    ) -> list[tuple[Fraction, ...]]:
        """w_j = s_j X^T D_j lam + X^T S_j mu_j, (m, d): lam.fit <= sum_j w_j . u_j here."""
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

    @cached_property
    def _rows(self) -> tuple[dict[int, list[fmpq]], dict[tuple[int, int], list[fmpq]]]:
        """The rows over (u_1 .. u_m) that are not zero: by k of the fit, (j, k) of the cones."""
        m, d = len(self.signs), self.problem.d
        fits: dict[int, list[fmpq]] = {}
        cones: dict[tuple[int, int], list[fmpq]] = {}
        part = self.problem.activation.part
        for k, x in enumerate(self.problem.X):
            if not any(x):
                continue
            slopes = part((active[k] for active in self.active), self.signs)
            if any(slopes):
                fits[k] = to_flint(slope * v for slope in slopes for v in x)
            for j, active in enumerate(self.active):
                row = [Fraction()] * (m * d)
                row[j * d : (j + 1) * d] = [v if active[k] else -v for v in x]
                cones[j, k] = to_flint(row)
        return fits, cones


def _flat(point: Point) -> list[fmpq]:
    return to_flint(v for u in point for v in u)


def _unit(place: int, size: int) -> list[fmpq]:
    return [fmpq(int(k == place)) for k in range(size)]
