"""A loss as a least squares or linear program over nonnegative coefficients, in integers.

Every loss that is piecewise linear or quadratic is the least of something simpler over a few more
columns, which serve no neuron: with e_k the k-th unit vector, for each datum k

| loss          | min over p, q, s >= 0 of          | subject to                  |
|---------------|-----------------------------------|-----------------------------|
| squared       | (f - y)^2 / 2                     |                             |
| huber:M       | (f + p - q - y)^2 / 2 + M (p + q) |                             |
| squared_hinge | (f - y s - y)^2                   |                             |
| absolute      | p + q                             | f + p - q = y               |
| quantile:t    | t p + (1 - t) q                   | f + p - q = y               |
| epsilon:e     | p + q                             | f + p - q + s = y, |s| <= e |
| hinge         | p                                 | f + y p - y s = y           |

An output bias and a linear part are columns as well, with both signs. What weights multiply is the
square, or the costs. Source: `forms`, proofs_notes/losses.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.losses import (
    Absolute,
    Epsilon,
    Hinge,
    Huber,
    Quantile,
    Separable,
    Squared,
    SquaredHinge,
)
from theory.problem import Problem, in_integers

_LINEAR = (Absolute, Quantile, Epsilon, Hinge)
_QUADRATIC = (Squared, Huber, SquaredHinge)


@dataclass(frozen=True)
class Extra:
    """A column that serves no neuron, what one unit of it costs, and the cap that it counts to.

    Coefficients of one cap have a sum of at most one.
    """

    column: tuple[int, ...]  # (n,)
    cost: int = 0
    cap: int = -1


@dataclass(frozen=True)
class Form:
    """min over z >= 0 of 1/2 ||sum z c - y||^2, or of its costs where the sum has to be y.

    Fits are `unit` times, losses `scale` times those of the problem. weights: of the squares.
    """

    y: tuple[int, ...]
    unit: int
    scale: int
    weights: tuple[int, ...] | None
    extras: tuple[Extra, ...]
    linear: bool  # whether there are no squares, and the sum has to be y

    @classmethod
    def squares(cls, y: Sequence[int], unit: int = 1) -> Form:
        """Least squares, and no more."""
        return cls(tuple(y), unit, scale=unit**2, weights=None, extras=(), linear=False)

    @property
    def plain(self) -> bool:
        """Whether this is least squares, and no more."""
        return not self.linear and self.weights is None and not self.extras

    @property
    def caps(self) -> int:
        """How many there are."""
        return 1 + max((extra.cap for extra in self.extras), default=-1)

    @property
    def slope(self) -> Fraction:
        """What one unit of a dual vector here is of one of the problem."""
        return Fraction(self.unit, self.scale)

    def loss(self, value: Fraction) -> Fraction:
        """A loss of this in the units of the problem."""
        return value / self.scale

    @classmethod
    def of(cls, problem: Problem, unit: int, fit: Sequence[Fraction] | None = None) -> Form:
        """The form of a problem with integers where fits are multiples of 1 / unit, or finer.

        fit: (n,) of what is there already, by default nothing.
        Only for losses that `has_form` says have one.
        """
        loss = problem.loss
        fixed = problem.y if fit is None else [v - f for v, f in zip(problem.y, fit, strict=True)]
        number = loss.parameter or Fraction(1)
        own = number.denominator if isinstance(loss, (Huber, Epsilon)) else 1
        unit = math.lcm(unit, own, *(v.denominator for v in fixed))
        weights = loss.weights or (Fraction(1),) * problem.n
        finer = math.lcm(*(w.denominator for w in weights))
        if isinstance(loss, Quantile):
            finer *= number.denominator
        whole = tuple(int(w * finer) for w in weights)
        squares = tuple(2 * w for w in whole) if isinstance(loss, SquaredHinge) else whole
        linear = isinstance(loss, _LINEAR)
        return cls(
            y=tuple(int(v * unit) for v in fixed),
            unit=unit,
            scale=unit * finer if linear else unit**2 * finer,
            weights=None if linear or set(squares) == {1} else squares,
            extras=(*_of_loss(problem, unit, finer), *_of_problem(problem)),
            linear=linear,
        )


def has_form(problem: Problem) -> bool:
    """Whether the loss is piecewise linear or quadratic."""
    return isinstance(problem.loss, (*_LINEAR, *_QUADRATIC))


def _of_loss(problem: Problem, unit: int, finer: int) -> Iterator[Extra]:
    loss = problem.loss
    assert isinstance(loss, Separable)
    for k, y in enumerate(problem.y):
        weight = finer * (1 if loss.weights is None else loss.weights[k])
        least, most = loss.dual_range(y)

        def along(size: int, k: int = k) -> tuple[int, ...]:
            return tuple(size * (i == k) for i in range(problem.n))

        if isinstance(loss, Huber):
            cost = int(weight * loss.threshold * unit)
            yield from (Extra(along(side), cost) for side in (1, -1))
        elif isinstance(loss, SquaredHinge):
            yield Extra(along(-int(y)))
        elif isinstance(loss, _LINEAR):
            assert least is not None
            assert most is not None
            yield Extra(along(1), int(weight * most))
            yield Extra(along(-1), int(-weight * least))
            if isinstance(loss, Epsilon):
                size = int(loss.margin * unit)
                yield from (Extra(along(side), cap=k) for side in (size, -size))


def directions(problem: Problem) -> list[tuple[int, ...]]:
    """What one unit of the output bias, and of each weight of the linear part, adds to the fit, in
    integers: (n,), by a factor of their own."""
    found: list[Sequence[Fraction]] = []
    if problem.output_bias:
        found.append((Fraction(1),) * problem.n)
    if problem.skip:
        found += zip(*problem.X, strict=True)
    return [tuple(in_integers(direction)[0]) for direction in found]


def _of_problem(problem: Problem) -> Iterator[Extra]:
    for direction in directions(problem):
        if any(direction):
            yield Extra(direction)
            yield Extra(tuple(-v for v in direction))
