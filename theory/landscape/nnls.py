"""Exact nonnegative least squares: the minimum of 1/2 ||sum_c z_c c - y||^2 over z >= 0.

The loss on a cell or a face is such a problem in the coefficients of its extreme rays. Floating
point guesses which coefficients are positive; integer arithmetic then solves on that support and
checks the optimality conditions, so every value returned is exact. A wrong guess costs time, never
correctness: an exact Lawson-Hanson iteration takes over.

Source: C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import NamedTuple, cast

import numpy as np
from flint import fmpq_mat, fmpz_mat
from jaxtyping import Int
from scipy.optimize import nnls as float_nnls


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    """The inner product of two integer vectors."""
    return sum(map(mul, a, b))


@dataclass(frozen=True)
class Minimum:
    """The solution of one problem: `numerators / denominator` on `support`, zero elsewhere.

    residual: (n,) integers, denominator * (y - fit); the optimal dual vector, up to scale.
    """

    value: Fraction
    support: tuple[int, ...]  # column ids
    numerators: tuple[int, ...]
    denominator: int
    residual: tuple[int, ...]

    @cached_property
    def order(self) -> tuple[float, Fraction]:
        """A sort key in the order of `value`: rounding is monotone, so floats settle most cases."""
        try:
            return (float(self.value), self.value)
        except OverflowError:
            return (math.inf, self.value)


class _Stationary(NamedTuple):
    """Least squares on a support: numerators / denominator, and denominator * (y - fit)."""

    numerators: list[int]
    denominator: int
    residual: fmpz_mat  # (n, 1)


class LeastSquares:
    """All problems over subsets of one set of integer columns, memoised.

    columns: (c, n) integers, one column of the least squares problem a row, none of them zero.
    y: (n,) integers.
    """

    def __init__(self, columns: Int[np.ndarray, "c n"], y: Sequence[int]) -> None:
        self.columns = [[int(v) for v in row] for row in columns]
        self.y = [int(v) for v in y]
        self._exact_y = fmpz_mat(len(self.y), 1, self.y)
        # Raw columns make the float solver fail silently; rescaling a ray is free. Dividing
        # integers by integers keeps entries beyond the range of floats usable.
        scaled = [[v / max(map(abs, row)) for v in row] for row in self.columns]
        floats = np.array(scaled, dtype=float).reshape(len(scaled), len(self.y)).T
        self._floats = floats / np.linalg.norm(floats, axis=0)
        top = max(map(abs, self.y)) or 1
        self._float_y = np.array([v / top for v in self.y])
        self.scale = top * top
        self._memo: dict[tuple[int, ...], Minimum] = {}

    def __len__(self) -> int:
        """The number of different problems solved so far."""
        return len(self._memo)

    def minimum(self, ids: tuple[int, ...]) -> Minimum:
        """The exact minimum over the columns `ids`, which must be sorted and distinct."""
        found = self._memo.get(ids)
        if found is None:
            found = self._guess(ids) or self._lawson_hanson(ids)
            self._memo[ids] = found
        return found

    def estimate(self, ids: Sequence[int]) -> float:
        """The minimum divided by `scale`, in floating point: good for deciding what to try."""
        try:
            _, distance = float_nnls(self._floats[:, ids], self._float_y)
        except RuntimeError:  # its iteration limit
            return 0.0
        return float(distance) ** 2 / 2

    def _guess(self, ids: tuple[int, ...]) -> Minimum | None:
        """Guess the support in floating point; None unless exact arithmetic confirms it."""
        if not ids:
            return self._on_support((), ids)
        try:
            z, _ = float_nnls(self._floats[:, ids], self._float_y)
        except RuntimeError:  # its iteration limit
            return None
        support = tuple(c for c, value in zip(ids, z, strict=True) if value > 1e-11)
        return self._on_support(support, ids)

    def _matrix(self, ids: Sequence[int]) -> fmpz_mat:
        return fmpz_mat(len(ids), len(self.y), [v for c in ids for v in self.columns[c]])

    def _solve(self, support: Sequence[int]) -> _Stationary | None:
        """Least squares on `support` without sign constraints; None where columns are dependent."""
        A = self._matrix(support)
        try:
            solution = (A * A.transpose()).solve(A * self._exact_y)
        except ZeroDivisionError:
            return None
        numerators, denominator = cast(fmpq_mat, solution).numer_denom()  # flint's types say less
        residual = self._exact_y * denominator - A.transpose() * numerators
        return _Stationary([int(v) for v in numerators.entries()], int(denominator), residual)

    def _on_support(self, support: tuple[int, ...], ids: tuple[int, ...]) -> Minimum | None:
        """The minimum if it is attained on `support`: the optimality conditions, exactly."""
        point = self._solve(support) if support else _Stationary([], 1, self._exact_y)
        if point is None or min(point.numerators, default=0) < 0:
            return None
        inside = set(support)
        others = [c for c in ids if c not in inside]
        if any(gain > 0 for gain in (self._matrix(others) * point.residual).entries()):
            return None
        # The residual is orthogonal to the fit, so ||residual||^2 = denominator * residual . y.
        residual = tuple(int(v) for v in point.residual.entries())
        value = Fraction(dot(residual, self.y), 2 * point.denominator)
        return Minimum(value, support, tuple(point.numerators), point.denominator, residual)

    def _lawson_hanson(self, ids: tuple[int, ...]) -> Minimum:
        """The exact active set method; it ends because the loss falls strictly at each step."""
        support: list[int] = []
        z: dict[int, Fraction] = {}
        residual = self._exact_y
        while True:
            gains = (self._matrix(ids) * residual).entries()
            gain, entering = max(zip(gains, ids, strict=True), default=(0, -1))
            if gain <= 0:
                found = self._on_support(tuple(sorted(support)), ids)
                assert found is not None
                return found
            # A column of positive gain is independent of the support: the residual is orthogonal
            # to the support, so the systems below are never singular.
            support.append(entering)
            z[entering] = Fraction()
            while True:
                solved = self._solve(support)
                assert solved is not None
                target = [Fraction(v, solved.denominator) for v in solved.numerators]
                blocked = [
                    (z[c] / (z[c] - t), c) for c, t in zip(support, target, strict=True) if t <= 0
                ]
                if not blocked:
                    z = dict(zip(support, target, strict=True))
                    residual = solved.residual
                    break
                step = min(blocked)[0]
                for c, t in zip(support, target, strict=True):
                    z[c] += step * (t - z[c])
                support = [c for c in support if z[c] > 0]
                z = {c: z[c] for c in support}


def primitive(vector: Sequence[int]) -> tuple[int, ...]:
    """`vector` divided by the greatest common divisor of its entries."""
    divisor = math.gcd(*vector)
    return tuple(v // divisor for v in vector) if divisor > 1 else tuple(vector)
