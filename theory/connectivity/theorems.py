"""Widths from which an optimizer's solution set is connected, by theorem.

| geometry               | connected for every m >=                      | set                   |
|------------------------|-----------------------------------------------|-----------------------|
| ngd, sgd               | min(2 P, r) + 1                               | every sublevel set    |
| muon                   | min(2 P, q) + 1, q = n + d (d + 1) / 2        | every sublevel set    |
| adamw, lion, signsgd   | ceil(S) + n                                   | the set of least loss |
| all other balls        | some finite width (`any-region`): none known  | every sublevel set    |

r is the rank of the images of all neurons. The losses are any convex ones, but in the entrywise
balls, where it is the squared one. Source: proofs_notes/width-profile.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise

from flint import fmpq, fmpq_mat

from theory.arrangement import arrangement
from theory.errors import BudgetError
from theory.exact import from_flint, to_flint
from theory.landscape.domain import EntrywiseBall, WholeSpace
from theory.problem import Problem
from theory.within import Ball, Penalty, Within, are_decayed, require_within

MAX_BASES = 200_000
"""Sets of columns that `largest_mass` looks at, by default; some 20 microseconds each."""


def connected_from(problem: Problem, within: Within, *, max_bases: int = MAX_BASES) -> int | None:
    """A width from which on the set of least loss in the ball is connected; None: none is known.

    With a penalty the loss includes it.
    Raises BudgetError where an entrywise ball has more than `max_bases` sets of columns.
    """
    require_within(within, Ball, Penalty)
    if not are_decayed(problem, within):
        return None
    blocks = 2 * len(arrangement(problem.X))
    if isinstance(within, Penalty):
        return min(blocks, rank_of_columns(problem)) + 1
    if within.gauge.exact:
        if not problem.is_plain:
            return None
        return math.ceil(largest_mass(problem, within.rho, max_bases=max_bases)) + problem.n
    if not within.gauge.summed:
        return None
    if within.gauge.hidden.joint:
        return min(blocks, problem.n + problem.d * (problem.d + 1) // 2) + 1
    return min(blocks, rank_of_columns(problem)) + 1


@lru_cache(maxsize=64)
def largest_mass(problem: Problem, rho: Fraction, *, max_bases: int = MAX_BASES) -> Fraction:
    """S: the most that the coefficients of a basic solution of Phi z = y*, z >= 0, sum to.

    The columns of Phi are +-sigma(X v) for the vertices v of {u in K_b, ||u||_inf <= rho}; y* is
    the projection of y on their span. S rho does not depend on rho. The polyhedron is unbounded, so
    S is no linear program: all bases are tried.

    Raises BudgetError where there are more than `max_bases`.
    """
    ball = EntrywiseBall(problem, arrangement(problem.X), Ball("adamw", rho))
    columns = [[fmpq(v) for v in column] for column in ball.positive_columns if any(column)]
    rank = _rank(columns)
    if not rank:
        return Fraction()
    needed = math.comb(2 * len(columns), rank)
    if needed > max_bases:
        raise BudgetError("sets of columns", needed, max_bases, "max_bases")
    rows = fmpq_mat(columns)
    target = _projected(rows, [fmpq(v) for v in ball.least_squares.y])
    signed = [column for v in columns for column in (v, [-c for c in v])]
    best = fmpq()
    for chosen in combinations(range(len(signed)), rank):
        if any(k + 1 == j and k % 2 == 0 for k, j in pairwise(chosen)):
            continue  # a column and its negative are dependent
        A = fmpq_mat([signed[k] for k in chosen])
        gram, right = A * A.transpose(), A * target
        try:
            z = gram.solve(right).entries()
        except ZeroDivisionError:
            continue
        if min(z) >= 0:
            best = max(best, sum(z, fmpq()))
    return from_flint([best])[0]


def attainable(problem: Problem) -> Problem:
    """The same data with y*, the projection of y on the span of all neurons' images, as targets."""
    images = _rays(problem)
    if not images:
        return replace(problem, y=(Fraction(),) * problem.n)
    y = _projected(fmpq_mat(images), to_flint(problem.y)).entries()
    return replace(problem, y=from_flint(y))


def rank_of_columns(problem: Problem) -> int:
    """r: the dimension of the span of all neurons' images."""
    return _rank(_rays(problem))


def _projected(rows: fmpq_mat, y: list[fmpq]) -> fmpq_mat:
    """The projection of y on the span of the rows, as a column."""
    basis, rank = rows.rref()
    B = fmpq_mat(basis.tolist()[:rank])
    projection: fmpq_mat = B.transpose() * (B * B.transpose()).solve(B * fmpq_mat([[v] for v in y]))
    return projection


def _rays(problem: Problem) -> list[list[fmpq]]:
    """sigma(X v) for every extreme ray v."""
    space = WholeSpace(problem, arrangement(problem.X))
    return [[fmpq(v) for v in column] for column in space.positive_columns if any(column)]


def _rank(rows: list[list[fmpq]]) -> int:
    return fmpq_mat(rows).rank() if rows else 0
