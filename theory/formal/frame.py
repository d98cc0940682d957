"""Metrics Z of spectral norms as sums of squares, which the library's checker adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt
from typing import cast

from flint import fmpq_mat, fmpz_mat

from theory.exact import sqrt_above, squared
from theory.formal.text import Numbers, many, signed
from theory.problem import rational

_BITS = 64  # of the largest entry of each row


@dataclass(frozen=True)
class Frame:
    """Integers L and M (d, d) with L^T M = unit I, and size >= the root of sum_k |l_k|^2.

    u^T Z u is about sum_k (l_k . u)^2 / unit^2, so that r^T Z^-1 r is about |M r|^2 and tr Z size^2
    / unit^2, all times one number. For all L and M (r . u)^2 <= |M r|^2 sum_k (l_k . u)^2 /
    unit^2, so that M may be rounded.
    """

    L: list[list[int]]
    M: list[list[int]]
    unit: int
    size: int

    @classmethod
    def of(cls, Z: Sequence[Sequence[str]]) -> Frame:
        """From a positive definite matrix, as certificates have it."""
        d = len(Z)
        left = [[rational(v, "Z") for v in row] for row in Z]
        rows = [[Fraction(int(i == k)) for i in range(d)] for k in range(d)]
        for k in range(d):  # Z = B D B^T: left becomes D B^T, rows B^-1
            for i in range(k + 1, d):
                factor = left[i][k] / left[k][k]
                for each in (left, rows):
                    each[i] = [v - factor * p for v, p in zip(each[i], each[k], strict=True)]
        pivots = [left[k][k] for k in range(d)]
        scale = max(p / max(v * v for v in row) for p, row in zip(pivots, rows, strict=True))
        M = [
            [isqrt(int(v * v / p * scale * 4**_BITS)) * (1 if v > 0 else -1) for v in row]
            for p, row in zip(pivots, rows, strict=True)
        ]
        inverse, unit = cast(fmpq_mat, fmpz_mat(M).inv()).numer_denom()
        whole = [[int(v) for v in row] for row in inverse.transpose().tolist()]
        # So fine that the size may be an integer.
        fine = max(0, _BITS - max(abs(v) for row in whole for v in row).bit_length())
        L = [[v << fine for v in row] for row in whole]
        size = sqrt_above(squared(Fraction(v) for row in L for v in row))
        return cls(L, M, int(unit) << fine, ceil(size))

    @property
    def stretch(self) -> Fraction:
        """What a length |M r| counts, of u with sum_k (l_k . u)^2 <= size^2."""
        return Fraction(self.size, self.unit)

    def seen(self, row: Sequence[int]) -> list[int]:
        """M r."""
        return [sum(v * t for v, t in zip(m, row, strict=True)) for m in self.M]

    def numbers(self) -> Numbers:
        """As the library reads it."""
        pairs = zip(self.L, self.M, strict=True)
        rows = many([[*map(signed, (*l_k, *m_k))] for l_k, m_k in pairs])
        return [*rows, signed(self.unit), signed(self.size)]
