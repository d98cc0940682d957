"""The losses once more: what a fit costs, exactly, and what a dual vector proves of all fits.

From the name, the parameter, the weights and the form of `problem.loss` alone: none of its methods
is trusted. With D(lam) = inf L(f) + lam.f, in the table of `proofs_notes/certificates.md`, each lam
proves L(f) >= D(lam) - lam.f. All is rational but for the logistic loss, whose logarithms are
bounded by rationals, rounded the safe way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from operator import mul, truediv
from typing import NamedTuple, TypeAlias

from theory.certificates import algebra, work
from theory.certificates.algebra import Vector, dot
from theory.certificates.reading import fail, show
from theory.problem import Problem

Term: TypeAlias = "Callable[[Fraction, Fraction, Fraction], Fraction]"
"""Of f or lam, y and the number that the loss's name states."""

_BITS = 192  # of exponentials and logarithms, relative to their size
_TERMS = 64  # of their series: 9^-64 and 1/64! are below 2^-_BITS
_SMALL = 4096  # an exponential below 2^-_SMALL is one of at most that


class _Kind(NamedTuple):
    """Of one datum and weight 1."""

    term: Term  # the loss
    dual: Term  # D(lam), where it is finite
    finite: Callable[[Fraction, Fraction, Fraction], bool]  # whether it is, of lam, lam y, number


def _huber(f: Fraction, y: Fraction, most: Fraction) -> Fraction:
    r = abs(f - y)
    return r * r / 2 if r <= most else most * (r - most / 2)


def _softplus(x: Fraction, *, up: bool) -> Fraction:
    """log(1 + e^x), rounded up or down."""
    if x > 0:
        return x + _softplus(-x, up=up)
    return _log1p(_exp(x, up=up), up=up)


def _entropy(p: Fraction) -> Fraction:
    """-p log p - (1 - p) log(1 - p), rounded down, for 0 <= p <= 1."""
    return sum((q * _log(1 / q) for q in (p, 1 - p) if q), Fraction())


