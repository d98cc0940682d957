"""Convex losses of the fit f (n,): exact values, dual bounds, floats, and CVXPY expressions.

For every lam, L(f) >= D(lam) - lam . f with D(lam) = inf_f L(f) + lam . f = -L*(-lam). With
r = f - y, p = lam y and the entropy H(p) = -p log p - (1 - p) log(1 - p), for each datum:

| loss          | l(f)                                           | D(lam), where it is finite      |
|---------------|------------------------------------------------|---------------------------------|
| squared       | r^2 / 2                                        | p - lam^2 / 2                   |
| huber:M       | r^2 / 2 where |r| <= M, else M |r| - M^2 / 2   | the same, |lam| <= M            |
| absolute      | |r|                                            | p, |lam| <= 1                   |
| quantile:t    | (1 - t) r where r >= 0, else -t r              | p, t - 1 <= lam <= t            |
| epsilon:e     | max(0, |r| - e)                                | p - e |lam|, |lam| <= 1         |
| hinge         | max(0, 1 - y f), y = +-1                       | p, 0 <= p <= 1                  |
| squared_hinge | max(0, 1 - y f)^2, y = +-1                     | p - p^2 / 4, p >= 0             |
| logistic      | log(1 + exp(-y f)), y = +-1                    | H(p), 0 <= p <= 1               |

A loss may have weights w > 0: L(f) = sum_k w_k l(f_k), with D(lam) = sum_k w_k D(lam_k / w_k). The
squared one may have a form Q instead: L(f) = r^T Q r / 2, with D(lam) = lam . y - lam^T Q^+ lam / 2
for the lam that are Q v for some v, else minus infinity.
Logarithms are enclosed in balls (Arb), so their bounds are proved too, if not by rationals.

Only the standard library is needed to read, to evaluate and to bound, but for the logistic loss.

>>> print(Loss.named("quantile:0.25"), Loss.named("Hinge").value([Fraction(1, 2)], [Fraction(-1)]))
quantile:1/4 3/2
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from theory.errors import InputError
from theory.names import name_and_number
from theory.semidefinite import Semidefinite

if TYPE_CHECKING:
    import cvxpy
    from jaxtyping import Float

    from theory.types import Array


class Segment(NamedTuple):
    """From `start` on (None: from minus infinity) the derivative of a loss is slope f + offset."""

    start: Fraction | None
    slope: Fraction
    offset: Fraction

    def at(self, f: Fraction) -> Fraction:
        """The derivative."""
        return self.slope * f + self.offset


@dataclass(frozen=True)
class Loss(ABC):
    """A convex loss of the fit f (n,), given the targets y (n,).

    weights: (n,) positive rationals by which the summands are multiplied; None: all of them 1.
    """

    weights: tuple[Fraction, ...] | None = field(default=None, kw_only=True)
    name: ClassVar[str]
    smooth: ClassVar[bool] = False  # whether it has a gradient everywhere, and some curvature
    fits: ClassVar[bool] = False  # whether it is zero at the targets, and only there

    @staticmethod
    def named(text: str) -> Loss:
        """squared, absolute, quantile:1/4, epsilon:1/10, huber:1/2, hinge, squared_hinge, logistic.

        Raises InputError for other names, and for parameters out of range.
        """
        kind, number = name_and_number(text, "loss")
        if kind not in _KINDS or (number is not None) != (kind in _EXAMPLES):
            raise InputError("loss", f"{text!r} is none; write one of {', '.join(LOSSES)}")
        return _KINDS[kind]() if number is None else _KINDS[kind](*[number])

    def __str__(self) -> str:
        """The name by which `named` finds it."""
        number = self.parameter
        return self.name if number is None else f"{self.name}:{number}"

    @property
    def parameter(self) -> Fraction | None:
        """The number that its name states, if any."""
        return None

    @property
    def form(self) -> Semidefinite | None:
        """What stands in place of the identity, if it is squared and anything does."""
        return None

    def formed(self, form: Semidefinite) -> Loss:
        """The same with a form; raises InputError where that makes no sense."""
        weights = "" if self.weights is None else " with weights"
        raise InputError(
            "form", f"is for the squared loss without weights, not for {self}{weights}"
        )

    def weighted(self, weights: Sequence[Fraction] | None) -> Self:
        """The same with other weights."""
        return replace(self, weights=None if weights is None else tuple(weights))

    def check(self, y: Sequence[Fraction]) -> None:  # noqa: B027  # most losses take any targets
        """Raise InputError where the targets do not suit."""

    # Exact.

    @abstractmethod
    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The loss, or a rational just above it."""

    def below(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The loss, or a rational just below it."""
        return self.value(fit, y)

    def zero(self, y: Sequence[Fraction]) -> Fraction:
        """The loss of zero weights."""
        return self.value((Fraction(),) * len(y), y)

    @abstractmethod
    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        """D(lam), or a rational just below it; None where it is minus infinity, or not known."""

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """A t >= 0 for which D(t lam) is a good bound: 1, or less where lam is just too long."""
        return Fraction(1)

    def ends(self, y: Sequence[Fraction]) -> list[tuple[Fraction | None, Fraction | None]]:
        """The least and the largest lam_k for which D is finite, for each; None: no limit."""
        return [(None, None)] * len(y)

    def bound(self, lam: Sequence[Fraction], height: Fraction, y: Sequence[Fraction]) -> Fraction:
        """What lam.f <= height proves of the loss; at least 0, as all losses are nonnegative."""
        value = self.dual(lam, y)
        return Fraction() if value is None else max(Fraction(), value - height)

    def height(
        self, lam: Sequence[Fraction], level: Fraction, y: Sequence[Fraction]
    ) -> Fraction | None:
        """An h such that lam.f <= h proves a loss of at least the level; None where none does."""
        value = self.dual(lam, y)
        return None if value is None else value - level

    # Units of the targets.

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        """What targets, and the fit, may be divided by."""
        return Fraction(1)

    def rescaled(self, unit: Fraction) -> Loss:
        """The loss L' of targets in this unit: L(f; y) = factor L'(f / unit; y / unit)."""
        return self

    def factor(self, unit: Fraction) -> Fraction:
        """The factor of `rescaled`."""
        return Fraction(1)

    @property
    def slope(self) -> float:
        """The size of gradients, for targets of size one: solvers' tolerances are absolute."""
        return 1.0

    # Floats.

    @abstractmethod
    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        """The loss."""

    @abstractmethod
    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its gradient; at kinks some subgradient."""

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its second derivatives in each output; where they jump, one of them. Of `smooth` ones."""
        raise NotImplementedError

    def most_curved(self, n: int) -> Float[Array, "n n"]:
        """A matrix that its second derivatives are nowhere above. Of `smooth` ones."""
        raise NotImplementedError

    def limits(self, y: Float[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """`ends` in floats, which may be infinite."""
        import numpy as np

        ends = self.ends([Fraction(v) for v in y.tolist()])
        low = np.array([-np.inf if least is None else float(least) for least, _ in ends])
        return low, np.array([np.inf if most is None else float(most) for _, most in ends])

    @abstractmethod
    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        """The loss as a convex CVXPY expression."""


class Separable(Loss):
    """A sum over the data, times their weights."""

    degree: ClassVar[int] = 0
    """k where l(t f; t y) = t^k l'(f; y), l' of the same kind; 0 where targets have no units."""
    largest_curvature: ClassVar[float] = 0.0  # of one datum

    @abstractmethod
    def term(self, f: Fraction, y: Fraction) -> Fraction:
        """The loss of one datum, or a rational just above it."""

    @abstractmethod
    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        """The f, in order, between which `term` is a polynomial of degree two at most; None where
        it is not."""

    @abstractmethod
    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        """D(lam) of one datum, or a rational just below it; None where it is minus infinity."""

    @abstractmethod
    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        """The least and largest lam for which D is finite; None: no limit."""

    def segments(self, y: Fraction) -> tuple[Segment, ...]:
        """Where the loss of one datum is linear or quadratic, from left to right, without its
        weight; none where `kinks` knows none."""
        kinks = self.kinks(y)
        if kinks is None:
            return ()
        ends = sorted(set(kinks))
        starts = [None, *ends]
        found = []
        for start, end in zip(starts, [*ends, None], strict=True):
            # Three points of it tell a polynomial of degree two.
            low = start if start is not None else (end or Fraction()) - 2
            high = end if end is not None else low + 2
            middle, half = (low + high) / 2, (high - low) / 2
            left, value, right = (self.term(f, y) for f in (low, middle, high))
            slope = (left - 2 * value + right) / half**2
            found.append(Segment(start, slope, (right - left) / (2 * half) - slope * middle))
        return tuple(found)

    def subgradients(
        self, low: Sequence[Fraction], high: Sequence[Fraction], y: Sequence[Fraction]
    ) -> list[tuple[Fraction, Fraction]]:
        """The least and the largest subgradient in each output, where it is between two values.

        Of losses that have segments.
        """
        found = []
        for least, most, v, w in zip(low, high, y, self.every_weight(len(y)), strict=True):
            parts = self.segments(v)
            left = [part for part in parts if part.start is None or part.start < least][-1]
            right = [part for part in parts if part.start is None or part.start <= most][-1]
            found.append((w * left.at(least), w * right.at(most)))
        return found

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The loss, or a rational just above it."""
        terms = (self.term(f, v) for f, v in zip(fit, y, strict=True))
        if self.weights is None:
            return sum(terms, Fraction())
        return sum((w * t for w, t in zip(self.weights, terms, strict=True)), Fraction())

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        """D(lam), or a rational just below it; None where it is minus infinity."""
        total = Fraction()
        for v, target, w in zip(lam, y, self.every_weight(len(y)), strict=True):
            term = self.dual_term(Fraction(v) / w, target)
            if term is None:
                return None
            total += w * term
        return total

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """A t >= 0 for which D(t lam) is a good bound: 1, or less where lam is just too long."""
        times = Fraction(1)
        for v, (least, most) in zip(lam, self.ends(y), strict=True):
            end = most if v > 0 else least
            if v and end is not None:
                times = min(times, end / v)
        return max(times, Fraction())

    def ends(self, y: Sequence[Fraction]) -> list[tuple[Fraction | None, Fraction | None]]:
        found = []
        for target, w in zip(y, self.every_weight(len(y)), strict=True):
            least, most = self.dual_range(target)
            found.append((None if least is None else w * least, None if most is None else w * most))
        return found

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        """D'(lam) of one datum, to the right and to the left, but where D is not finite. Of losses
        that are piecewise linear or quadratic."""
        raise NotImplementedError

    def minimisers(
        self, lam: Sequence[Fraction], y: Sequence[Fraction]
    ) -> list[tuple[Fraction | None, Fraction | None]]:
        """Between which f_k the sum w_k l(f_k) + lam_k f_k is least, for a lam where D is finite;
        None: no end. Of losses that are piecewise linear or quadratic."""
        found = []
        weights, ends = self.every_weight(len(y)), self.ends(y)
        for v, target, w, (first, last) in zip(lam, y, weights, ends, strict=True):
            least, most = self.dual_slopes(v / w, target)
            found.append((None if v == last else least, None if v == first else most))
        return found

    def every_weight(self, n: int) -> Sequence[Fraction]:
        """The weights (n,), ones where none are stated."""
        return self.weights or (Fraction(1),) * n

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        """What targets, and the fit, may be divided by."""
        return (max(map(abs, y)) if self.degree else Fraction(1)) or Fraction(1)

    def rescaled(self, unit: Fraction) -> Loss:
        """The loss L' of targets in this unit: L(f; y) = factor L'(f / unit; y / unit)."""
        return replace(self, weights=self._even_weights())

    def _even_weights(self) -> tuple[Fraction, ...] | None:
        """The weights, the largest being 1."""
        if self.weights is None:
            return None
        top = max(self.weights)
        return tuple(w / top for w in self.weights)

    def factor(self, unit: Fraction) -> Fraction:
        """The factor of `rescaled`."""
        return unit**self.degree * max(self.weights or (Fraction(1),))

    @abstractmethod
    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        """The loss of each datum, without weights."""

    @abstractmethod
    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        """The derivative of each, without weights; at a kink that of least size."""

    def curvatures(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """The second derivative of each, without weights; where it jumps, one of them."""
        flat: Array = fit * 0.0
        return flat

    @abstractmethod
    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        """The loss of each datum, as convex CVXPY expressions (n,), without weights."""

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        """The loss."""
        return float(self._times_weights(self.terms(fit, y)).sum())

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its gradient; at kinks the least subgradient."""
        return self._times_weights(self.slopes(fit, y))

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its second derivatives in each output; where they jump, one of them."""
        return self._times_weights(self.curvatures(fit, y))

    def most_curved(self, n: int) -> Float[Array, "n n"]:
        """A matrix that its second derivatives are nowhere above."""
        import numpy as np

        return np.diag(self._times_weights(np.full(n, self.largest_curvature)))

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        """The loss as a convex CVXPY expression."""
        pieces = self.pieces(fit, y)
        if self.weights is None:
            total: cvxpy.Expression = pieces.sum()
        else:
            total = self._float_weights @ pieces
        return total

    @cached_property
    def _float_weights(self) -> Float[Array, " n"]:
        import numpy as np

        return np.array([float(w) for w in self.weights or ()])

    def _times_weights(self, values: Float[Array, " n"]) -> Float[Array, " n"]:
        return values if self.weights is None else values * self._float_weights


class Scaling(Loss):
    """Half a squared length of y - f: each multiple of a dual vector proves something."""

    smooth = True

    @abstractmethod
    def length_squared(self, lam: Sequence[Fraction]) -> Fraction | None:
        """D(lam) is lam . y less half of it; None: minus infinity."""

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The best of all."""
        gain, length = _dot(lam, y), self.length_squared(lam)
        return Fraction() if gain <= 0 or length is None else gain / length

    def bound(self, lam: Sequence[Fraction], height: Fraction, y: Sequence[Fraction]) -> Fraction:
        """The best over all multiples of lam."""
        spare, length = _dot(lam, y) - height, self.length_squared(lam)
        return Fraction() if spare <= 0 or length is None else spare * spare / (2 * length)

    def height(
        self, lam: Sequence[Fraction], level: Fraction, y: Sequence[Fraction]
    ) -> Fraction | None:
        from theory.exact import sqrt_above  # here, as those who read data need none of it

        length = self.length_squared(lam)
        return None if length is None else _dot(lam, y) - sqrt_above(2 * level * length)


@dataclass(frozen=True)
class Squared(Scaling, Separable):
    """1/2 ||f - y||^2"""

    name = "squared"
    fits = True
    degree = 2
    largest_curvature = 1.0

    def formed(self, form: Semidefinite) -> Loss:
        return super().formed(form) if self.weights else SquaredForm(form)

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return (f - y) ** 2 / 2

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return ()

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        return lam * (y - lam / 2)

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return y - lam, y - lam

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return None, None

    def length_squared(self, lam: Sequence[Fraction]) -> Fraction:
        """sum lam_k^2 / w_k"""
        if self.weights is None:
            return _dot(lam, lam)
        return sum((v * v / w for v, w in zip(lam, self.weights, strict=True)), Fraction())

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        return (fit - y) ** 2 / 2

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        return fit - y

    def curvatures(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        even: Array = fit * 0.0 + 1.0
        return even

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        return _cvxpy().square(fit - y) / 2

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        """As one sum of squares, which solvers see through."""

        residual = fit - y
        if self.weights is not None:
            residual = _cvxpy().multiply(self._float_weights**0.5, residual)
        half: cvxpy.Expression = _cvxpy().sum_squares(residual) / 2
        return half


@dataclass(frozen=True)
class SquaredForm(Scaling):
    """1/2 (f - y)^T Q (f - y), for a positive semidefinite Q."""

    matrix: Semidefinite
    name = "squared"

    def __post_init__(self) -> None:
        _require(self.weights is None, "weights", "those of a form", "on its diagonal")

    @property
    def form(self) -> Semidefinite | None:
        return self.matrix

    def formed(self, form: Semidefinite) -> Loss:
        return SquaredForm(form)

    def weighted(self, weights: Sequence[Fraction] | None) -> Self:
        """Only without weights."""
        if weights is not None:
            raise InputError("weights", "the loss has a form; multiply its rows and columns")
        return self

    def check(self, y: Sequence[Fraction]) -> None:
        """It has a row for each datum."""
        if len(self.matrix.rows) != len(y):
            what = f"has {len(self.matrix.rows)} rows, but X has {len(y)}"
            raise InputError("form", what)

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        rest = [f - v for f, v in zip(fit, y, strict=True)]
        return _dot(rest, self.matrix.image(rest)) / 2

    def length_squared(self, lam: Sequence[Fraction]) -> Fraction | None:
        """lam^T Q^+ lam"""
        return self.matrix.inverse(lam) if self.matrix.spans(lam) else None

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        length = self.length_squared(lam)
        return None if length is None else _dot(lam, y) - length / 2

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        return max(map(abs, y)) or Fraction(1)

    def rescaled(self, unit: Fraction) -> Loss:
        """That of the same form, its largest entry being 1."""
        return replace(self, matrix=self.matrix.times(1 / self._top))

    def factor(self, unit: Fraction) -> Fraction:
        return unit**2 * self._top

    @property
    def _top(self) -> Fraction:
        return self.matrix.largest or Fraction(1)

    @cached_property
    def floats(self) -> Float[Array, "n n"]:
        """Q"""
        import numpy as np

        return np.array(self.matrix.rows, dtype=float)

    @cached_property
    def root(self) -> Float[Array, "r n"]:
        """R with R^T R = Q."""
        import numpy as np

        # Each row as a multiple of its largest entry, as squares may be no floats.
        rows = []
        for _, image, length in self.matrix.basis:
            top = max(map(abs, image))
            rows.append([float(v / top) * float(top * top / length) ** 0.5 for v in image])
        return np.array(rows, dtype=float).reshape(len(rows), len(self.matrix.rows))

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        rest = self.root @ (fit - y)
        return float(rest @ rest) / 2

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        return (fit - y) @ self.floats

    def most_curved(self, n: int) -> Float[Array, "n n"]:
        return self.floats

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        """As one sum of squares."""
        rest = self.root @ (fit - y) if len(self.root) else 0 * fit
        half: cvxpy.Expression = _cvxpy().sum_squares(rest) / 2
        return half


@dataclass(frozen=True)
class Huber(Separable):
    """Quadratic up to a residual of `threshold`, then linear. threshold: rational, > 0."""

    threshold: Fraction = Fraction(1)
    name = "huber"
    smooth = True
    fits = True
    degree = 2
    largest_curvature = 1.0

    def __post_init__(self) -> None:
        _require(self.threshold > 0, "threshold", self.threshold, "positive")

    @property
    def parameter(self) -> Fraction | None:
        return self.threshold

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        M, r = self.threshold, abs(f - y)
        return r * r / 2 if r <= M else M * (r - M / 2)

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return (y - self.threshold, y + self.threshold)

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        return lam * (y - lam / 2) if abs(lam) <= self.threshold else None

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return y - lam, y - lam

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return -self.threshold, self.threshold

    def rescaled(self, unit: Fraction) -> Loss:
        return replace(self, weights=self._even_weights(), threshold=self.threshold / unit)

    @property
    def slope(self) -> float:
        return min(1.0, float(self.threshold))

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        size, threshold = abs(fit - y), float(self.threshold)
        near: Array = size.clip(max=threshold)
        return near * (size - near / 2)

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        threshold = float(self.threshold)
        clipped: Array = (fit - y).clip(-threshold, threshold)
        return clipped

    def curvatures(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        near: Array = (abs(fit - y) <= float(self.threshold)).astype(float)
        return near

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        return _cvxpy().huber(fit - y, float(self.threshold)) / 2


@dataclass(frozen=True)
class Quantile(Separable):
    """The pinball loss: `share` of what targets may be is to lie below the fit. 0 < share < 1."""

    share: Fraction = Fraction(1, 2)
    name = "quantile"
    fits = True
    degree = 1

    def __post_init__(self) -> None:
        _require(0 < self.share < 1, "share", self.share, "between 0 and 1")

    @property
    def parameter(self) -> Fraction | None:
        return self.share

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return max((1 - self.share) * (f - y), self.share * (y - f))

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return (y,)

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        return lam * y if self.share - 1 <= lam <= self.share else None

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return y, y

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return self.share - 1, self.share

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        over, share = fit - y, float(self.share)
        terms: Array = over.clip(min=0.0) - share * over
        return terms

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        over, share = fit - y, float(self.share)
        slopes: Array = (over > 0) * (1 - share) - (over < 0) * share
        return slopes

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        share = float(self.share)
        return _cvxpy().maximum((1 - share) * (fit - y), share * (y - fit))


@dataclass(frozen=True)
class _Beyond(Separable):
    """The absolute loss of what residuals exceed a margin by."""

    degree = 1

    @property
    def _margin(self) -> Fraction:
        return Fraction()

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return max(Fraction(), abs(f - y) - self._margin)

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return (y - self._margin, y + self._margin)

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        return lam * y - self._margin * abs(lam) if abs(lam) <= 1 else None

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        low, high = y - self._margin, y + self._margin
        return low if lam >= 0 else high, low if lam > 0 else high

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return Fraction(-1), Fraction(1)

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        over: Array = (abs(fit - y) - float(self._margin)).clip(min=0.0)
        return over

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        over, margin = fit - y, float(self._margin)
        slopes: Array = (over > margin) * 1.0 - (over < -margin) * 1.0
        return slopes

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        residual = _cvxpy().abs(fit - y)
        return _cvxpy().pos(residual - float(self._margin)) if self._margin else residual


@dataclass(frozen=True)
class Absolute(_Beyond):
    """sum |f - y|"""

    name = "absolute"
    fits = True


@dataclass(frozen=True)
class Epsilon(_Beyond):
    """sum max(0, |f - y| - margin). margin: rational, > 0."""

    margin: Fraction = Fraction(1, 10)
    name = "epsilon"

    def __post_init__(self) -> None:
        _require(self.margin > 0, "margin", self.margin, "positive")

    @property
    def parameter(self) -> Fraction | None:
        return self.margin

    @property
    def _margin(self) -> Fraction:
        return self.margin

    def rescaled(self, unit: Fraction) -> Loss:
        return replace(self, weights=self._even_weights(), margin=self.margin / unit)


def require_labels(y: Sequence[Fraction], what: str) -> None:
    """Raise InputError, with `what` in its text, for targets other than 1 and -1."""
    for k, v in enumerate(y):
        if abs(v) != 1:
            raise InputError(f"y[{k}]", f"{v} is no label; {what} 1 and -1")


class _OfLabels(Separable):
    """A loss of y f, for targets of +-1."""

    def check(self, y: Sequence[Fraction]) -> None:
        """Only +-1 are labels."""
        require_labels(y, f"the {self.name} loss needs")

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return (y,)


@dataclass(frozen=True)
class Hinge(_OfLabels):
    """sum max(0, 1 - y f), for targets of +-1."""

    name = "hinge"

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return max(Fraction(), 1 - y * f)

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        return lam * y if 0 <= lam * y <= 1 else None

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return y, y

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return min(y, Fraction()), max(y, Fraction())

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        short: Array = (1.0 - y * fit).clip(min=0.0)
        return short

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        slopes: Array = -y * (y * fit < 1)
        return slopes

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        return _cvxpy().pos(1 - _cvxpy().multiply(y, fit))


@dataclass(frozen=True)
class SquaredHinge(_OfLabels):
    """sum max(0, 1 - y f)^2, for targets of +-1."""

    name = "squared_hinge"
    smooth = True
    largest_curvature = 2.0

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return max(Fraction(), 1 - y * f) ** 2

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        share = lam * y
        return share - share * share / 4 if share >= 0 else None

    def dual_slopes(self, lam: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return y - lam / 2, y - lam / 2

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return (Fraction(), None) if y > 0 else (None, Fraction())

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        short: Array = (1.0 - y * fit).clip(min=0.0)
        return short**2

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        slopes: Array = -2.0 * y * (1.0 - y * fit).clip(min=0.0)
        return slopes

    def curvatures(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        near: Array = 2.0 * (y * fit < 1)
        return near

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        return _cvxpy().square(_cvxpy().pos(1 - _cvxpy().multiply(y, fit)))


@dataclass(frozen=True)
class Logistic(_OfLabels):
    """sum log(1 + exp(-y f)), for targets of +-1."""

    name = "logistic"
    smooth = True
    largest_curvature = 0.25

    def term(self, f: Fraction, y: Fraction) -> Fraction:
        return _end(_ball(-f * y).exp().log1p(), upper=True)

    def kinks(self, y: Fraction) -> Sequence[Fraction] | None:
        return None

    def below(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        ends = (_end(_ball(-f * v).exp().log1p(), upper=False) for f, v in zip(fit, y, strict=True))
        return sum(map(mul, ends, self.every_weight(len(y))), Fraction())

    def dual_term(self, lam: Fraction, y: Fraction) -> Fraction | None:
        share = lam * y
        if not 0 <= share <= 1:
            return None
        if share in (0, 1):
            return Fraction()
        p, q = _ball(share), _ball(1 - share)
        return _end(-p * p.log() - q * q.log(), upper=False)

    def dual_range(self, y: Fraction) -> tuple[Fraction | None, Fraction | None]:
        return min(y, Fraction()), max(y, Fraction())

    def terms(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        import numpy as np

        terms: Array = np.logaddexp(0.0, -y * fit)
        return terms

    def slopes(self, fit: Float[Array, "*s n"], y: Float[Array, " n"]) -> Float[Array, "*s n"]:
        import numpy as np

        slopes: Array = -y * np.exp(-np.logaddexp(0.0, y * fit))
        return slopes

    def curvatures(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        share = abs(self.slopes(fit, y))
        curvatures: Array = share * (1 - share)
        return curvatures

    def pieces(self, fit: Any, y: Float[Array, " n"]) -> Any:
        return _cvxpy().logistic(_cvxpy().multiply(-y, fit))


def _cvxpy() -> Any:
    import cvxpy  # mypy does not see the functions it exports

    return cvxpy


def _ball(value: Fraction) -> Any:
    from flint import arb, fmpq

    return arb(fmpq(value.numerator, value.denominator))


def _end(ball: Any, *, upper: bool) -> Fraction:
    end = ball.upper() if upper else ball.lower()
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    # In integers, as sums of Fractions take three times as long.
    p, q = (math.lcm(*(v.denominator for v in each)) for each in (a, b))
    products = (
        v.numerator * (p // v.denominator) * w.numerator * (q // w.denominator)
        for v, w in zip(a, b, strict=True)
    )
    return Fraction(sum(products), p * q)


def _require(right: bool, field: str, number: object, what: str) -> None:
    if not right:
        raise InputError(field, f"{number} must be {what}")


@dataclass(frozen=True)
class Custom(Loss):
    """Any convex loss that CVXPY can solve: its value is found, but nothing is proved.

    build: takes the fit (n,) as a CVXPY expression and y (n,), and returns the loss. It has no
    weights, and no files.
    """

    build: Callable[[Any, Any], Any]
    name = "custom"

    def __post_init__(self) -> None:
        _require(self.weights is None, "weights", "those of a loss of one's own", "in `build`")

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        loss = self.build(fit, y)
        if not getattr(loss, "is_convex", lambda: False)() or loss.size != 1:
            raise InputError(
                "loss", "is no convex scalar by CVXPY's rules (see https://dcp.stanford.edu)"
            )
        return loss  # type: ignore[no-any-return]

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        import cvxpy
        import numpy as np

        return float(np.asarray(self.expression(cvxpy.Constant(fit), y).value))

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """That of CVXPY's own rules."""
        import cvxpy
        import numpy as np

        variable = cvxpy.Variable(len(fit))
        loss = self.expression(variable, y)
        variable.value = fit
        gradient: Array = np.asarray(loss.grad[variable].todense()).ravel()
        return gradient

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The float value: it is not proved."""
        import numpy as np

        return Fraction(self.at(np.array([float(v) for v in fit]), np.array([float(v) for v in y])))

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        """Unknown."""
        return None

    def rescaled(self, unit: Fraction) -> Loss:
        return self


_KINDS: dict[str, type[Separable]] = {
    kind.name: kind
    for kind in (
        *(Squared, Absolute, Quantile, Epsilon, Huber),
        *(Hinge, SquaredHinge, Logistic),
    )
}
_EXAMPLES = {"quantile": "quantile:1/4", "epsilon": "epsilon:1/10", "huber": "huber:1/2"}
LOSSES = tuple(_EXAMPLES.get(name, name) for name in _KINDS)
"""A text for each loss that `Loss.named` knows."""
SQUARED = Squared()
