"""Exact arithmetic: inner products, linear systems, square roots from above, definiteness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from operator import mul
from typing import TypeAlias, TypeVar

from flint import fmpq, fmpq_mat, fmpz_mat, nmod_mat

Row: TypeAlias = Sequence[fmpq]
Number = TypeVar("Number", int, Fraction, fmpq)

_PRIME = 2**61 - 1  # a large one below 2^64
_ROOT_BITS = 64  # of a square root that is not rational: a relative error of 2^-63 at most


def dot(a: Iterable[Number], b: Iterable[Number]) -> Number:
    """The inner product of two vectors of one kind of numbers."""
    total: Number = sum(map(mul, a, b))
    return total


def sparse_dot(a: Row, b: Row) -> fmpq:
    """The inner product of two rows that are mostly zero."""
    return sum((v * w for v, w in zip(a, b, strict=True) if v and w), fmpq())


def squared(vector: Iterable[Fraction]) -> Fraction:
    """||v||^2"""
    return sum((v * v for v in vector), Fraction())


def squared_distance(vector: Sequence[Fraction], columns: Iterable[Sequence[Fraction]]) -> Fraction:
    """Of a vector to the span of columns, each as long: by Gram and Schmidt."""
    left = [*columns, vector]
    while len(left) > 1:
        first, *left = left
        size = squared(first)
        if size:
            shares = (dot(first, each) / size for each in left)
            left = [
                [v - share * w for v, w in zip(each, first, strict=True)]
                for share, each in zip(shares, left, strict=True)
            ]
    return squared(left[0])


def to_flint(values: Iterable[Fraction | int]) -> list[fmpq]:
    """The same numbers as flint's rationals."""
    return [fmpq(v.numerator, v.denominator) for v in values]


def from_flint(values: Iterable[fmpq]) -> tuple[Fraction, ...]:
    """The same numbers as Fractions."""
    return tuple(Fraction(int(v.p), int(v.q)) for v in values)


def float_of(value: fmpq) -> float:
    """The nearest float."""
    return int(value.p) / int(value.q)


def transposed(rows: Sequence[Row], columns: int) -> list[list[fmpq]]:
    """The columns; `columns` says how many where there are no rows."""
    return [[row[k] for row in rows] for k in range(columns)]


