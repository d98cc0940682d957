"""All differentiable local minima of one activation region have the same residual.

Setting: two-layer networks, ReLU or leaky ReLU, squared loss, no biases; a region is the set of
weights whose neurons have given activation patterns, no datum being on the kink of a neuron.

Statement: At every differentiable local minimum of a region the residual is that of the linear
least squares of $y$ on the features of the region, $sigma'(x_k . w_j) x_k$ for each neuron $j$.

Hypotheses: none on the data; output weights are not zero.

Source: D. Soudry, E. Hoffer, 2017, arXiv 1702.05777, Lemma 2; for the location and loss of such
minima B. Liu, 2020, arXiv 2002.04763.

Tight: it is an equality. On kinks it may fail: most minima of cells are there.

Computed: the least losses of cells over their closed cones, by an exact active-set method, of those
cells in whose inside the unrestricted least squares has its only solution; said is the loss of the
latter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

from flint import fmpq_mat

from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import dot, flint_matrix, from_flint, to_flint
from theory.landscape.cells import CellComplex
from theory.problem import Problem
from theory.states import cone_of, sign_of
from theory.types import Progress


@dataclass(frozen=True)
class RegionResidual(Theorem[tuple[Problem, int]]):
    """What a region says of its minima."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, tuple[Problem, int]]:
        """Data and widths."""
        plane = Problem(
            X=[[0, 3], [-2, 2], [1, -3], [-1, 3], [0, -3], [2, 2]], y=[2, -2, -3, 3, -3, 0]
        )
        line = Problem(X=[[-2, 1], [-1, 1], [1, 1], [2, 1], [3, 1]], y=[3, 1, 1, 0, 2])
        leaky = Problem(X=line.X, y=line.y, activation="leaky_relu:1/10")
        return {
            "a plane": (plane, 2),
            "a line with biases": (line, 2),
            "leaky ReLU": (leaky, 1),
            "one neuron": (plane, 1),
        }

    def theorem(self, instance: tuple[Problem, int]) -> tuple[Fraction, ...]:
        """The least squares of each region that has such a minimum."""
        return tuple(loss for _, loss in _regions(*instance))

    def computed(self, instance: tuple[Problem, int], progress: Progress) -> tuple[Fraction, ...]:
        """The least losses of these regions, over their closed cones."""
        complex_ = CellComplex.of(*instance)
        return tuple(
            complex_.loss_of(complex_.minimum(cell).value) for cell, _ in _regions(*instance)
        )


def _regions(problem: Problem, width: int) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Cells, and the least squares on their features where its solution is in the inside."""
    complex_ = CellComplex.of(problem, width)
    active = complex_.arrangement.active(range(len(complex_.arrangement)))
    y = fmpq_mat(problem.n, 1, to_flint(problem.y))
    for cell in combinations_with_replacement(range(complex_.states), width):
        slopes = [
            [problem.activation.positive if on else problem.activation.negative for on in active[k]]
            for k in map(cone_of, cell)
        ]
        rows = [
            [sign_of(s) * c[k] * v for s, c in zip(cell, slopes, strict=True) for v in problem.X[k]]
            for k in range(problem.n)
        ]
        features = flint_matrix([to_flint(row) for row in rows], width * problem.d)
        gram = features.transpose() * features
        if not gram.det():
            continue
        u = gram.solve(features.transpose() * y)
        residual = y - features * u
        weights = from_flint(u.entries())
        neurons = [weights[j * problem.d : (j + 1) * problem.d] for j in range(width)]
        inside = all(
            dot(x, w) > 0 if active[cone_of(state)][k] else dot(x, w) < 0
            for state, w in zip(cell, neurons, strict=True)
            for k, x in enumerate(problem.X)
        )
        if inside:
            (square,) = from_flint((residual.transpose() * residual).entries())
            yield cell, square / 2
