"""Walks on the nonnegative solutions of linear equations, exactly and with few nonzero entries.

The polyhedron is {x : sum_j x_j column_j = right-hand side, 0 <= x_j <= cap_j}. A vertex has at
most r entries strictly between their bounds, r the rank of the columns, and an edge one more.
Simplex pivots lead along edges without ever raising the cost (`path-lemma`, proofs_notes/paths.md).
Bland's rule, the least index among the possible ones, makes them end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from flint import fmpq, fmpz
from scipy.optimize import linprog

from theory.errors import Undecided
from theory.exact import (
    flint_matrix,
    float_of,
    independent,
    null_vector,
    primitive,
    some_solution,
    transposed,
)
from theory.quiet import quiet

Weights: TypeAlias = list[fmpq]
Tick: TypeAlias = Callable[[], None]

_ZERO = fmpq()
_AT_BOUND = 1e-9  # of float solutions; exact arithmetic has the last word
_MAX_PIVOTS = 100_000


@dataclass(frozen=True)
class Exchange:
    """Columns with costs >= 0, and caps that may be None for infinity.

    Rows of the columns, and the costs, are scaled to integers without a common divisor, which
    changes nothing but the number of digits.
    """

    columns: Sequence[Sequence[fmpq]]
    costs: Sequence[fmpq]
    caps: Sequence[fmpq | None]

    def __post_init__(self) -> None:
        size = len(self.columns[0]) if self.columns else 0
        rows = [primitive(row)[0] for row in transposed(self.columns, size)]
        object.__setattr__(self, "columns", transposed(rows, len(self.columns)))
        object.__setattr__(self, "costs", primitive(self.costs)[0])

    def total(self, x: Weights) -> list[fmpq]:
        """sum_j x_j column_j"""
        size = len(self.columns[0]) if self.columns else 0
        total = [_ZERO] * size
        for weight, column in zip(x, self.columns, strict=True):
            if weight:
                total = [t + weight * v for t, v in zip(total, column, strict=True)]
        return total

    def cost(self, x: Weights) -> fmpq:
        """sum_j x_j cost_j"""
        return sum((w * c for w, c in zip(x, self.costs, strict=True)), _ZERO)

    def between(self, x: Weights) -> list[int]:
        """The entries strictly between their bounds."""
        return [j for j, (v, cap) in enumerate(zip(x, self.caps, strict=True)) if v and v != cap]

    def vertex(self, x: Weights) -> Weights:
        """A vertex with the same sums as x and no larger cost, zero where x is.

        A float solver guesses which; where exact arithmetic does not confirm it, null vectors of
        non-increasing cost are followed from x.
        """
        used = [j for j, v in enumerate(x) if v]
        return (self._guessed(x, used) or self._pruned(x, used)) if used else x

    def _guessed(self, x: Weights, used: list[int]) -> Weights | None:
        # In units of x, and rows of their largest entry: x is then all ones.
        rows = [
            [x[j] * v for j, v in zip(used, row, strict=True)]
            for row in transposed([self.columns[j] for j in used], len(self.columns[0]))
        ]
        A = np.array([_floats(row) for row in rows])
        caps = [None if (c := self.caps[j]) is None else float_of(c / x[j]) for j in used]
        with quiet():
            found = linprog(
                _floats([x[j] * self.costs[j] for j in used]),
                A_eq=A,
                b_eq=A.sum(axis=1),
                bounds=[(0, cap) for cap in caps],
                method="highs-ds",
            )
        if found.x is None:
            return None
        target = self.total(x)
        weights = [_ZERO] * len(x)
        inner: list[int] = []
        least = _AT_BOUND * max(1.0, float(found.x.max()))
        for j, top, value in zip(used, caps, found.x.tolist(), strict=True):
            cap = self.caps[j]
            if cap is not None and top is not None and value > top * (1 - _AT_BOUND):
                weights[j] = cap
            elif value > least:
                inner.append(j)
        rest = [t - v for t, v in zip(target, self.total(weights), strict=True)]
        solved = some_solution(
            transposed([self.columns[j] for j in inner], len(rest)), rest, len(inner)
        )
        if solved is None:
            return None
        for j, v in zip(inner, solved, strict=True):
            cap = self.caps[j]
            if v < 0 or (cap is not None and v > cap):
                return None
            weights[j] = v
        return weights if self.cost(weights) <= self.cost(x) else None

    def _pruned(self, x: Weights, used: list[int]) -> Weights:
        """Caratheodory's theorem, one entry after another: those seen so far stay independent."""
        x = list(x)
        seen: list[int] = []
        for new in used:
            seen = [j for j in (*seen, new) if x[j] and x[j] != self.caps[j]]
            rows = transposed([self.columns[j] for j in seen], len(self.columns[0]))
            kept = independent(rows, len(seen))
            if len(kept) == len(seen):
                continue
            change = null_vector([rows[i] for i in kept], len(seen))
            slope = sum((self.costs[j] * v for j, v in zip(seen, change, strict=True)), _ZERO)
            if slope > 0 or (slope == 0 and all(v >= 0 for v in change)):
                change = [-v for v in change]
            step = min(
                limit
                for j, v in zip(seen, change, strict=True)
                if (limit := self.limit(x, j, v)) is not None
            )
            for j, v in zip(seen, change, strict=True):
                x[j] += step * v
            seen = [j for j in seen if x[j] and x[j] != self.caps[j]]
        return x

    def limit(self, x: Weights, j: int, change: fmpq) -> fmpq | None:
        """The step at which entry j, changing at this rate, meets its bound."""
        if change < 0:
            return x[j] / -change
        cap = self.caps[j]
        return None if cap is None or not change else (cap - x[j]) / change

    def towards(self, x: Weights) -> list[fmpq]:
        """Costs that the vertex x alone minimises among all points of the polyhedron."""
        return [
            fmpq(1) if not v else fmpq(-1 if v == cap else 0)
            for v, cap in zip(x, self.caps, strict=True)
        ]


