"""Rational positive semidefinite forms v^T Q v: their exact factors, or where they are negative.

Gram and Schmidt's method on the unit vectors, in the product v^T Q w, finds a basis b_k with
b_k^T Q b_k = d_k > 0, and vectors of length zero beside it, the kernel. Then for all v

    v^T Q v = sum_k (b_k^T Q v)^2 / d_k,    w^T Q^+ w = sum_k (b_k . w)^2 / d_k  for w = Q v,

as b_k . Q v is the product of b_k with v. Standard library only.

>>> Semidefinite.of([[Fraction(1), Fraction(-1)], [Fraction(-1), Fraction(1)]]).kernel
((1, 1),)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any

from theory.errors import InputError

_MOST_ROWS = 100
_MOST_BITS = 1 << 11  # of a determinant, about: rows times the bits of an entry in integers


@dataclass(frozen=True)
class Semidefinite:
    """v^T Q v >= 0, for a symmetric Q of rationals.

    rows: (n, n) of Q. basis: for each b_k, in integers, also Q b_k and d_k. kernel: (n,) integers,
    independent, with Q v = 0.
    """

    rows: tuple[tuple[Fraction, ...], ...]
    basis: tuple[tuple[tuple[int, ...], tuple[Fraction, ...], Fraction], ...]
    kernel: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Fraction]]) -> Semidefinite:
        """The form of a square matrix; raises InputError where it is no such form, or too large."""
        n = len(rows)
        if n > _MOST_ROWS:
            raise InputError("form", f"has {n} rows, more than {_MOST_ROWS}; write weights instead")
        for i, row in enumerate(rows):
            for k in range(i):
                if row[k] != rows[k][i]:
                    what = f"{row[k]}, but [{k}][{i}] is {rows[k][i]}; it must be symmetric"
                    raise InputError(f"form[{i}][{k}]", f"is {what}")
        unit = math.lcm(*(v.denominator for row in rows for v in row))
        whole = [[v.numerator * (unit // v.denominator) for v in row] for row in rows]
        longest = max(unit, *(abs(v) for row in whole for v in row))
        if n * longest.bit_length() > _MOST_BITS:
            raise InputError("form", "has too long numbers to factor it; write fewer digits")
        basis: list[tuple[tuple[int, ...], tuple[int, ...], int]] = []
        kernel = []
        for k in range(n):
            v = tuple(int(i == k) for i in range(n))
            for b, image, length in basis:
                if image[k]:  # v[k] is what e_k was multiplied by so far
                    common = math.gcd(image[k], length)
                    p, q = v[k] * image[k] // common, length // common
                    v = _primitive([q * a - p * c for a, c in zip(v, b, strict=True)])
            image = tuple(_dot(row, v) for row in whole)
            length = _dot(image, v)
            if length < 0:
                _refuse(v, Fraction(length, unit))
            elif length:
                basis.append((v, image, length))
            elif any(image):
                # The form falls without end from e_i along v, one way.
                i = next(i for i, each in enumerate(image) if each)
                step = whole[i][i] // (2 * abs(image[i])) + 1
                step = -step if image[i] > 0 else step
                other = [step * a + (j == i) for j, a in enumerate(v)]
                _refuse(other, Fraction(whole[i][i] + 2 * step * image[i], unit))
            else:
                kernel.append(v)
        factors = tuple(
            (v, tuple(Fraction(a, unit) for a in image), Fraction(length, unit))
            for v, image, length in basis
        )
        return cls(tuple(map(tuple, rows)), factors, tuple(kernel))

    def image(self, v: Sequence[Any]) -> list[Any]:
        """Q v"""
        return [_dot(row, v) for row in self.rows]

    def spans(self, w: Sequence[Any]) -> bool:
        """Whether w is Q v for some v."""
        return not any(_dot(each, w) for each in self.kernel)

    def inverse(self, w: Sequence[Any]) -> Fraction:
        """w^T Q^+ w, for a w that it spans."""
        return sum((Fraction(_dot(b, w) ** 2) / d for b, _, d in self.basis), Fraction())

    @property
    def largest(self) -> Fraction:
        """The largest entry: it is on the diagonal."""
        return max(row[k] for k, row in enumerate(self.rows))

    def times(self, factor: Fraction) -> Semidefinite:
        """factor > 0 times the form."""

        def scaled(row: Sequence[Fraction]) -> tuple[Fraction, ...]:
            return tuple(factor * v for v in row)

        basis = tuple((b, scaled(image), factor * d) for b, image, d in self.basis)
        return Semidefinite(tuple(map(scaled, self.rows)), basis, self.kernel)


def _refuse(v: Sequence[int], length: Fraction) -> None:
    direction = ", ".join(map(str, v))
    raise InputError(
        "form", f"is not positive semidefinite: v^T Q v is {length} for v = ({direction})"
    )


def _primitive(v: Sequence[int]) -> tuple[int, ...]:
    divisor = math.gcd(*v)
    return tuple(a // divisor for a in v)


def _dot(u: Sequence[Any], v: Sequence[Any]) -> Any:
    return sum(map(mul, u, v))
