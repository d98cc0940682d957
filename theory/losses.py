"""Convex losses of the fit: as CVXPY expressions, and with exact values and dual bounds.

For every lam, L(f) >= D(lam) - lam . f with D(lam) = inf_f L(f) + lam . f = -L*(-lam). With
r = f - y and the entropy H(p) = -p log p - (1 - p) log(1 - p):

| loss     | L(f)                                            | D(lam)                  |
|----------|-------------------------------------------------|-------------------------|
| squared  | sum r^2 / 2                                     | lam.y - ||lam||^2 / 2   |
| huber    | sum r^2 / 2 where |r| <= M, else M |r| - M^2 / 2 | the same, if |lam| <= M |
| logistic | sum log(1 + exp(-y f)), y = +-1                 | sum H(y lam)            |

Logarithms are enclosed in balls (Arb), so their bounds are proved too, if not by rationals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb, fmpq

from theory.errors import InputError
from theory.exact import dot, sqrt_above, squared
from theory.problem import rational
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy
    from jaxtyping import Float


class Loss(ABC):
    """A convex loss of the fit f (n,), given the targets y (n,)."""

    name: str

    @abstractmethod
    def check(self, y: Sequence[Fraction]) -> None:
        """Raise InputError where the targets do not suit."""

    @abstractmethod
    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        """The loss as a convex CVXPY expression."""

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        """The loss, in floating point."""
        import cvxpy

        return float(np.asarray(self.expression(cvxpy.Constant(fit), y).value))

    @abstractmethod
    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its gradient, in floating point."""

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """Its second derivatives in each output, in floating point; where they jump, one of them.

        Unknown for `Custom`.
        """
        raise NotImplementedError

    @abstractmethod
    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The loss, or a rational just above it."""

    def zero(self, y: Sequence[Fraction]) -> Fraction:
        """The loss of zero weights."""
        return self.value((Fraction(),) * len(y), y)

    @abstractmethod
    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        """D(lam), or a rational just below it; None where it is minus infinity."""

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        """What targets, and the fit, may be divided by: L(f; y) = unit^2 L'(f / unit; y / unit),
        where L' is `rescaled(unit)`."""
        return Fraction(1)

    def rescaled(self, unit: Fraction) -> Loss:
        """The loss of targets in this unit."""
        return self

    @property
    def slope(self) -> float:
        """The size of gradients, for targets of size one: solvers' tolerances are absolute."""
        return 1.0

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """A t >= 0 for which D(t lam) is a good bound: 1, or less where lam is just too long."""
        return Fraction(1)

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


