"""On a line the least norm of a fit is the variation of a linear spline's slope.

Setting: two-layer ReLU networks of any width on points of a line, with hidden biases and an output
bias that are not counted; the norm is 1/2 of the squares of all other weights.

Statement: The least norm of a network through $x_1 < ... < x_N$ is the least, over the slopes $l_0$
and $l_N$ beyond both ends, of $max(sum |l_(k+1) - l_k|, |l_0 + l_N|)$, where $l_1 ... l_(N-1)$ are
the slopes of the linear spline.

Hypotheses: the points are distinct.

Source: P. Savarese, I. Evron, D. Soudry, N. Srebro, COLT 2019, arXiv 1902.05040, Theorem 3.3.

Tight: it is an equality.

Computed: the least sum of $|a_j|$, by an exact linear program over hinges of slope 1 with kinks at
the points and a constant. A hinge with its kink between two points is, at the points, a mean of
those with kinks at the two, so that no other is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import from_flint, to_flint
from theory.linear import least_absolute_sum
from theory.types import Progress

Points = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class MinimalNormSplines(Theorem[Points]):
    """The norm in function space on a line."""

    topic = TOPICS[0]

    def instances(self) -> Mapping[str, Points]:
        """Points (x, y); where end slopes matter first."""
        return {
            "a line, where the ends decide": [(0, 0), (1, 1), (2, 2)],
            "a zigzag": [(0, 0), (1, 2), (2, -1), (4, 3)],
            "one point": [(2, 5)],
            "a constant": [(0, 3), (1, 3), (5, 3)],
            "a convex one": [(-2, 4), (-1, 1), (1, 1), (2, 4), (3, 9)],
            "slopes of one sign": [(0, 0), (1, 1), (2, 4), (3, 5), (5, 12)],
        }

    def theorem(self, instance: Points) -> Fraction:
        """The least of a piecewise linear function of both end slopes."""
        inner = [Fraction(q - y, p - x) for (x, y), (p, q) in pairwise(instance)]
        inner = inner or [Fraction()]
        between = sum((abs(s - r) for r, s in pairwise(inner)), Fraction())
        # Either end may leave the spline's slope, at its cost, to bring l_0 + l_N nearer to zero.
        ends = abs(inner[0] + inner[-1])
        return between if ends <= between else (between + ends) / 2

    def computed(self, instance: Points, progress: Progress) -> Fraction:
        """A linear program: coefficients of 2 N hinges, and a constant."""
        points = [x for x, _ in instance]
        hinges = [
            to_flint(max(s * (x - kink), 0) for x in points) for kink in points for s in (1, -1)
        ]
        constant = to_flint([1] * len(points))
        least = least_absolute_sum(hinges, [constant], to_flint(y for _, y in instance))
        (value,) = from_flint([least])
        return value
