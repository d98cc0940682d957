"""Multipliers that prove, in integers, what a dual vector bounds on a cone.

On the cone {u : sigma_k x_k . u >= 0}, or on a wall of it, the linear function c . u is at most
||c + sum_k mu_k sigma_k x_k||_1 max|u_i| for all mu >= 0, mu_k being free on the wall; without a
ball the norm has to be 0. The least of these is a linear program. In l2 norms on both sides the
least is a problem of nonnegative least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from flint import fmpq

from theory.exact import from_flint, some_solution, squared, to_flint
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares
from theory.linear import LinearProgram

Vector: TypeAlias = Sequence[int]
Multipliers: TypeAlias = tuple[Fraction, ...]


def least_norm(
    c: Vector, rows: Sequence[Vector], free: Sequence[int] = ()
) -> tuple[Fraction, Multipliers]:
    """The least ||c + sum mu_k rows_k||_1 with mu >= 0 off `free`, and mu (n,).

    rows: sigma_k x_k (n, d), zero where x_k is. free: rows on one wall, which are parallel.
    """
    d = len(c)
    used = _used(rows, free)
    size = len(used) + d  # mu, then the absolute values
    start = [fmpq()] * len(used) + to_flint(abs(v) for v in c)
    inequalities, right = [], []
    for i in range(d):
        for sign in (1, -1):  # t_i - sign (c_i + sum mu_k rows_k,i) >= 0
            row = [-sign * rows[k][i] for k in used] + [int(i == j) for j in range(d)]
            inequalities.append(to_flint(row))
            right.append(fmpq(sign * c[i]))
    for place, k in enumerate(used):
        if k not in free:
            inequalities.append([fmpq(int(place == j)) for j in range(size)])
            right.append(fmpq())
    cost = [fmpq()] * len(used) + [fmpq(1)] * d
    program = LinearProgram(cost, [], [], inequalities, right)
    found = from_flint(program.minimum(start).x)
    mu = [Fraction()] * len(rows)
    for k, value in zip(used, found, strict=False):
        mu[k] = value
    return sum(found[len(used) :], Fraction()), tuple(mu)


def least_length(
    c: Vector, rows: Sequence[Vector], free: Sequence[int] = ()
) -> tuple[Fraction, Multipliers]:
    """The least ||c + sum mu_k rows_k||_2^2 and its mu, as in `least_norm`."""
    mu = [Fraction()] * len(rows)
    used = _used(rows, free)
    signed = [(k, 1) for k in used] + [(k, -1) for k in used if k in free]
    if used and any(c):
        columns = np.array([[s * v for v in rows[k]] for k, s in signed], dtype=object)
        problems = LeastSquares(columns, Form.squares([-v for v in c]))
        found = problems.minimum(tuple(range(len(signed))))
        for place, value in found.coefficients():
            k, s = signed[place]
            mu[k] += s * value
    return squared(combined(c, rows, mu)), tuple(mu)


def combined(c: Vector, rows: Sequence[Vector], mu: Sequence[Fraction]) -> list[Fraction]:
    """c + sum mu_k rows_k."""
    return [
        v + sum((m * row[i] for m, row in zip(mu, rows, strict=True)), Fraction())
        for i, v in enumerate(c)
    ]


def _used(rows: Sequence[Vector], free: Sequence[int]) -> list[int]:
    return [k for k, row in enumerate(rows) if any(row) and (k not in free or k == free[0])]


def combination(target: Vector, columns: Sequence[Vector]) -> Multipliers:
    """Some mu >= 0 with sum mu_k columns_k = target, of which there is one.

    Which of them count is guessed in floating point, and confirmed exactly.
    """
    from scipy.optimize import nnls

    if not any(target):
        return (Fraction(),) * len(columns)
    lengths = [sum(v * v for v in column) ** 0.5 for column in columns]
    scaled = np.array(columns, dtype=float) / np.array(lengths)[:, None]
    guess, _ = nnls(scaled.T, np.array(target, dtype=float))
    support = [k for k, v in enumerate(guess) if v > 1e-9 * max(guess)]
    rows = [to_flint(row) for row in zip(*(columns[k] for k in support), strict=True)]
    found = some_solution(rows, to_flint(target), len(support))
    mu = [Fraction()] * len(columns)
    if found is not None and min(found) >= 0:
        for k, value in zip(support, from_flint(found), strict=True):
            mu[k] = value
        return tuple(mu)
    norm, exact = least_norm([-v for v in target], columns)
    assert not norm
    return exact
