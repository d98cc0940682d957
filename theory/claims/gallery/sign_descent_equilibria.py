"""Where AdamW and Lion can converge: the KKT points of the box of their weight decay.

Setting: two-layer ReLU networks of width $m$, squared loss $L$, weights $theta = (W, a)$ off the
kinks. Updates have the direction $sign(grad L) + lambda theta$ in the limit.

Statement: $theta$ is a KKT point of $min L$ over $|theta_i| <= 1 / lambda$ exactly if it is in the
box and $-lambda theta . grad L = |grad L|_1$. If AdamW converges, it converges to such a point.

Hypotheses: $L$ is differentiable, steps do not increase and have an infinite sum. On kinks limits
can be other points (region-interaction.md).

Source: S. Xie and Z. Li, ICML 2024, arXiv 2404.04454, Lemma 3.8 and Theorem 1.1; for Lion the same
points, L. Chen, B. Liu, K. Liang and Q. Liu, ICLR 2024, arXiv 2310.05898, Theorem 3.1.

Tight: an equivalence; so are the points in the inside of the box, on faces, and at vertices.

Computed: whether the network has the least loss of its cell among the networks with $|u_j|$ at most
$1 / lambda^2$, $u_j = |a_j| w_j$, exactly. Off the kinks that is the same, as $L$ is convex there
(`rest-points`, proofs_notes/valleys.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.claims.gallery.base import HOLDS, TOPICS, Proved, Theorem
from theory.exact import dot
from theory.landscape.cells import CellComplex
from theory.landscape.classify import classify
from theory.network import Network
from theory.problem import Problem, Rational
from theory.types import Progress
from theory.within import Ball

RESTS, MOVES = "a KKT point", "none"


@dataclass(frozen=True)
class At:
    """A network in the box of half width `reach`, 1 / lambda."""

    problem: Problem
    network: Network
    reach: Fraction


@dataclass(frozen=True)
class SignDescentEquilibria(Theorem[At]):
    """The lemma of Xie and Li."""

    topic = TOPICS[5]
    on_record = HOLDS
    few = 3

    def instances(self) -> Mapping[str, At]:
        """One neuron in several places, then two."""
        return {
            "a vertex": _at([5, 5], [[1], [1]], [1]),
            "a vertex that pulls inwards": _at([1, 5], [[1], [1]], [1]),
            "a face": _at(["11/2", "3/2"], [[1], ["1/2"]], [1]),
            "the same face, not stationary along it": _at(["11/2", 2], [[1], ["1/2"]], [1]),
            "an exact fit inside": _at([3, 4], [[1], [1]], [1], 2),
            "output weight inside": _at(["5/2", "1/2"], [[1], [1]], ["1/2"]),
            "two neurons": _at([9, -2], [[1, -1], [1, "1/2"]], [1, -1]),
            "two neurons at vertices": _at([9, 9], [[1, 1], [1, 1]], [1, 1]),
        }

    def theorem(self, instance: At) -> str:
        """By the equation of the lemma."""
        weights, gradient = [], []
        problem, network = instance.problem, instance.network
        over = [f - y for f, y in zip(network.fit(problem), problem.y, strict=True)]
        for a, w in zip(network.a, network.neurons(), strict=True):
            outputs = [dot(row, w) for row in problem.X]
            assert all(outputs), "the network is on a kink"
            active = [e * (v > 0) for e, v in zip(over, outputs, strict=True)]
            weights += [*w, a]
            gradient += [a * dot(active, column) for column in zip(*problem.X, strict=True)]
            gradient.append(dot(active, outputs))
        inside = all(abs(v) <= instance.reach for v in weights)
        aligned = -dot(weights, gradient) == instance.reach * sum(map(abs, gradient))
        return RESTS if inside and aligned else MOVES

    def computed(self, instance: At, progress: Progress) -> str | Proved:
        """By the least loss of the cell; with a certificate that the network is a local minimum."""
        problem, network = instance.problem, instance.network
        ball = Ball("adamw", instance.reach**2)
        cells = CellComplex.of(problem, network.width, within=ball)
        least = cells.minimum(cells.canonical(cells.cell_of(network)))
        if cells.loss_of(least.value) != network.loss(problem):
            return MOVES
        return Proved(RESTS, certify(classify(problem, network, ball)), problem)


def _at(
    y: Sequence[Rational],
    W: Sequence[Sequence[Rational]],
    a: Sequence[Rational],
    reach: int = 1,
) -> At:
    return At(Problem(X=[[2, 1], [1, 3]], y=y), Network(W, a), Fraction(reach))