def _log(value: Fraction) -> Fraction:
    """The logarithm of a number of at least 1, rounded down."""
    halvings = (value.numerator // value.denominator).bit_length() - 1
    rest = value / (1 << halvings) - 1
    return halvings * _LOG2[False] + _log1p(rest, up=False)


def _log1p(z: Fraction, *, up: bool) -> Fraction:
    """log(1 + z) = 2 artanh(t), t = z / (2 + z), for 0 <= z <= 1, rounded up or down."""
    if not z:
        return z
    bits = _BITS + max(0, z.denominator.bit_length() - z.numerator.bit_length())
    work.spend("logarithms", 8 * _TERMS * work.integer(3 * bits + 2 * work.size(z)))
    t = _over(z.numerator << bits, 2 * z.denominator + z.numerator, up=up)
    square = _over(t * t, 1 << bits, up=up)
    total = 0
    for i in range(_TERMS):
        total += _over(t, 2 * i + 1, up=up)
        t = _over(t * square, 1 << bits, up=up)
    if up:
        total += t  # at least the rest of the series, as t^2 <= 1/9
    return Fraction(2 * total, 1 << bits)


def _exp(x: Fraction, *, up: bool) -> Fraction:
    """e^x, for x <= 0, rounded up or down: 2^-n e^-r with 0 <= r < 1."""
    work.spend("exponentials", 8 * _TERMS * work.integer(3 * _BITS + 2 * work.size(x)))
    one = 1 << _BITS
    n = int(-x / _LOG2[True])  # so that r is not negative
    if n >= _SMALL:
        return Fraction(1, 1 << _SMALL) if up else Fraction()
    rest = -x - n * _LOG2[up]
    # The larger r and e^r, whose terms are positive, the smaller is what is to be found.
    r = _over(rest.numerator << _BITS, rest.denominator, up=not up)
    total, power = 0, one
    for i in range(1, _TERMS + 1):
        total += power
        power = _over(power * r, i << _BITS, up=not up)
    if not up:
        total += 2 * power  # at least the rest, whose terms fall by half and more
    return Fraction(_over(one * one, total, up=up), one << n)


def _over(a: int, b: int, *, up: bool) -> int:
    """a / b, rounded up or down."""
    return -(-a // b) if up else a // b


_LOG2 = {up: _log1p(Fraction(1), up=up) for up in (False, True)}
_KINDS = {
    "squared": _Kind(
        lambda f, y, _: (f - y) ** 2 / 2,
        lambda lam, y, _: lam * (y - lam / 2),
        lambda lam, share, _: True,
    ),
    "huber": _Kind(
        _huber,
        lambda lam, y, _: lam * (y - lam / 2),
        lambda lam, share, most: abs(lam) <= most,
    ),
    "absolute": _Kind(
        lambda f, y, _: abs(f - y),
        lambda lam, y, _: lam * y,
        lambda lam, share, _: abs(lam) <= 1,
    ),
    "quantile": _Kind(
        lambda f, y, t: max((1 - t) * (f - y), t * (y - f)),
        lambda lam, y, _: lam * y,
        lambda lam, share, t: t - 1 <= lam <= t,
    ),
    "epsilon": _Kind(
        lambda f, y, e: max(Fraction(), abs(f - y) - e),
        lambda lam, y, e: lam * y - e * abs(lam),
        lambda lam, share, _: abs(lam) <= 1,
    ),
    "hinge": _Kind(
        lambda f, y, _: max(Fraction(), 1 - y * f),
        lambda lam, y, _: lam * y,
        lambda lam, share, _: 0 <= share <= 1,
    ),
    "squared_hinge": _Kind(
        lambda f, y, _: max(Fraction(), 1 - y * f) ** 2,
        lambda lam, y, _: lam * y - (lam * y) ** 2 / 4,
        lambda lam, share, _: share >= 0,
    ),
    "logistic": _Kind(
        lambda f, y, _: _softplus(-y * f, up=True),
        lambda lam, y, _: _entropy(lam * y),
        lambda lam, share, _: 0 <= share <= 1,
    ),
}


@dataclass(frozen=True)
class Proof:
    """What a dual vector lam proves: L(f) >= D(lam) - lam.f; of the squared loss all its multiples
    count. gain: D(lam), or lam.y. norm: sum lam_k^2 / w_k, or lam^T Q^+ lam of a form; None for
    other losses."""

    loss: Loss
    lam: Vector  # in parts of `unit`
    unit: int
    gain: Fraction
    norm: Fraction | None

    def below(self, height: Fraction) -> Fraction:
        """A bound of the loss where lam.f is at most so much."""
        rest = self.gain - height
        if rest <= 0 or self.norm == 0:
            return Fraction()
        return rest if self.norm is None else rest * rest / (2 * self.norm)

    def shortened(self, most: Fraction | None) -> Fraction:
        """The best D(t lam) for 0 <= t <= most, t <= 1 where the length of lam counts."""
        if self.gain <= 0:
            return Fraction()
        best = Fraction(1) if self.norm is None else self.gain / self.norm
        t = best if most is None else min(best, most)
        if self.norm is not None:
            return t * self.gain - t * t * self.norm / 2
        if t == 1:
            return self.gain
        lam = [t * Fraction(v, self.unit) for v in self.lam]
        return max(Fraction(), self.loss.dual(lam))

    def height(self, least: Fraction) -> Fraction:
        """What lam.f may be for a loss of at least `least` to be proved; negative if nothing is."""
        if self.norm is None:
            return self.gain - least
        return self.gain - algebra.root(2 * least * self.norm) if self.norm else Fraction(-1)


class _Form:
    """Q in integers, and a basis of v^T Q v by elimination, once more."""

    def __init__(self, problem: Problem, rows: Sequence[Sequence[Fraction]]) -> None:
        n = problem.n
        entries, self.unit = algebra.integers([v for row in rows for v in row])
        self.rows = [entries[i * n : (i + 1) * n] for i in range(n)]
        # Rows of (Q, 1), reduced: where M Q = 0 the rest of a row is in the kernel.
        beside = [tuple(int(i == k) for i in range(n)) for k in range(n)]
        reduced = algebra.echelon(row + e for row, e in zip(self.rows, beside, strict=True))
        self.kernel = [row[n:] for pivot, row in reduced if pivot >= n]
        self._pivots = [(pivot, row) for pivot, row in reduced if pivot < n]

    def image(self, v: Sequence[int]) -> list[int]:
        """Q v, times `unit`."""
        bits = max(map(work.length, self.rows)) + work.length(v)
        work.spend("products with the form", len(v) ** 2 * work.integer(bits))
        return [dot(row, v) for row in self.rows]

    def spans(self, lam: Vector) -> bool:
        """Whether lam is Q v for some v."""
        bits = work.length(lam) + max(map(work.length, self.kernel), default=0)
        work.spend("products with the kernel", len(self.kernel) * len(lam) * work.integer(bits))
        return not any(dot(v, lam) for v in self.kernel)

    def inverse(self, lam: Vector) -> Fraction:
        """lam^T Q^+ lam: lam . v for a v with Q v = lam, found as rows of Q make up lam."""
        rest, v = [Fraction(value) for value in lam], [Fraction()] * len(lam)
        for pivot, row in self._pivots:
            if rest[pivot]:
                factor = rest[pivot] / row[pivot]
                bits = work.size(factor) + work.length(row) + work.lengths(rest) + work.lengths(v)
                work.spend("inverses of the form", 4 * len(lam) * work.rational(bits))
                rest = [a - factor * b for a, b in zip(rest, row, strict=False)]
                v = [a + factor * b for a, b in zip(v, row[len(lam) :], strict=True)]
        return self.unit * sum(map(mul, lam, v), Fraction())


class Loss:
    """That of a problem. exact: whether its values are rational. scales: whether it is squared, so
    that all multiples of a dual vector count."""

    def __init__(self, problem: Problem) -> None:
        found = problem.loss
        self.problem = problem
        self._kind = _KINDS[found.name]
        self._number = found.parameter or Fraction()
        self._weights = found.weights
        self._form = None if found.form is None else _Form(problem, found.form.rows)
        self.exact = found.name != "logistic"
        self.scales = found.name == "squared"

    @cached_property
    def _y(self) -> tuple[Vector, int]:
        return algebra.integers(self.problem.y)

    @cached_property
    def _columns(self) -> list[Vector]:
        """Of X, in integers."""
        return list(zip(*algebra.integer_form(self.problem)[0], strict=True))

    @cached_property
    def _squares(self) -> tuple[Vector, int]:
        """The weights, in parts of a number."""
        return algebra.integers(self._weights or (Fraction(1),) * self.problem.n)

    @cached_property
    def _lengths(self) -> tuple[Vector, int]:
        """Their inverses."""
        return algebra.integers([1 / w for w in self._weights or (Fraction(1),) * self.problem.n])

    def value(self, fit: Sequence[int], scale: int) -> Fraction:
        """L(f), or a rational just above it, of f in parts of `scale`."""
        y, unit = self._y
        if self.scales:
            bits = work.length(fit) + work.length(y) + (scale * unit).bit_length()
            work.spend("losses", 3 * len(fit) * work.integer(2 * bits))
            rest = [f * unit - v * scale for f, v in zip(fit, y, strict=True)]
            if self._form is not None:
                square = Fraction(dot(rest, self._form.image(rest)), self._form.unit)
            else:
                square = _weighed(self._squares, rest)
            return square / (2 * (scale * unit) ** 2)
        terms = [
            self._kind.term(f, v, self._number)
            for f, v in zip(self._fractions(fit, scale), self.problem.y, strict=True)
        ]
        return self._sum(terms)

    def least(self, fit: Sequence[int], scale: int) -> Fraction:
        """L(f), or a rational just below it."""
        if self.exact:
            return self.value(fit, scale)
        pairs = zip(self._fractions(fit, scale), self.problem.y, strict=True)
        return self._sum([_softplus(-y * f, up=False) for f, y in pairs])

    def proof(self, lam: Sequence[Fraction], where: str) -> Proof:
        """What a dual vector proves. It is refused where that is nothing: out of the range of D, or
        where a free part of the network makes lam.f as large as one likes."""
        vector, unit = algebra.integers(lam)
        self._require_orthogonal(vector, where)
        if self.scales:
            y, y_scale = self._y
            bits = 2 * work.length(vector) + work.length(y)
            work.spend("gains of duals", 2 * len(vector) * work.integer(bits))
            gain = Fraction(dot(vector, y), y_scale * unit)
            if self._form is None:
                norm = _weighed(self._lengths, vector)
            elif self._form.spans(vector):
                norm = self._form.inverse(vector)
            else:
                fail(where, "is not orthogonal to what the form does not see")
            return Proof(self, vector, unit, gain, norm / unit**2)
        for k, (share, label) in enumerate(zip(self._shares(lam), self.problem.y, strict=True)):
            if not self._kind.finite(share, share * label, self._number):
                told = "" if self._weights is None else f" / {show(self._weights[k])}"
                what = f"its entry {k} is {show(lam[k])}{told}"
                fail(where, f"{what}: out of the range of the loss")
        return Proof(self, vector, unit, self.dual(lam), None)

    def dual(self, lam: Sequence[Fraction]) -> Fraction:
        """D(lam), or a rational just below it; lam is in the range where it is finite."""
        work.spend("gains of duals", 8 * len(lam) * work.rational(3 * work.lengths(lam)))
        pairs = zip(self._shares(lam), self.problem.y, strict=True)
        return self._sum([self._kind.dual(v, y, self._number) for v, y in pairs])

    def ends(self, k: int) -> tuple[Fraction | None, Fraction | None]:
        """Between which the output of datum k has no loss; None: no end. Of those that can be 0."""
        y, kind = self.problem.y[k], self.problem.loss.name
        if kind in ("hinge", "squared_hinge"):
            return (y, None) if y > 0 else (None, y)
        margin = self._number if kind == "epsilon" else Fraction()
        return y - margin, y + margin

    def zero_height(self, lam: Sequence[Fraction], where: str) -> Fraction:
        """What lam.f is at least for fits of no loss, whatever the scale of lam."""
        if not self.exact:
            fail("problem.loss", "is never zero")
        self._require_orthogonal(algebra.integers(lam)[0], where)
        work.spend("gains of duals", 8 * len(lam) * work.rational(3 * work.lengths(lam)))
        total = Fraction()
        for k, v in enumerate(lam):
            if not v:
                continue
            low, high = self.ends(k)
            end = low if v > 0 else high
            if end is None:
                fail(where, f"its entry {k} is {show(v)}: fits of no loss have no end there")
            total += v * end
        return total

    def residual(self, fit: Sequence[Fraction]) -> list[Fraction]:
        """w (y - f) or Q (y - f), the dual vector of a least point where the loss is squared."""
        bits = work.lengths(fit) + work.lengths(self.problem.y)
        work.spend("residuals", 2 * len(fit) * work.rational(bits))
        rest = [y - f for y, f in zip(self.problem.y, fit, strict=True)]
        if self._form is not None:
            whole, scale = algebra.integers(rest)
            scale *= self._form.unit
            return [Fraction(v, scale) for v in self._form.image(whole)]
        return rest if self._weights is None else list(map(mul, self._weights, rest))

    def _fractions(self, fit: Sequence[int], scale: int) -> list[Fraction]:
        bits = work.length(fit) + scale.bit_length() + work.lengths(self.problem.y)
        work.spend("losses", 8 * len(fit) * work.rational(2 * bits))
        return [Fraction(f, scale) for f in fit]

    def _shares(self, lam: Sequence[Fraction]) -> Sequence[Fraction]:
        return lam if self._weights is None else list(map(truediv, lam, self._weights))

    def _sum(self, terms: Sequence[Fraction]) -> Fraction:
        weighed = terms if self._weights is None else list(map(mul, self._weights, terms))
        bits = algebra.common_denominator(weighed).bit_length() + work.lengths(weighed)
        work.spend("losses", 2 * len(terms) * work.rational(bits))
        return sum(weighed, Fraction())

    def _require_orthogonal(self, lam: Vector, where: str) -> None:
        """Where b and c are free the dual vector must say nothing of b 1 + X c."""
        problem = self.problem
        if problem.output_bias and sum(lam) != 0:
            fail(where, "its entries do not add up to 0, but the output bias is free")
        if problem.skip:
            bits = work.length(lam) + max(map(work.length, self._columns))
            work.spend("products with columns of X", len(lam) * problem.d * work.integer(bits))
            for k, column in enumerate(self._columns):
                if dot(lam, column):
                    what = f"is not orthogonal to column {k} of X"
                    fail(where, f"{what}, but the skip connection is free")


def _weighed(weights: tuple[Vector, int], values: Sequence[int]) -> Fraction:
    """sum w_k v_k^2"""
    parts, unit = weights
    return Fraction(sum(w * v * v for w, v in zip(parts, values, strict=True)), unit)
