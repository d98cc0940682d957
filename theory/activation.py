"""What hidden neurons apply to x . w: a function that is linear on both sides of zero.

On a cone of the arrangement a neuron is then linear, s D X u: the diagonal of D has the slope of
the side that each row is on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float, Shaped

T = TypeVar("T")


@dataclass(frozen=True)
class Activation:
    """sigma(t) = positive t for t >= 0, negative t for t < 0. The slopes are exact rationals."""

    negative: int | Fraction
    positive: int | Fraction

    @property
    def whole(self) -> tuple[Activation, int]:
        """(q sigma, q) for the least integer q > 0 for which q sigma keeps integers integers."""
        q = lcm(self.negative.denominator, self.positive.denominator)
        return Activation(int(q * self.negative), int(q * self.positive)), q

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
