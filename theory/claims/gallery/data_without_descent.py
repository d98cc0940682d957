"""How many data it takes that some networks have no path of descent.

Setting: two-layer ReLU networks of width $m$ without biases on $n$ data in $R^d$, squared loss.

Statement: For $n <= m$ a path of descent to the least loss starts at every network. For every $n >=
m + 2 d - 2$ there are data with poor local minima of positive curvature, so with networks that no
such path starts at. So the least $n$ with such data is at most $m + 2 d - 2$.

Hypotheses: $d >= 2$. At $d = 1$ the two overlap: for $n = m = 1$ no network is without such a path.
As output weights may be scaled against hidden ones, curvature can be meant but for that.

Source: A. Sharifnassab, S. Salehkaleybar, S. J. Golestani, ICLR 2020 (OpenReview BkgXHTNtvS),
abstract.

Tight: loose for $m = 1$, 2, 4 and all odd $m$ from 3 on: $m + 1$ data in the plane are enough,
which by the first half are the fewest. For odd $m$ from 5 on they have local minima that are strict
but for scales, for the others a spurious valley is shown. Even $m$ from 6 on are open here. More
features need no more data, as some may be zero.

Computed: $n$ of data with a valley of the exact tree of all levels whose bottom is above the least
loss, with a certificate; for $m = 5$, 7 and 9 of data with a given network at which the loss rises
on both sides of each neuron and curves upwards along them, and a lower network.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.claims.gallery.zigzag import Zigzag, is_strict, zigzag
from theory.landscape import valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class DataWithoutDescent(Theorem[Problem | Zigzag]):
    """One datum more than neurons."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, Problem | Zigzag]:
        """By width, as few data as there can be."""
        plane = [[0, -1], [1, -1], [2, 0], [2, -1]]
        five = [[-1, 3], [0, 2], [1, 2], [-1, 2], [1, -1]]
        return {
            "one neuron": Problem(X=[[1, 0], [0, 1]], y=[1, -2], width=1),
            "two neurons": Problem(X=[[1, 0], [-1, 0], [0, 1]], y=[1, 1, -3], width=2),
            "three neurons": Problem(X=plane, y=[2, 1, 3, -1], width=3),
            "three features": Problem(X=[[1, 0, 0], [0, 1, 0]], y=[1, -2], width=1),
            "four neurons": Problem(X=five, y=[4, 3, 1, 3, 2], width=4),
        } | {f"{m} neurons": zigzag(m) for m in (5, 7, 9)}

    def theorem(self, instance: Problem | Zigzag) -> int:
        """From how many data on there are some."""
        problem = instance if isinstance(instance, Problem) else instance.problem
        return problem.stated_width + 2 * problem.d - 2

    def computed(self, instance: Problem | Zigzag, progress: Progress) -> int | Proved:
        """How many the instance has, if some of its networks have no such path."""
        if isinstance(instance, Zigzag):
            problem, strict, lower = instance
            assert is_strict(problem, strict)
            assert lower.loss(problem) < strict.loss(problem)
            return problem.n
        tree = valleys(instance, progress=progress)
        assert any(valley.birth > tree.minimum for valley in tree.valleys)
        return Proved(instance.n, certify(tree), instance)
