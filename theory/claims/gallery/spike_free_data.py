"""On spike-free data training is one convex program of two vectors.

Setting: two-layer ReLU networks of any width without biases; $||u_j|| <= 1$, and the norm is $sum_j
|w_j|$. $X$ is spike-free where ${relu(X u) : ||u|| <= 1} = {X u : ||u|| <= 1, X u >= 0}$.

Statement: The least norm of a network that interpolates $y$ is the least $||p|| + ||q||$ with $X (p
- q) = y$, $X p >= 0$ and $X q >= 0$.

Hypotheses: $X$ is spike-free, as the identity is, and $c v^T$ with $c >= 0$.

Source: T. Ergen, M. Pilanci, JMLR 22 (2021), arXiv 2002.11219, Theorem 4, with Lemmas 4 and 5.

Tight: it is an equality.

Computed: proved bounds of the radius at which the ball of normalised gradient descent, whose norm
this is, first holds an exact fit of width $n$; no fit of least norm needs more neurons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from theory.claims.base import Bounds
from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import flint_matrix, to_flint
from theory.landscape import analyse
from theory.problem import Problem
from theory.radii import least_radii
from theory.types import Progress


@dataclass(frozen=True)
class SpikeFreeData(Theorem[Problem]):
    """Where neurons of one sign may be merged."""

    topic = TOPICS[0]

    def instances(self) -> Mapping[str, Problem]:
        """The identity, and X = c v^T, whose norms are rational."""
        identity = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        return {
            "two labels": Problem(X=[[1, 0], [0, 1]], y=[3, 4]),
            "rank one": Problem(X=[[3, 4], [6, 8]], y=[-1, -2]),
            "two signs": Problem(X=identity, y=[3, -5, 4]),
            "one of three": Problem(X=identity, y=[0, -5, -12]),
        }

    def theorem(self, instance: Problem) -> Fraction:
        """Of the identity ||y+|| + ||y-||; of c v^T the slope that y = slope c has, by ||v||."""
        if flint_matrix([to_flint(row) for row in instance.X], instance.d).rank() == 1:
            return abs(instance.y[0]) / _root(sum(v * v for v in instance.X[0]))
        positive = _root(sum(v * v for v in instance.y if v > 0))
        return positive + _root(sum(v * v for v in instance.y if v < 0))

    def computed(self, instance: Problem, progress: Progress) -> Bounds:
        """Of the component that the ball reaches first."""
        found = least_radii(analyse(instance, instance.n, progress=progress), ["ngd"]).components
        each = [component["ngd"] for component in found]
        return Bounds(min(r.lower for r in each), min(r.upper for r in each))


def _root(square: Fraction | int) -> Fraction:
    """Of a square of a rational."""
    square = Fraction(square)
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    assert root * root == square
    return root