def primitive(row: Row) -> tuple[list[fmpq], fmpq]:
    """The positive multiple whose entries are integers without a common divisor, and the factor."""
    scale = math.lcm(*(int(v.q) for v in row))
    divisor = math.gcd(*(int(v.p) * (scale // int(v.q)) for v in row)) or 1
    factor = fmpq(scale, divisor)
    return [v * factor for v in row], factor


def flint_matrix(rows: Sequence[Row], columns: int) -> fmpq_mat:
    """The matrix with these rows; `columns` says its shape where there are none."""
    return fmpq_mat(len(rows), columns, [v for row in rows for v in row])


def some_solution(rows: Sequence[Row], values: Row, unknowns: int) -> list[fmpq] | None:
    """A solution of rows . x = values, zero where it is free; None where there is none."""
    augmented = [[*row, value] for row, value in zip(rows, values, strict=True)]
    reduced, rank = flint_matrix(augmented, unknowns + 1).rref()
    solution = [fmpq()] * unknowns
    for i in range(rank):
        pivot = next(k for k in range(unknowns + 1) if reduced[i, k] != 0)
        if pivot == unknowns:
            return None
        solution[pivot] = reduced[i, unknowns]
    return solution


def integer_solution(
    A: Sequence[Sequence[int]], b: Sequence[int], start: Sequence[int]
) -> list[Fraction] | None:
    """A solution of A x = b; of several, the one with the entries of `start` where it is free. None
    where there is none."""
    if len(A) == len(start):
        try:
            found = fmpz_mat([list(row) for row in A]).solve(fmpz_mat([[v] for v in b]))
        except ZeroDivisionError:
            pass
        else:
            return list(from_flint(found.entries()))
    moved = to_flint(v - dot(row, start) for row, v in zip(A, b, strict=True))
    change = some_solution([to_flint(row) for row in A], moved, len(start))
    if change is None:
        return None
    return [v + c for v, c in zip(start, from_flint(change), strict=True)]


def null_vector(rows: Sequence[Row], unknowns: int) -> list[fmpq]:
    """Some x != 0 with rows . x = 0; the rows must be fewer than the unknowns."""
    reduced, rank = flint_matrix(rows, unknowns).rref()
    pivots = [next(k for k in range(unknowns) if reduced[i, k] != 0) for i in range(rank)]
    free = next(k for k in range(unknowns) if k not in pivots)
    vector = [fmpq()] * unknowns
    vector[free] = fmpq(1)
    for i, pivot in enumerate(pivots):
        vector[pivot] = -reduced[i, free]
    return vector


def dependence(rows: Sequence[Row], unknowns: int) -> list[fmpq] | None:
    """Some x != 0 with rows . x = 0; None where there is none.

    Elimination modulo a prime finds rows that are a basis, most likely of all; it takes almost no
    time, where numbers of exact elimination grow. As many rows as unknowns leave no x; else one is
    solved for from these rows, and tried on all.
    """
    whole = []
    for row in rows:
        scale = math.lcm(*(int(v.q) for v in row))
        whole.append([int(v.p) * (scale // int(v.q)) % _PRIME for v in row])
    columns = [row[k] for k in range(unknowns) for row in whole]
    reduced, rank = nmod_mat(unknowns, len(rows), columns, _PRIME).rref()
    if rank == unknowns:
        return None
    kept = [next(k for k in range(len(rows)) if int(reduced[i, k])) for i in range(rank)]
    found = null_vector([rows[k] for k in kept], unknowns)
    if not any(sparse_dot(row, found) for row in rows):
        return found
    kept = independent(rows, unknowns)
    return None if len(kept) == unknowns else null_vector([rows[k] for k in kept], unknowns)


def independent(rows: Sequence[Row], columns: int) -> list[int]:
    """The places of rows that form a basis of the row space: the first possible."""
    reduced, rank = flint_matrix(transposed(rows, columns), len(rows)).rref()
    return [next(k for k in range(len(rows)) if reduced[i, k] != 0) for i in range(rank)]


def sqrt_above(value: Fraction | int) -> Fraction:
    """A rational >= sqrt(value), exact where the root is rational, else 2^-63 too large at most.

    value: at least 0; the error is relative.
    """
    p, q = value.numerator, value.denominator
    shift = max(0, _ROOT_BITS - (p * q).bit_length() // 2)
    square = p * q << 2 * shift
    root = math.isqrt(square)
    return Fraction(root + (root * root < square), q << shift)


def rounded(value: Fraction, digits: int, to_integer: Callable[[Fraction], int]) -> Fraction:
    """A value >= 0 to so many significant digits, by math.floor or math.ceil; integers stay."""
    if value.denominator == 1:
        return value
    exponent = Decimal(value.numerator).adjusted() - Decimal(value.denominator).adjusted()
    if value < Fraction(10) ** exponent:
        exponent -= 1
    unit = Fraction(10) ** (exponent - digits + 1)
    return to_integer(value / unit) * unit


def binary(value: float, places: int) -> Fraction:
    """A float to so many binary places."""
    return Fraction(round(value * 2**places), 2**places)


def power_of_two(value: Fraction) -> Fraction:
    """2^k with 1/2 < value / 2^k < 2, for a value > 0: what is left is a float, however large."""
    return Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length())


def unit_of(values: Iterable[Fraction]) -> Fraction:
    """A unit in which the values are at most 1, the largest at least 1/2, and floats if few bits.

    It is a power of two times the greatest number of which all values are integer multiples, so a
    common factor of the values is one of the unit, whatever it is. 1 where all values are zero.
    """
    values = [v for v in values if v]
    if not values:
        return Fraction(1)
    scale = math.lcm(*(v.denominator for v in values))
    whole = [int(abs(v) * scale) for v in values]
    divisor = math.gcd(*whole)
    return Fraction(divisor << (max(whole) // divisor).bit_length(), scale)


def is_positive_definite(matrix: fmpz_mat) -> bool:
    """Whether a symmetric integer matrix is positive definite: its leading minors (Sylvester)."""
    entries = matrix.tolist()
    sizes = range(1, len(entries) + 1)
    return all(fmpz_mat([row[:k] for row in entries[:k]]).det() > 0 for k in sizes)


def is_positive_semidefinite(matrix: fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by elimination (L D L^T)."""
    size = matrix.nrows()
    rows = matrix.tolist()
    for i in range(size):
        pivot = rows[i][i]
        if pivot < 0 or (not pivot and any(rows[i][k] != 0 for k in range(i, size))):
            return False
        if pivot:
            for k in range(i + 1, size):
                factor = rows[k][i] / pivot
                rows[k] = [v - factor * w for v, w in zip(rows[k], rows[i], strict=True)]
    return True


def snapped(value: Fraction | float, near: Fraction | float) -> Fraction:
    """The simplest fraction so near."""
    size, distance = abs(Fraction(value)), Fraction(near)
    if size <= distance:
        return Fraction()
    return (1 if value > 0 else -1) * simplest_between(size - distance, size + distance)


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator in [low, high], 0 < low: by continued fractions."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    return whole - 1 + 1 / simplest_between(1 / (high - whole + 1), 1 / (low - whole + 1))