@dataclass(frozen=True)
class Squared(Loss):
    """1/2 ||f - y||^2"""

    name = "squared"

    def check(self, y: Sequence[Fraction]) -> None:
        """Any targets will do."""

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        from cvxpy.atoms.sum_squares import sum_squares

        half: cvxpy.Expression = sum_squares(fit - y) / 2
        return half

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        return float(((fit - y) ** 2).sum() / 2)

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        return fit - y

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        return np.ones(len(y))

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        return sum(((f - v) ** 2 for f, v in zip(fit, y, strict=True)), Fraction()) / 2

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        return sum((v * (t - v / 2) for v, t in zip(lam, y, strict=True)), Fraction())

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        return max(map(abs, y)) or Fraction(1)

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The best of all."""
        gain = dot(lam, y)
        return gain / squared(lam) if gain > 0 else Fraction()

    def bound(self, lam: Sequence[Fraction], height: Fraction, y: Sequence[Fraction]) -> Fraction:
        """The best over all multiples of lam."""
        spare = dot(lam, y) - height
        return spare * spare / (2 * squared(lam)) if spare > 0 else Fraction()

    def height(
        self, lam: Sequence[Fraction], level: Fraction, y: Sequence[Fraction]
    ) -> Fraction | None:
        return dot(lam, y) - sqrt_above(2 * level * squared(lam))


@dataclass(frozen=True)
class Huber(Loss):
    """Quadratic up to a residual of `threshold`, then linear. threshold: rational, > 0."""

    threshold: Fraction = Fraction(1)
    name = "huber"

    def __post_init__(self) -> None:
        if rational(self.threshold, "threshold") <= 0:
            raise InputError("threshold", f"{self.threshold} must be positive")

    def check(self, y: Sequence[Fraction]) -> None:
        """Any targets will do."""

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        from cvxpy.atoms.elementwise.huber import huber

        M: Any = float(self.threshold)  # CVXPY's annotation says int, and means any number
        half: cvxpy.Expression = huber(fit - y, M).sum() / 2
        return half

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        size, threshold = np.abs(fit - y), float(self.threshold)
        near = np.minimum(size, threshold)
        return float((near * (size - near / 2)).sum())

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        threshold = float(self.threshold)
        clipped: Array = np.clip(fit - y, -threshold, threshold)
        return clipped

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        near: Array = (np.abs(fit - y) <= float(self.threshold)).astype(float)
        return near

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        M = self.threshold
        residuals = (abs(f - v) for f, v in zip(fit, y, strict=True))
        return sum((r * r / 2 if r <= M else M * (r - M / 2) for r in residuals), Fraction())

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        if any(abs(v) > self.threshold for v in lam):
            return None
        return Squared().dual(lam, y)

    def unit(self, y: Sequence[Fraction]) -> Fraction:
        return max(map(abs, y)) or Fraction(1)

    def rescaled(self, unit: Fraction) -> Loss:
        return Huber(self.threshold / unit)

    @property
    def slope(self) -> float:
        return min(1.0, float(self.threshold))

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        return self.threshold / max(self.threshold, *map(abs, lam))


@dataclass(frozen=True)
class Logistic(Loss):
    """sum log(1 + exp(-y f)), for targets of +-1."""

    name = "logistic"

    def check(self, y: Sequence[Fraction]) -> None:
        """Only +-1 are labels."""
        for k, v in enumerate(y):
            if abs(v) != 1:
                raise InputError(f"y[{k}]", f"{v} is no label; the logistic loss needs 1 and -1")

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        from cvxpy.atoms.affine.binary_operators import multiply
        from cvxpy.atoms.elementwise.logistic import logistic

        return logistic(multiply(-y, fit)).sum()

    def at(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> float:
        return float(np.logaddexp(0.0, -y * fit).sum())

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        gradient: Array = -y * np.exp(-np.logaddexp(0.0, y * fit))
        return gradient

    def curvature(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        share = np.abs(self.gradient(fit, y))
        curvature: Array = share * (1 - share)
        return curvature

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        terms = (_ball(-f * v).exp().log1p() for f, v in zip(fit, y, strict=True))
        return _end(sum(terms, arb(0)), upper=True)

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        shares = [v * t for v, t in zip(lam, y, strict=True)]
        if any(not 0 <= p <= 1 for p in shares):
            return None
        terms = (-_ball(q) * _ball(q).log() for p in shares for q in (p, 1 - p) if q)
        return _end(sum(terms, arb(0)), upper=False)

    def multiple(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        return 1 / max(Fraction(1), *map(abs, lam))


def _ball(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def _end(ball: arb, *, upper: bool) -> Fraction:
    end = ball.upper() if upper else ball.lower()
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


@dataclass(frozen=True)
class Custom(Loss):
    """Any convex loss that CVXPY can solve: its value is found, but nothing is proved.

    build: takes the fit (n,) as a CVXPY expression and y (n,), and returns the loss.
    """

    build: Callable[[Any, Float[Array, " n"]], Any]
    name = "custom"

    def check(self, y: Sequence[Fraction]) -> None:
        """`build` has to know."""

    def expression(self, fit: cvxpy.Expression, y: Float[Array, " n"]) -> cvxpy.Expression:
        loss = self.build(fit, y)
        if not getattr(loss, "is_convex", lambda: False)() or loss.size != 1:
            raise InputError(
                "loss", "is no convex scalar by CVXPY's rules (see https://dcp.stanford.edu)"
            )
        return loss  # type: ignore[no-any-return]

    def gradient(self, fit: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """That of CVXPY's own rules."""
        import cvxpy

        variable = cvxpy.Variable(len(fit))
        loss = self.expression(variable, y)
        variable.value = fit
        gradient: Array = np.asarray(loss.grad[variable].todense()).ravel()
        return gradient

    def value(self, fit: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
        """The float value: it is not proved."""
        return Fraction(self.at(np.array([float(v) for v in fit]), np.array([float(v) for v in y])))

    def dual(self, lam: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction | None:
        """Unknown."""
        return None


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (Squared(), Logistic(), Huber())}
