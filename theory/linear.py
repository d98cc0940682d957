"""Exact linear programs: min c.x subject to E x = e and G x >= g, with x free and all rational.

Small ones are solved by an exact simplex method. For larger ones floating point (HiGHS) first
guesses which inequalities are tight and which have a multiplier; exact arithmetic solves for both
and checks feasibility, signs and complementarity, which together prove the optimum. A wrong guess
costs time, never correctness: the simplex method takes over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from flint import fmpq
from scipy.optimize import linprog

from theory.exact import (
    Row,
    flint_matrix,
    float_of,
    independent,
    null_vector,
    some_solution,
    sparse_dot,
    transposed,
)
from theory.quiet import quiet

_LOG = logging.getLogger(__name__)

# On rows of largest entry 1 and a right-hand side of at most 1; exact arithmetic has the last word.
_TIGHT = 1e-9
# Unknowns up to which the simplex method takes 1 to 2 ms, about half as long as the guess.
_SMALL = 20


class Optimum(NamedTuple):
    """x and its proof: c = E^T equalities + G^T inequalities, the latter >= 0, 0 off G x = g."""

    x: list[fmpq]
    equalities: list[fmpq]
    inequalities: list[fmpq]


@dataclass(frozen=True)
class LinearProgram:
    """min c.x subject to E x = e, G x >= g. It must be bounded, and its feasible set pointed.

    c: (N,), E: (p, N), e: (p,), G: (q, N), g: (q,); no row of E or G is zero.
    """

    c: Row
    E: Sequence[Row]
    e: Row
    G: Sequence[Row]
    g: Row

    def minimum(self, start: Row) -> Optimum:
        """An optimal x with its multipliers; `start` is any feasible point."""
        if len(self.c) > _SMALL:
            if guess := self.guess():
                return guess
            _LOG.debug("the vertex that HiGHS finds is not confirmed: the simplex method goes on")
        return self.simplex(start)

    def guess(self) -> Optimum | None:
        """The optimum by a guess in floating point; None unless exact arithmetic confirms it."""
        size = max((abs(v) for v in (*self.e, *self.g)), default=fmpq()) or fmpq(1)

        def scaled(rows: Sequence[Row], values: Row) -> np.ndarray:
            tops = [max(map(abs, row)) for row in rows]
            table = [
                [*(float_of(v / top) for v in row), float_of(value / top / size)]
                for row, value, top in zip(rows, values, tops, strict=True)
            ]
            return np.array(table).reshape(len(rows), len(self.c) + 1)

        E, G = scaled(self.E, self.e), scaled(self.G, self.g)
        with quiet():
            found = linprog(
                [float_of(v) for v in self.c],
                A_ub=-G[:, :-1],
                b_ub=-G[:, -1],
                A_eq=E[:, :-1],
                b_eq=E[:, -1],
                bounds=(None, None),
                method="highs-ds",  # a vertex, whose tight rows determine it
            )
        if found.status != 0:
            return None
        tight = np.flatnonzero(found.slack <= _TIGHT).tolist()
        support = [i for i in tight if found.ineqlin.marginals[i] < -_TIGHT]
        x = some_solution(
            [*self.E, *(self.G[i] for i in tight)],
            [*self.e, *(self.g[i] for i in tight)],
            len(self.c),
        )
        if x is None or min(self._slacks(x), default=0) < 0:
            return None
        rows = [*self.E, *(self.G[i] for i in support)]
        multipliers = some_solution(transposed(rows, len(self.c)), self.c, len(rows))
        if multipliers is None or min(multipliers[len(self.E) :], default=0) < 0:
            return None
        return self._optimum(x, range(len(self.E)), support, multipliers)

    def simplex(self, start: Row) -> Optimum:
        """The optimum by the simplex method with Bland's rule, which cannot cycle."""
        unknowns, x = len(self.c), list(start)
        kept = independent(self.E, unknowns)
        equalities = [self.E[i] for i in kept]
        working: list[int] = []
        while len(kept) + len(working) < unknowns:  # to a vertex, never uphill
            rows = [*equalities, *(self.G[i] for i in working)]
            direction = null_vector(rows, unknowns)
            if sparse_dot(self.c, direction) > 0:
                direction = [-v for v in direction]
            blocked = self._blocking(x, direction)
            if blocked is None:
                direction = [-v for v in direction]
                blocked = self._blocking(x, direction)
            assert blocked is not None
            x = _moved(x, direction, blocked[0])
            working.append(blocked[1])
        while True:
            basis = flint_matrix([*equalities, *(self.G[i] for i in working)], unknowns)
            multipliers = basis.transpose().solve(flint_matrix([[v] for v in self.c], 1)).entries()
            negative = [
                (index, place)
                for place, index in enumerate(working)
                if multipliers[len(kept) + place] < 0
            ]
            if not negative:
                return self._optimum(x, kept, working, multipliers)
            _, leaving = min(negative)
            unit = [[fmpq(int(k == len(kept) + leaving))] for k in range(unknowns)]
            direction = basis.solve(flint_matrix(unit, 1)).entries()
            blocked = self._blocking(x, direction)
            assert blocked is not None
            x = _moved(x, direction, blocked[0])
            working[leaving] = blocked[1]

    def _slacks(self, x: Row) -> list[fmpq]:
        return [sparse_dot(row, x) - value for row, value in zip(self.G, self.g, strict=True)]

    def _blocking(self, x: Row, direction: Row) -> tuple[fmpq, int] | None:
        """How far x can go and the first inequality that stops it; None where nothing does."""
        slopes = [sparse_dot(row, direction) for row in self.G]
        steps = [
            (slack / -slope, i)
            for i, (slack, slope) in enumerate(zip(self._slacks(x), slopes, strict=True))
            if slope < 0
        ]
        return min(steps, default=None)

    def _optimum(
        self, x: list[fmpq], equal: Sequence[int], tight: Sequence[int], multipliers: Row
    ) -> Optimum:
        """With the multipliers of these rows, in this order, in their places among all."""
        equalities, inequalities = [fmpq()] * len(self.E), [fmpq()] * len(self.G)
        for i, value in zip(equal, multipliers[: len(equal)], strict=True):
            equalities[i] = value
        for i, value in zip(tight, multipliers[len(equal) :], strict=True):
            inequalities[i] = value
        return Optimum(x, equalities, inequalities)


