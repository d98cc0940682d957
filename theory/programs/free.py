"""What no ball and no penalty counts: an output bias b, a linear part c . x, and the constant that
neurons with nothing but a free bias add.

They are free columns of every program: 1 and the columns of X. In floats an orthonormal basis of
their span stands for them, and what they add to the fit is a vector of n numbers, the shift. A dual
vector proves something only if it is orthogonal to all of them, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from theory.exact import dot, from_flint, independent, some_solution, to_flint, transposed
from theory.problem import Problem, in_integers
from theory.types import Array

_DEPENDENT = 1e-12  # of the largest singular value: columns that add nothing
_BITS = 40  # kept of float coefficients, relative to the largest
_NOTHING = 30  # bits by which an entry of lam is shorter than the longest that may as well be zero


def constant_neurons(problem: Problem) -> bool:
    """Whether only neurons of free biases make the free column, 1: without an output bias, and a
    linear part, which has one where there are biases."""
    return problem.bias == "free" and not problem.has_free_part


def free_columns(problem: Problem) -> tuple[tuple[Fraction, ...], ...]:
    """Those of the programs, (n,) each."""
    return ((Fraction(1),) * problem.n,) if constant_neurons(problem) else problem.free_columns


def free_basis(problem: Problem) -> Float[Array, "n r"] | None:
    """An orthonormal basis of their span; None where there are none, or all are zero."""
    columns = np.array(free_columns(problem), dtype=float)
    return orthonormal(columns.T) if columns.any() else None


def orthonormal(columns: Float[Array, "n k"]) -> Float[Array, "n r"]:
    """A basis of what the columns span."""
    basis, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    spanning: Array = basis[:, sizes > _DEPENDENT * sizes[0]]
    return spanning


def complement(columns: Float[Array, "n r"]) -> Float[Array, "n k"]:
    """An orthonormal basis of what is orthogonal to independent columns."""
    basis = np.linalg.qr(columns, mode="complete")[0]
    beside: Array = basis[:, columns.shape[1] :]
    return beside


def coefficients_of(problem: Problem, shift: Float[Array, " n"]) -> tuple[Fraction, ...]:
    """Those of the free columns that add nearly this to the fit, as rationals of few digits."""
    columns = free_columns(problem)
    if not columns:
        return ()
    near = np.linalg.lstsq(np.array(columns, dtype=float).T, shift, rcond=_DEPENDENT)[0]
    top = float(np.abs(near).max()) or 1.0
    return tuple(Fraction(top) / 2**_BITS * round(v / top * 2**_BITS) for v in near.tolist())


def orthogonal(problem: Problem, lam: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Integers near q lam, and q > 0, that are orthogonal to the free columns, and to what a form
    does not see.

    Only as many entries change as there are columns: the largest, so that they keep their signs,
    on which D may depend. Where D ends at zero, entries that are nearly zero become so.
    """
    unseen = problem.unseen
    if constant_neurons(problem):
        unseen = (*free_columns(problem), *unseen)
    columns = [in_integers([Fraction(v) for v in column])[0] for column in unseen]
    if not columns or not any(lam):
        return tuple(lam), 1
    least = max(map(abs, lam)) >> _NOTHING
    ends = problem.loss.ends(problem.y)
    lam = [0 if abs(v) <= least and 0 in pair else v for v, pair in zip(lam, ends, strict=True)]
    order = sorted((k for k, v in enumerate(lam) if v), key=lambda k: -abs(lam[k]))
    rows = [to_flint(column[k] for column in columns) for k in order]
    places = independent(rows, len(columns))
    rest = [k for i, k in enumerate(order) if i not in places]
    left = [-dot((lam[k] for k in rest), (column[k] for k in rest)) for column in columns]
    equations = transposed([rows[i] for i in places], len(columns))
    values = some_solution(equations, to_flint(left), len(places))
    assert values is not None  # as all rows are combinations of those
    solved, parts = in_integers(from_flint(values))
    found = [parts * v for v in lam]
    for i, value in zip(places, solved, strict=True):
        found[order[i]] = value
    return tuple(found), parts
