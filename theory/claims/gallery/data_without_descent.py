"""How many data it takes that some starts have no path down to the least loss.

Setting: two-layer ReLU networks of width m without biases, squared loss, n data in R^d. Where a
spurious valley is, a component of a set {L <= c} without a global minimum, no path from its bottom
leads lower without rising first.

Statement: There are such data for every n >= m + 2 d - 2, and none for n <= m.

Hypotheses: d >= 2; the paper asks for minima of positive curvature, here valleys are looked at.

Source: A. Sharifnassab, S. Salehkaleybar and S. J. Golestani, ICLR 2020, OpenReview
BkgXHTNtvS, abstract.

Tight: nowhere here. For m = 1, 2 and 3 there are m + 1 data with a spurious valley, which is the
least number that is possible; so the bound is loose by 2 d - 3 there.

Computed: that the exact tree of data found by search has a valley whose bottom is above the least
loss; their number stands against the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.landscape import valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class DataWithoutDescent(Theorem[Problem]):
    """The number of data of Sharifnassab, Salehkaleybar and Golestani."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, Problem]:
        """Each of m + 1 data."""
        two = [[2, 0], [0, -1], [1, -1]]
        three = [[2, -1], [-1, -1], [1, 0], [0, 1]]
        return {
            "m = 1, d = 2": Problem(X=[[1, 0], [0, 1]], y=[1, -2], width=1),
            "m = 1, d = 3": Problem(X=[[1, 0, 0], [0, 1, 1]], y=[1, -2], width=1),
            "m = 2, d = 2": Problem(X=two, y=[-1, 1, -1], width=2),
            "m = 3, d = 2": Problem(X=three, y=[-1, -2, -1, 1], width=3),
        }

    def theorem(self, instance: Problem) -> int:
        """The number of data from which on there are some without descent."""
        return instance.stated_width + 2 * instance.d - 2

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The number of these, if they are."""
        tree = valleys(instance, progress=progress)
        spurious = any(valley.birth > tree.minimum for valley in tree.valleys)
        return Proved(instance.n if spurious else "none", certify(tree), instance)