def least_absolute_sum(columns: Sequence[Row], free: Sequence[Row], target: Row) -> fmpq:
    """The least sum |z_j| with sum z_j column_j + sum b_i free_i = target (basis pursuit).

    columns, free: vectors (n,); those of the latter are independent. Raises ValueError where no
    combination is the target.
    """
    used = [column for column in columns if any(column)]
    both = [*used, *([-v for v in column] for column in used)]
    rows = transposed([*both, *free], len(target))
    start = some_solution(transposed([*used, *free], len(target)), target, len(used) + len(free))
    if start is None:
        raise ValueError("the target is no combination of the columns")
    z, b = start[: len(used)], start[len(used) :]
    positive = [*(max(v, fmpq()) for v in z), *(max(-v, fmpq()) for v in z)]
    size = len(both) + len(free)
    signs = [[fmpq(int(i == j)) for j in range(size)] for i in range(len(both))]
    cost = [fmpq(int(j < len(both))) for j in range(size)]
    kept = [k for k, row in enumerate(rows) if any(row)]
    program = LinearProgram(
        cost, [rows[k] for k in kept], [target[k] for k in kept], signs, [fmpq()] * len(both)
    )
    return sum(program.minimum([*positive, *b]).x[: len(both)], fmpq())


def _moved(x: Row, direction: Row, step: fmpq) -> list[fmpq]:
    return [v + step * p for v, p in zip(x, direction, strict=True)]
