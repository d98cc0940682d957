"""Where early alignment ends is stationary and far from the global minimum.

Setting: two-layer ReLU networks of width $m$ without biases, squared loss, three data in the plane:
$x_1 in (-1, -1 + eta] times [1, 1 + eta]$, $x_2 in [-eta, eta] times [1 - eta, 1 + eta]$ and $x_3
in [1 - eta, 1) times [1, 1 + eta]$ with labels $y_1, y_3 in [1, 1 + eta]$, $y_2 in (0, eta]$.

Statement: From small enough weights gradient flow converges to a network that fits as the linear
least squares do, at any width. Where neurons are zero there, it is a saddle; else a local minimum.

Hypotheses: $eta < 1/6$; the theorem is about the flow, and what is checked here about its limits.
The authors say that 1/6 does not seem tight.

Source: E. Boursier, N. Flammarion, JMLR 26 (2025), arXiv 2401.10791, Theorem 2 and Section 6.

Tight: it is an equality and two kinds of points. What is said of the limits is so for $eta < 1/3$,
and at 1/3 no longer for all data.

Computed: at width 2 the least loss of networks that are active on all data, by the exact landscape,
with a certificate; whether it is that of local minima that are not global, from the exact list of
them; and whether a zero neuron of either sign lowers it, on the rays of cones.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Theorem
from theory.claims.sign_vectors import sign_vectors
from theory.exact import dot, flint_matrix, from_flint, squared, to_flint
from theory.landscape import limits, valleys
from theory.problem import Problem
from theory.states import state_of
from theory.types import Progress


@dataclass(frozen=True)
class EarlyAlignment(Theorem[Problem]):
    """Boursier's and Flammarion's spurious limits."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, Problem]:
        """Corners of what is allowed, by eta; then one beyond."""
        return {
            "eta = 1/10": _data(Fraction(1, 10), (1, 1, 1, 1)),
            "eta = 1/7": _data(Fraction(1, 7), (1, -1, 1, -1)),
            "eta = 1/7, another corner": _data(Fraction(1, 7), (-1, 1, -1, -1)),
            "near 1/3": _data(Fraction(33, 100), (1, 1, -1, 1)),
        }

    def theorem(self, instance: Problem) -> tuple[Fraction, str, str]:
        """The loss of linear least squares; with neurons that are zero, and without."""
        return _least_squares(instance), "saddle", "local minimum"

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same at width 2."""
        tree = valleys(instance, progress=progress)
        cones = tree.complex.arrangement.signs
        (active,) = np.flatnonzero((cones > 0).all(axis=1))
        cell = (state_of(int(active), 1),) * 2
        loss = tree.complex.loss_of(tree.complex.minimum(cell).value)
        kinds = {limit.loss: limit.kind for limit in limits(tree)}
        local = "local minimum" if kinds[loss] in ("valley", "plateau") else kinds[loss]
        return Proved((loss, _blank(instance), local), certify(tree), instance)


def _data(eta: Fraction, corner: tuple[int, int, int, int]) -> Problem:
    """Each number at an end of its interval, or near it where it is open."""
    a, b, c, d = ((1 + each) * eta / 2 for each in corner)
    near = eta / 100
    return Problem(
        X=[
            [-1 + max(a, near), 1 + b],
            [corner[2] * eta, 1 - corner[3] * eta],
            [1 - max(c, near), 1 + d],
        ],
        y=[1 + c, max(a, near), 1 + b],
        width=2,
    )


def _least_squares(problem: Problem) -> Fraction:
    X = flint_matrix([to_flint(row) for row in problem.X], problem.d)
    y = fmpq_mat(problem.n, 1, to_flint(problem.y))
    r = y - X * (X.transpose() * X).solve(X.transpose() * y)
    return squared(from_flint(r.entries())) / 2


def _blank(problem: Problem) -> str:
    """What the network is if a neuron is zero, by the slope r . relu(X v) along all rays.

    The residual r of the least squares is a multiple of the relation between the three data.
    """
    (a, b), (c, d), (e, f) = problem.X
    relation = (c * f - d * e, e * b - f * a, a * d - b * c)
    height = dot(relation, problem.y)
    rays = [[Fraction(int(v)) for v in ray] for ray in sign_vectors(problem).rays]
    slopes = [dot(relation, [max(dot(x, ray), Fraction()) for x in problem.X]) for ray in rays]
    return "saddle" if height and any(slopes) else "local minimum"