class Walk:
    """Simplex pivots from a vertex x, which they move.

    change: where the right-hand side will move, with `carry`.

    The tableau B^-1 [columns, change], for a basis B that holds all entries between their bounds,
    is kept in integers over det B, as in Bareiss's elimination: divisions are exact, and no
    fractions have to be reduced.
    """

    def __init__(self, of: Exchange, x: Weights, change: Sequence[fmpq], tick: Tick) -> None:
        self.of, self.x, self._tick = of, list(x), tick
        inner = of.between(x)
        order = [*inner, *(j for j in range(len(x)) if j not in set(inner))]
        rows = transposed(of.columns, len(change))
        ordered = [[row[j] for j in order] for row in rows]
        kept = independent(rows, len(x))
        self._basis = [order[k] for k in independent(transposed(ordered, len(x)), len(rows))]
        basis = flint_matrix([[rows[i][j] for j in self._basis] for i in kept], len(kept))
        # The change has denominators of its own: its column is kept in units of 1 / common.
        common = math.lcm(*(int(v.q) for v in change))
        columns = [[*rows[i], common * change[i]] for i in kept]
        self._common = fmpq(common)
        self._divisor = basis.det().p
        solved = basis.solve(flint_matrix(columns, len(x) + 1)).tolist() if kept else []
        self._rows = [[(v * self._divisor).p for v in row] for row in solved]

    def descend(self, further: Sequence[fmpq] | None = None) -> Iterator[Weights]:
        """The vertices on a path to one of least cost.

        further: costs that decide between vertices of equal cost; they may be negative.
        """
        objectives = [self.of.costs] if further is None else [self.of.costs, further]
        for _ in self._pivots():
            entering = self._improving(objectives)
            if entering is None:
                return
            if self._move(entering):
                yield list(self.x)

    def carry(self) -> Iterator[Weights]:
        """The vertices of least cost as the right-hand side moves by `change`, after `descend`.

        It must stay feasible. Between two vertices it moves in a straight line, and the cost is
        convex in it. Source: the parametric simplex method.
        """
        time = fmpq()
        for _ in self._pivots():
            step, leaving = self._until_infeasible(1 - time)
            if step:
                time += step
                yield list(self.x)
            if leaving is None:
                return
            self._replace(leaving)

    def _pivots(self) -> Iterator[None]:
        for _ in range(_MAX_PIVOTS):
            self._tick()
            yield
        raise Undecided(f"a simplex walk did not end within {_MAX_PIVOTS:,} pivots")

    def _improving(self, objectives: Sequence[Sequence[fmpq]]) -> int | None:
        """The first entry that lowers the first objective that it changes."""
        basic = set(self._basis)
        for j, (value, cap) in enumerate(zip(self.x, self.of.caps, strict=True)):
            if j in basic or cap == 0:
                continue
            for costs in objectives:
                reduced = self._reduced(costs, j)
                if reduced:
                    if ((reduced < 0) == (self._divisor > 0)) == (not value):
                        return j
                    break
        return None

    def _reduced(self, costs: Sequence[fmpq], j: int) -> fmpz:
        """The reduced cost of an entry, times det B."""
        total = costs[j].p * self._divisor
        for b, row in zip(self._basis, self._rows, strict=True):
            if row[j]:
                total -= costs[b].p * row[j]
        return total

    def _move(self, entering: int) -> bool:
        """Move an entry from its bound as far as possible; whether that is any way at all."""
        direction = fmpq(1 if not self.x[entering] else -1)
        rates = [-direction * fmpq(row[entering], self._divisor) for row in self._rows]
        limits = [
            (limit, b, i)
            for i, (b, rate) in enumerate(zip(self._basis, rates, strict=True))
            if rate and (limit := self.of.limit(self.x, b, rate)) is not None
        ]
        cap = self.of.caps[entering]
        if cap is not None:
            limits.append((cap, entering, -1))
        # Costs are nonnegative, so some entry is bounded on the way down.
        step, _, leaving = min(limits)
        self._shift(rates, step)
        self.x[entering] += direction * step
        if leaving >= 0:
            self._pivot(leaving, entering)
        return bool(step)

    def _until_infeasible(self, most: fmpq) -> tuple[fmpq, int | None]:
        """Move the right-hand side until an entry meets its bound: the step, and its row."""
        rates = [fmpq(row[-1], self._divisor) / self._common for row in self._rows]
        limits = [
            (limit, b, i)
            for i, (b, rate) in enumerate(zip(self._basis, rates, strict=True))
            if rate and (limit := self.of.limit(self.x, b, rate)) is not None
        ]
        step, _, leaving = min(limits, default=(most, -1, -1))
        if step >= most:
            self._shift(rates, most)
            return most, None
        self._shift(rates, step)
        return step, leaving

    def _shift(self, rates: Sequence[fmpq], step: fmpq) -> None:
        for b, rate in zip(self._basis, rates, strict=True):
            self.x[b] += step * rate

    def _replace(self, leaving: int) -> None:
        """A dual simplex pivot: the entry of the row leaves, the basis stays optimal."""
        row = self._rows[leaving]
        positive = self._divisor > 0
        falling = (row[-1] < 0) == positive
        basic = set(self._basis)
        ratios = [
            (abs(fmpq(self._reduced(self.of.costs, j), row[j])), j)
            for j, value in enumerate(self.x)
            # The entering one has to push the leaving one back into its bounds.
            if j not in basic
            and row[j]
            and self.of.caps[j] != 0
            and (((row[j] < 0) == positive) == (not value)) == falling
        ]
        if not ratios:
            raise Undecided("the right-hand side leaves the polyhedron")
        self._pivot(leaving, min(ratios)[1])

    def _pivot(self, leaving: int, entering: int) -> None:
        pivot = self._rows[leaving]
        factor, divisor = pivot[entering], self._divisor
        for i, row in enumerate(self._rows):
            if i != leaving:
                scale = row[entering]
                self._rows[i] = [
                    (factor * v - scale * p) // divisor for v, p in zip(row, pivot, strict=True)
                ]
        self._divisor = factor
        self._basis[leaving] = entering


def _floats(row: Sequence[fmpq]) -> list[float]:
    """A row in units of its largest entry."""
    top = max(map(abs, row), default=_ZERO) or fmpq(1)
    return [float_of(v / top) for v in row]
