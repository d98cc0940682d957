"""What hidden neurons apply to x . w: a function that is linear on both sides of zero.

On a cone of the arrangement a neuron is then linear, s D X u: the diagonal of D has the slope of
the side that each row is on.

>>> print(Activation.named("leaky_relu:1/10"), Activation.named("abs").value(-3))
leaky_relu:1/10 3
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, TypeVar

from theory.errors import InputError
from theory.names import name_and_number

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float, Shaped

T = TypeVar("T")


@dataclass(frozen=True)
class Activation:
    """sigma(t) = positive t for t >= 0, negative t for t < 0. The slopes are exact rationals."""

    negative: int | Fraction
    positive: int | Fraction

    @classmethod
    def named(cls, name: str) -> Activation:
        """relu, abs, or leaky_relu:c with any rational slope c other than 1 below zero.

        Raises InputError for other names, and for c = 1: such a network is linear.
        """
        kind, c = name_and_number(name, "activation")
        if kind in _NAMED and c is None:
            return _NAMED[kind]
        if kind != "leaky_relu" or c is None:
            raise InputError("activation", f"{name!r} is none; write relu, abs or leaky_relu:1/10")
        if c == 1:
            raise InputError("activation", "with slope 1 on both sides the network is linear")
        return cls(int(c) if c.denominator == 1 else c, 1)

    def __str__(self) -> str:
        """The name by which `named` finds it, if it has one."""
        if self.positive != 1:
            return f"slopes {self.negative} and {self.positive}"
        name = next((name for name, each in _NAMED.items() if each == self), None)
        return name or f"leaky_relu:{self.negative}"

    @property
    def jump(self) -> int | Fraction:
        """What the slope gains at zero: sigma(t) = negative t + jump relu(t)."""
        return self.positive - self.negative

    @property
    def whole(self) -> tuple[Activation, int]:
        """(q sigma, q) for the least integer q > 0 for which q sigma keeps integers integers."""
        q = lcm(self.negative.denominator, self.positive.denominator)
        return Activation(int(q * self.negative), int(q * self.positive)), q

    @property
    def folds(self) -> bool:
        """Whether inputs of one image may lie apart, with none of that image between them.

        Then a neuron is more than its image; elsewhere those of one image are a convex set.
        """
        return self.positive * self.negative < 0

    def value(self, t: T) -> T:
        """sigma(t), exactly; an integer or a Fraction for integers."""
        number: Any = t
        image: T = _times(self.positive if number > 0 else self.negative, number)
        return image

    def part(self, active: Iterable[bool], values: Iterable[T]) -> list[T]:
        """D v, exactly: each value times the slope of its side. active: whether x . u > 0."""
        on, off = self.positive, self.negative
        return [_times(on if side else off, v) for side, v in zip(active, values, strict=True)]

    def at(self, t: Shaped[np.ndarray, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
        """sigma of every entry: of floats, or of integers exactly."""
        import numpy as np  # here, as those who read data need none of it

        image: Shaped[np.ndarray, "*shape"]
        if self == RELU:  # the same in one pass
            image = np.maximum(t, 0)
        elif t.dtype.kind == "f":
            image = self.slopes(t > 0) * t
        else:
            slopes: Any = (self.positive, self.negative)
            image = np.where(t > 0, *slopes) * t
        return image

    def slopes(self, active: Bool[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The diagonals of D, in floating point."""
        import numpy as np

        return np.where(active, float(self.positive), float(self.negative))

    def fit(
        self,
        X: Float[np.ndarray, "n d"],
        W: Float[np.ndarray, "*networks d m"],
        a: Float[np.ndarray, "*networks m"],
    ) -> Float[np.ndarray, "*networks n"]:
        """sigma(X W) a: what networks say about the rows of X, in floating point."""
        fit: Float[np.ndarray, "*networks n"] = (self.at(X @ W) @ a[..., None])[..., 0]
        return fit


def _times(slope: int | Fraction, value: Any) -> Any:
    if isinstance(slope, int) or isinstance(value, int | Fraction):
        return slope * value
    return value * slope.numerator / slope.denominator  # flint's numbers know no Fraction


RELU = Activation(0, 1)
_NAMED = {"relu": RELU, "abs": Activation(-1, 1)}
