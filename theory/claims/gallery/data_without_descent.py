"""How many data it takes that some networks have no path of descent.

Setting: two-layer ReLU networks of width m without biases on n data in R^d, squared loss.

Statement: For n <= m a path of descent to the least loss starts at every network. For every
n >= m + 2 d - 2 there are data with poor local minima of positive curvature, so with networks that
no such path starts at. So the least n with such data is at most m + 2 d - 2.

Hypotheses: d >= 2. At d = 1 the two overlap: for n = m = 1 no network is without such a path. As
output weights may be scaled against hidden ones, curvature can be meant but for that.

Source: A. Sharifnassab, S. Salehkaleybar, S. J. Golestani, ICLR 2020 (OpenReview BkgXHTNtvS),
abstract.

Tight: loose for m = 1 to 5: m + 1 data in the plane are enough, which by the first half are the
fewest. For m = 5 they have a local minimum that is strict but for scaling; for the others a
spurious valley is shown. More features need no more data, as some may be zero.

Computed: n of data with a valley of the exact tree of all levels whose bottom is above the least
loss, with a certificate; for m = 5 of data with a given network at which the loss rises in all
directions but along neurons, and curves upwards along these, and a given lower network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.exact import dot, independent, to_flint
from theory.landscape import valleys
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress


class Data(NamedTuple):
    """Data, and perhaps a strict local minimum and a lower network."""

    problem: Problem
    strict: Network | None = None
    lower: Network | None = None


@dataclass(frozen=True)
class DataWithoutDescent(Theorem[Data]):
    """One datum more than neurons."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, Data]:
        """By width, as few data as there can be."""
        plane = [[0, -1], [1, -1], [2, 0], [2, -1]]
        five = [[-1, 3], [0, 2], [1, 2], [-1, 2], [1, -1]]
        six = Problem(
            [[-1, -3], [-1, -1], [-2, 1], [2, 1], [0, 1], [1, 0]], [9, 13, 3, -7, 7, 8], 5
        )
        strict = Network([[-3, -1, 1, 1, 0], [1, -2, -2, 0, 1]], [1, 1, 1, -1, -1])
        a = ["14/25", "1241/50", "23/2", "-7/2", "-1852/25"]
        lower = Network([[-3, -1, 1, 1, 0], [1, -2, -2, 0, -1]], a)
        return {
            "one neuron": Data(Problem(X=[[1, 0], [0, 1]], y=[1, -2], width=1)),
            "two neurons": Data(Problem(X=[[1, 0], [-1, 0], [0, 1]], y=[1, 1, -3], width=2)),
            "three neurons": Data(Problem(X=plane, y=[2, 1, 3, -1], width=3)),
            "three features": Data(Problem(X=[[1, 0, 0], [0, 1, 0]], y=[1, -2], width=1)),
            "four neurons": Data(Problem(X=five, y=[4, 3, 1, 3, 2], width=4)),
            "five neurons": Data(six, strict, lower),
        }

    def theorem(self, instance: Data) -> int:
        """From how many data on there are some."""
        return instance.problem.stated_width + 2 * instance.problem.d - 2

    def computed(self, instance: Data, progress: Progress) -> int | Proved:
        """How many the instance has, if some of its networks have no such path."""
        problem, strict, lower = instance
        if strict is not None and lower is not None:
            assert _is_strict(problem, strict)
            assert lower.loss(problem) < strict.loss(problem)
            return problem.n
        tree = valleys(problem, progress=progress)
        assert any(valley.birth > tree.minimum for valley in tree.valleys)
        return Proved(problem.n, certify(tree), problem)


def _is_strict(problem: Problem, network: Network) -> bool:
    """Whether the loss rises on both sides of each neuron, which has one datum on its kink, d = 2.

    The fits of neurons are independent and orthogonal to the residual, so along them it has its
    only minimum. The loss is convex on each of the cells around, where these are all directions.
    """
    residual = [v - f for v, f in zip(problem.y, network.fit(problem), strict=True)]
    fits = []
    for sign, u in network.convex_coordinates():
        fit = [max(dot(u, x), Fraction()) for x in problem.X]
        fits.append(to_flint(fit))
        (kink,) = (x for x in problem.X if not dot(u, x))  # across to u, as d = 2
        own = residual[problem.X.index(kink)] * dot(kink, kink)
        pairs = zip(residual, fit, problem.X, strict=True)
        slope = sum((r * dot(x, kink) for r, f, x in pairs if f), Fraction())
        if dot(residual, fit) or sign * (slope + own) >= 0 or sign * -slope >= 0:
            return False
    return len(independent(fits, problem.n)) == network.width
