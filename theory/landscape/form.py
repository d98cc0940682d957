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
square, or the costs; a form Q makes it (f - y)^T Q (f - y) / 2.
Source: `forms`, proofs_notes/losses.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
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
    SquaredForm,
    SquaredHinge,
)
from theory.problem import Problem, in_integers

_LINEAR = (Absolute, Quantile, Epsilon, Hinge)
_QUADRATIC = (Squared, SquaredForm, Huber, SquaredHinge)


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
    matrix: (n, n), the form in their place, if there is one.
    """

    y: tuple[int, ...]
    unit: int
    scale: int
    weights: tuple[int, ...] | None
    extras: tuple[Extra, ...]
    linear: bool = False  # whether there are no squares, and the sum has to be y
    matrix: tuple[tuple[int, ...], ...] | None = None

    @classmethod
    def squares(cls, y: Sequence[int], unit: int = 1) -> Form:
        """Least squares, and no more."""
        return cls(tuple(y), unit, scale=unit**2, weights=None, extras=())

    @property
    def plain(self) -> bool:
        """Whether this is least squares, and no more."""
        squares = self.weights is None and self.matrix is None
        return squares and not self.linear and not self.extras

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
        if loss.form is not None:
            rows = loss.form.rows
            finer = math.lcm(*(v.denominator for row in rows for v in row))
            return cls(
                y=tuple(int(v * unit) for v in fixed),
                unit=unit,
                scale=unit**2 * finer,
                weights=None,
                extras=tuple(free_extras(problem)),
                matrix=tuple(tuple(int(v * finer) for v in row) for row in rows),
            )
        assert isinstance(loss, Separable)
        weights = loss.every_weight(problem.n)
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
            extras=(
                *boxed(loss.ends(problem.y), finer if linear else finer * unit),
                *_tubes(problem, unit),
                *free_extras(problem),
            ),
            linear=linear,
        )


def has_form(problem: Problem) -> bool:
    """Whether the loss is piecewise linear or quadratic."""
    return isinstance(problem.loss, (*_LINEAR, *_QUADRATIC))


def boxed(
    ends: Sequence[tuple[Fraction | None, Fraction | None]], scale: Fraction | int
) -> Iterator[Extra]:
    """The columns whose costs keep each entry of a dual vector between its ends, times the scale;
    None: no limit."""
    for k, (least, most) in enumerate(ends):
        for side, end in ((1, most), (-1, least)):
            if end is not None:
                yield Extra(_along(k, side, len(ends)), int(side * scale * end))


def free_extras(problem: Problem) -> Iterator[Extra]:
    """The columns of the output bias and of the linear part, both ways."""
    return both_ways(problem.free_columns)


def both_ways(columns: Iterable[Sequence[Fraction | int]]) -> Iterator[Extra]:
    """Columns that cost nothing, with both signs: dual vectors are orthogonal to them."""
    for column in columns:
        direction = in_integers([Fraction(v) for v in column])[0]
        if any(direction):
            yield Extra(tuple(direction))
            yield Extra(tuple(-v for v in direction))


def _tubes(problem: Problem, unit: int) -> Iterator[Extra]:
    """What residuals may be at no cost."""
    if isinstance(problem.loss, Epsilon):
        size = int(problem.loss.margin * unit)
        for k in range(problem.n):
            yield from (Extra(_along(k, side, problem.n), cap=k) for side in (size, -size))


def _along(k: int, size: int, n: int) -> tuple[int, ...]:
    return tuple(size * (i == k) for i in range(n))
