"""Least squares on a support in machine words: exact, by residues modulo primes.

All numbers asked for are integers by Cramer's rule, and Hadamard's inequality bounds them. So many
primes are used that half their product is above the bound; the residues then tell the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from flint import fmpz
from numpy import int64

from theory.landscape.kernel import copy
from theory.landscape.machine_code import compiled, routine
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Int8

_BITS = 50  # of a prime: quotients of products are right up to one in floating point
_PRIMES = 16
_SLACK = 1e-6  # of logarithms: above what rounding makes


class Solution(NamedTuple):
    """Least squares on a support, where it is optimal over all columns asked for.

    numbers: the determinant of the Gram matrix of the support; times it, the coefficients, and
    y less the fit. signs: of the products of the latter with all columns.
    """

    numbers: list[int]
    signs: Int8[Array, " c"]


@compiled
def _times(a: int, b: int, p: int, unit: float) -> int:
    """a b modulo p, for 0 <= a, b < p. unit: 1 / p."""
    rest = a * b - int64(float(a) * float(b) * unit) * p  # modulo 2^64, which does no harm
    if rest < 0:
        rest += p
    elif rest >= p:
        rest -= p
    return rest  # type: ignore[return-value]


@compiled
def _inverse(a: int, p: int) -> int:
    old, new, before, after = p, a, 0, 1
    while new:
        quotient = old // new
        old, new = new, old - quotient * new
        before, after = after, before - quotient * after
    return before if before >= 0 else before + p


@compiled
def _eliminate(A: Array, size: int, p: int, unit: float, units: Array) -> int:
    """Solve a symmetric system, the right hand side in the last column, in place; the determinant,
    0 where a leading minor is zero modulo p."""
    for i in range(size):
        if A[i, i] == 0:
            return 0
        for j in range(i + 1, size):
            factor = A[j, i]
            for k in range(i + 1, size + 1):
                left, right = _times(A[i, i], A[j, k], p, unit), _times(factor, A[i, k], p, unit)
                A[j, k] = left - right if left >= right else left - right + p
    # One inverse for all pivots. Pivot i has been multiplied by each of those before it.
    product = 1
    for i in range(size):
        units[i] = product
        product = _times(product, A[i, i], p, unit)
    inverse = _inverse(product, p)
    determinant = product
    for i in range(size - 1, -1, -1):
        units[i], inverse = _times(inverse, units[i], p, unit), _times(inverse, A[i, i], p, unit)
        for _ in range(i + 1, size):
            determinant = _times(determinant, units[i], p, unit)
    for i in range(size - 1, -1, -1):
        value = A[i, size]
        for k in range(i + 1, size):
            value -= _times(A[i, k], A[k, size], p, unit)
            if value < 0:
                value += p
        A[i, size] = _times(value, units[i], p, unit)
    return determinant


@compiled
def _signed(residues: Array, primes: int, moduli: Array, units: Array, inverses: Array) -> int:
    """Turn the residues of an integer into its digits in mixed radix, all of its sign; this sign.

    Of (M - 1) / 2, M the product of the primes, the digits are (p - 1) / 2.
    """
    for i in range(primes):
        for j in range(i):
            rest = residues[i] - residues[j]
            while rest < 0:
                rest += moduli[i]
            while rest >= moduli[i]:
                rest -= moduli[i]
            residues[i] = _times(rest, inverses[j, i], moduli[i], units[i])
    sign = 0
    for i in range(primes - 1, -1, -1):
        if residues[i] > moduli[i] // 2:
            sign = -1
        elif residues[i] < moduli[i] // 2:
            sign = 1
        if sign:
            break
    if sign >= 0:
        for i in range(primes):
            if residues[i]:
                return 1
        return 0
    # x - M, digit by digit: of M - 1 the digits are p - 1.
    carry = 1
    for i in range(primes):
        digit = moduli[i] - 1 - residues[i] + carry
        carry = digit // moduli[i]
        residues[i] = -(digit - carry * moduli[i])
    return -1


@compiled
def _difference(a: int, b: int, p: int) -> int:
    return a - b if a >= b else a - b + p


@compiled
def _numbers(
    size: int,
    support: Array,
    columns: Array,
    y: Array,
    moduli: Array,
    units: Array,
    primes: int,
    numbers: Array,
    A: Array,
    pivots: Array,
) -> bool:
    """Set the residues of the numbers of a solution, primes in each row; whether there is one
    modulo each prime."""
    n = y.shape[1]
    for prime in range(primes):
        p, unit = moduli[prime], units[prime]
        for i in range(size):
            own = columns[prime, support[i]]
            for j in range(i + 1):
                other = columns[prime, support[j]]
                value = 0
                for k in range(n):
                    value += _times(own[k], other[k], p, unit)
                A[i, j] = A[j, i] = value % p
            value = 0
            for k in range(n):
                value += _times(own[k], y[prime, k], p, unit)
            A[i, size] = value % p
        determinant = _eliminate(A, size, p, unit, pivots)
        if determinant == 0:
            return False
        numbers[0, prime] = determinant
        for k in range(n):
            numbers[1 + size + k, prime] = _times(determinant, y[prime, k], p, unit)
        for i in range(size):
            value = numbers[1 + i, prime] = _times(determinant, A[i, size], p, unit)
            own = columns[prime, support[i]]
            for k in range(n):
                numbers[1 + size + k, prime] = _difference(
                    numbers[1 + size + k, prime], _times(value, own[k], p, unit), p
                )
    return True


@routine(
    *("i8[:]", "i8[:]", "i8[:, :, :]", "i8[:, :]", "f8[:, :]", "i8[:]", "f8[:]", "i8[:, :]"),
    *("i8[:, :]", "i8[:, :]", "i8[:]", "f8[:]", "f8[:]", "i1[:]"),
)
def _settled(
    size: int,
    count: int,
    primes: int,
    support: Array,
    ids: Array,
    columns: Array,
    y: Array,
    floats: Array,
    moduli: Array,
    units: Array,
    inverses: Array,
    numbers: Array,
    A: Array,
    pivots: Array,
    products: Array,
    sizes: Array,
    signs: Array,
) -> int:
    """Set the digits of the numbers, and the signs of the products of the last with all columns;
    whether the support, the first `size`, is optimal over the columns `ids`, the first `count`."""
    n = y.shape[1]
    if not _numbers(size, support, columns, y, moduli, units, primes, numbers, A, pivots):
        return 0
    products[:] = 0.0
    sizes[:] = 0.0
    for k in range(n):
        copy(pivots, numbers[1 + size + k], primes)
        _signed(pivots, primes, moduli, units, inverses)
        entry = 0.0
        for prime in range(primes - 1, -1, -1):
            entry = entry * moduli[prime] + pivots[prime]
        if entry != 0.0:
            for c in range(len(products)):
                part = entry * floats[k, c]
                products[c] += part
                sizes[c] += abs(part)
    margin = (n + 2 * primes + 8) * 2.0**-52
    for c in range(len(products)):
        if products[c] > margin * sizes[c]:
            signs[c] = 1
        elif products[c] < -margin * sizes[c]:
            signs[c] = -1
        else:
            signs[c] = 0
            if sizes[c] > 0.0:
                for prime in range(primes):
                    p, value = moduli[prime], 0
                    for k in range(n):
                        value += _times(
                            numbers[1 + size + k, prime], columns[prime, c, k], p, units[prime]
                        )
                    pivots[prime] = value % p
                signs[c] = _signed(pivots, primes, moduli, units, inverses)
    for k in range(count):
        if signs[ids[k]] > 0:
            return 0
    for row in range(1 + size + n):
        sign = _signed(numbers[row], primes, moduli, units, inverses)
        if sign < 0 and row <= size:
            return 0
    return 1


class Residues:
    """Problems over subsets of some columns (c, n) of integers.

    floats: (c, n), these up to positive factors, each entry off by at most two roundings.
    """

    def __init__(self, columns: Sequence[Sequence[int]], y: Sequence[int], floats: Array) -> None:
        n, primes = len(y), _primes()
        # Logarithms, with what rounding may do, for Hadamard's inequality: of the lengths of
        # columns, and of what the determinant is multiplied by in the largest product asked for.
        *lengths, other = (
            math.log2(sum(v * v for v in row) or 1) / 2 + _SLACK for row in (*columns, y)
        )
        self._lengths = np.array(lengths)
        self._others = other + max(lengths, default=0.0) + 2
        count = min(len(primes), self._needed(2 * sum(sorted(lengths)[-n:])))
        del primes[count:]
        exact = np.array(columns, object).reshape(-1, n)
        self._columns = np.array([exact % p for p in primes], int64)
        self._y = np.array([[v % p for v in y] for p in primes], int64)
        self._moduli, self._units = np.array(primes, int64), 1 / np.array(primes)
        inverses = [[pow(p, -1, q) if p > q else 0 for q in primes] for p in primes]
        self._inverses = np.array(inverses, int64)
        self._radix = np.array([math.prod(primes[:k]) for k in range(count)], object)
        self._numbers = np.zeros((2 * n + 1, count), int64)
        self._signs = np.zeros(len(columns), np.int8)
        self._support, self._ids = np.zeros(n, int64), np.zeros(len(columns), int64)
        self._settled = _settled.on(
            self._support,
            self._ids,
            self._columns,
            self._y,
            np.ascontiguousarray(floats.T),
            self._moduli,
            self._units,
            self._inverses,
            self._numbers,
            np.zeros((n, n + 1), int64),
            np.zeros(n + count, int64),
            *np.zeros((2, len(columns))),
            self._signs,
        )

    def _needed(self, bits: float) -> int:
        """How many primes, for a determinant of so many bits."""
        return 1 + int((bits + self._others) / (_BITS - _SLACK))

    def solution(self, support: Sequence[int], ids: Sequence[int]) -> Solution | None:
        """Least squares on a support where it is optimal over the columns `ids`; None also where it
        is not a basis, or numbers are too large."""
        size, n = len(support), len(self._support)
        if size > n:
            return None
        self._support[:size], self._ids[: len(ids)] = support, ids
        primes = self._needed(2 * float(self._lengths[self._support[:size]].sum()))
        if primes > len(self._moduli) or not self._settled(size, len(ids), primes):
            return None
        digits = self._numbers[: 1 + size + n, :primes].astype(object)
        return Solution((digits @ self._radix[:primes]).tolist(), self._signs.copy())


def _primes() -> list[int]:
    """The largest below 2^50, descending."""
    candidates = range(2**_BITS - 1, 0, -2)
    return list(islice((p for p in candidates if fmpz(p).is_prime()), _PRIMES))
