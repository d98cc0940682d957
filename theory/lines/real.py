"""Real algebraic numbers: an irreducible polynomial over the integers, and an interval that holds
one of its roots.

Signs of Bernstein coefficients isolate roots (Descartes' rule). Equality is decided: two numbers
are one if their polynomials are and one interval holds both. Nothing here is floating point.

>>> (golden,) = roots(fmpq_poly([-1, -1, 1]), fmpq(0), fmpq(2))
>>> print(golden, golden > Real.of(Fraction(8, 5)), image(fmpq_poly([0, -1, 1]), golden))
1.61803 True 1
>>> print(*golden.within(Fraction(1, 100)).ends)
207/128 13/8
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering
from itertools import pairwise
from math import comb

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz_poly

from theory.exact import from_flint, power_of_two, to_flint

_BITS = 56  # of what is turned into a float


@total_ordering
@dataclass(frozen=True, eq=False)
class Real:
    """The one root of `polynomial` in [lower, upper]; without a polynomial the rational lower =
    upper, or a number of which only the interval is known.

    polynomial: (k + 1,) integers without a common divisor, the constant one first, the leading one
        positive; irreducible, of degree k >= 2.
    """

    lower: Fraction
    upper: Fraction
    polynomial: tuple[int, ...] | None = None

    @classmethod
    def of(cls, value: Fraction) -> Real:
        """A rational number."""
        return cls(value, value)

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """lower, upper"""
        return self.lower, self.upper

    @property
    def is_exact(self) -> bool:
        """Whether it is known which number it is."""
        return self.polynomial is not None or self.lower == self.upper

    def within(self, width: Fraction) -> Real:
        """The same number in an interval of this width at most, > 0, whose ends have few bits. What
        is rational, or not exact, stays as it is."""
        if self.polynomial is None:
            return self
        p = fmpz_poly(list(self.polynomial))
        low, high = self.ends
        rising = _positive(p, high)
        # Both ends move, as no end is a root: then they have few bits, whatever they were.
        while high - low > width or low == self.lower or high == self.upper:
            unit = power_of_two((high - low) / 4)
            middle = (low + high) / 2 // unit * unit
            if _positive(p, middle) == rising:
                high = middle
            else:
                low = middle
        return Real(low, high, self.polynomial)

    def to(self, bits: int) -> Real:
        """The same number in an interval at least 2^bits times narrower than it is large."""
        found = self
        while found.is_exact and (found.upper - found.lower) * 2**bits > max(map(abs, found.ends)):
            found = found.within((found.upper - found.lower) / 2**bits)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Real) and _compare(self, other) == 0

    def __lt__(self, other: Real) -> bool:
        return _compare(self, other) < 0

    def __hash__(self) -> int:
        return hash(self.polynomial or self.lower)

    def __float__(self) -> float:
        return float(sum(self.to(_BITS).ends) / 2)

    def __str__(self) -> str:
        return str(self.lower) if self.lower == self.upper else f"{float(self):.6g}"


def _compare(one: Real, two: Real) -> int:
    if not (one.is_exact and two.is_exact):
        raise ValueError("numbers of which only an interval is known are not compared")
    while one.lower <= two.upper and two.lower <= one.upper:
        if one.polynomial == two.polynomial:
            if one.lower <= two.lower and two.upper <= one.upper:
                return 0  # the one root in there
        else:
            one = one.within((one.upper - one.lower) / 4)
        two = two.within((two.upper - two.lower) / 4)
    return -1 if one.upper < two.lower else 1


def _positive(p: fmpz_poly, at: Fraction) -> bool:
    (x,) = to_flint((at,))
    return bool(p(x) > 0)


def bernstein(p: fmpq_poly, low: fmpq, high: fmpq) -> list[fmpq]:
    """(k + 1,) Bernstein coefficients of a polynomial of degree k on [low, high]: the values at the
    ends first and last, between their least and largest all values in between."""
    degree = max(p.degree(), 0)
    shifted = p(fmpq_poly([low, high - low]))
    scaled = [shifted[i] / comb(degree, i) for i in range(degree + 1)]
    return [sum((comb(i, k) * scaled[k] for k in range(i + 1)), fmpq()) for i in range(degree + 1)]


def roots(p: fmpq_poly, low: fmpq, high: fmpq) -> list[Real]:
    """The roots between low and high, in no order; p must not be zero."""
    found = []
    for factor, _ in fmpz_poly(p.numer()).factor()[1]:
        if factor.degree() == 1:
            root = fmpq(-factor[0], factor[1])
            if low < root < high:
                found += [Real.of(*from_flint([root]))]
        else:
            found += [
                _irrational(factor, *ends) for ends in _isolated(fmpq_poly(factor), low, high)
            ]
    return found


def _isolated(p: fmpq_poly, low: fmpq, high: fmpq) -> list[tuple[fmpq, fmpq]]:
    """Intervals that hold one root each; no rational number is one."""
    signs = [v > 0 for v in bernstein(p, low, high) if v != 0]
    changes = sum(a != b for a, b in pairwise(signs))
    if changes < 2:
        return [(low, high)] * changes
    middle = (low + high) / 2
    return _isolated(p, low, middle) + _isolated(p, middle, high)


def _irrational(factor: fmpz_poly, low: fmpq, high: fmpq) -> Real:
    sign = 1 if factor.leading_coefficient() > 0 else -1
    lower, upper = from_flint((low, high))
    return Real(lower, upper, tuple(sign * int(c) for c in factor.coeffs()))


def image(p: fmpq_poly, at: Real) -> Real:
    """p(at), of an exact number."""
    if at.polynomial is None:
        return Real.of(*from_flint([p(*to_flint([at.lower]))]))
    modulus = fmpq_poly(list(at.polynomial))
    size = modulus.degree()
    # Multiplication by p(at) in the field of `at`: its characteristic polynomial is a power of the
    # minimal one of p(at).
    power, columns = p % modulus, []
    for _ in range(size):
        columns.append([power[i] for i in range(size)])
        power = fmpq_poly([0, 1]) * power % modulus
    characteristic = fmpq_mat(size, size, [v for column in columns for v in column]).charpoly()
    ((factor, _),) = fmpz_poly(characteristic.numer()).factor()[1]
    if factor.degree() == 1:
        return Real.of(*from_flint([fmpq(-factor[0], factor[1])]))
    while True:
        values = bernstein(p, *to_flint(at.ends))
        low, high = min(values), max(values)
        if len(_isolated(fmpq_poly(factor), low, high)) == 1:
            return _irrational(factor, low, high)
        at = at.within((at.upper - at.lower) / 256)
