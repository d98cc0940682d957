"""Exact linear algebra of integers, and sets as the bits of an int. Standard library only.

What can make numbers grow counts its steps first, see `theory.certificates.work`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd, isqrt, lcm
from operator import mul
from typing import NamedTuple, TypeAlias, TypeVar

from theory.certificates import work
from theory.problem import Problem

Vector: TypeAlias = tuple[int, ...]
T = TypeVar("T", int, Fraction)


def dot(u: Iterable[int], v: Iterable[int]) -> int:
    return sum(map(mul, u, v))


class Sigma(NamedTuple):
    """The activation times `unit`, the least by which both of its slopes are integers."""

    above: int
    below: int
    unit: int

    def __call__(self, value: T) -> T | int:
        slope = self.above if value.numerator > 0 else self.below
        return value if slope == 1 else value * slope if slope else 0

    def slope(self, side: str) -> int:
        """Where x . u is '+'; elsewhere that below."""
        return self.above if side == "+" else self.below


def sigma_of(problem: Problem) -> Sigma:
    above, below = (Fraction(v) for v in (problem.activation.positive, problem.activation.negative))
    unit = lcm(above.denominator, below.denominator)
    return Sigma(int(above * unit), int(below * unit), unit)


def sign(value: int | Fraction) -> int:
    return (value > 0) - (value < 0)


def primitive(vector: Sequence[int]) -> Vector:
    """The shortest integer vector in the direction of a nonzero one."""
    divisor = gcd(*vector)
    return tuple(v // divisor for v in vector)


def common_denominator(values: Iterable[Fraction]) -> int:
    """The least common multiple of the denominators."""
    scale = 1
    for denominator in {v.denominator for v in values}:
        bits = scale.bit_length() + denominator.bit_length()
        work.spend("a common denominator", work.rational(bits))
        scale = lcm(scale, denominator)
    return scale


def integers(vector: Sequence[Fraction]) -> tuple[Vector, int]:
    """(p v, p) with p the least positive integer that makes p v integer."""
    scale = common_denominator(vector)
    bits = scale.bit_length() + work.lengths(vector)
    each = work.kept(bits) + work.rational(bits)
    work.spend("numbers over a common denominator", len(vector) * each)
    return tuple(int(v * scale) for v in vector), scale


def integer_form(problem: Problem) -> tuple[list[Vector], int, Vector, int]:
    """(X', p, y', q): integer X' = p X and y' = q y, with the least such integers p, q > 0."""
    X, p = integers([v for row in problem.X for v in row])
    y, q = integers(problem.y)
    return [X[i : i + problem.d] for i in range(0, len(X), problem.d)], p, y, q


class Affine:
    """b + x_k . c at all rows."""

    def __init__(self, problem: Problem) -> None:
        self._X, self._scale, _, _ = integer_form(problem)

    def __call__(self, linear: Sequence[Fraction]) -> tuple[Vector, int]:
        """In integers, over a scale; linear: b, with c."""
        if not any(linear):
            return (0,) * len(self._X), 1
        (b, *c), scale = integers(linear)
        bits = max(map(work.length, self._X)) + work.length((b, *c)) + self._scale.bit_length()
        each = len(c) * work.integer(bits) + work.kept(bits)
        work.spend("outputs of networks", len(self._X) * each)
        return tuple(b * self._scale + dot(row, c) for row in self._X), scale * self._scale


def added(u: Vector, u_scale: int, v: Vector, v_scale: int) -> tuple[Vector, int]:
    """The sum of vectors in integers, each over a scale of its own."""
    if not any(v):
        return u, u_scale
    bits = 2 * (work.length(u) + work.length(v) + u_scale.bit_length() + v_scale.bit_length())
    work.spend("outputs of networks", 2 * len(u) * work.integer(bits))
    pairs = zip(u, v, strict=True)
    return tuple(p * v_scale + q * u_scale for p, q in pairs), u_scale * v_scale


def echelon(rows: Iterable[Sequence[int]]) -> list[tuple[int, Vector]]:
    """A basis of the row span with its pivot columns; each row is zero at the earlier pivots."""
    basis: list[tuple[int, Vector]] = []
    growth = 0  # bits that reducing a row by all of them may add
    for row in rows:
        bits = growth + work.length(row)
        work.spend("elimination", (1 + len(basis)) * (16 + 3 * len(row) * work.integer(bits)))
        for pivot, other in basis:
            if row[pivot]:
                row = [other[pivot] * a - row[pivot] * b for a, b in zip(row, other, strict=True)]
        if any(row):
            basis.append((next(j for j, v in enumerate(row) if v), primitive(row)))
            growth += work.length(basis[-1][1])
    return basis


def null_vector(basis: list[tuple[int, Vector]], size: int) -> Vector:
    """The direction on which the size - 1 rows of an echelon basis vanish."""
    bits = sum(work.length(row) for _, row in basis)
    work.spend("elimination", len(basis) * (16 + 3 * size * work.integer(bits)))
    free = (set(range(size)) - {pivot for pivot, _ in basis}).pop()
    vector = [int(j == free) for j in range(size)]
    for pivot, row in reversed(basis):
        rest = dot(row, vector)  # its own entry is still zero
        vector = [row[pivot] * v for v in vector]
        vector[pivot] = -rest
    return primitive(vector)


def root(value: Fraction) -> Fraction:
    """A rational at least sqrt(value), by less than one part in 2^60."""
    product_ = value.numerator * value.denominator << 128
    root = isqrt(product_)
    return Fraction(root + (root * root < product_), value.denominator << 64)


def solve(A: list[list[int]], b: list[int]) -> list[Fraction] | None:
    """The solution of a symmetric positive semidefinite system; None where it is singular."""
    rows = [[Fraction(v) for v in (*row, value)] for row, value in zip(A, b, strict=True)]
    for i in range(len(rows)):
        bits = 3 * max(map(work.lengths, rows))
        work.spend("a linear system", 2 * len(rows) * (len(rows) + 1) * work.rational(bits))
        if not rows[i][i]:  # such a matrix needs no pivoting
            return None
        for k in range(len(rows)):
            if k != i and rows[k][i]:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [v - factor * w for v, w in zip(rows[k], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def is_scalar(A: Sequence[Sequence[int]]) -> bool:
    """Whether a square matrix is a multiple of the identity."""
    return all(
        v == (A[0][0] if i == k else 0) for i, row in enumerate(A) for k, v in enumerate(row)
    )


def is_positive(A: Sequence[Sequence[Fraction | int]], *, definite: bool) -> bool:
    """Whether a symmetric matrix is positive semidefinite, or definite: by elimination."""
    rows = [[Fraction(v) for v in row] for row in A]
    for i in range(len(rows)):
        bits = 3 * max(map(work.lengths, rows[i:]))
        entries = 2 * (len(rows) - i) * len(rows)
        work.spend("whether a matrix is positive", entries * work.rational(bits))
        pivot = rows[i][i]
        if pivot < 0 or (not pivot and (definite or any(rows[i][i:]))):
            return False
        if pivot:
            for k in range(i + 1, len(rows)):
                factor = rows[k][i] / pivot
                rows[k] = [v - factor * w for v, w in zip(rows[k], rows[i], strict=True)]
    return True


def inverse_form(A: Sequence[Sequence[int]], w: Sequence[int]) -> Fraction | None:
    """w^T A^-1 w of a symmetric matrix; None where it is not positive definite.

    By elimination without fractions (Bareiss), in which pivots are leading minors: that of A, and
    of A bordered by w, which is -w^T A^-1 w times it.
    """
    rows = [[*row, v] for row, v in zip(A, w, strict=True)] + [[*w, 0]]
    minor = 1
    for i in range(len(w)):
        bits = 2 * max(map(work.length, rows[i:]))
        entries = (len(rows) - i) ** 2
        work.spend("elimination", entries * (16 + 3 * work.integer(bits)))
        pivot = rows[i][i]
        if pivot <= 0:
            return None
        for k in range(i + 1, len(rows)):
            factor = rows[k][i]
            pairs = zip(rows[k][i:], rows[i][i:], strict=True)
            rows[k][i:] = [(pivot * v - factor * p) // minor for v, p in pairs]
        minor = pivot
    return Fraction(-rows[-1][-1], minor)


def bits(mask: int) -> Iterator[int]:
    text = bin(mask)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


def mask(members: Iterable[bool]) -> int:
    digits = "".join("1" if member else "0" for member in members)
    return int(digits[::-1] or "0", 2)
